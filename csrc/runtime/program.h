// LANGUAGE 3 on the C++ side: the same flat records as graphc/program/program.py, which documents them.
// Apart from the decoder, so that whoever runs a program need not know how it was stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "dtype.h"
#include "memory.h"
#include "size.h"

namespace graphc {

enum class Space : std::uint8_t { kInput, kOutput, kState, kConstant, kSlot };
constexpr int kSpaceCount = 5;

struct Ref {
  Space space;
  std::uint32_t index;
};

struct Port {
  std::string name;
  DType dtype;
  std::vector<Size> shape;
};

struct StateInfo {
  Port port;  // a shape without symbols
  bool updated;
  std::int64_t bytes;
};

struct Constant {
  Port port;
  AlignedBlock data;
};

struct Slot {
  Port port;
  Size offset;  // bytes
  std::int64_t first;
  std::int64_t last;
};

struct Nest {
  Size extent;
  std::int64_t grain;  // >= 1
};

struct KernelInfo {
  std::string symbol;
  std::vector<std::uint32_t> symbols;  // of the program, in the order of the ABI's `dims`
  std::vector<Nest> nests;
  bool has_finish;
  Size scratch;
  Size read;
  Size written;
  Size flops;
  std::string origin;
};

struct KernelCall {
  std::uint32_t kernel;
  std::vector<Ref> operands;
};

struct GemmStep {
  DType dtype;  // float32 or float64
  Ref a, b, c;
  Size batch, m, n, k;
  bool transpose_a, transpose_b, broadcast_a, broadcast_b;
  double alpha;
  std::vector<KernelCall> epilogue;  // none or one
  std::string origin;
};

struct CopyStep {
  Ref source;
  Ref target;
};

// A device step (CUDA) will be one more alternative here.
using Step = std::variant<KernelCall, GemmStep, CopyStep>;

struct Program {
  std::string name;
  std::vector<std::string> symbols;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<StateInfo> states;
  std::vector<Constant> constants;
  std::vector<Slot> slots;
  Size arena;
  std::vector<KernelInfo> kernels;
  std::vector<Step> steps;
  std::vector<std::string> messages;

  const Port& port(Ref ref) const;
};

// Reads what graphc/program/serializer.py writes, and checks every count, length, number and reference.
// Throws Error(kProgram); never reads outside [data, data + size).
Program decode(const void* data, std::size_t size);

}  // namespace graphc
