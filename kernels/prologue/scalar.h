// Scalar operations of the kernel IR in C++: what each means is what graphc/kernel_ir/expr.py says, to the
// bit.
//
// One header for emitted and hand-written kernels, so that both compute the same. Everything is branch-free
// and inlines into loops that GCC and Clang vectorise. Needs -ffp-contract=off and -fwrapv.
#ifndef GRAPHC_PROLOGUE_SCALAR_H
#define GRAPHC_PROLOGUE_SCALAR_H

#include <cstdint>
#include <type_traits>

#define GRAPHC_INLINE static inline __attribute__((always_inline))

namespace graphc {

// a < b or a is NaN ? a : b
template <class T>
GRAPHC_INLINE T min(T a, T b) {
  return ((a < b) | (a != a)) ? a : b;
}

// a > b or a is NaN ? a : b
template <class T>
GRAPHC_INLINE T max(T a, T b) {
  return ((a > b) | (a != a)) ? a : b;
}

// Round to nearest, ties to even: rint in the rounding mode that programs start with.
GRAPHC_INLINE float round(float x) { return __builtin_rintf(x); }
GRAPHC_INLINE double round(double x) { return __builtin_rint(x); }
GRAPHC_INLINE float floor(float x) { return __builtin_floorf(x); }
GRAPHC_INLINE double floor(double x) { return __builtin_floor(x); }
GRAPHC_INLINE float ceil(float x) { return __builtin_ceilf(x); }
GRAPHC_INLINE double ceil(double x) { return __builtin_ceil(x); }
GRAPHC_INLINE float trunc(float x) { return __builtin_truncf(x); }
GRAPHC_INLINE double trunc(double x) { return __builtin_trunc(x); }
GRAPHC_INLINE float sqrt(float x) { return __builtin_sqrtf(x); }
GRAPHC_INLINE double sqrt(double x) { return __builtin_sqrt(x); }

// a*b + c with one rounding
GRAPHC_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
GRAPHC_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

GRAPHC_INLINE float abs(float x) { return __builtin_fabsf(x); }
GRAPHC_INLINE double abs(double x) { return __builtin_fabs(x); }
template <class T>
GRAPHC_INLINE T abs(T x) {  // of an integer; the smallest stays as it is
  return x < T(0) ? T(-x) : x;
}

// x without its fraction, which T holds. The sum turns -0 into 0: under -fno-trapping-math GCC 12 makes one
// truncation of a conversion to an integer and back, and would keep the sign that the integer has lost.
template <class T, class F>
GRAPHC_INLINE T to_integer(F x) {
  return static_cast<T>(trunc(x) + F(0));
}

// Shift left by 0 ≤ count < bits, as if unsigned.
template <class T>
GRAPHC_INLINE T shl(T x, T count) {
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(x) << count);
}

// The same bits as another type of the same size.
template <class To, class From>
GRAPHC_INLINE To bitcast(From x) {
  static_assert(sizeof(To) == sizeof(From), "expected types of one size");
  return __builtin_bit_cast(To, x);
}

}  // namespace graphc

#endif
