// The interface of graphc's own matrix product: what a program without a BLAS calls. It stands apart from the
// loops, so that a caller sees no vector type and no instruction set.
//
//   formula      c[i, j] = alpha * sum over p of op(a)[i, p] * op(b)[p, j]; zeros if k == 0
//   a            [m, k] row-major, [k, m] if transpose_a; rows `lda` elements apart
//   b            [k, n] row-major, [n, k] if transpose_b; rows `ldb` elements apart
//   c            [m, n] row-major; rows `ldc` elements apart; written, never read before
//   alignment    of a, b, c: the element's; of the workspace: 64 bytes
//   aliasing     c and the workspace overlap nothing; a and b may be the same memory
//   bounds       only elements of the three matrices are touched, whatever the sizes
//   preconditions, asserted by `run`: sizes >= 0, a part inside c, every leading dimension >= its row's
//   length numerics     no product is rounded on its own where the CPU has fused multiply-add. The sum is cut
//   along k
//                by k alone, and each block is summed in order (a matrix-vector product over contiguous rows:
//                in 128-byte groups of lanes). So the bits depend neither on m, n, the part, the strides, nor
//                on packing, and AVX2 and AVX-512 give the same. NaN and infinity spread as in the formula.
//   floor        2 m n k FLOPs; (m k + k n + m n) * sizeof(T) bytes
//   source       Goto and van de Geijn, Anatomy of high-performance matrix multiplication, TOMS 34 (2008);
//                Van Zee and van de Geijn, BLIS, TOMS 41 (2015). What differs is said in blocked.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace graphc::kernels {

template <typename T>  // float or double
struct Product {
  std::int64_t m, n, k;
  const T* a;
  std::int64_t lda;
  bool transpose_a;
  const T* b;
  std::int64_t ldb;
  bool transpose_b;
  T* c;
  std::int64_t ldc;
  T alpha;
};

// What is done to finished rows while they are in cache. `run` gets rows [begin, end) of c, which are
// multiples of `grain`, except the end of the part.
struct Epilogue {
  void (*run)(void* context, std::int64_t begin, std::int64_t end);
  void* context;
  std::int64_t grain;
};

// The unit of parallel work: a rectangle of c. Parts are independent, and any cut gives the same bits. Good
// cuts are row panels of 64 or more rows, else columns in multiples of 64.
struct Part {
  std::int64_t row_begin, row_end, column_begin, column_end;
  const Epilogue* epilogue;  // null: none. With all columns in the part, its rows are whole
};

enum class Isa { kPortable, kAvx2, kAvx512 };

template <typename T>
struct GemmKernel {
  const char* name;
  // What one running part of an [m, n, k] product needs: below 2 MB whatever the sizes.
  std::size_t (*workspace_bytes)(std::int64_t m, std::int64_t n, std::int64_t k);
  // Allocates nothing and never throws.
  void (*run)(const Product<T>& product, const Part& part, void* workspace);
};

// The fastest that this CPU runs.
template <typename T>
const GemmKernel<T>& gemm_kernel();

// That of one instruction set, or null where the CPU or the compiler lacks it.
template <typename T>
const GemmKernel<T>* gemm_kernel(Isa isa);

}  // namespace graphc::kernels
