// Scalar operations of the kernel IR in CUDA C++, and how the threads of a team share rows and fold lanes.
//
// One header for emitted and hand-written kernels, so that both compute the same: what an operation means is
// what graphc/kernel_ir/expr.py says, to the bit, and a fold is the tree of graphc/kernel_ir/kernel.py. Needs
// -fmad=false -ftz=false -prec-div=true -prec-sqrt=true. It stands apart from scalar.h because device code
// has neither -fwrapv nor the host compiler's builtins; it includes nothing that NVRTC lacks.
//
// A *team* is the threads that run one iteration of a nest's parallel loop together: one thread, an aligned
// part of a warp (2 to 32 threads), or the whole block.
#ifndef GRAPHC_PROLOGUE_CUDA_H
#define GRAPHC_PROLOGUE_CUDA_H

#ifdef __CUDACC_RTC__
using int8_t = signed char;
using int16_t = short;
using int32_t = int;
using int64_t = long;
using uint8_t = unsigned char;
using uint16_t = unsigned short;
using uint32_t = unsigned int;
using uint64_t = unsigned long;
using uintptr_t = unsigned long;
#else
#include <cstdint>
#endif

#define GRAPHC_DEVICE static __device__ __forceinline__

namespace graphc {

// a < b or a is NaN ? a : b
template <class T>
GRAPHC_DEVICE T min(T a, T b) {
  return ((a < b) | (a != a)) ? a : b;
}

// a > b or a is NaN ? a : b
template <class T>
GRAPHC_DEVICE T max(T a, T b) {
  return ((a > b) | (a != a)) ? a : b;
}

// Round to nearest, ties to even.
GRAPHC_DEVICE float round(float x) { return ::rintf(x); }
GRAPHC_DEVICE double round(double x) { return ::rint(x); }
GRAPHC_DEVICE float floor(float x) { return ::floorf(x); }
GRAPHC_DEVICE double floor(double x) { return ::floor(x); }
GRAPHC_DEVICE float ceil(float x) { return ::ceilf(x); }
GRAPHC_DEVICE double ceil(double x) { return ::ceil(x); }
GRAPHC_DEVICE float trunc(float x) { return ::truncf(x); }
GRAPHC_DEVICE double trunc(double x) { return ::trunc(x); }
GRAPHC_DEVICE float sqrt(float x) { return __fsqrt_rn(x); }
GRAPHC_DEVICE double sqrt(double x) { return __dsqrt_rn(x); }

// a*b + c with one rounding
GRAPHC_DEVICE float fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
GRAPHC_DEVICE double fma(double a, double b, double c) { return __fma_rn(a, b, c); }

GRAPHC_DEVICE float infinity(float sign) { return sign * __int_as_float(0x7f800000); }
GRAPHC_DEVICE double infinity(double sign) { return sign * __longlong_as_double(0x7ff0000000000000ll); }
GRAPHC_DEVICE float nan(float) { return __int_as_float(0x7fc00000); }
GRAPHC_DEVICE double nan(double) { return __longlong_as_double(0x7ff8000000000000ll); }

// Integers wrap around: the compiler takes signed overflow for impossible, so they are computed as unsigned.
template <class T>
struct Unsigned {
  using Type = T;
};
template <>
struct Unsigned<int8_t> {
  using Type = uint32_t;  // what is narrower than int would be promoted to int
};
template <>
struct Unsigned<int16_t> {
  using Type = uint32_t;
};
template <>
struct Unsigned<uint8_t> {
  using Type = uint32_t;
};
template <>
struct Unsigned<uint16_t> {
  using Type = uint32_t;
};
template <>
struct Unsigned<int32_t> {
  using Type = uint32_t;
};
template <>
struct Unsigned<int64_t> {
  using Type = uint64_t;
};

template <class T>
GRAPHC_DEVICE T add(T a, T b) {
  using U = typename Unsigned<T>::Type;
  return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
}
GRAPHC_DEVICE float add(float a, float b) { return a + b; }
GRAPHC_DEVICE double add(double a, double b) { return a + b; }

template <class T>
GRAPHC_DEVICE T sub(T a, T b) {
  using U = typename Unsigned<T>::Type;
  return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
}

template <class T>
GRAPHC_DEVICE T mul(T a, T b) {
  using U = typename Unsigned<T>::Type;
  return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
}
GRAPHC_DEVICE float mul(float a, float b) { return a * b; }
GRAPHC_DEVICE double mul(double a, double b) { return a * b; }

template <class T>
GRAPHC_DEVICE T neg(T a) {
  return graphc::sub<T>(T(0), a);
}

GRAPHC_DEVICE float abs(float x) { return ::fabsf(x); }
GRAPHC_DEVICE double abs(double x) { return ::fabs(x); }
template <class T>
GRAPHC_DEVICE T abs(T x) {  // of an integer; the smallest stays as it is
  return x < T(0) ? graphc::neg<T>(x) : x;
}

// Shift left by 0 ≤ count < bits, as if unsigned.
template <class T>
GRAPHC_DEVICE T shl(T x, T count) {
  return static_cast<T>(static_cast<typename Unsigned<T>::Type>(x) << count);
}

// The same bits as another type of the same size.
template <class To, class From>
GRAPHC_DEVICE To bitcast(From x) {
  static_assert(sizeof(To) == sizeof(From), "expected types of one size");
  union Bits {  // every device compiler reads the other member as the same bits
    From from;
    To to;
  } bits;
  bits.from = x;
  return bits.to;
}

// The functions that reduce, as types.
struct Add {
  template <class T>
  GRAPHC_DEVICE T of(T a, T b) {
    return graphc::add(a, b);
  }
};
struct Mul {
  template <class T>
  GRAPHC_DEVICE T of(T a, T b) {
    return graphc::mul(a, b);
  }
};
struct Min {
  template <class T>
  GRAPHC_DEVICE T of(T a, T b) {
    return graphc::min(a, b);
  }
};
struct Max {
  template <class T>
  GRAPHC_DEVICE T of(T a, T b) {
    return graphc::max(a, b);
  }
};
struct And {
  template <class T>
  GRAPHC_DEVICE T of(T a, T b) {
    return a & b;
  }
};
struct Or {
  template <class T>
  GRAPHC_DEVICE T of(T a, T b) {
    return a | b;
  }
};

// N neighbours in memory that one instruction moves; at most 16 bytes.
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T at[N];
};

