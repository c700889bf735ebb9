// Classifies images of digits: classify_digits digits.gcp digit-3.pgm ...
// The package comes from digits.py; nothing of Python is left.
#include <graphc/graphc.hpp>

#include <cstdio>

#include "pgm.h"

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: %s PACKAGE IMAGE...\n", argv[0]), 2;
  try {
    graphc::Package package = graphc::Package::load(argv[1]);
    graphc::Program classify = package.program("classify");
    std::vector<float> x;
    for (int i = 2; i < argc; ++i) {
      const std::vector<float> pixels = read_digit(argv[i]);
      if (pixels.empty()) return std::fprintf(stderr, "%s: expected a PGM of 28 x 28\n", argv[i]), 1;
      x.insert(x.end(), pixels.begin(), pixels.end());
    }
    const std::int64_t count = argc - 2;  // any batch size: the package holds one program for all
    std::vector<std::int64_t> digit(static_cast<std::size_t>(count));
    std::vector<float> confidence(static_cast<std::size_t>(count));
    classify.run({graphc::view(x.data(), {count, 784})},
                 {graphc::view(digit.data(), {count}), graphc::view(confidence.data(), {count})});
    for (std::size_t i = 0; i < digit.size(); ++i)
      std::printf("%s: %d (%.9g)\n", argv[i + 2], static_cast<int>(digit[i]),
                  static_cast<double>(confidence[i]));
  } catch (const graphc::Error& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
