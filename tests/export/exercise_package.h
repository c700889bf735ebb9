// What a loader does with bytes from outside, short of running code: shared by the test of damaged packages
// and by the fuzzer.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>

#include "host/package.h"
#include "runtime/error.h"
#include "runtime/layout.h"
#include "runtime/solve.h"

namespace graphc::host {

inline GemmPlan no_plan(GemmShape&) { return {}; }
inline void no_run(const GemmShape&, const GemmPlan&, const void*, const void*, void*, std::int64_t, void*) {}

// A copy of exactly `size` bytes, so that a sanitizer sees every read behind them.
inline Bytes exact_copy(const char* data, std::size_t size) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 64, size) != 0) std::abort();
  if (size > 0) std::memcpy(memory, data, size);
  return {static_cast<char*>(memory), size, std::shared_ptr<void>(memory, std::free)};
}

// True if the bytes are a package. Otherwise it was refused with an Error; anything else ends the process.
inline bool exercise_package(const char* data, std::size_t size, Hashes hashes) {
  static const GemmLibrary library{no_plan, no_run};
  try {
    Package package(exact_copy(data, size), hashes);
    signed_message(package.file());
    for (std::size_t i = 0; i < package.file().programs.size(); ++i) {
      const Program program = package.plan(i);
      const SymbolSolver solver(program);
      make_layout(program, library, std::vector<std::int64_t>(program.symbols.size(), 3));
    }
    package.choose_code(nullptr);
  } catch (const Error&) {
    return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

}  // namespace graphc::host
