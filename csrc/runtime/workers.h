// What an executable asks of threads, as a table of functions. It stands apart from the pool, so that a host
// may bring threads of its own.
#pragma once

#include <cstdint>

namespace graphc {

// Runs [begin, end) as worker number `worker`. Must not throw.
using RangeFunction = void (*)(void* context, std::int64_t begin, std::int64_t end, int worker);

struct Workers {
  void* self;
  // Worker numbers are below it.
  int (*threads)(void* self);
  // Calls `function` on disjoint ranges that cover [0, count), with worker numbers below `workers`, never two
  // calls of one number at a time, and returns when all have returned. `cost_ns` estimates the time of
  // everything on one thread.
  void (*run)(void* self, std::int64_t count, std::int64_t cost_ns, int workers, RangeFunction function,
              void* context);
};

}  // namespace graphc
