// The C++ core without Python: programs that test_core.py has serialized, kernels of
// tests/runtime/kernels.cpp. Built three times: plain (counting allocations), with address and undefined, and
// with thread sanitizers.
#include <atomic>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "graphc/kernel_abi.h"
#include "library/gemm.h"
#include "runtime/error.h"
#include "runtime/executable.h"
#include "runtime/pool.h"

extern "C" {
int32_t scale(void* const*, const int64_t*, int64_t, int64_t, void*);
int32_t total(void* const*, const int64_t*, int64_t, int64_t, void*);
int32_t total_finish(void* const*, const int64_t*, int64_t, int64_t, void*);
int32_t guard(void* const*, const int64_t*, int64_t, int64_t, void*);
int32_t count(void* const*, const int64_t*, int64_t, int64_t, void*);
int32_t mirror(void* const*, const int64_t*, int64_t, int64_t, void*);
int32_t bias_relu_f32(void* const*, const int64_t*, int64_t, int64_t, void*);
}

#ifdef COUNT_ALLOCATIONS
extern std::atomic<long> allocations;
#endif

using graphc::Error;
using graphc::ErrorKind;
using graphc::Executable;
using graphc::Pool;

namespace {

std::string folder;

std::string read_program(const std::string& name) {
  std::ifstream file(folder + "/" + name, std::ios::binary);
  CHECK(file.good());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void* address_of(const std::string& symbol) {
  static const std::map<std::string, graphc_kernel> kernels = {
      {"scale", scale}, {"total", total},   {"total_finish", total_finish},  {"guard", guard},
      {"count", count}, {"mirror", mirror}, {"bias_relu_f32", bias_relu_f32}};
  const auto found = kernels.find(symbol);
  return found == kernels.end() ? nullptr : reinterpret_cast<void*>(found->second);
}

std::vector<std::shared_ptr<graphc::State>> new_states(const graphc::Program& program) {
  std::vector<std::shared_ptr<graphc::State>> states;
  for (const graphc::StateInfo& info : program.states) {
    states.push_back(std::make_shared<graphc::State>(info.port.dtype, info.bytes));
    std::memset(states.back()->data(), 0, static_cast<std::size_t>(info.bytes));
  }
  return states;
}

std::unique_ptr<Executable> load(const std::string& name) {
  const std::string bytes = read_program(name);
  graphc::Program program = graphc::decode(bytes.data(), bytes.size());
  std::vector<std::shared_ptr<graphc::State>> states = new_states(program);
  return std::make_unique<Executable>(std::move(program), address_of, std::move(states),
                                      graphc::gemm_library());
}

void call(Executable& executable, const std::vector<std::int64_t>& extents, const void* const* inputs,
          void* const* outputs) {
  std::unique_ptr<graphc::Frame> frame = executable.acquire(extents.data());
  try {
    executable.run(*frame, inputs, outputs, nullptr);
  } catch (...) {
    executable.release(std::move(frame));
    throw;
  }
  executable.release(std::move(frame));
}

float sum(Executable& executable, const std::vector<float>& x) {
  float result = -1;
  const void* inputs[] = {x.data()};
  void* outputs[] = {&result};
  call(executable, {static_cast<std::int64_t>(x.size())}, inputs, outputs);
  return result;
}

template <typename Function>
ErrorKind error_of(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return error.kind();
  }
  CHECK(!"an error");
  return ErrorKind::kFault;
}

void test_damaged_bytes() {
  for (const char* name : {"scale", "total", "guarded_count", "mirror", "gemm", "training_step", "copies"}) {
    const std::string bytes = read_program(name);
    graphc::decode(bytes.data(), bytes.size());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const std::vector<char> exact(
          bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));  // so that ASan sees the end
      error_of([&] { graphc::decode(exact.data(), exact.size()); });
    }
    std::mt19937 dice(7);
    for (int round = 0; round < 2000; ++round) {
      std::vector<char> damaged(bytes.begin(), bytes.end());
      for (unsigned i = 0; i <= dice() % 4; ++i) damaged[dice() % damaged.size()] = static_cast<char>(dice());
      try {
        graphc::Program program = graphc::decode(damaged.data(), damaged.size());
        const std::vector<std::int64_t> symbols(program.symbols.size(), 3);
        graphc::make_layout(program, graphc::gemm_library(), symbols);
      } catch (const Error&) {
      }
    }
  }
}

