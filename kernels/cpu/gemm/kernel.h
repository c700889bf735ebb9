// One GemmKernel from one instruction set's traits: checks, chooses a way, calls the epilogue of those that
// have no blocks. It stands apart from the ways themselves.
#pragma once

namespace graphc::kernels {

namespace {

template <typename Isa, typename T>
std::size_t workspace_elements_of_b(std::int64_t k) {
  return static_cast<std::size_t>(std::max(block_depth(k) * Sizes<Isa, T>::columns, std::min(k, kDotDepth)));
}

// The panel of b, or a gathered vector; then the block of a.
template <typename Isa, typename T>
std::size_t workspace_bytes(std::int64_t m, std::int64_t n, std::int64_t k) {
  if (m <= 0 || n <= 0 || k <= 0) return 0;
  const std::int64_t depth = block_depth(k);
  const std::int64_t tiles = block_tiles<Isa, T>(ceil_divide(m, Sizes<Isa, T>::rows), depth);
  const std::size_t a =
      n == 1 || m == 1 ? 0 : static_cast<std::size_t>(tiles * depth * Sizes<Isa, T>::a_step);
  return ((workspace_elements_of_b<Isa, T>(k) + a) * sizeof(T) + 63) / 64 * 64;
}

template <typename T>
void check(const Product<T>& x, const Part& part, const void* workspace) {
  assert(x.m >= 0 && x.n >= 0 && x.k >= 0);
  assert(0 <= part.row_begin && part.row_begin <= part.row_end && part.row_end <= x.m);
  assert(0 <= part.column_begin && part.column_begin <= part.column_end && part.column_end <= x.n);
  assert(x.lda >= (x.transpose_a ? x.m : x.k) || x.m == 0 || x.k == 0);
  assert(x.ldb >= (x.transpose_b ? x.k : x.n) || x.n == 0 || x.k == 0);
  assert(x.ldc >= x.n || x.m == 0);
  assert(reinterpret_cast<std::uintptr_t>(workspace) % 64 == 0);
  static_cast<void>(x), static_cast<void>(part), static_cast<void>(workspace);  // without asserts
}

template <typename T>
void clear(const Product<T>& x, const Part& part) {
  for (std::int64_t i = part.row_begin; i < part.row_end; ++i) {
    for (std::int64_t j = part.column_begin; j < part.column_end; ++j) x.c[i * x.ldc + j] = T(0);
  }
}

// c = op(a) @ the column b. Which way is taken depends on the whole product, not on the part.
template <typename Isa, typename T>
void multiply_column(const Product<T>& x, const Part& part, T* workspace) {
  const std::int64_t i = part.row_begin, count = part.row_end - i, x_step = x.transpose_b ? 1 : x.ldb;
  T* y = x.c + i * x.ldc;
  if (x.transpose_a) {
    run_combination<Isa, T>({x.a + i, x.lda, x.b, x_step, y, x.ldc, count, x.k, x.alpha});
  } else {
    run_dots<Isa, T>({x.a + i * x.lda, x.lda, x.b, x_step, y, x.ldc, count, x.k, x.alpha}, workspace);
  }
}

// c = the row a @ op(b).
template <typename Isa, typename T>
void multiply_row(const Product<T>& x, const Part& part, T* workspace) {
  const std::int64_t j = part.column_begin, count = part.column_end - j, x_step = x.transpose_a ? x.lda : 1;
  if (x.transpose_b) {
    run_dots<Isa, T>({x.b + j * x.ldb, x.ldb, x.a, x_step, x.c + j, 1, count, x.k, x.alpha}, workspace);
  } else {
    run_combination<Isa, T>({x.b + j, x.ldb, x.a, x_step, x.c + j, 1, count, x.k, x.alpha});
  }
}

template <typename Isa, typename T>
void run(const Product<T>& x, const Part& part, void* workspace) {
  check(x, part, workspace);
  if (part.row_begin == part.row_end) return;
  T* elements = static_cast<T*>(workspace);
  if (part.column_begin < part.column_end && x.k > 0 && x.m > 1 && x.n > 1) {
    Blocked<Isa, T>{x, part, elements, elements + workspace_elements_of_b<Isa, T>(x.k)}.run();
    return;
  }
  if (part.column_begin == part.column_end || x.k == 0) {
    clear(x, part);
  } else if (x.n == 1) {
    multiply_column<Isa, T>(x, part, elements);
  } else {
    multiply_row<Isa, T>(x, part, elements);
  }
  FinishedRows{part.epilogue, part.row_begin, part.row_end}.reach(part.row_end);
}

template <typename Isa, typename T>
constexpr GemmKernel<T> kKernel{Isa::kName, workspace_bytes<Isa, T>, run<Isa, T>};

}  // namespace

}  // namespace graphc::kernels
