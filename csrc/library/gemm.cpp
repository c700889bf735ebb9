// How a product is cut into tiles, and the call of one tile: our own kernel, or a BLAS where one is loaded.
// The cut follows from the shape alone: threads only decide who computes which tile.
#include "library/gemm.h"

#include <algorithm>
#include <limits>

#include "cpu/gemm/gemm.h"
#include "library/blas.h"

namespace graphc {

using kernels::Product;

namespace {

// Every tile packs its part of a and of b, which costs about 1/tile_columns + 1/tile_rows of the arithmetic:
// tiles below 128 lose more to packing than a further thread gains, above 512 the parts no longer fit in L2.
// Measured on two AVX-512 cores against OpenBLAS's own two threads: 4 tiles lose up to 5 % on 100 MFLOP, 8 up
// to 10 %; hence more than 4 only where the tiles stay large.
constexpr std::int64_t kMinTile = 128;
constexpr std::int64_t kMaxTile = 512;
constexpr std::int64_t kTilesWanted = 4;
constexpr std::int64_t kTilesOfLarge = 16;
constexpr double kMinTileProducts = 1e6;  // m*n*k of one tile: about 12 µs
constexpr double kLargeTileProducts = 1e8;
constexpr std::int64_t kMinVectorBytes = 1 << 17;  // of the matrix, for one tile of a matrix-vector product
constexpr double kProductsPerNs = 30;              // of one core, for the estimate of cost
constexpr double kVectorBytesPerNs = 10;
constexpr std::int64_t kUnit = 16;  // whole cache lines and whole micro-kernels

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0); }
std::int64_t round_up(std::int64_t a, std::int64_t unit) { return ceil_divide(a, unit) * unit; }

double products(const GemmShape& s) {
  return static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
}

void cut_rows(GemmPlan& plan, const GemmShape& shape, std::int64_t tiles) {
  plan.tile_rows = round_up(ceil_divide(shape.m, tiles), shape.row_grain);
  plan.row_tiles = ceil_divide(shape.m, plan.tile_rows);
}

void cut_columns(GemmPlan& plan, const GemmShape& shape, std::int64_t tiles) {
  plan.tile_columns = round_up(ceil_divide(shape.n, tiles), kUnit);
  plan.column_tiles = ceil_divide(shape.n, plan.tile_columns);
}

// Halves the longer side until there are enough tiles and none is too long, as long as the tiles stay worth
// it.
void cut_matrix(GemmPlan& plan, const GemmShape& shape) {
  std::int64_t rows = 1, columns = 1;
  while (true) {
    const std::int64_t tile_rows = ceil_divide(shape.m, rows), tile_columns = ceil_divide(shape.n, columns);
    const std::int64_t longer = std::max(tile_rows, tile_columns);
    const std::int64_t tiles = shape.batch * rows * columns;
    const double halved = products(shape) / static_cast<double>(2 * rows * columns);
    const bool enough = tiles >= kTilesOfLarge || (tiles >= kTilesWanted && halved < kLargeTileProducts);
    if ((enough && longer <= kMaxTile) || halved < kMinTileProducts || longer < 2 * kMinTile) break;
    (tile_columns > tile_rows ? columns : rows) *= 2;
  }
  cut_rows(plan, shape, rows);
  cut_columns(plan, shape, columns);
}

void cut_vector(GemmPlan& plan, const GemmShape& shape) {
  const double bytes =
      static_cast<double>(std::max(shape.m, shape.n)) * static_cast<double>(shape.k * item_size(shape.dtype));
  const std::int64_t tiles = std::max<std::int64_t>(
      1, std::min<std::int64_t>(kTilesOfLarge, static_cast<std::int64_t>(bytes) / kMinVectorBytes));
  if (shape.n == 1) {
    // A transposed matrix is cut across its rows: not into slivers of a cache line.
    cut_rows(plan, shape, shape.transpose_a ? std::min(tiles, ceil_divide(shape.m, kMinTile / 2)) : tiles);
  } else {
    cut_columns(plan, shape, tiles);
  }
}

