// Blocks of 4 rows by 16 columns accumulate in registers; op(b) is packed into rows of 16, so that neither
// transposes nor a narrow n leave the vector loop.
//   plain loop:  for i, for j: c[i, j] = alpha * sum over p in order of op(a)[i, p] * op(b)[p, j]
#include "library/own_gemm.h"

#include <algorithm>

// One clone per x86-64 level, chosen when the library is loaded. Sanitizers cannot run such resolvers.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GRAPHC_CPU_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GRAPHC_CPU_CLONES
#endif
#define GRAPHC_INLINE inline __attribute__((always_inline))  // into each clone

namespace graphc {

namespace {

constexpr std::int64_t kRows = 4;  // 4 x 16 floats: four AVX-512 registers, with room for b and a
constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kDepth = 256;  // of a packed block: 16 KiB of floats, half of L1

// packed[l, lane] = op(b)[depth + l, j + lane], zeros beyond n.
template <typename T>
GRAPHC_INLINE void pack(const Product<T>& p, T* packed, std::int64_t depth, std::int64_t depths,
                        std::int64_t j) {
  const std::int64_t lanes = std::min(kLanes, p.n - j);
  const std::int64_t k_step = p.transpose_b ? 1 : p.ldb, n_step = p.transpose_b ? p.ldb : 1;
  for (std::int64_t l = 0; l < depths; ++l) {
    const T* b = p.b + (depth + l) * k_step + j * n_step;
    for (std::int64_t lane = 0; lane < lanes; ++lane) packed[l * kLanes + lane] = b[lane * n_step];
    for (std::int64_t lane = lanes; lane < kLanes; ++lane) packed[l * kLanes + lane] = T(0);
  }
}

// Rows [i, i + rows) of columns [j, j + 16), over one packed block; c holds the sum of the blocks before.
template <typename T, int rows>
GRAPHC_INLINE void multiply(const Product<T>& p, const T* packed, std::int64_t depth, std::int64_t depths,
                            std::int64_t i, std::int64_t j) {
  const std::int64_t lanes = std::min(kLanes, p.n - j);
  const std::int64_t row_step = p.transpose_a ? 1 : p.lda, k_step = p.transpose_a ? p.lda : 1;
  const T* a = p.a + i * row_step + depth * k_step;
  T* c = p.c + i * p.ldc + j;
  T sums[rows][kLanes] = {};
  if (depth > 0) {
    for (int r = 0; r < rows; ++r) std::copy_n(c + r * p.ldc, lanes, sums[r]);
  }
  for (std::int64_t l = 0; l < depths; ++l) {
    for (int r = 0; r < rows; ++r) {
      const T factor = a[r * row_step + l * k_step];
      for (std::int64_t lane = 0; lane < kLanes; ++lane) sums[r][lane] += factor * packed[l * kLanes + lane];
    }
  }
  const T scale = depth + depths == p.k ? p.alpha : T(1);
  for (int r = 0; r < rows; ++r) {
    for (std::int64_t lane = 0; lane < lanes; ++lane) c[r * p.ldc + lane] = scale * sums[r][lane];
  }
}

template <typename T>
GRAPHC_INLINE void gemm(const Product<T>& p) {
  alignas(64) T packed[kDepth * kLanes];
  for (std::int64_t j = 0; j < p.n; j += kLanes) {
    for (std::int64_t depth = 0; depth < p.k; depth += kDepth) {
      const std::int64_t depths = std::min(kDepth, p.k - depth);
      pack(p, packed, depth, depths, j);
      std::int64_t i = 0;
      for (; i + kRows <= p.m; i += kRows) multiply<T, kRows>(p, packed, depth, depths, i, j);
      for (; i < p.m; ++i) multiply<T, 1>(p, packed, depth, depths, i, j);
    }
  }
}

}  // namespace

GRAPHC_CPU_CLONES void own_gemm(const Product<float>& product) { gemm(product); }
GRAPHC_CPU_CLONES void own_gemm(const Product<double>& product) { gemm(product); }

}  // namespace graphc
