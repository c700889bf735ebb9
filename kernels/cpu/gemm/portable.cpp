// The kernels for every CPU: vectors of 16 bytes, which SSE2 and NEON have. One file an instruction set, so
// that nothing of it leaks.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "dispatch.h"

namespace graphc::kernels {

namespace {

struct Portable {
  static constexpr const char* kName = "portable";
  static constexpr int kVectorBytes = 16;
  static constexpr int kRows = 4, kVectors = 2;  // 8 accumulators, 2 of b, 1 of a: 11 of 16 registers
  static constexpr std::int64_t kBlockBytes = 128 * 1024;  // half of a small L2
  static constexpr bool kCheapMasks = false;               // they are loops

  template <typename T>
  struct Vector {
    typedef T Type __attribute__((vector_size(kVectorBytes)));
    typedef T Unaligned __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
  };

  template <typename V>
  static inline __attribute__((always_inline)) V fma(V a, V b, V c) {
#if defined(__FP_FAST_FMA) && defined(__FP_FAST_FMAF)
    constexpr int lanes = kVectorBytes / sizeof(a[0]);
    for (int l = 0; l < lanes; ++l)
      c[l] = lanes == 4 ? __builtin_fmaf(a[l], b[l], c[l]) : __builtin_fma(a[l], b[l], c[l]);
    return c;
#else
    return a * b + c;  // two roundings: a call of fma per lane would be a hundred times slower
#endif
  }
  // Lanes [0, count) of memory, zeros beyond; nothing beyond is touched. 0 <= count <= lanes.
  template <typename T>
  static inline __attribute__((always_inline)) typename Vector<T>::Type load_first(const T* p, int count) {
    typename Vector<T>::Type x = {};
    for (int l = 0; l < count; ++l) x[l] = p[l];
    return x;
  }
  template <typename T>
  static inline __attribute__((always_inline)) void store_first(T* p, typename Vector<T>::Type x, int count) {
    for (int l = 0; l < count; ++l) p[l] = x[l];
  }
};

}  // namespace

}  // namespace graphc::kernels

// In this order.
// clang-format off
#include "micro_kernel.h"
#include "pack.h"
#include "blocked.h"
#include "vector_product.h"
#include "kernel.h"
// clang-format on

namespace graphc::kernels {

GemmKernels portable_gemm() { return {&kKernel<Portable, float>, &kKernel<Portable, double>}; }

}  // namespace graphc::kernels