std::size_t workspace_bytes(const GemmShape& s) {
  return s.dtype == DType::kFloat32 ? kernels::gemm_kernel<float>().workspace_bytes(s.m, s.n, s.k)
                                    : kernels::gemm_kernel<double>().workspace_bytes(s.m, s.n, s.k);
}

GemmPlan plan_gemm(GemmShape& shape) {
  if (shape.broadcast_b && !shape.broadcast_a && !shape.transpose_a && shape.batch > 1) {
    shape.m *= shape.batch;  // one taller matrix
    shape.batch = 1;
  }
  GemmPlan plan{GemmKind::kMultiply,
                std::max<std::int64_t>(shape.m, 1),
                std::max<std::int64_t>(shape.n, 1),
                1,
                1,
                1,
                static_cast<std::int64_t>(workspace_bytes(shape)),
                0,
                0};
  if (shape.batch == 0 || shape.m == 0 || shape.n == 0) return plan;
  const bool vector = shape.m == 1 || shape.n == 1;
  double cost_ns = products(shape) / kProductsPerNs;
  if (shape.k == 0) {
    plan.kind = GemmKind::kZero;
  } else if (vector) {
    cut_vector(plan, shape);
    cost_ns = static_cast<double>(std::max(shape.m, shape.n)) *
              static_cast<double>(shape.k * item_size(shape.dtype)) / kVectorBytesPerNs;
  } else {
    cut_matrix(plan, shape);
  }
  if (plan.row_tiles == 1 && plan.column_tiles == 1) {
    const double wanted = std::max(1.0, kMinTileProducts / std::max(products(shape), 1.0));
    plan.group = static_cast<std::int64_t>(std::min(wanted, static_cast<double>(shape.batch)));
  }
  plan.items = ceil_divide(shape.batch, plan.group) * plan.row_tiles * plan.column_tiles;
  plan.cost_ns = static_cast<std::int64_t>(std::min(cost_ns * static_cast<double>(shape.batch), 1e15));
  return plan;
}

void call_gemm(const BlasTable& blas, const Product<float>& p) {
  blas.sgemm(kRowMajor, p.transpose_a ? kTranspose : kNoTranspose, p.transpose_b ? kTranspose : kNoTranspose,
             static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k), p.alpha, p.a,
             static_cast<int>(p.lda), p.b, static_cast<int>(p.ldb), 0, p.c, static_cast<int>(p.ldc));
}

void call_gemm(const BlasTable& blas, const Product<double>& p) {
  blas.dgemm(kRowMajor, p.transpose_a ? kTranspose : kNoTranspose, p.transpose_b ? kTranspose : kNoTranspose,
             static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k), p.alpha, p.a,
             static_cast<int>(p.lda), p.b, static_cast<int>(p.ldb), 0, p.c, static_cast<int>(p.ldc));
}

void call_gemv(const BlasTable& blas, bool transpose, std::int64_t rows, std::int64_t columns, float alpha,
               const float* a, std::int64_t lda, const float* x, std::int64_t incx, float* y,
               std::int64_t incy) {
  blas.sgemv(kRowMajor, transpose ? kTranspose : kNoTranspose, static_cast<int>(rows),
             static_cast<int>(columns), alpha, a, static_cast<int>(lda), x, static_cast<int>(incx), 0, y,
             static_cast<int>(incy));
}

void call_gemv(const BlasTable& blas, bool transpose, std::int64_t rows, std::int64_t columns, double alpha,
               const double* a, std::int64_t lda, const double* x, std::int64_t incx, double* y,
               std::int64_t incy) {
  blas.dgemv(kRowMajor, transpose ? kTranspose : kNoTranspose, static_cast<int>(rows),
             static_cast<int>(columns), alpha, a, static_cast<int>(lda), x, static_cast<int>(incx), 0, y,
             static_cast<int>(incy));
}

