// The matrix products of every instruction set with C linkage, for test_gemm_kernel.py. Built by the test.
#include <cstdint>
#include <cstdlib>

#include "cpu/gemm/gemm.h"

namespace {

using graphc::kernels::Epilogue;
using graphc::kernels::gemm_kernel;
using graphc::kernels::GemmKernel;
using graphc::kernels::Isa;

template <typename T>
int run(int isa, const graphc::kernels::Product<T>& product, const std::int64_t* part,
        const Epilogue* epilogue) {
  const GemmKernel<T>* kernel = gemm_kernel<T>(static_cast<Isa>(isa));
  if (kernel == nullptr) return 1;
  const std::size_t bytes = kernel->workspace_bytes(product.m, product.n, product.k);
  void* workspace = std::aligned_alloc(64, bytes + 64);
  kernel->run(product, {part[0], part[1], part[2], part[3], epilogue}, workspace);
  std::free(workspace);
  return 0;
}

}  // namespace

extern "C" {

struct Extents {
  std::int64_t m, n, k, lda, ldb, ldc;
  std::int32_t transpose_a, transpose_b;
};

// 0, or 1 where this CPU lacks the instruction set.
int gemm_float32(int isa, const Extents* x, float alpha, const float* a, const float* b, float* c,
                 const std::int64_t* part, const Epilogue* epilogue) {
  return run<float>(
      isa,
      {x->m, x->n, x->k, a, x->lda, x->transpose_a != 0, b, x->ldb, x->transpose_b != 0, c, x->ldc, alpha},
      part, epilogue);
}

int gemm_float64(int isa, const Extents* x, double alpha, const double* a, const double* b, double* c,
                 const std::int64_t* part, const Epilogue* epilogue) {
  return run<double>(
      isa,
      {x->m, x->n, x->k, a, x->lda, x->transpose_a != 0, b, x->ldb, x->transpose_b != 0, c, x->ldc, alpha},
      part, epilogue);
}

const char* best_gemm() { return gemm_kernel<float>().name; }
}