template <int N, class T>
GRAPHC_DEVICE Pack<T, N> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, N>*>(from);
}

template <int N, class T>
GRAPHC_DEVICE void store_pack(T* to, const Pack<T, N>& pack) {
  *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

// Whether packs of N elements may be read at `pointer`.
template <int N, class T>
GRAPHC_DEVICE bool aligned(const T* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % (sizeof(T) * N) == 0;
}

// Shuffles take what is narrower than int as int.
template <class T>
struct Shuffled {
  using Type = T;
};
template <>
struct Shuffled<bool> {
  using Type = int;
};
template <>
struct Shuffled<int8_t> {
  using Type = int;
};
template <>
struct Shuffled<int16_t> {
  using Type = int;
};
template <>
struct Shuffled<uint8_t> {
  using Type = int;
};
template <>
struct Shuffled<uint16_t> {
  using Type = int;
};

// The threads of this thread's warp that are in its team of `kTeam` ≤ 32.
template <int kTeam>
GRAPHC_DEVICE unsigned team_mask() {
  if (kTeam == 32) return 0xffffffffu;
  return ((1u << (kTeam % 32)) - 1u) << (threadIdx.x % 32 / kTeam * kTeam);
}

// The tree over the values of lanes 0 … kLanes-1 of a part of a warp: lane l with l + half, half = kLanes/2
// … 1. Every thread of the part gets the result.
template <int kLanes, int kTeam, class Combine, class T>
GRAPHC_DEVICE T fold_warp(T value, unsigned mask) {
  static_assert(kLanes <= kTeam && kTeam <= 32, "expected lanes within a warp");
  using S = typename Shuffled<T>::Type;
#pragma unroll
  for (int half = kLanes / 2; half > 0; half /= 2)
    value = Combine::of(value, static_cast<T>(__shfl_down_sync(mask, static_cast<S>(value), half, kTeam)));
  return static_cast<T>(__shfl_sync(mask, static_cast<S>(value), 0, kTeam));
}

// The same tree over the values that the threads of a block left in `lanes`, behind a barrier. Every warp
// folds for itself: lanes p, p + 32, … in registers, which is the tree from kLanes/2 down to 32, then by
// shuffles.
template <int kLanes, class Combine, class T, class M>
GRAPHC_DEVICE T fold_block(const M* lanes) {
  constexpr int kRows = kLanes > 32 ? kLanes / 32 : 1;
  constexpr int kWidth = kLanes > 32 ? 32 : kLanes;
  const int place = static_cast<int>(threadIdx.x) % kWidth;
  T row[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) row[r] = static_cast<T>(lanes[place + 32 * r]);
#pragma unroll
  for (int half = kRows / 2; half > 0; half /= 2) {
#pragma unroll
    for (int r = 0; r < half; ++r) row[r] = Combine::of(row[r], row[r + half]);
  }
  return fold_warp<kWidth, 32, Combine, T>(row[0], 0xffffffffu);
}

}  // namespace graphc

#endif
