// Which kernel this CPU gets. It stands apart from the kernels, since it must run on every CPU.
#include "gemm.h"

#include <initializer_list>

#include "dispatch.h"

namespace graphc::kernels {

namespace {

bool runs(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  switch (isa) {
    case Isa::kAvx512:
      return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    case Isa::kAvx2:
      return avx2;
    case Isa::kPortable:
      return true;
  }
#endif
  return isa == Isa::kPortable;
}

GemmKernels kernels(Isa isa) {
  if (!runs(isa)) return {nullptr, nullptr};
  return isa == Isa::kAvx512 ? avx512_gemm() : isa == Isa::kAvx2 ? avx2_gemm() : portable_gemm();
}

GemmKernels best() {
  for (const Isa isa : {Isa::kAvx512, Isa::kAvx2}) {
    const GemmKernels found = kernels(isa);
    if (found.float32 != nullptr) return found;
  }
  return portable_gemm();
}

const GemmKernels& chosen() {
  static const GemmKernels kernels = best();
  return kernels;
}

}  // namespace

template <>
const GemmKernel<float>& gemm_kernel() {
  return *chosen().float32;
}

template <>
const GemmKernel<double>& gemm_kernel() {
  return *chosen().float64;
}

template <>
const GemmKernel<float>* gemm_kernel(Isa isa) {
  return kernels(isa).float32;
}

template <>
const GemmKernel<double>* gemm_kernel(Isa isa) {
  return kernels(isa).float64;
}

}  // namespace graphc::kernels
