// The loader under libFuzzer: `make fuzz`. Hashes are not checked, or no mutation would get behind them.
#include <cstdint>

#include "exercise_package.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  graphc::host::exercise_package(reinterpret_cast<const char*>(data), size, graphc::host::Hashes::kIgnore);
  return 0;
}
