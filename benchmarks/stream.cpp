// McCalpin's triad, a[i] = b[i] + s c[i], the machine's own bandwidth against which rows are judged.
// C++ of its own because NumPy has no triad without a temporary array.
//
// a, b, c: n float64 each, distinct. Counted as STREAM does: 24 n bytes, without the line fetched before a store.

#include <cstdint>

extern "C" void triad(double* __restrict a, const double* __restrict b, const double* __restrict c, double s,
                      int64_t n) {
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < n; ++i) a[i] = b[i] + s * c[i];
}
