// Evaluates every size of a program and checks what depends on the values. Apart from decode.cpp, which
// checks what does not.
#include "layout.h"

#include <algorithm>
#include <utility>

#include "error.h"

namespace graphc {

namespace {

// Rough speeds of one core on cache-resident data; they only steer who takes part in a step.
constexpr std::int64_t kBytesPerNs = 8;
constexpr std::int64_t kFlopsPerNs = 8;
// Fewer panels than this would leave threads without an epilogue to run.
constexpr std::int64_t kMinFusedPanels = 4;

class LayoutMaker {
 public:
  LayoutMaker(const Program& program, const GemmLibrary& library, std::vector<std::int64_t> symbols)
      : program_(program), library_(library) {
    layout_.symbols = std::move(symbols);
  }

  Layout make() {
    layout_.arena_bytes = extent(program_.arena, "the arena");
    for (const Slot& slot : program_.slots) add_slot(slot);
    for (const Port& output : program_.outputs) {
      layout_.outputs.emplace_back();
      for (const Size& size : output.shape)
        layout_.outputs.back().push_back(extent(size, "output " + output.name));
      bytes(output);
    }
    for (const KernelInfo& kernel : program_.kernels) add_kernel(kernel);
    for (const Step& step : program_.steps) {
      if (const GemmStep* gemm = std::get_if<GemmStep>(&step)) add_gemm(*gemm);
      if (const CopyStep* copy = std::get_if<CopyStep>(&step)) add_copy(*copy);
    }
    return std::move(layout_);
  }

 private:
  std::int64_t extent(const Size& size, const std::string& what) const {
    const std::int64_t value = size.evaluate(layout_.symbols.data());
    if (value < 0)
      throw Error(ErrorKind::kArgument,
                  what + ": expected a size of at least 0, got " + std::to_string(value));
    return value;
  }

  std::int64_t bytes(const Port& port) const {
    std::int64_t total = item_size(port.dtype);
    for (const Size& size : port.shape) total = checked_multiply(total, extent(size, port.name));
    return total;
  }

  void add_slot(const Slot& slot) {
    const std::int64_t offset = extent(slot.offset, "slot " + slot.port.name);
    if (offset % static_cast<std::int64_t>(kAlignment) != 0 ||
        checked_add(offset, bytes(slot.port)) > layout_.arena_bytes) {
      throw Error(ErrorKind::kProgram, "slot " + slot.port.name + ": expected an aligned range of the arena");
    }
    layout_.slot_offsets.push_back(offset);
  }

  void add_kernel(const KernelInfo& kernel) {
    KernelLayout made;
    for (const std::uint32_t symbol : kernel.symbols) made.dims.push_back(layout_.symbols[symbol]);
    made.units = 0;
    for (const Nest& nest : kernel.nests) {
      const std::int64_t iterations = extent(nest.extent, "kernel " + kernel.symbol);
      made.units = checked_add(made.units, iterations / nest.grain + (iterations % nest.grain != 0));
    }
    const std::int64_t traffic =
        checked_add(extent(kernel.read, kernel.symbol), extent(kernel.written, kernel.symbol));
    made.cost_ns = traffic / kBytesPerNs + extent(kernel.flops, kernel.symbol) / kFlopsPerNs;
    need_scratch(extent(kernel.scratch, kernel.symbol));
    layout_.kernels.push_back(std::move(made));
  }

  // Two cache lines between the workers' scratch, so that they never share one.
  void need_scratch(std::int64_t bytes) {
    if (bytes > 0) layout_.scratch_bytes = std::max(layout_.scratch_bytes, align_up(checked_add(bytes, 128)));
  }

  void check_operand(const Ref& ref, std::int64_t elements, DType dtype, const char* what) const {
    if (checked_multiply(elements, item_size(dtype)) > bytes(program_.port(ref))) {
      throw Error(ErrorKind::kProgram, std::string("gemm: expected a larger operand ") + what);
    }
  }

  void add_gemm(const GemmStep& gemm) {
    GemmLayout made;
    const std::int64_t batch = extent(gemm.batch, "gemm"), m = extent(gemm.m, "gemm"),
                       n = extent(gemm.n, "gemm"), k = extent(gemm.k, "gemm");
    check_operand(gemm.a, checked_multiply(gemm.broadcast_a ? 1 : batch, checked_multiply(m, k)), gemm.dtype,
                  "a");
    check_operand(gemm.b, checked_multiply(gemm.broadcast_b ? 1 : batch, checked_multiply(k, n)), gemm.dtype,
                  "b");
    check_operand(gemm.c, checked_multiply(batch, checked_multiply(m, n)), gemm.dtype, "c");
    std::int64_t grain = 1;
    if (!gemm.epilogue.empty()) {
      const Nest& nest = program_.kernels[gemm.epilogue[0].kernel].nests[0];
      grain = nest.grain;
      if (extent(nest.extent, "epilogue") != checked_multiply(batch, m)) {
        throw Error(ErrorKind::kProgram, "gemm: expected an epilogue over batch*m rows");
      }
    }
    made.shape = {
        gemm.dtype,       batch,      m,    n, k, gemm.transpose_a, gemm.transpose_b, gemm.broadcast_a,
        gemm.broadcast_b, gemm.alpha, grain};
    made.plan = library_.plan(made.shape);
    need_scratch(made.plan.workspace_bytes);
    const GemmPlan& plan = made.plan;
    made.panels = plan.items / std::max<std::int64_t>(plan.column_tiles, 1);
    const bool aligned = (plan.row_tiles <= 1 || plan.tile_rows % grain == 0) &&
                         (made.shape.batch <= 1 || made.shape.m % grain == 0);
    made.fused_epilogue = !gemm.epilogue.empty() && aligned && plan.items > 0 &&
                          (plan.column_tiles == 1 || made.panels >= kMinFusedPanels);
    layout_.max_panels = std::max(layout_.max_panels, made.panels);
    layout_.gemms.push_back(made);
  }

  void add_copy(const CopyStep& copy) {
    const std::int64_t count = bytes(program_.port(copy.source));
    if (count != bytes(program_.port(copy.target)))
      throw Error(ErrorKind::kProgram, "copy: expected operands of one size");
    layout_.copy_bytes.push_back(count);
  }

  const Program& program_;
  const GemmLibrary& library_;
  Layout layout_;
};

}  // namespace

Layout make_layout(const Program& program, const GemmLibrary& library, std::vector<std::int64_t> symbols) {
  return LayoutMaker(program, library, std::move(symbols)).make();
}

}  // namespace graphc
