// The host's own threads as the executor's workers. Apart from the program, since only worker numbers and
// ranges matter here.
#pragma once

#include "graphc/graphc.h"
#include "runtime/workers.h"

namespace graphc::host {

class HostThreads {
 public:
  // Throws Error(kArgument) for less than one thread or a missing function.
  explicit HostThreads(const graphc_thread_pool& pool);

  Workers workers() { return {this, threads, run}; }

 private:
  static int threads(void* self);
  static void run(void* self, std::int64_t count, std::int64_t cost_ns, int workers, RangeFunction function,
                  void* context);

  graphc_thread_pool pool_;
};

}  // namespace graphc::host
