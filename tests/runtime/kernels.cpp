// Hand-written kernels for the tests of the runtime, over the ABI of every emitted kernel. They stand apart
// so that the runtime is tested without the compiler.
#include <cstring>

#include "graphc/kernel_abi.h"

namespace {

int64_t clip(int64_t unit, int64_t grain, int64_t extent) {
  return unit * grain < extent ? unit * grain : extent;
}

// c[i, j] = max(c[i, j] + bias[j], 0) for rows of grain 4; dims: n, rows.
template <typename T>
int32_t bias_relu(void* const* buffers, const int64_t* dims, int64_t begin, int64_t end) {
  T* c = static_cast<T*>(buffers[0]);
  const T* bias = static_cast<const T*>(buffers[1]);
  const int64_t n = dims[0], rows = dims[1];
  for (int64_t i = clip(begin, 4, rows); i < clip(end, 4, rows); ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const T x = c[i * n + j] + bias[j];
      c[i * n + j] = x > 0 ? x : 0;
    }
  }
  return 0;
}

}  // namespace

#define KERNEL(name)                                                                             \
  extern "C" int32_t name(void* const* buffers, const int64_t* dims, int64_t begin, int64_t end, \
                          void* scratch)

// y[i] = 2 * x[i] + w[0], grain 8; dims: batch.
KERNEL(scale) {
  (void)scratch;
  const float *x = static_cast<const float*>(buffers[0]), *w = static_cast<const float*>(buffers[1]);
  float* y = static_cast<float*>(buffers[2]);
  for (int64_t i = clip(begin, 8, dims[0]); i < clip(end, 8, dims[0]); ++i) y[i] = 2 * x[i] + w[0];
  return 0;
}

// total = sum of x; a partial per unit of 1000, summed in order by the finish phase; dims: batch.
KERNEL(total) {
  (void)scratch;
  const float* x = static_cast<const float*>(buffers[0]);
  float* partials = static_cast<float*>(buffers[2]);
  for (int64_t unit = begin; unit < end; ++unit) {
    float sum = 0;
    for (int64_t i = unit * 1000; i < clip(unit + 1, 1000, dims[0]); ++i) sum += x[i];
    partials[unit] = sum;
  }
  return 0;
}

KERNEL(total_finish) {
  (void)dims, (void)scratch;
  float sum = 0;
  for (int64_t unit = begin; unit < end; ++unit) sum += static_cast<const float*>(buffers[2])[unit];
  *static_cast<float*>(buffers[1]) = sum;
  return 0;
}

// Code 1 for a negative x, 2 for one above 100; grain 1; dims: batch.
KERNEL(guard) {
  (void)dims, (void)scratch;
  int32_t code = 0;
  const float* x = static_cast<const float*>(buffers[0]);
  for (int64_t i = begin; i < end; ++i) {
    const int32_t failed = x[i] < 0 ? 1 : x[i] > 100 ? 2 : 0;
    if (failed && (code == 0 || failed < code)) code = failed;
  }
  return code;
}

// w[0] += 1, one unit.
KERNEL(count) {
  (void)dims, (void)scratch;
  for (int64_t unit = begin; unit < end; ++unit) static_cast<int64_t*>(buffers[0])[0] += 1;
  return 0;
}

// y[i] = x[n - 1 - i] by way of the worker's scratch; each unit is a row of n; dims: batch, n.
KERNEL(mirror) {
  const int64_t n = dims[1];
  for (int64_t row = begin; row < end; ++row) {
    float* copy = static_cast<float*>(scratch);
    std::memcpy(copy, static_cast<const float*>(buffers[0]) + row * n,
                static_cast<size_t>(n) * sizeof(float));
    for (int64_t j = 0; j < n; ++j) static_cast<float*>(buffers[1])[row * n + j] = copy[n - 1 - j];
  }
  return reinterpret_cast<intptr_t>(scratch) % 64 == 0 ? 0 : 1;
}

KERNEL(bias_relu_f32) {
  (void)scratch;
  return bias_relu<float>(buffers, dims, begin, end);
}

KERNEL(bias_relu_f64) {
  (void)scratch;
  return bias_relu<double>(buffers, dims, begin, end);
}
