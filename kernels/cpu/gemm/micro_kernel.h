// The register tile: rows × vectors of c in accumulators, one step of k a pass. It stands apart because it is
// the only code whose instructions matter one by one. Included inside an instruction set's target region,
// after isa traits; no include of its own may bring in library code.
//
//   plain loop:  for p: for r: for v: sums[r][v] = fma(a[r, p], b[p, v], sums[r][v])
//
// A step of k is kRows broadcasts of a and kVectors loads of b for kRows * kVectors multiply-adds. The tile
// must hide the adder (4 cycles, two a cycle: at least 8 accumulators) and stay below the loads a cycle
// (two): that asks for the largest tile that fits the registers. AVX-512: 14 × 2 of 32 registers, AVX2: 6 × 2
// of 16.
#pragma once

namespace graphc::kernels {

namespace {

#define GRAPHC_INLINE inline __attribute__((always_inline))

template <typename Isa, typename T>
using Vec = typename Isa::template Vector<T>::Type;

template <typename Isa, typename T>
constexpr int kLanes = Isa::kVectorBytes / int(sizeof(T));

template <typename Isa, typename T>
GRAPHC_INLINE Vec<Isa, T> load(const T* p) {
  return *reinterpret_cast<const typename Isa::template Vector<T>::Unaligned*>(p);
}

template <typename Isa, typename T>
GRAPHC_INLINE void store(T* p, Vec<Isa, T> x) {
  *reinterpret_cast<typename Isa::template Vector<T>::Unaligned*>(p) = x;
}

// x - 0 is x for every x, -0.0 too: compilers make it one broadcast.
template <typename Isa, typename T>
GRAPHC_INLINE Vec<Isa, T> broadcast(T x) {
  return x - Vec<Isa, T>{};
}

// op(a)[r, p] is at a[r * a_row + p * a_step], op(b)[p, j] at b[p * b_step + j].
template <typename T>
struct Tile {
  std::int64_t depth;
  const T* a;
  std::int64_t a_row, a_step;
  const T* b;
  std::int64_t b_step;
  T* c;
  std::int64_t ldc;
  T alpha;
  bool accumulate;  // add to c: not the first block of k
  int columns;      // in the last vector: 1 .. lanes; of b all lanes are read
};

template <typename T>
using TileFunction = void (*)(const Tile<T>&);

// kPackedStep > 0: a is packed, a_row == 1 and a_step == kPackedStep.
template <typename Isa, typename T, int kRows, int kVectors, int kPackedStep>
void multiply_tile(const Tile<T>& tile) {
  using V = Vec<Isa, T>;
  constexpr int lanes = kLanes<Isa, T>;
  const std::int64_t a_row = kPackedStep > 0 ? 1 : tile.a_row;
  const std::int64_t a_step = kPackedStep > 0 ? kPackedStep : tile.a_step;
  const std::int64_t b_step = tile.b_step;
  const T* a = tile.a;
  const T* b = tile.b;
  if (kPackedStep > 0) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) __builtin_prefetch(tile.c + r * tile.ldc + v * lanes, 1);
      __builtin_prefetch(tile.c + r * tile.ldc + kVectors * lanes - 1, 1);
    }
  }
  V sums[kRows][kVectors] = {};
  const auto step = [&]() __attribute__((always_inline)) {
    if (kPackedStep > 0) __builtin_prefetch(a + 16 * kPackedStep);
    V x[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) x[v] = load<Isa, T>(b + v * lanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const V factor = broadcast<Isa, T>(a[r * a_row]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sums[r][v] = Isa::fma(factor, x[v], sums[r][v]);
    }
    a += a_step;
    b += b_step;
  };
  if (kPackedStep > 0 ? kVectors == Isa::kVectors : kRows * kVectors < 8) {  // where it was measured to pay
#pragma GCC unroll 4
    for (std::int64_t p = 0; p < tile.depth; ++p) step();
  } else {
    for (std::int64_t p = 0; p < tile.depth; ++p) step();
  }
  const V alpha = broadcast<Isa, T>(tile.alpha);
  T* c = tile.c;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      T* target = c + r * tile.ldc + v * lanes;
      if (v < kVectors - 1 || (!Isa::kCheapMasks && tile.columns == lanes)) {
        store<Isa, T>(
            target, tile.accumulate ? Isa::fma(alpha, sums[r][v], load<Isa, T>(target)) : alpha * sums[r][v]);
      } else {
        const V sum = tile.accumulate ? Isa::fma(alpha, sums[r][v], Isa::load_first(target, tile.columns))
                                      : alpha * sums[r][v];
        Isa::store_first(target, sum, tile.columns);
      }
    }
  }
}

}  // namespace

}  // namespace graphc::kernels
