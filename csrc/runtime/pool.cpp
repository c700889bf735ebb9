// The pool's workers: each region is cut into one range per thread; a thread takes chunks of its own range
// first (so that successive steps find their rows in the same cache) and then of the others' (so that nobody
// waits for a thread that is asleep or preempted). Source of the scheme: static start, then work stealing by
// fetch_add on the victim's cursor, as in Cilk's and TBB's affinity partitioners.
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace graphc {

namespace {

constexpr auto kSpin = std::chrono::microseconds(50);  // covers the gap between the steps of a program
constexpr std::int64_t kWorthSharing = 4'000;          // ns; a region on spinning workers costs 0.5 µs
constexpr std::int64_t kWorthWaking = 40'000;          // ns; waking a worker costs the caller up to 14 µs
constexpr std::int64_t kChunksPerThread = 4;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

struct alignas(128) Range {  // two cache lines: the prefetcher fetches pairs
  std::atomic<std::int64_t> next{0};
  std::int64_t end = 0;
};

}  // namespace

int available_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return std::max(1, std::min(CPU_COUNT(&set), Pool::kMaxThreads));
  return std::max(1, std::min(static_cast<int>(std::thread::hardware_concurrency()), Pool::kMaxThreads));
}

// One team of workers with the region that it works on. After a fork the child gets a fresh team.
struct Team {
  explicit Team(int size) : size(size), ranges(static_cast<std::size_t>(size)) {}

  // Workers take no signals: those belong to the host's threads. Where the system refuses a thread, the
  // others take over its range.
  void start() {
    started = true;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      for (int worker = 1; worker < size; ++worker) threads.emplace_back([this, worker] { work(worker); });
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
      generation.fetch_add(1);
    }
    wakeup.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  void run(std::int64_t count, RangeFunction run_range, void* run_context) {
    if (!started) start();
    function = run_range;
    context = run_context;
    chunk = std::max<std::int64_t>(1, count / (size * kChunksPerThread));
    for (int worker = 0; worker < size; ++worker) {
      Range& range = ranges[static_cast<std::size_t>(worker)];
      // 128 bits: count * worker may not fit 64.
      range.next.store(static_cast<std::int64_t>(static_cast<__int128>(count) * worker / size),
                       std::memory_order_relaxed);
      range.end = static_cast<std::int64_t>(static_cast<__int128>(count) * (worker + 1) / size);
    }
    open.store(true);
    generation.fetch_add(1);
    if (sleepers.load() > 0) {
      {
        const std::lock_guard<std::mutex> lock(mutex);
      }
      wakeup.notify_all();
    }
    take_part(0);
    open.store(false);
    while (inside.load() != 0) pause();
  }

  void take_part(int worker) {
    for (int i = 0; i < size; ++i) {
      Range& range = ranges[static_cast<std::size_t>((worker + i) % size)];
      while (true) {
        const std::int64_t begin = range.next.fetch_add(chunk, std::memory_order_relaxed);
        if (begin >= range.end) break;
        function(context, begin, std::min(begin + chunk, range.end), worker);
      }
    }
  }

  void work(int worker) {
    std::uint64_t seen = 0;
    while (true) {
      wait_for_change(seen);
      seen = generation.load();
      if (stopping) return;
      // `inside` before `open`, and the caller closes before it looks at `inside`: either the worker sees
      // that the region is closed, or the caller waits for it. All four are sequentially consistent.
      inside.fetch_add(1);
      if (open.load()) take_part(worker);
      inside.fetch_sub(1);
    }
  }

  void wait_for_change(std::uint64_t seen) {
    const auto until = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < 32; ++i) {
        if (generation.load(std::memory_order_acquire) != seen) return;
        pause();
      }
    } while (std::chrono::steady_clock::now() < until);
    std::unique_lock<std::mutex> lock(mutex);
    sleepers.fetch_add(1);
    wakeup.wait(lock, [&] { return generation.load() != seen; });
    sleepers.fetch_sub(1);
  }

  const int size;
  bool started = false;
  std::int64_t missed_ns = 0;  // what the caller has done alone since the workers fell asleep
  std::vector<std::thread> threads;
  // the region
  RangeFunction function = nullptr;
  void* context = nullptr;
  std::int64_t chunk = 1;
  std::vector<Range> ranges;
  std::atomic<bool> open{false};
  // who is where
  alignas(128) std::atomic<std::uint64_t> generation{0};
  alignas(128) std::atomic<int> inside{0};
  std::atomic<int> sleepers{0};
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable wakeup;
};

struct Pool::Impl {
  std::atomic<bool> busy{false};
  std::atomic<int> wanted{available_cpus()};
  std::unique_ptr<Team> team;  // touched by whoever holds `busy`

  ~Impl() {
    if (team) team->stop();
  }
};

Pool::Pool() : impl_(new Impl) {}

Pool& Pool::instance() {
  // Never destroyed: programs may still run while the process's statics go away.
  static Pool* const pool = [] {
    Pool* made = new Pool;
    // Only the forking thread survives in a child. The parent's team is left as it lies (its threads are
    // gone, its mutex may be locked) and the child starts its own when it needs one.
    pthread_atfork(nullptr, nullptr, [] {
      Pool& self = instance();
      const int threads = self.threads();
      static_cast<void>(self.impl_.release());
      self.impl_.reset(new Impl);
      self.set_threads(threads);
    });
    return made;
  }();
  return *pool;
}

void Pool::set_threads(int threads) { impl_->wanted.store(std::max(1, std::min(threads, kMaxThreads))); }

int Pool::threads() const { return impl_->wanted.load(std::memory_order_relaxed); }

void Pool::run(std::int64_t count, std::int64_t cost_ns, int workers, RangeFunction function, void* context) {
  Impl& impl = *impl_;
  const int wanted = threads();
  if (count < 2 || cost_ns < kWorthSharing || wanted == 1 || wanted > workers ||
      impl.busy.exchange(true, std::memory_order_acquire)) {
    if (count > 0) function(context, 0, count, 0);
    return;
  }
  if (!impl.team || impl.team->size != wanted) {
    if (impl.team) impl.team->stop();
    impl.team.reset(new Team(wanted));
  }
  Team& team = *impl.team;
  const bool all_asleep =
      !team.started || team.sleepers.load(std::memory_order_relaxed) == static_cast<int>(team.threads.size());
  // Small regions wake nobody one by one, but many of them do: a loop of small calls finds the workers
  // spinning after the first few.
  team.missed_ns = all_asleep ? team.missed_ns + std::min(cost_ns, kWorthWaking) : 0;
  if (all_asleep && team.missed_ns < kWorthWaking) {
    function(context, 0, count, 0);
  } else {
    team.missed_ns = 0;
    team.run(count, function, context);
  }
  impl.busy.store(false, std::memory_order_release);
}

const Workers& pool_workers() {
  static const Workers workers{
      nullptr, [](void*) { return Pool::instance().threads(); },
      [](void*, std::int64_t count, std::int64_t cost_ns, int workers, RangeFunction function,
         void* context) { Pool::instance().run(count, cost_ns, workers, function, context); }};
  return workers;
}

}  // namespace graphc
