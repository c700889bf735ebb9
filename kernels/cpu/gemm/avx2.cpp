// The kernels for AVX2 with FMA. One file an instruction set, so that nothing of it leaks.
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

GRAPHC_TARGET_BEGIN("avx2,fma")

namespace graphc::kernels {

namespace {

struct Avx2 {
  static constexpr const char* kName = "avx2";
  static constexpr int kVectorBytes = 32;
  static constexpr int kRows = 6, kVectors = 2;  // 12 accumulators, 2 of b, 1 of a: 15 of 16 registers
  static constexpr std::int64_t kBlockBytes = 256 * 1024;  // half of L2 since Zen and Alder Lake
  static constexpr bool kCheapMasks = false;               // a masked store is a dozen operations on some

  template <typename T>
  struct Vector {
    typedef T Type __attribute__((vector_size(kVectorBytes)));
    typedef T Unaligned __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
  };
  using Floats = Vector<float>::Type;
  using Doubles = Vector<double>::Type;

  static inline __attribute__((always_inline)) Floats fma(Floats a, Floats b, Floats c) {
    return _mm256_fmadd_ps(a, b, c);
  }
  static inline __attribute__((always_inline)) Doubles fma(Doubles a, Doubles b, Doubles c) {
    return _mm256_fmadd_pd(a, b, c);
  }
  static inline __attribute__((always_inline)) __m256i first_floats(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static inline __attribute__((always_inline)) __m256i first_doubles(int count) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
  }
  // Lanes [0, count) of memory, zeros beyond; nothing beyond is touched. 0 <= count <= lanes.
  static inline __attribute__((always_inline)) Floats load_first(const float* p, int count) {
    return _mm256_maskload_ps(p, first_floats(count));
  }
  static inline __attribute__((always_inline)) Doubles load_first(const double* p, int count) {
    return _mm256_maskload_pd(p, first_doubles(count));
  }
  static inline __attribute__((always_inline)) void store_first(float* p, Floats x, int count) {
    _mm256_maskstore_ps(p, first_floats(count), x);
  }
  static inline __attribute__((always_inline)) void store_first(double* p, Doubles x, int count) {
    _mm256_maskstore_pd(p, first_doubles(count), x);
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

GemmKernels avx2_gemm() { return {&kKernel<Avx2, float>, &kKernel<Avx2, double>}; }

}  // namespace graphc::kernels

#else

namespace graphc::kernels {

GemmKernels avx2_gemm() { return {nullptr, nullptr}; }

}  // namespace graphc::kernels

#endif
