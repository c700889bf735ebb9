// An audio callback: blocks of 64 samples through a recurrent cell, sample by sample, as a plug-in would.
//   audio_effect audio.gcp BLOCKS OUTPUT       writes the samples as raw float32, prints the latency of a
//   block
// In the callback nothing is allocated, locked or waited for: the program is prepared, runs on the calling
// thread, and this host alone touches its variable.
#include <graphc/graphc.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::size_t kBlock = 64;
constexpr double kSampleRate = 48000;

class Effect {
 public:
  explicit Effect(graphc::Program program) : program_(std::move(program)) { program_.prepare({}); }

  void process(const float* input, float* output) {
    for (std::size_t i = 0; i < kBlock; ++i)
      program_.run({graphc::view(input + i, {})}, {graphc::view(output + i, {})});
  }

 private:
  graphc::Program program_;
};

// A second of sound: a tone that rises from 110 Hz.
float test_tone(std::size_t sample) {
  const double seconds = static_cast<double>(sample) / kSampleRate;
  return static_cast<float>(0.8 * std::sin(2 * 3.14159265358979 * (110 + 200 * seconds) * seconds));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: %s PACKAGE BLOCKS OUTPUT\n", argv[0]), 2;
  try {
    graphc::Package package = graphc::Package::load(argv[1]);
    graphc::ProgramOptions options;
    options.pool = &graphc::single_thread();
    options.exclusive = true;
    Effect effect(package.program("sample", options));
    const std::size_t blocks = std::strtoul(argv[2], nullptr, 10);
    std::vector<float> input(blocks * kBlock), output(blocks * kBlock);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = test_tone(i);
    std::vector<double> microseconds(blocks);
    for (std::size_t block = 0; block < blocks; ++block) {
      const auto begin = std::chrono::steady_clock::now();
      effect.process(&input[block * kBlock], &output[block * kBlock]);
      microseconds[block] =
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
    }
    std::sort(microseconds.begin(), microseconds.end());
    std::printf("block of %zu samples: median %.1f us, 99 %% below %.1f us, worst %.1f us, of %.1f us\n",
                kBlock, microseconds[blocks / 2], microseconds[blocks * 99 / 100], microseconds.back(),
                1e6 * static_cast<double>(kBlock) / kSampleRate);
    std::FILE* file = std::fopen(argv[3], "wb");
    if (file == nullptr) return std::fprintf(stderr, "%s: expected a file that can be written\n", argv[3]), 1;
    std::fwrite(output.data(), sizeof(float), output.size(), file);
    std::fclose(file);
  } catch (const graphc::Error& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
