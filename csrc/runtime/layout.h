// A program with all its sizes evaluated for one set of symbol values. It stands apart so that a repeated
// call evaluates nothing: frames keep their layout.
#pragma once

#include <cstdint>
#include <vector>

#include "gemm.h"
#include "program.h"

namespace graphc {

struct KernelLayout {
  std::vector<std::int64_t> dims;  // the ABI's
  std::int64_t units;
  std::int64_t cost_ns;  // of all units on one thread, estimated from bytes and FLOPs
};

struct GemmLayout {
  GemmShape shape;
  GemmPlan plan;
  std::int64_t panels;  // groups of items that cover the same rows
  bool fused_epilogue;  // run it panel by panel; otherwise after all items
};

struct Layout {
  std::vector<std::int64_t> symbols;
  std::vector<KernelLayout> kernels;               // of the program's kernels
  std::vector<GemmLayout> gemms;                   // of the program's gemm steps, in order
  std::vector<std::int64_t> copy_bytes;            // of the copy steps, in order
  std::vector<std::int64_t> slot_offsets;          // bytes
  std::vector<std::vector<std::int64_t>> outputs;  // shapes
  std::int64_t arena_bytes = 0;
  std::int64_t scratch_bytes = 0;  // of one worker
  std::int64_t max_panels = 0;
};

// Checks that slots lie in the arena and that a product's operands are large enough. Throws Error(kProgram),
// and Error(kArgument) for sizes beyond int64.
Layout make_layout(const Program& program, const GemmLibrary& library, std::vector<std::int64_t> symbols);

}  // namespace graphc
