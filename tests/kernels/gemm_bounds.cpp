// Runs kernels/cpu/gemm on matrices that end at a page that must not be touched, and on some that begin after
// one. A program of its own, since an access out of bounds kills it; sanitizers do not see masked loads and
// stores.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "cpu/gemm/gemm.h"

namespace {

using graphc::kernels::gemm_kernel;
using graphc::kernels::GemmKernel;
using graphc::kernels::Isa;

// `count` elements between two guarded pages, beside one of them.
template <typename T>
class Guarded {
 public:
  Guarded(std::int64_t count, bool at_end) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T),
                      pages = (bytes + page - 1) / page * page;
    size_ = pages + 2 * page;
    void* memory = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    memory_ = static_cast<char*>(memory);
    if (pages > 0 && mprotect(memory_ + page, pages, PROT_READ | PROT_WRITE) != 0) std::abort();
    data_ = reinterpret_cast<T*>(at_end ? memory_ + page + pages - bytes : memory_ + page);
    for (std::int64_t i = 0; i < count; ++i) data_[i] = T((i * 7919 + 13) % 31) / 8 - 2;
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(memory_, size_); }
  T* data() { return data_; }

 private:
  char* memory_;
  std::size_t size_;
  T* data_;
};

template <typename T>
void run(const GemmKernel<T>& kernel, std::int64_t m, std::int64_t n, std::int64_t k, int way) {
  const bool transpose_a = (way & 1) != 0, transpose_b = (way & 2) != 0, at_end = (way & 4) != 0;
  Guarded<T> a(m * k, at_end), b(k * n, at_end), c(m * n, at_end);
  Guarded<char> workspace(static_cast<std::int64_t>(kernel.workspace_bytes(m, n, k)), true);
  const std::int64_t lda = transpose_a ? m : k, ldb = transpose_b ? k : n;
  kernel.run({m, n, k, a.data(), lda, transpose_a, b.data(), ldb, transpose_b, c.data(), n, T(1)},
             {0, m, 0, n, nullptr}, workspace.data());
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;  // exact: the elements are small multiples of 1/8
      for (std::int64_t p = 0; p < k; ++p) {
        sum += double(a.data()[transpose_a ? p * lda + i : i * lda + p]) *
               double(b.data()[transpose_b ? j * ldb + p : p * ldb + j]);
      }
      if (c.data()[i * n + j] != T(sum)) {
        std::printf("%s %lldx%lldx%lld way %d: expected %g at (%lld, %lld), got %g\n", kernel.name,
                    static_cast<long long>(m), static_cast<long long>(n), static_cast<long long>(k), way, sum,
                    static_cast<long long>(i), static_cast<long long>(j), double(c.data()[i * n + j]));
        std::exit(1);
      }
    }
  }
}

template <typename T>
void run_all(const GemmKernel<T>* kernel) {
  if (kernel == nullptr) return;
  constexpr std::int64_t kExtents[] = {0, 1, 2, 7, 17, 33, 67};
  for (int way = 0; way < 8; ++way) {
    for (const std::int64_t m : kExtents) {
      for (const std::int64_t n : kExtents) {
        for (const std::int64_t k : {0, 1, 8, 17}) run(*kernel, m, n, k, way);
      }
    }
    run(*kernel, 61, 83, 531, way);
    run(*kernel, 130, 100, 300, way);
    run(*kernel, 1, 101, 4500, way);
    run(*kernel, 101, 1, 4500, way);
  }
}

}  // namespace

int main() {
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    run_all(gemm_kernel<float>(isa));
    run_all(gemm_kernel<double>(isa));
  }
  std::puts("ok");
}