void test_programs() {
  std::unique_ptr<Executable> summing = load("total");
  for (const std::size_t length : {0, 1, 17, 1000, 1001, 100000})
    CHECK(sum(*summing, std::vector<float>(length, 1)) == static_cast<float>(length));

  std::unique_ptr<Executable> counting = load("guarded_count");
  std::int64_t counted = 0;
  float x = 1;
  const void* inputs[] = {&x};
  void* outputs[] = {&counted};
  call(*counting, {1}, inputs, outputs);
  x = -1;
  CHECK(error_of([&] { call(*counting, {1}, inputs, outputs); }) == ErrorKind::kFault);
  x = 1;
  call(*counting, {1}, inputs, outputs);
  CHECK(counted == 2);

  std::unique_ptr<Executable> product = load("gemm");  // 2 x [3, 4] @ [4, 5], bias and relu
  std::vector<float> a(24, 1), b(40, 2), bias(5, -7), c(30, -1);
  const void* operands[] = {a.data(), b.data(), bias.data(), nullptr};
  void* results[] = {c.data()};
  call(*product, {2, 3, 4, 2, 4, 5, 5, 5, 6, 0}, operands, results);
  for (const float value : c) CHECK(value == 1);
  CHECK(error_of([&] { call(*product, {2, 3, 4, 2, 4, 6, 5, 5, 6, 0}, operands, results); }) ==
        ErrorKind::kArgument);
}

void test_many_threads() {
  std::unique_ptr<Executable> summing = load("total");
  std::unique_ptr<Executable> counting = load("guarded_count");
  constexpr int kThreads = 4, kCalls = 50;
  Pool::instance().set_threads(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<float> x(static_cast<std::size_t>(50000 + t), 1);
      std::int64_t counted = 0;
      const void* inputs[] = {x.data()};
      void* outputs[] = {&counted};
      for (int i = 0; i < kCalls; ++i) {
        CHECK(sum(*summing, x) == static_cast<float>(x.size()));
        call(*counting, {1}, inputs, outputs);
        if (t == 0) Pool::instance().set_threads(1 + i % 4);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::int64_t counted = 0;
  const float x = 1;
  const void* inputs[] = {&x};
  void* outputs[] = {&counted};
  call(*counting, {1}, inputs, outputs);
  CHECK(counted == kThreads * kCalls + 1);
}

void test_pool() {
  for (const int threads : {1, 2, 5}) {
    Pool::instance().set_threads(threads);
    for (const std::int64_t units : {0, 1, 2, 7, 1000, 12345}) {
      std::vector<int> runs(static_cast<std::size_t>(units), 0);
      for (int round = 1; round <= 20; ++round) {
        Pool::instance().run(
            units, 1000000, threads,
            [](void* context, std::int64_t begin, std::int64_t end, int worker) {
              CHECK(worker >= 0 && worker < Pool::instance().threads());
              for (std::int64_t i = begin; i < end; ++i)
                ++(*static_cast<std::vector<int>*>(context))[static_cast<std::size_t>(i)];
            },
            &runs);
        for (const int count : runs) CHECK(count == round);
      }
    }
  }
}

void test_allocations() {
#ifdef COUNT_ALLOCATIONS
  for (const int threads : {1, 2}) {
    Pool::instance().set_threads(threads);
    std::unique_ptr<Executable> summing = load("total");
    const std::vector<float> x(100000, 1), y(50000, 1);
    for (int i = 0; i < 3; ++i) sum(*summing, x), sum(*summing, y);
    const std::int64_t long_extent = 100000, short_extent = 50000;
    float result;
    const void* inputs[] = {x.data()};
    void* outputs[] = {&result};
    const long before = allocations.load();
    for (int i = 0; i < 100; ++i) {
      std::unique_ptr<graphc::Frame> frame = summing->acquire(i % 2 ? &long_extent : &short_extent);
      summing->run(*frame, inputs, outputs, nullptr);
      summing->release(std::move(frame));
    }
    CHECK(allocations.load() == before);
  }
#endif
}

}  // namespace

int main(int, char** arguments) {
  folder = arguments[1];
  test_damaged_bytes();
  test_programs();
  test_pool();
  test_many_threads();
  test_allocations();
  std::puts("ok");
}
