// A CBLAS library as a table of function pointers, filled at run time. It stands apart so that nothing links
// against a BLAS: the same binary runs with OpenBLAS, with any other CBLAS, or with our own loops.
#pragma once

#include <string>

namespace graphc {

// CBLAS with 32-bit integers; the enumerations' values are the standard's.
constexpr int kRowMajor = 101, kNoTranspose = 111, kTranspose = 112;

struct BlasTable {
  void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float* a,
                int lda, const float* b, int ldb, float beta, float* c, int ldc);
  void (*dgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha,
                const double* a, int lda, const double* b, int ldb, double beta, double* c, int ldc);
  void (*sgemv)(int order, int transpose, int m, int n, float alpha, const float* a, int lda, const float* x,
                int incx, float beta, float* y, int incy);
  void (*dgemv)(int order, int transpose, int m, int n, double alpha, const double* a, int lda,
                const double* x, int incx, double beta, double* y, int incy);
  std::string name;  // the library's own description
};

// Opens the library at `path` and looks for `scipy_cblas_*`, then `cblas_*`; sets it to one thread, since our
// pool cuts the work. Loaded libraries stay. Throws Error(kProgram) if it is none.
void load_blas(const std::string& path);

// Forgets the loaded library: products run in our own loops again.
void unload_blas();

// The loaded table, or null.
const BlasTable* blas();

}  // namespace graphc
