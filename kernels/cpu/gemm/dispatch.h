// The kernels of each instruction set, as gemm.cpp collects them. It stands apart from gemm.h, since callers
// must not name one that their CPU may lack.
#pragma once

#include "gemm.h"

namespace graphc::kernels {

struct GemmKernels {
  const GemmKernel<float>* float32;
  const GemmKernel<double>* float64;
};

// Nulls where the compiler's target has no such instructions.
GemmKernels portable_gemm();
GemmKernels avx2_gemm();
GemmKernels avx512_gemm();

}  // namespace graphc::kernels
