// A matrix product without any library: what runs where there is no BLAS. Apart from gemm.cpp, which cuts and
// chooses, because it is compiled for several CPUs.
#pragma once

#include <cstdint>

namespace graphc {

// Row-major matrices with leading dimensions; op(x) is x or its transpose, as in CBLAS.
template <typename T>
struct Product {
  std::int64_t m, n, k;
  const T* a;  // op(a): [m, k]
  std::int64_t lda;
  bool transpose_a;
  const T* b;  // op(b): [k, n]
  std::int64_t ldb;
  bool transpose_b;
  T* c;  // [m, n]
  std::int64_t ldc;
  T alpha;
};

// c = alpha * op(a) @ op(b), summed over k in order, with a rounding after each product and each sum: every
// CPU gives the same bits.
void own_gemm(const Product<float>& product);
void own_gemm(const Product<double>& product);

}  // namespace graphc