// The CBLAS call for one tile, as a product of its own.
template <typename T>
void call_blas(const BlasTable& table, const Product<T>& p) {
  if (p.n == 1) {  // c = op(a) @ the vector b; b's elements are ldb apart unless it is stored as a row
    call_gemv(table, p.transpose_a, p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k, p.alpha, p.a, p.lda,
              p.b, p.transpose_b ? 1 : p.ldb, p.c, p.ldc);
  } else if (p.m == 1) {  // c = op(b)ᵀ @ the vector a
    call_gemv(table, !p.transpose_b, p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n, p.alpha, p.b,
              p.ldb, p.a, p.transpose_a ? p.lda : 1, p.c, 1);
  } else {
    call_gemm(table, p);
  }
}

// The library where one is loaded and its ints can hold the sizes, else our own kernel.
template <typename T>
const BlasTable* blas_for(const Product<T>& p) {
  const std::int64_t largest = std::max({p.m, p.n, p.k, p.lda, p.ldb, p.ldc});
  return largest <= std::numeric_limits<int>::max() ? blas() : nullptr;
}

// One tile of one matrix.
template <typename T>
void run_tile(const GemmShape& s, const GemmPlan& plan, const T* a, const T* b, T* c, std::int64_t matrix,
              std::int64_t row, std::int64_t column, void* workspace) {
  Product<T> p;
  p.m = s.m;
  p.n = s.n;
  p.k = s.k;
  p.lda = s.transpose_a ? s.m : s.k;
  p.ldb = s.transpose_b ? s.k : s.n;
  p.ldc = s.n;
  p.transpose_a = s.transpose_a;
  p.transpose_b = s.transpose_b;
  p.a = a + (s.broadcast_a ? 0 : matrix * s.m * s.k);
  p.b = b + (s.broadcast_b ? 0 : matrix * s.k * s.n);
  p.c = c + matrix * s.m * s.n;
  p.alpha = static_cast<T>(s.alpha);
  const std::int64_t rows = std::min(plan.tile_rows, s.m - row);
  const std::int64_t columns = std::min(plan.tile_columns, s.n - column);
  const BlasTable* table = plan.kind == GemmKind::kZero ? nullptr : blas_for(p);
  if (table == nullptr) {
    kernels::gemm_kernel<T>().run(p, {row, row + rows, column, column + columns, nullptr}, workspace);
    return;
  }
  p.m = rows;
  p.n = columns;
  p.a += s.transpose_a ? row : row * s.k;
  p.b += s.transpose_b ? column * s.k : column;
  p.c += row * s.n + column;
  call_blas(*table, p);
}

template <typename T>
void run_item(const GemmShape& shape, const GemmPlan& plan, const void* a, const void* b, void* c,
              std::int64_t item, void* workspace) {
  const T* typed_a = static_cast<const T*>(a);
  const T* typed_b = static_cast<const T*>(b);
  T* typed_c = static_cast<T*>(c);
  if (plan.row_tiles == 1 && plan.column_tiles == 1) {
    const std::int64_t end = std::min(shape.batch, (item + 1) * plan.group);
    for (std::int64_t matrix = item * plan.group; matrix < end; ++matrix) {
      run_tile(shape, plan, typed_a, typed_b, typed_c, matrix, 0, 0, workspace);
    }
    return;
  }
  const std::int64_t column = item % plan.column_tiles, panel = item / plan.column_tiles;
  run_tile(shape, plan, typed_a, typed_b, typed_c, panel / plan.row_tiles,
           panel % plan.row_tiles * plan.tile_rows, column * plan.tile_columns, workspace);
}

void run_gemm(const GemmShape& shape, const GemmPlan& plan, const void* a, const void* b, void* c,
              std::int64_t item, void* workspace) {
  if (shape.dtype == DType::kFloat32) {
    run_item<float>(shape, plan, a, b, c, item, workspace);
  } else {
    run_item<double>(shape, plan, a, b, c, item, workspace);
  }
}

}  // namespace

const GemmLibrary& gemm_library() {
  static const GemmLibrary library{plan_gemm, run_gemm};
  return library;
}

}  // namespace graphc
