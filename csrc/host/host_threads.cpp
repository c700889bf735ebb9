// A region is cut into chunks, which tasks take from one cursor; a task is a worker, so that scratch memory
// is nobody else's, whatever thread the host gives it.
#include "host/host_threads.h"

#include <algorithm>
#include <atomic>

#include "runtime/error.h"
#include "runtime/pool.h"

namespace graphc::host {

namespace {

constexpr std::int64_t kWorthSharing = 40'000;  // ns; a host's pool may have to wake its threads
constexpr std::int64_t kChunksPerTask = 4;

struct Region {
  std::int64_t count, chunk;
  RangeFunction function;
  void* context;
  std::atomic<std::int64_t> next{0};
};

void take_part(void* data, std::int32_t task) {
  Region& region = *static_cast<Region*>(data);
  while (true) {
    const std::int64_t begin = region.next.fetch_add(region.chunk, std::memory_order_relaxed);
    if (begin >= region.count) return;
    region.function(region.context, begin, std::min(begin + region.chunk, region.count), task);
  }
}

}  // namespace

HostThreads::HostThreads(const graphc_thread_pool& pool) : pool_(pool) {
  if (pool.threads < 1 || pool.threads > Pool::kMaxThreads)
    throw Error(ErrorKind::kArgument,
                "expected a pool of 1 to 256 threads, got " + std::to_string(pool.threads));
  if (pool.threads > 1 && pool.parallel_for == nullptr)
    throw Error(ErrorKind::kArgument, "expected a pool with a function parallel_for, got none");
}

int HostThreads::threads(void* self) { return static_cast<HostThreads*>(self)->pool_.threads; }

void HostThreads::run(void* self, std::int64_t count, std::int64_t cost_ns, int workers,
                      RangeFunction function, void* context) {
  const graphc_thread_pool& pool = static_cast<HostThreads*>(self)->pool_;
  const std::int64_t tasks = std::min<std::int64_t>({count, workers, pool.threads});
  if (tasks < 2 || cost_ns < kWorthSharing) {
    if (count > 0) function(context, 0, count, 0);
    return;
  }
  Region region{count, std::max<std::int64_t>(1, count / (tasks * kChunksPerTask)), function, context};
  pool.parallel_for(pool.context, static_cast<std::int32_t>(tasks), take_part, &region);
}

}  // namespace graphc::host
