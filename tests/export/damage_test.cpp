// Damaged packages are refused: every truncation, every flipped bit of a small package; and behind the
// hashes, where only the structure protects, random damage is survived. Built with address and undefined
// sanitizers.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "exercise_package.h"

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      return 1;                                                                     \
    }                                                                               \
  } while (false)

using graphc::host::exercise_package;
using graphc::host::Hashes;

int main(int, char** arguments) {
  std::ifstream file(arguments[1], std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  CHECK(exercise_package(bytes.data(), bytes.size(), Hashes::kCheck));
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK(!exercise_package(bytes.data(), length, Hashes::kCheck));
  CHECK(!exercise_package((bytes + '\0').data(), bytes.size() + 1, Hashes::kCheck));
  std::string damaged = bytes;
  const auto flip = [&](std::size_t bit) {
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
  };
  std::mt19937 dice(7);
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
    const std::size_t bit = 8 * byte + dice() % 8;
    flip(bit);
    CHECK(!exercise_package(damaged.data(), damaged.size(), Hashes::kCheck));
    flip(bit);
  }
  const std::size_t described = static_cast<std::size_t>(std::stoul(arguments[2]));  // bytes before the code
  for (int round = 0; round < 20000; ++round) {
    damaged = bytes;
    for (unsigned i = 0; i <= dice() % 4; ++i)
      damaged[8 + dice() % (described - 8)] = static_cast<char>(dice());
    exercise_package(damaged.data(), damaged.size(), Hashes::kIgnore);
  }
  std::puts("ok");
}
