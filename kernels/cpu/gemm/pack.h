// Packing: strips of a and of b in the order in which the register tile reads them. It stands apart from the
// blocks that decide what is packed; both matrices use the same two functions.
#pragma once

namespace graphc::kernels {

namespace {

// to[p * kStride + i] = from[p * step + i] for i in [0, count), p in [0, depth); lanes up to a whole vector
// are zero.
template <typename Isa, typename T, int kStride>
void pack_straight(T* to, const T* from, std::int64_t step, int count, std::int64_t depth) {
  constexpr int lanes = kLanes<Isa, T>;
  constexpr int vectors = kStride / lanes;
  if (count == kStride) {
    for (std::int64_t p = 0; p < depth; ++p, to += kStride, from += step) {
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) store<Isa, T>(to + v * lanes, load<Isa, T>(from + v * lanes));
    }
    return;
  }
  const int whole = count / lanes, rest = count % lanes;
  for (std::int64_t p = 0; p < depth; ++p, to += kStride, from += step) {
    for (int v = 0; v < whole; ++v) store<Isa, T>(to + v * lanes, load<Isa, T>(from + v * lanes));
    if (rest > 0) store<Isa, T>(to + whole * lanes, Isa::load_first(from + whole * lanes, rest));
  }
}

// The lane of [a, b] that lane `lane` of the first (second: false) of two mixed rows takes; blocks of `half`
// lanes.
constexpr int mixed_lane(int lane, int half, int lanes, bool first) {
  const bool from_b = (lane & half) != 0;
  const int within = (lane & ~half) + (first ? 0 : half);
  return from_b ? lanes + within : within;
}

template <typename Isa, typename T, int kHalf, bool kFirst, int... kLane>
GRAPHC_INLINE Vec<Isa, T> mix(Vec<Isa, T> a, Vec<Isa, T> b, std::integer_sequence<int, kLane...>) {
  return __builtin_shufflevector(a, b, mixed_lane(kLane, kHalf, kLanes<Isa, T>, kFirst)...);
}

// One stage of the recursive transposition: swaps the off-diagonal blocks of kHalf × kHalf.
template <typename Isa, typename T, int kHalf>
GRAPHC_INLINE void transpose(Vec<Isa, T>* rows) {
  constexpr int lanes = kLanes<Isa, T>;
  using Lanes = std::make_integer_sequence<int, lanes>;
  if constexpr (kHalf > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) {
      if ((i & kHalf) == 0) {
        const Vec<Isa, T> a = rows[i], b = rows[i + kHalf];
        rows[i] = mix<Isa, T, kHalf, true>(a, b, Lanes());
        rows[i + kHalf] = mix<Isa, T, kHalf, false>(a, b, Lanes());
      }
    }
    transpose<Isa, T, kHalf / 2>(rows);
  }
}

// A square of lanes × lanes elements, of which `count` rows and `depth` columns exist.
template <typename Isa, typename T, int kStride>
GRAPHC_INLINE void pack_square(T* to, const T* from, std::int64_t step, int count, int depth) {
  constexpr int lanes = kLanes<Isa, T>;
  Vec<Isa, T> rows[lanes];
  if (count == lanes && depth == lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) rows[i] = load<Isa, T>(from + i * step);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) {
      rows[i] = i < count ? Isa::load_first(from + i * step, depth) : Vec<Isa, T>{};
    }
  }
  transpose<Isa, T, lanes / 2>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < lanes; ++i) {
    if (i < depth) store<Isa, T>(to + i * kStride, rows[i]);
  }
}

// to[p * kStride + i] = from[i * step + p]; otherwise as pack_straight.
template <typename Isa, typename T, int kStride>
void pack_transposed(T* to, const T* from, std::int64_t step, int count, std::int64_t depth) {
  constexpr int lanes = kLanes<Isa, T>;
  for (std::int64_t p = 0; p < depth; p += lanes) {
    const int columns = static_cast<int>(std::min<std::int64_t>(lanes, depth - p));
    for (int i = 0; i < count; i += lanes) {
      pack_square<Isa, T, kStride>(to + p * kStride + i, from + i * step + p, step,
                                   std::min(lanes, count - i), columns);
    }
  }
}

}  // namespace

}  // namespace graphc::kernels
