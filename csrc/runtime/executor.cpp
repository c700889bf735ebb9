// One function per kind of step, and the regions that they hand to the pool. No step allocates.
#include "executor.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "error.h"

namespace graphc {

namespace {

constexpr std::int64_t kCopyBytesPerNs = 10;

// A kernel over a frame: calls it on ranges of units and keeps the smallest error code.
struct KernelRegion {
  graphc_kernel kernel;
  void* const* buffers;
  const std::int64_t* dims;
  char* scratch;
  std::int64_t scratch_bytes;
  std::atomic<std::int32_t> code{0};

  void run(std::int64_t begin, std::int64_t end, int worker) {
    keep(kernel(buffers, dims, begin, end, scratch + worker * scratch_bytes));
  }

  // Which check is reported must not depend on who came first.
  void keep(std::int32_t failed) {
    if (failed == 0) return;
    std::int32_t before = code.load();
    while ((before == 0 || failed < before) && !code.compare_exchange_weak(before, failed)) {
    }
  }
};

struct GemmRegion {
  const GemmLibrary& library;
  const GemmLayout& layout;
  void* const* operands;   // a, b, c
  KernelRegion* epilogue;  // null: none, or not panel by panel
  std::int64_t grain;
  char* scratch;
  std::int64_t scratch_bytes;
  std::atomic<std::int32_t>* panels;  // the tiles of each panel that are done, if a panel has several

  void run(std::int64_t begin, std::int64_t end, int worker) {
    const std::int64_t columns = layout.plan.column_tiles;
    for (std::int64_t item = begin; item < end; ++item) {
      library.run(layout.shape, layout.plan, operands[0], operands[1], operands[2], item,
                  scratch + worker * scratch_bytes);
      if (epilogue == nullptr) continue;
      const std::int64_t panel = item / columns;
      // Release: this tile's elements; acquire: those of the panel's other tiles.
      if (columns > 1 && panels[panel].fetch_add(1, std::memory_order_acq_rel) + 1 < columns) continue;
      run_epilogue(panel, worker);
    }
  }

  void run_epilogue(std::int64_t panel, int worker) {
    const GemmShape& shape = layout.shape;
    const GemmPlan& plan = layout.plan;
    std::int64_t first, last;
    if (plan.group > 1) {
      first = panel * plan.group * shape.m;
      last = std::min(shape.batch, (panel + 1) * plan.group) * shape.m;
    } else {
      const std::int64_t matrix = panel / plan.row_tiles, tile = panel % plan.row_tiles;
      first = matrix * shape.m + tile * plan.tile_rows;
      last = matrix * shape.m + std::min(shape.m, (tile + 1) * plan.tile_rows);
    }
    epilogue->run(first / grain, (last + grain - 1) / grain, worker);
  }
};

struct CopyRegion {
  const char* source;
  char* target;
  std::int64_t bytes;

  void run(std::int64_t begin, std::int64_t end, int) {
    const std::int64_t first = begin * kBlock, last = std::min(bytes, end * kBlock);
    std::memcpy(target + first, source + first, static_cast<std::size_t>(last - first));
  }

