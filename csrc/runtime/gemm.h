// What the executor asks of a matrix product, as a table of function pointers. It stands here and not in
// library/, so that runtime/ depends on no library and a host may bring another one.
#pragma once

#include <cstdint>

#include "dtype.h"

namespace graphc {

// c[i] = alpha * op(a[i]) @ op(b[i]) for i in [0, batch), all row-major and dense:
//   a [batch or 1][m, k]  ([k, m] if transpose_a)
//   b [batch or 1][k, n]  ([n, k] if transpose_b)
//   c [batch][m, n]
struct GemmShape {
  DType dtype;
  std::int64_t batch, m, n, k;
  bool transpose_a, transpose_b, broadcast_a, broadcast_b;
  double alpha;
  std::int64_t row_grain;  // row tiles are multiples of it: the grain of the epilogue, else 1
};

enum class GemmKind : std::uint8_t {
  kZero,  // k == 0: c = 0
  kMultiply,
};

// How one product is cut. It depends on the shape alone, never on the number of threads, so that the bits do
// not either. An item is one tile of one matrix (group == 1), or `group` whole matrices.
struct GemmPlan {
  GemmKind kind;
  std::int64_t tile_rows, tile_columns;
  std::int64_t row_tiles, column_tiles;
  std::int64_t group;
  std::int64_t workspace_bytes;  // what a worker needs to run an item
  std::int64_t items;            // group == 1: batch * row_tiles * column_tiles, columns innermost
  std::int64_t cost_ns;          // of everything on one thread, estimated
};

struct GemmLibrary {
  // May replace `shape` by an equivalent one (a batch that shares b is one taller matrix).
  GemmPlan (*plan)(GemmShape& shape);
  // Computes one item. Never throws, allocates nothing; `workspace` is 64-byte aligned, its contents are
  // lost.
  void (*run)(const GemmShape& shape, const GemmPlan& plan, const void* a, const void* b, void* c,
              std::int64_t item, void* workspace);
};

}  // namespace graphc
