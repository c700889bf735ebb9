// McCalpin's triad, a[i] = b[i] + s c[i], the machine's own bandwidth against which rows are judged.
// C++ of its own because NumPy has no triad without a temporary array.
//
// a, b, c: n float64 each, distinct. Every thread repeats over a slice of its own without waiting for the
// others, so that arrays that fit a cache are timed as the cache and not as a barrier. Counted as STREAM
// does: 24 n bytes a repeat, without the line fetched before a store.

#include <omp.h>

#include <cstdint>

extern "C" void triad(double* __restrict a, const double* __restrict b, const double* __restrict c, double s,
                      int64_t n, int64_t repeats) {
#pragma omp parallel
  {
    const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const int64_t begin = n * thread / threads, end = n * (thread + 1) / threads;
    for (int64_t repeat = 0; repeat < repeats; ++repeat) {
      for (int64_t i = begin; i < end; ++i) a[i] = b[i] + s * c[i];
      asm volatile("" ::: "memory");  // or the compiler keeps one repeat of them
    }
  }
}
