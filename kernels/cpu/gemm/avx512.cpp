// The kernels for AVX-512 (F, DQ, BW, VL). One file an instruction set, so that nothing of it leaks.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "dispatch.h"
#include "target.h"

#if defined(__x86_64__)
#include <immintrin.h>

GRAPHC_TARGET_BEGIN("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")

namespace graphc::kernels {

namespace {

struct Avx512 {
  static constexpr const char* kName = "avx512";
  static constexpr int kVectorBytes = 64;
  static constexpr int kRows = 14, kVectors = 2;  // 28 accumulators, 2 of b, 1 of a: 31 of 32 registers
  static constexpr std::int64_t kBlockBytes = 512 * 1024;  // these CPUs have 1 MiB of L2 or more
  static constexpr bool kCheapMasks = true;  // a whole vector may go through load_first and store_first

  template <typename T>
  struct Vector {
    typedef T Type __attribute__((vector_size(kVectorBytes)));
    typedef T Unaligned __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
  };
  using Floats = Vector<float>::Type;
  using Doubles = Vector<double>::Type;

  static inline __attribute__((always_inline)) Floats fma(Floats a, Floats b, Floats c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  static inline __attribute__((always_inline)) Doubles fma(Doubles a, Doubles b, Doubles c) {
    return _mm512_fmadd_pd(a, b, c);
  }
  // Lanes [0, count) of memory, zeros beyond; nothing beyond is touched. 0 <= count <= lanes.
  static inline __attribute__((always_inline)) Floats load_first(const float* p, int count) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
  }
  static inline __attribute__((always_inline)) Doubles load_first(const double* p, int count) {
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), p);
  }
  static inline __attribute__((always_inline)) void store_first(float* p, Floats x, int count) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), x);
  }
  static inline __attribute__((always_inline)) void store_first(double* p, Doubles x, int count) {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1), x);
  }
};

}  // namespace

}  // namespace graphc::kernels

// In this order, inside the region.
// clang-format off
#include "micro_kernel.h"
#include "pack.h"
#include "blocked.h"
#include "vector_product.h"
#include "kernel.h"
// clang-format on

GRAPHC_TARGET_END

namespace graphc::kernels {

GemmKernels avx512_gemm() { return {&kKernel<Avx512, float>, &kKernel<Avx512, double>}; }

}  // namespace graphc::kernels

#else

namespace graphc::kernels {

GemmKernels avx512_gemm() { return {nullptr, nullptr}; }

}  // namespace graphc::kernels

#endif
