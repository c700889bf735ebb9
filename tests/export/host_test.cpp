// The host interface as a C++ program uses it. Built with and without exceptions; run on the package that
// test_host.py exports: programs `predict` (x: [batch, 4] -> [batch, 3]) and `train` (x, t: [batch] -> loss),
// and `sample` (x: [] -> y: [], a cell with its state in `h`).
#include <pthread.h>
#include <graphc/graphc.hpp>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                 \
    }                                                                               \
  } while (false)

// Every allocation and every lock of the process, counted: glibc lets a program define these functions
// itself.
std::atomic<long> allocations{0}, locks{0};
#ifndef SANITIZED
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) { return ++allocations, __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) { return ++allocations, __libc_calloc(count, size); }
void* realloc(void* memory, std::size_t size) { return ++allocations, __libc_realloc(memory, size); }
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  return ++allocations, *memory = __libc_memalign(alignment, size), *memory == nullptr;
}
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  ++locks;
  while (pthread_mutex_trylock(mutex) != 0) sched_yield();
  return 0;
}
}
#endif

namespace {

using graphc::view;

constexpr std::int64_t kBatch = 5;

struct Data {
  std::vector<float> x = std::vector<float>(kBatch * 4);
  std::vector<std::int64_t> t = std::vector<std::int64_t>(kBatch);
  Data() {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
    for (std::size_t i = 0; i < t.size(); ++i) t[i] = static_cast<std::int64_t>(i % 3);
  }
};

template <typename Function>
void expect_failure(graphc_status code, const std::string& words, Function function) {
  graphc::Status status;
  function(&status);
  if (status.code() != code || std::string(status.message()).find(words) == std::string::npos) {
    std::fprintf(stderr, "expected %d %s, got %d %s\n", code, words.c_str(), status.code(), status.message());
    std::exit(1);
  }
#ifdef GRAPHC_HAS_EXCEPTIONS
  try {
    function(nullptr);
    CHECK(!"an exception");
  } catch (const graphc::Error& error) {
    CHECK(error.code() == code && std::string(error.what()) == status.message());
  }
#endif
}

void test_signature(graphc::Package& package) {
  CHECK(package.program_names().size() == 3);
  CHECK(package.metadata("owner") == std::string("tests") && package.metadata("nobody") == nullptr);
  graphc::Program train = package.program("train");
  CHECK(train.inputs().size() == 2 && train.outputs().size() == 1);
  CHECK(train.inputs()[0].name == "x" && train.inputs()[0].shape == std::vector<std::int64_t>({-1, 4}));
  CHECK(train.inputs()[1].dtype == GRAPHC_INT64 && train.outputs()[0].shape.empty());
  CHECK(package.variables().size() == 3);
}

void test_refusals(graphc::Package& package, const std::string& path) {
  Data data;
  float y[kBatch * 3], loss;
  graphc::Program predict = package.program("predict"), train = package.program("train");
  const auto refused = [&](const char* words, auto... arguments) {
    expect_failure(GRAPHC_ARGUMENT, words,
                   [&](graphc::Status* status) { predict.run(arguments..., status); });
  };
  using Views = std::vector<graphc::TensorView>;
  const Views out = {view(y, {kBatch, 3})};
  refused("input x: expected shape [batch, 4], got [5, 3]", Views{view(data.x.data(), {kBatch, 3})}, out);
  refused("input x: expected shape [batch, 4], got [20]", Views{view(data.x.data(), {20})}, out);
  refused("input x: expected float32, got int64", Views{view(data.t.data(), {1, 4})}, out);
  refused("input x: expected a row-major array without gaps, got strides [1, 5] for shape [5, 4]",
          Views{view(data.x.data(), {kBatch, 4}, {1, kBatch})}, out);
  refused("expected 1 inputs, got 0", Views{}, out);
  refused("output out: expected shape [5, 3], got [4, 3]", Views{view(data.x.data(), {kBatch, 4})},
          Views{view(y, {4, 3})});
  refused("expected memory of its own", Views{view(data.x.data(), {kBatch, 4})},
          Views{view(data.x.data() + 3, {kBatch, 3})});
  refused("got a null pointer", Views{view(static_cast<float*>(nullptr), {kBatch, 4})}, out);
  data.t[0] = 3;
  expect_failure(GRAPHC_FAULT, "index", [&](graphc::Status* status) {
    train.run({view(data.x.data(), {kBatch, 4}), view(data.t.data(), {kBatch})}, {view(&loss, {})}, status);
  });
  expect_failure(GRAPHC_ARGUMENT, "expected a program among predict, train, sample, got fit",
                 [&](graphc::Status* status) { package.program("fit", status); });
  expect_failure(GRAPHC_ARGUMENT, "variable W: expected shape [4, 3], got [12]",
                 [&](graphc::Status* status) { package.variable("W").set(view(y, {12}), status); });
  expect_failure(GRAPHC_ARGUMENT, "expected a variable among",
                 [&](graphc::Status* status) { package.variable("V").get(view(y, {}), status); });
  expect_failure(GRAPHC_SYSTEM, "No such file",
                 [&](graphc::Status* status) { graphc::Package::load(path + ".missing", status); });
  expect_failure(GRAPHC_PACKAGE, "expected code that runs on this CPU for sparc",
                 [&](graphc::Status* status) { graphc::Package::load(path, {nullptr, "sparc"}, status); });
  const unsigned char key[32] = {};
  expect_failure(GRAPHC_PACKAGE, "expected a build of graphc with libsodium",
                 [&](graphc::Status* status) { graphc::Package::load(path, {key, nullptr}, status); });
  expect_failure(GRAPHC_ARGUMENT, "expected a value of the size batch",
                 [&](graphc::Status* status) { predict.prepare({}, status); });
  alignas(64) char small[64];
  expect_failure(GRAPHC_ARGUMENT, "expected an arena of", [&](graphc::Status* status) {
    train.prepare({{"batch", 1000}}, small, sizeof small, status);
  });
}

std::vector<float> predict(graphc::Program& program, std::int64_t batch = kBatch) {
  const Data data;
  std::vector<float> y(static_cast<std::size_t>(batch) * 3);
  program.run({view(data.x.data(), {batch, 4})}, {view(y.data(), {batch, 3})});
  return y;
}

float train(graphc::Program& program) {
  const Data data;
  float loss = -1;
  program.run({view(data.x.data(), {kBatch, 4}), view(data.t.data(), {kBatch})}, {view(&loss, {})});
  return loss;
}

void test_shared_variables(graphc::Package& package) {
  graphc::Program predicting = package.program("predict"), training = package.program("train");
  const std::vector<float> before = predict(predicting), weights = package.variable("W").values<float>();
  const float first = train(training);
  for (int i = 0; i < 20; ++i) train(training);
  CHECK(train(training) < first && predict(predicting) != before);
  package.variable("W").set(view(weights.data(), {4, 3}));
  const std::vector<float> zeros(3);
  package.variable("b").set(view(zeros.data(), {3}));
  CHECK(predict(predicting) == before);
  CHECK(predict(predicting, 0).empty() && predict(predicting, 1).size() == 3);
}

void parallel_for(void* context, std::int32_t tasks, void (*task)(void*, std::int32_t), void* data) {
  ++*static_cast<int*>(context);
  std::vector<std::thread> threads;
  for (std::int32_t i = 1; i < tasks; ++i) threads.emplace_back(task, data, i);
  task(data, 0);
  for (std::thread& thread : threads) thread.join();
}

void test_host_threads(graphc::Package& package) {
  constexpr std::int64_t kLarge = 400000;
  int regions = 0;
  const graphc_thread_pool pool{3, parallel_for, &regions};
  graphc::Program mine = package.program("predict", {&pool, false}),
                  alone = package.program("predict", {&graphc::single_thread(), true}),
                  ours = package.program("predict");
  std::vector<float> x(kLarge * 4, 0.25f), y[3];
  int i = 0;
  for (graphc::Program* program : {&mine, &alone, &ours}) {
    y[i].resize(kLarge * 3);
    program->run({view(x.data(), {kLarge, 4})}, {view(y[i++].data(), {kLarge, 3})});
  }
  CHECK(regions > 0 && y[0] == y[1] && y[0] == y[2]);
}

void test_no_allocations_no_locks(graphc::Package& package) {
#ifndef SANITIZED
  graphc::Program sample = package.program("sample", {&graphc::single_thread(), true}),
                  training = package.program("train", {&graphc::single_thread(), true});
  sample.prepare({});
  const std::size_t bytes = training.arena_bytes({{"batch", kBatch}});
  std::vector<char> arena(bytes + 64);
  char* aligned = arena.data() + (64 - reinterpret_cast<std::uintptr_t>(arena.data()) % 64);
  training.prepare({{"batch", kBatch}}, aligned, bytes);
  const Data data;
  float x = 0, y = 0, loss = 0;
  const long allocated = allocations, locked = locks;
  for (int i = 0; i < 1000; ++i) {
    x = i % 50 < 25 ? 1.0f : -1.0f;
    sample.run({view(&x, {})}, {view(&y, {})});
    training.run({view(data.x.data(), {kBatch, 4}), view(data.t.data(), {kBatch})}, {view(&loss, {})});
  }
  CHECK(allocations == allocated && locks == locked);
  CHECK(std::isfinite(y) && std::isfinite(loss));
  std::vector<float> noticed(1);  // the counters count
  CHECK(allocations > allocated);
  graphc::Program locking = package.program("predict");
  predict(locking);
  CHECK(locks > locked);
#else
  static_cast<void>(package);
#endif
}

void test_threads(graphc::Package& package) {
  graphc::Program shared = package.program("predict");
  shared.prepare({{"batch", kBatch}});
  const std::vector<float> expected = predict(shared);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      graphc::Program own = package.program("predict");
      for (int i = 0; i < 100; ++i) CHECK(predict(t % 2 ? own : shared) == expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void test_save(graphc::Package& package, const std::string& path) {
  graphc::Program training = package.program("train");
  train(training);
  package.save(path);
  graphc::Package again = graphc::Package::load(path);
  graphc::Program program = again.program("train");
  package = graphc::Package();  // programs may outlive their package
  CHECK(train(program) == train(training));
  again.save(path);  // over the file that is mapped
  graphc::Package third = graphc::Package::load(path);
  graphc::Program last = third.program("train");
  CHECK(train(last) == train(program));
}

}  // namespace

int main(int, char** argv) {
  const std::string path = argv[1];
  graphc::Package package = graphc::Package::load(path);
  test_signature(package);
  test_refusals(package, path);
  test_shared_variables(package);
  test_host_threads(package);
  test_no_allocations_no_locks(package);
  test_threads(package);
  test_save(package, argv[2]);
  std::puts("ok");
}
