// CUDA C++ under g++: gives the very text that goes to nvcc its meaning on a CPU, one fiber per CUDA thread.
//
// It stands apart from the kernels, which do not know it: it is included before them, and defines what nvcc
// would. Threads of a block run one after the other, each until its next barrier or shuffle, and a warp as
// far as it gets alone, in an order that the caller chooses; shared memory begins as NaN in every block. So a
// missing barrier shows as a wrong number in some order, and threads that do not meet at a barrier as an
// error. Needs -ffp-contract=off.
#ifndef GRAPHC_TESTS_CUDA_EMULATION_H
#define GRAPHC_TESTS_CUDA_EMULATION_H

#include <math.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(threads)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __shared__ static __attribute__((section("graphc_shared")))
#define __syncthreads() emulation::meet_block(__LINE__)
#define __syncwarp(mask) emulation::meet_warp(mask, __LINE__)
#define __shfl_sync(...) emulation::shuffle(__LINE__, emulation::kIndex, __VA_ARGS__)
#define __shfl_down_sync(...) emulation::shuffle(__LINE__, emulation::kDown, __VA_ARGS__)

extern unsigned char __start_graphc_shared[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_graphc_shared[] __attribute__((weak, visibility("hidden")));

struct Triple {
  unsigned x, y, z;
};
static Triple threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

enum Direction { kIndex, kDown };
enum class State { kReady, kAtBarrier, kInWarp, kDone };

struct Thread {
  ucontext_t context;
  std::vector<char> stack;
  State state;
  int line;        // of the barrier or shuffle where it waits
  unsigned mask;   // of the threads that it waits for
  unsigned count;  // of shuffles so far
  uint64_t
      carried[2];  // what it hands to the others, by parity of `count`: a slower thread still reads the last
};

static std::vector<Thread> threads;
static ucontext_t scheduler;
static const std::function<void()>* body;
static char error[256];
constexpr size_t kStack = 128 * 1024;

static void fail(const char* what, int line) {
  if (!error[0]) snprintf(error, sizeof error, "block %u: %s, line %d", blockIdx.x, what, line);
}

static void wait(State state, unsigned mask, int line) {
  Thread& self = threads[threadIdx.x];
  self.state = state;
  self.mask = mask;
  self.line = line;
  swapcontext(&self.context, &scheduler);
}

static void meet_block(int line) { wait(State::kAtBarrier, 0, line); }

static void meet_warp(unsigned mask, int line) {
  if (!(mask >> (threadIdx.x % 32) & 1)) fail("expected a thread within its own mask", line);
  wait(State::kInWarp, mask, line);
}

template <class T>
static T shuffle(int line, Direction direction, unsigned mask, T value, int offset, int width = 32) {
  Thread& self = threads[threadIdx.x];
  const unsigned parity = self.count++ % 2;
  static_assert(sizeof(T) <= 8, "expected a register");
  memcpy(&self.carried[parity], &value, sizeof(T));
  meet_warp(mask, line);
  const int lane = static_cast<int>(threadIdx.x % 32), first = lane / width * width;
  int from = direction == kIndex ? first + offset % width : lane + offset;
  if (from >= first + width) from = lane;
  if (!(mask >> from & 1)) fail("expected a shuffle from a thread within the mask", line);
  T result;
  memcpy(&result, &threads[threadIdx.x - lane + from].carried[parity], sizeof(T));
  return result;
}

static void run_thread() {
  (*body)();
  threads[threadIdx.x].state = State::kDone;
}

// Lets those threads of a warp go on of which all of their mask are waiting; false if there are none.
static bool release_warp(unsigned first) {
  bool released = false;
  for (unsigned t = first; t < first + 32; ++t) {
    const unsigned mask = threads[t].mask;
    bool met = threads[t].state == State::kInWarp;
    for (unsigned lane = 0; lane < 32; ++lane) {
      const Thread& other = threads[first + lane];
      if (mask >> lane & 1)
        met = met && other.state == State::kInWarp && other.mask == mask && other.line == threads[t].line;
    }
    if (!met) continue;
    for (unsigned lane = 0; lane < 32; ++lane)
      if (mask >> lane & 1) threads[first + lane].state = State::kReady;
    released = true;
  }
  return released;
}

// Lets the threads of a block go on that have met at a barrier; false if all are done.
static bool release_block() {
  size_t at_barrier = 0, done = 0;
  for (const Thread& thread : threads) {
    done += thread.state == State::kDone;
    at_barrier += thread.state == State::kAtBarrier && thread.line == threads[0].line;
  }
  if (done == threads.size()) return false;
  if (at_barrier < threads.size()) {
    for (const Thread& thread : threads)
      if (thread.state != State::kDone) fail("expected all threads at one barrier or shuffle", thread.line);
    return false;
  }
  for (Thread& thread : threads) thread.state = State::kReady;
  return true;
}

// `order` is how warps, and the threads in them, take turns: 0 upwards, 1 downwards, else shuffled by a
// multiplier.
static unsigned turn(unsigned n, unsigned count, int order) {
  return order == 0 ? n : order == 1 ? count - 1 - n : n * 37 % count;
}

static void run_block(int order) {
  const size_t shared = __start_graphc_shared ? __stop_graphc_shared - __start_graphc_shared : 0;
  if (shared) memset(__start_graphc_shared, 0xff, shared);
  for (Thread& thread : threads) {
    thread.stack.resize(kStack);
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.data();
    thread.context.uc_stack.ss_size = kStack;
    thread.context.uc_link = &scheduler;
    thread.state = State::kReady;
    thread.count = 0;
    makecontext(&thread.context, run_thread, 0);
  }
  const unsigned warps = static_cast<unsigned>(threads.size() / 32);
  do {
    for (unsigned n = 0; n < warps; ++n) {
      const unsigned first = turn(n, warps, order) * 32;
      do {
        for (unsigned lane = 0; lane < 32; ++lane) {
          threadIdx.x = first + turn(lane, 32, order);
          Thread& thread = threads[threadIdx.x];
          if (thread.state == State::kReady) swapcontext(&scheduler, &thread.context);
        }
      } while (!error[0] && release_warp(first));
    }
  } while (!error[0] && release_block());
}

template <class... P, size_t... I>
static void launch(void (*kernel)(P...), void** arguments, std::index_sequence<I...>, unsigned blocks,
                   int order) {
  const std::function<void()> call = [&] {
    kernel(*static_cast<std::remove_reference_t<P>*>(arguments[I])...);
  };
  body = &call;
  for (unsigned n = 0; n < blocks && !error[0]; ++n) {
    blockIdx.x = order == 0 ? n : blocks - 1 - n;
    run_block(order);
  }
}

// As cuLaunchKernel: `arguments` are pointers to the values of the parameters. Returns what went wrong, or
// "".
template <class... P>
static const char* launch(void (*kernel)(P...), void** arguments, unsigned blocks, unsigned block_size,
                          int order) {
  error[0] = 0;
  threads.resize(block_size);
  gridDim = {blocks, 1, 1};
  blockDim = {block_size, 1, 1};
  launch(kernel, arguments, std::make_index_sequence<sizeof...(P)>(), blocks, order);
  return error;
}

}  // namespace emulation

static inline int atomicMax(int* address, int value) {
  const int before = *address;
  if (value > before) *address = value;
  return before;
}

static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
static inline double __dsqrt_rn(double x) { return __builtin_sqrt(x); }
static inline float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }
static inline double __longlong_as_double(long long bits) { return __builtin_bit_cast(double, bits); }

#endif