  static constexpr std::int64_t kBlock = 1 << 16;
};

template <typename Region>
void share(const Workers& workers, Region& region, std::int64_t count, std::int64_t cost_ns, int limit) {
  workers.run(
      workers.self, count, cost_ns, limit,
      [](void* context, std::int64_t begin, std::int64_t end, int worker) {
        static_cast<Region*>(context)->run(begin, end, worker);
      },
      &region);
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void Executor::run(std::int64_t* nanoseconds) {
  const std::vector<Step>& steps = executable_.program_.steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    void* const* operands = frame_.pointers.data() + executable_.first_pointer_[i];
    const std::int64_t start = nanoseconds ? now() : 0;
    std::int32_t code = 0;
    if (const KernelCall* call = std::get_if<KernelCall>(&steps[i])) {
      code = run_kernel(*call, operands);
    } else if (const GemmStep* gemm = std::get_if<GemmStep>(&steps[i])) {
      code = run_gemm(*gemm, frame_.layout.gemms[next_gemm_++], operands);
    } else {
      run_copy(frame_.layout.copy_bytes[next_copy_++], operands);
    }
    if (nanoseconds) nanoseconds[i] += now() - start;
    if (code != 0) fail(i, code);
  }
}

std::int32_t Executor::run_kernel(const KernelCall& call, void* const* buffers) {
  const KernelLayout& layout = frame_.layout.kernels[call.kernel];
  const KernelEntry& entry = executable_.kernels_[call.kernel];
  char* scratch = frame_.arena.data() + align_up(frame_.layout.arena_bytes);
  KernelRegion region{entry.run, buffers, layout.dims.data(), scratch, frame_.layout.scratch_bytes};
  share(executable_.workers_, region, layout.units, layout.cost_ns, frame_.workers);
  const std::int32_t code = region.code.load();
  if (code != 0 || entry.finish == nullptr) return code;
  return entry.finish(buffers, layout.dims.data(), 0, layout.units, scratch);
}

std::int32_t Executor::run_gemm(const GemmStep& step, const GemmLayout& layout, void* const* operands) {
  const GemmPlan& plan = layout.plan;
  char* scratch = frame_.arena.data() + align_up(frame_.layout.arena_bytes);
  const std::int64_t scratch_bytes = frame_.layout.scratch_bytes;
  if (step.epilogue.empty()) {
    GemmRegion region{executable_.library_, layout, operands, nullptr, 1, scratch, scratch_bytes, nullptr};
    share(executable_.workers_, region, plan.items, plan.cost_ns, frame_.workers);
    return 0;
  }
  const KernelCall& call = step.epilogue[0];
  if (!layout.fused_epilogue) {
    GemmRegion region{executable_.library_, layout, operands, nullptr, 1, scratch, scratch_bytes, nullptr};
    share(executable_.workers_, region, plan.items, plan.cost_ns, frame_.workers);
    return run_kernel(call, operands + 3);
  }
  const KernelLayout& kernel = frame_.layout.kernels[call.kernel];
  const KernelEntry& entry = executable_.kernels_[call.kernel];
  KernelRegion epilogue{entry.run, operands + 3, kernel.dims.data(), scratch, scratch_bytes};
  for (std::int64_t i = 0; i < layout.panels; ++i)
    frame_.panels[static_cast<std::size_t>(i)].store(0, std::memory_order_relaxed);
  GemmRegion region{executable_.library_,   layout,  operands,      &epilogue,
                    layout.shape.row_grain, scratch, scratch_bytes, frame_.panels.get()};
  share(executable_.workers_, region, plan.items, plan.cost_ns + kernel.cost_ns, frame_.workers);
  const std::int32_t code = epilogue.code.load();
  if (code != 0 || entry.finish == nullptr) return code;
  return entry.finish(operands + 3, kernel.dims.data(), 0, kernel.units, scratch);
}

void Executor::run_copy(std::int64_t bytes, void* const* operands) {
  CopyRegion region{static_cast<const char*>(operands[0]), static_cast<char*>(operands[1]), bytes};
  share(executable_.workers_, region, (bytes + CopyRegion::kBlock - 1) / CopyRegion::kBlock,
        bytes / kCopyBytesPerNs, frame_.workers);
}

void Executor::fail(std::size_t step, std::int32_t code) const {
  const std::vector<std::string>& messages = executable_.program_.messages;
  if (code > 0 && static_cast<std::size_t>(code) <= messages.size()) {
    throw Error(ErrorKind::kFault, messages[static_cast<std::size_t>(code) - 1]);
  }
  throw Error(ErrorKind::kFault, "step " + std::to_string(step + 1) + " of " + executable_.program_.name +
                                     ": expected success, got code " + std::to_string(code));
}

}  // namespace graphc
