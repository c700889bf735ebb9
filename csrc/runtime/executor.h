// Runs the steps of one call, in order. Apart from executable.h, which owns what the steps work on.
#pragma once

#include <cstdint>

#include "executable.h"

namespace graphc {

class Executor {
 public:
  Executor(const Executable& executable, Frame& frame) : executable_(executable), frame_(frame) {}

  // Throws Error(kFault) after the first step that failed.
  void run(std::int64_t* nanoseconds);

 private:
  std::int32_t run_kernel(const KernelCall& call, void* const* buffers);
  std::int32_t run_gemm(const GemmStep& step, const GemmLayout& layout, void* const* operands);
  void run_copy(std::int64_t bytes, void* const* operands);
  [[noreturn]] void fail(std::size_t step, std::int32_t code) const;

  const Executable& executable_;
  Frame& frame_;
  std::size_t next_gemm_ = 0;
  std::size_t next_copy_ = 0;
};

}  // namespace graphc
