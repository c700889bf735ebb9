// Times the kernels of kernels/cpu/gemm against a CBLAS, one thread, slices in turn; gemm_bench.py builds and
// calls it. A program of its own, so that nothing but the two products runs.
//
//   gemm_bench LIBRARY [avx512 | avx2 | portable] [ROUNDS]
//
// A line a case: type, m x n x k, best microseconds of ours and of the library, median over rounds of library
// / ours.
#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "cpu/gemm/gemm.h"

namespace {

using graphc::kernels::Epilogue;
using graphc::kernels::gemm_kernel;
using graphc::kernels::GemmKernel;
using graphc::kernels::Isa;
using graphc::kernels::Product;

template <typename T>
using CblasGemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, T alpha,
                           const T* a, int lda, const T* b, int ldb, T beta, T* c, int ldc);
template <typename T>
using CblasGemv = void (*)(int order, int transpose, int m, int n, T alpha, const T* a, int lda, const T* x,
                           int incx, T beta, T* y, int incy);

struct Library {
  CblasGemm<float> sgemm;
  CblasGemm<double> dgemm;
  CblasGemv<float> sgemv;
  CblasGemv<double> dgemv;

  CblasGemm<float> gemm(float) const { return sgemm; }
  CblasGemm<double> gemm(double) const { return dgemm; }
  CblasGemv<float> gemv(float) const { return sgemv; }
  CblasGemv<double> gemv(double) const { return dgemv; }
};

template <typename Function>
void find(void* library, const std::string& name, Function& function) {
  void* address = dlsym(library, ("scipy_" + name).c_str());
  if (address == nullptr) address = dlsym(library, name.c_str());
  if (address == nullptr) {
    std::fprintf(stderr, "expected a library with %s\n", name.c_str());
    std::exit(1);
  }
  std::memcpy(&function, &address, sizeof function);
}

struct Case {
  std::int64_t m, n, k;
  bool transpose_a, transpose_b, bias_relu, float64;
};

constexpr Case kCases[] = {
    {1024, 1024, 1024, false, false, false, false}, {1024, 1024, 1024, false, false, false, true},
    {128, 512, 784, false, false, false, false},    {128, 512, 784, false, false, true, false},
    {1024, 1024, 1024, false, false, true, false},  {128, 256, 512, false, false, false, false},
    {784, 512, 128, true, false, false, false},     {128, 512, 256, false, true, false, false},
    {512, 256, 128, true, false, false, false},     {128, 10, 256, false, false, false, false},
    {256, 10, 128, true, false, false, false},      {128, 256, 10, false, true, false, false},
    {1823, 781, 353, false, false, false, false},   {64, 64, 64, false, false, false, false},
    {16, 16, 4, false, false, false, false},        {16, 3, 16, false, false, false, false},
    {4, 16, 16, true, false, false, false},         {1, 512, 784, false, false, false, false},
    {1, 5000, 300, false, false, false, false},     {5000, 1, 300, false, false, false, false},
    {300, 1, 5000, true, false, false, false},      {8, 512, 784, false, false, false, false},
};

struct Rows {
  void* c;
  const void* bias;
  std::int64_t n;
};

template <typename T>
void bias_relu(void* context, std::int64_t begin, std::int64_t end) {
  const Rows& rows = *static_cast<const Rows*>(context);
  const T* bias = static_cast<const T*>(rows.bias);
  for (std::int64_t i = begin; i < end; ++i) {
    T* c = static_cast<T*>(rows.c) + i * rows.n;
#pragma GCC ivdep
    for (std::int64_t j = 0; j < rows.n; ++j) {
      const T x = c[j] + bias[j];
      c[j] = x > 0 ? x : 0;
    }
  }
}

template <typename T>
T* allocate(std::size_t count) {
  void* memory = std::aligned_alloc(64, (count * sizeof(T) + 127) / 64 * 64);
  if (memory == nullptr) std::abort();
  T* values = static_cast<T*>(memory);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(i * 2654435761u % 1024) / 1024 - T(0.5);
  return values;
}

// Of this thread: what other processes take away does not count.
double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

template <typename Function>
double seconds(const Function& function, int repeats) {
  const double start = now();
  for (int i = 0; i < repeats; ++i) function();
  return (now() - start) / repeats;
}

