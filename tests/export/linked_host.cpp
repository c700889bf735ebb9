// A host of a package exported as source or as object: no file, no installed library. Prints the bits of
// three losses.
#include <model.h>
#include <graphc/graphc.hpp>

#include <cstdio>
#include <cstring>

int main() {
  graphc::Status status;
  graphc_package* made = nullptr;
  if (model_load(&made, status.error()) != GRAPHC_OK) return std::puts(status.message()), 1;
  graphc::Package package = graphc::Package::adopt(made);
  graphc::Program train = package.program("train", {&graphc::single_thread(), false});
  const std::vector<float> x = {1, 2, 3, 4, -1, -2, -3, -4};
  const std::vector<std::int64_t> t = {0, 2};
  for (int i = 0; i < 3; ++i) {
    float loss;
    std::uint32_t bits;
    train.run({graphc::view(x.data(), {2, 4}), graphc::view(t.data(), {2})}, {graphc::view(&loss, {})});
    std::memcpy(&bits, &loss, sizeof bits);
    std::printf("%08x\n", bits);
  }
}
