// The one thread pool of a process. It stands apart from the executor, which only says what to run: the pool
// alone decides who runs which part, and nothing that it decides may show in the results.
#pragma once

#include <cstdint>
#include <memory>

#include "workers.h"

namespace graphc {

// The number of CPUs that this process may use.
int available_cpus();

class Pool {
 public:
  static constexpr int kMaxThreads = 256;

  static Pool& instance();

  // Takes effect at the next region. `threads` in [1, kMaxThreads]; the caller of a region counts as one.
  void set_threads(int threads);
  int threads() const;

  // Calls `function` on disjoint ranges that cover [0, count) and returns when all have returned. Worker
  // numbers stay below `workers` (what the caller has scratch for). Runs on the calling thread alone, as
  // worker 0, if `cost_ns` (an estimate for one thread) says that waking others does not pay, or if another
  // thread's region is under way. Allocates nothing once the workers have started.
  void run(std::int64_t count, std::int64_t cost_ns, int workers, RangeFunction function, void* context);

 private:
  Pool();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The process's pool as workers.
const Workers& pool_workers();

}  // namespace graphc