template <typename T>
void measure(const Case& x, const Library& library, const GemmKernel<T>& kernel, int rounds) {
  const std::size_t a_size = static_cast<std::size_t>(x.m * x.k),
                    b_size = static_cast<std::size_t>(x.k * x.n);
  const std::size_t c_size = static_cast<std::size_t>(x.m * x.n);
  T* a = allocate<T>(a_size);
  T* b = allocate<T>(b_size);
  T* bias = allocate<T>(static_cast<std::size_t>(x.n));
  T* c = allocate<T>(c_size);
  T* d = allocate<T>(c_size);
  void* workspace = allocate<char>(kernel.workspace_bytes(x.m, x.n, x.k));
  const std::int64_t lda = x.transpose_a ? x.m : x.k, ldb = x.transpose_b ? x.k : x.n;
  const Product<T> product{x.m, x.n, x.k, a, lda, x.transpose_a, b, ldb, x.transpose_b, c, x.n, T(1)};
  Rows rows{c, bias, x.n};
  const Epilogue epilogue{bias_relu<T>, &rows, 1};
  const auto ours = [&] {
    kernel.run(product, {0, x.m, 0, x.n, x.bias_relu ? &epilogue : nullptr}, workspace);
  };
  Rows other{d, bias, x.n};
  const auto theirs = [&] {
    const int m = static_cast<int>(x.m), n = static_cast<int>(x.n), k = static_cast<int>(x.k);
    if (n == 1) {
      library.gemv(T())(101, x.transpose_a ? 112 : 111, x.transpose_a ? k : m, x.transpose_a ? m : k, 1, a,
                        static_cast<int>(lda), b, 1, 0, d, 1);
    } else if (m == 1) {
      library.gemv(T())(101, x.transpose_b ? 111 : 112, x.transpose_b ? n : k, x.transpose_b ? k : n, 1, b,
                        static_cast<int>(ldb), a, 1, 0, d, 1);
    } else {
      library.gemm(T())(101, x.transpose_a ? 112 : 111, x.transpose_b ? 112 : 111, m, n, k, 1, a,
                        static_cast<int>(lda), b, static_cast<int>(ldb), 0, d, n);
    }
    if (x.bias_relu) bias_relu<T>(&other, 0, x.m);
  };
  ours();
  theirs();
  double difference = 0;
  for (std::size_t i = 0; i < c_size; ++i)
    difference = std::max(difference, std::abs(double(c[i]) - double(d[i])));
  if (!(difference < 1e-2)) std::printf("expected equal products, got a difference of %g\n", difference);
  const int repeats = static_cast<int>(std::clamp(2e-3 / seconds(ours, 3), 1.0, 1e5));
  double best_ours = 1e9, best_theirs = 1e9;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const double first = seconds(ours, repeats), second = seconds(theirs, repeats);
    best_ours = std::min(best_ours, first);
    best_theirs = std::min(best_theirs, second);
    ratios.push_back(second / first);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("%s %lldx%lldx%lld%s%s%s %.3f %.3f %.3f\n", x.float64 ? "f64" : "f32",
              static_cast<long long>(x.m), static_cast<long long>(x.n), static_cast<long long>(x.k),
              x.transpose_a ? ",aT" : "", x.transpose_b ? ",bT" : "", x.bias_relu ? ",bias+relu" : "",
              best_ours * 1e6, best_theirs * 1e6, ratios[ratios.size() / 2]);
  std::fflush(stdout);
  for (void* memory : {static_cast<void*>(a), static_cast<void*>(b), static_cast<void*>(bias),
                       static_cast<void*>(c), static_cast<void*>(d), workspace}) {
    std::free(memory);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "expected the path of a CBLAS library\n");
    return 1;
  }
  void* handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    std::fprintf(stderr, "expected a CBLAS library, got: %s\n", dlerror());
    return 1;
  }
  Library library{};
  find(handle, "cblas_sgemm", library.sgemm);
  find(handle, "cblas_dgemm", library.dgemm);
  find(handle, "cblas_sgemv", library.sgemv);
  find(handle, "cblas_dgemv", library.dgemv);
  void (*set_threads)(int) = nullptr;
  find(handle, "openblas_set_num_threads", set_threads);
  set_threads(1);
  const std::string name = argc > 2 ? argv[2] : gemm_kernel<float>().name;
  const Isa isa = name == "avx512" ? Isa::kAvx512 : name == "avx2" ? Isa::kAvx2 : Isa::kPortable;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 40;
  if (gemm_kernel<float>(isa) == nullptr) {
    std::fprintf(stderr, "expected a CPU with %s\n", name.c_str());
    return 1;
  }
  for (const Case& x : kCases) {
    if (x.float64) {
      measure<double>(x, library, *gemm_kernel<double>(isa), rounds);
    } else {
      measure<float>(x, library, *gemm_kernel<float>(isa), rounds);
    }
  }
}
