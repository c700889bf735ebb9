// Products with a vector: m == 1 or n == 1. They stand apart because each element of the matrix is used once:
// there is nothing to block for, only to read in order.
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
        sums[r][v] =
            Isa::fma(Isa::load_first(rows + r * row_step + p + v * lanes, count), factor, sums[r][v]);
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

// y[j] = alpha * sum over p of x[p] * rows[p, j].
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

// kVectors vectors of y over one block of k, in registers; `last` elements in the last one. The order of each
// sum is that of multiply_tile.
template <typename Isa, typename T, int kVectors>
void combine_rows(const Combination<T>& block, bool accumulate, int last) {
  using V = Vec<Isa, T>;
  constexpr int lanes = kLanes<Isa, T>;
  V sums[kVectors] = {};
  const T* rows = block.rows;
  const T* x = block.x;
  for (std::int64_t p = 0; p < block.depth; ++p) {
    const V factor = broadcast<Isa, T>(*x);
#pragma GCC unroll 32
    for (int v = 0; v < kVectors - 1; ++v)
      sums[v] = Isa::fma(factor, load<Isa, T>(rows + v * lanes), sums[v]);
    constexpr int v = kVectors - 1;
    const V tail = !Isa::kCheapMasks && last == lanes ? load<Isa, T>(rows + v * lanes)
                                                      : Isa::load_first(rows + v * lanes, last);
    sums[v] = Isa::fma(factor, tail, sums[v]);
    rows += block.row_step;
    x += block.x_step;
  }
  const V alpha = broadcast<Isa, T>(block.alpha);
  T* y = block.y;
#pragma GCC unroll 32
  for (int v = 0; v < kVectors; ++v, y += lanes) {
    if (v < kVectors - 1 || (!Isa::kCheapMasks && last == lanes)) {
      store<Isa, T>(y, accumulate ? Isa::fma(alpha, sums[v], load<Isa, T>(y)) : alpha * sums[v]);
    } else {
      Isa::store_first(y, accumulate ? Isa::fma(alpha, sums[v], Isa::load_first(y, last)) : alpha * sums[v],
                       last);
    }
  }
}

template <typename Isa, typename T, int... kIndex>
constexpr auto combinations(std::integer_sequence<int, kIndex...>) {
  return std::array<void (*)(const Combination<T>&, bool, int), sizeof...(kIndex)>{
      combine_rows<Isa, T, kIndex + 1>...};
}

// A pass over the rows reads as many columns as there are registers for: long runs are what the hardware
// foresees.
template <typename Isa>
constexpr int kMostVectors = Isa::kRows * Isa::kVectors;
template <typename Isa, typename T>
constexpr auto kCombinations = combinations<Isa, T>(std::make_integer_sequence<int, kMostVectors<Isa>>());

template <typename Isa, typename T>
void run_combination(const Combination<T>& d) {
  constexpr std::int64_t lanes = kLanes<Isa, T>, widest = kMostVectors<Isa> * lanes;
  const std::int64_t depth = block_depth(d.depth);
  T strided[widest];
  for (std::int64_t j = 0; j < d.count; j += widest) {
    const std::int64_t columns = std::min<std::int64_t>(widest, d.count - j);
    const std::int64_t vectors = ceil_divide(columns, lanes);
    const int last = static_cast<int>(columns - (vectors - 1) * lanes);
    Combination<T> block = d;
    block.y = d.y_step == 1 ? d.y + j : strided;
    for (std::int64_t p = 0; p < d.depth; p += depth) {
      block.rows = d.rows + p * d.row_step + j;
      block.x = d.x + p * d.x_step;
      block.depth = std::min(depth, d.depth - p);
      kCombinations<Isa, T>[static_cast<std::size_t>(vectors - 1)](block, p > 0, last);
    }
    if (d.y_step != 1) {
      for (std::int64_t l = 0; l < columns; ++l) d.y[(j + l) * d.y_step] = strided[l];
    }
  }
}

}  // namespace

}  // namespace graphc::kernels
