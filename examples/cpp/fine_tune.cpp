// Trains on new samples inside the host and saves the weights back:
//   fine_tune digits.gcp tuned.gcp STEPS 7=mine.pgm 3=other.pgm ...
#include <graphc/graphc.hpp>

#include <cstdio>
#include <cstdlib>

#include "pgm.h"

int main(int argc, char** argv) {
  if (argc < 5) return std::fprintf(stderr, "usage: %s PACKAGE RESULT STEPS LABEL=IMAGE...\n", argv[0]), 2;
  try {
    graphc::Package package = graphc::Package::load(argv[1]);
    graphc::Program train = package.program("train");
    std::vector<float> x;
    std::vector<std::int64_t> t;
    for (int i = 4; i < argc; ++i) {
      const std::vector<float> pixels = read_digit(std::string(argv[i]).substr(2));
      if (pixels.empty()) return std::fprintf(stderr, "%s: expected a digit, = and a PGM\n", argv[i]), 1;
      x.insert(x.end(), pixels.begin(), pixels.end());
      t.push_back(argv[i][0] - '0');
    }
    const std::int64_t count = static_cast<std::int64_t>(t.size());
    for (int step = 0; step < std::atoi(argv[3]); ++step) {
      float loss = 0;
      train.run({graphc::view(x.data(), {count, 784}), graphc::view(t.data(), {count})},
                {graphc::view(&loss, {})});
      std::printf("step %d loss %.9g\n", step + 1, static_cast<double>(loss));
    }
    package.save(argv[2]);  // may be the file that was loaded: it is replaced in one step
  } catch (const graphc::Error& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
