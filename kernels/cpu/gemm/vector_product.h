// Products with a vector: m == 1 or n == 1. They stand apart because each element of the matrix is used once: there
// is nothing to block for, only to read in order.
#pragma once

namespace graphc::kernels {

namespace {

// Steps of k in a block of a dot product: what is gathered of a strided vector at once (32 KiB of doubles).
constexpr std::int64_t kDotDepth = 4096;

// y[i] = alpha * sum over p of rows[i, p] * x[p].
template <typename T>
struct Dots {
  const T* rows;
  std::int64_t row_step;
  const T* x;
  std::int64_t x_step;
  T* y;
  std::int64_t y_step, count, depth;
  T alpha;
};

// The sum of kVectors vectors in an order that does not depend on their length: halves onto halves.
template <typename Isa, typename T, int kVectors>
GRAPHC_INLINE T sum_lanes(Vec<Isa, T> (&sums)[kVectors]) {
#pragma GCC unroll 16
  for (int half = kVectors / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
    for (int v = 0; v < half; ++v) sums[v] += sums[v + half];
  }
  constexpr int lanes = kLanes<Isa, T>;
  T parts[lanes];
  store<Isa, T>(parts, sums[0]);
#pragma GCC unroll 16
  for (int half = lanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
    for (int l = 0; l < half; ++l) parts[l] += parts[l + half];
  }
  return parts[0];
}

// kRows dot products over one block of k, each in 128 bytes of partial sums.
template <typename Isa, typename T, int kRows>
void dot_rows(const T* rows, std::int64_t row_step, const T* x, std::int64_t depth, T* results) {
  constexpr int lanes = kLanes<Isa, T>;
  constexpr int vectors = 128 / Isa::kVectorBytes;
  Vec<Isa, T> sums[kRows][vectors] = {};
  std::int64_t p = 0;
  for (; p + vectors * lanes <= depth; p += vectors * lanes) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      const Vec<Isa, T> factor = load<Isa, T>(x + p + v * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        sums[r][v] = Isa::fma(load<Isa, T>(rows + r * row_step + p + v * lanes), factor, sums[r][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int v = 0; v < vectors; ++v) {
    const std::int64_t rest = depth - p - v * lanes;
    if (rest > 0) {
      const int count = static_cast<int>(std::min<std::int64_t>(rest, lanes));
      const Vec<Isa, T> factor = Isa::load_first(x + p + v * lanes, count);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        sums[r][v] = Isa::fma(Isa::load_first(rows + r * row_step + p + v * lanes, count), factor, sums[r][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) results[r] = sum_lanes<Isa, T>(sums[r]);
}

template <typename Isa, typename T>
void run_dots(const Dots<T>& d, T* gathered) {
  for (std::int64_t p = 0; p < d.depth; p += kDotDepth) {
    const std::int64_t depth = std::min(kDotDepth, d.depth - p);
    const T* x = d.x + p * d.x_step;
    if (d.x_step != 1) {
      for (std::int64_t l = 0; l < depth; ++l) gathered[l] = x[l * d.x_step];
      x = gathered;
    }
    for (std::int64_t i = 0; i < d.count;) {
      T results[4];
      std::int64_t done = 1;
      const T* rows = d.rows + i * d.row_step + p;
      if (i + 4 <= d.count) {
        dot_rows<Isa, T, 4>(rows, d.row_step, x, depth, results);
        done = 4;
      } else {
        dot_rows<Isa, T, 1>(rows, d.row_step, x, depth, results);
      }
      for (std::int64_t r = 0; r < done; ++r, ++i) {
        T& y = d.y[i * d.y_step];
        y = p == 0 ? d.alpha * results[r] : y + d.alpha * results[r];
      }
    }
  }
}

// y[j] = alpha * sum over p of x[p] * rows[p, j]: the tile of one row, eight vectors wide.
template <typename T>
struct Combination {
  const T* rows;
  std::int64_t row_step;
  const T* x;
  std::int64_t x_step;
  T* y;
  std::int64_t y_step, count, depth;
  T alpha;
};

template <typename Isa, typename T>
void run_combination(const Combination<T>& d, T* packed) {
  constexpr int lanes = kLanes<Isa, T>;
  constexpr int wide = 8;
  const std::int64_t block = block_depth(d.depth);
  for (std::int64_t j = 0; j < d.count;) {
    T narrow[wide * lanes];
    const std::int64_t left = d.count - j;
    const int columns = static_cast<int>(left >= wide * lanes ? wide * lanes : std::min<std::int64_t>(left, lanes));
    Tile<T> tile;
    tile.c = d.y_step == 1 ? d.y + j : narrow;
    tile.ldc = 0;
    tile.a_row = 0;
    tile.a_step = d.x_step;
    tile.alpha = d.alpha;
    tile.columns = columns < lanes ? columns : lanes;
    for (std::int64_t p = 0; p < d.depth; p += block) {
      tile.depth = std::min(block, d.depth - p);
      tile.a = d.x + p * d.x_step;
      tile.b = d.rows + p * d.row_step + j;
      tile.b_step = d.row_step;
      tile.accumulate = p > 0;
      if (columns < lanes) {
        pack_straight<Isa, T, lanes>(packed, tile.b, d.row_step, columns, tile.depth);
        tile.b = packed;
        tile.b_step = lanes;
      }
      if (columns == wide * lanes) {
        multiply_tile<Isa, T, 1, wide, 0>(tile);
      } else {
        multiply_tile<Isa, T, 1, 1, 0>(tile);
      }
    }
    if (d.y_step != 1) {
      for (int l = 0; l < columns; ++l) d.y[(j + l) * d.y_step] = narrow[l];
    }
    j += columns;
  }
}

}  // namespace

}  // namespace graphc::kernels
