// Bytes to Program; the layout is in graphc/program/serializer.py. It stands apart as the only code that
// sees untrusted bytes: everything that it returns is in range, so that nothing behind it checks again.
#include <cstring>
#include <utility>

#include "byte_reader.h"
#include "error.h"
#include "program.h"

namespace graphc {

namespace {

constexpr char kMagic[4] = {'G', 'C', 'P', 'L'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint8_t kKernelStep = 1, kGemmStep = 2, kCopyStep = 3;
constexpr std::uint8_t kTransposeA = 1, kTransposeB = 2, kBroadcastA = 4, kBroadcastB = 8, kEpilogue = 16;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::kProgram, message); }

class Reader : private ByteReader {
 public:
  Reader(const char* data, std::size_t size) : ByteReader(data, size) {}

  Program program();

 private:
  Size size() {
    const std::uint32_t count = number<std::uint32_t>();
    const char* words = take(std::uint64_t{count} * 8);
    std::vector<std::int64_t> copy(count);
    if (count > 0) std::memcpy(copy.data(), words, std::size_t{count} * 8);
    return Size(std::move(copy), static_cast<std::int64_t>(program_.symbols.size()));
  }

  DType dtype() { return static_cast<DType>(below<std::uint8_t>(kDTypeCount, "a dtype")); }

  Port port() {
    Port port;
    port.name = string();
    port.dtype = dtype();
    port.shape = list<Size>([this] { return size(); });
    return port;
  }

  // The bytes of an array whose shape has no symbols.
  std::int64_t fixed_bytes(const Port& port) {
    std::int64_t bytes = item_size(port.dtype);
    for (const Size& extent : port.shape) {
      if (!extent.is_constant() || extent.evaluate(nullptr) < 0)
        fail(port.name + ": expected a shape without symbols");
      bytes = checked_multiply(bytes, extent.evaluate(nullptr));
    }
    return bytes;
  }

  StateInfo state() {
    StateInfo state;
    state.port = port();
    state.updated = flag();
    state.bytes = fixed_bytes(state.port);
    return state;
  }

  Constant constant() {
    Constant constant;
    constant.port = port();
    const std::uint64_t count = number<std::uint64_t>();
    const char* data = take(count);
    if (static_cast<std::uint64_t>(fixed_bytes(constant.port)) != count)
      fail("constant " + constant.port.name + ": wrong length");
    constant.data = AlignedBlock(static_cast<std::int64_t>(count));
    std::memcpy(constant.data.data(), data, count);
    return constant;
  }

  Slot slot() {
    Slot slot;
    slot.port = port();
    slot.offset = size();
    slot.first = number<std::int64_t>();
    slot.last = number<std::int64_t>();
    return slot;
  }

  Nest nest() {
    Nest nest;
    nest.extent = size();
    nest.grain = number<std::int64_t>();
    if (nest.grain < 1) fail("expected a grain of at least 1, got " + std::to_string(nest.grain));
    return nest;
  }

  KernelInfo kernel() {
    KernelInfo kernel;
    kernel.symbol = string();
    kernel.symbols =
        list<std::uint32_t>([this] { return below<std::uint32_t>(program_.symbols.size(), "a symbol"); });
    kernel.nests = list<Nest>([this] { return nest(); });
    kernel.has_finish = flag();
    kernel.scratch = size();
    kernel.read = size();
    kernel.written = size();
    kernel.flops = size();
    kernel.origin = string();
    // Accesses and checks serve the printer and the verifier, on the Python side.
    list<std::uint8_t>([this] { return below<std::uint8_t>(3, "an access"); });
    flag();
    return kernel;
  }

  Ref ref() {
    Ref ref;
    ref.space = static_cast<Space>(below<std::uint8_t>(kSpaceCount, "a space"));
    const std::size_t counts[kSpaceCount] = {program_.inputs.size(), program_.outputs.size(),
                                             program_.states.size(), program_.constants.size(),
                                             program_.slots.size()};
    ref.index = below<std::uint32_t>(counts[static_cast<int>(ref.space)], "an operand");
    return ref;
  }

  KernelCall call() {
    KernelCall call;
    call.kernel = below<std::uint32_t>(program_.kernels.size(), "a kernel");
    call.operands = list<Ref>([this] { return ref(); });
    return call;
  }

  GemmStep gemm();
  Step step();

  Program program_;  // filled in order, since later parts refer to earlier ones
};

GemmStep Reader::gemm() {
  GemmStep gemm;
  gemm.dtype = dtype();
  if (gemm.dtype != DType::kFloat32 && gemm.dtype != DType::kFloat64)
    fail("expected a gemm of float32 or float64");
  for (Ref* operand : {&gemm.a, &gemm.b, &gemm.c}) {
    *operand = ref();
    if (program_.port(*operand).dtype != gemm.dtype) fail("expected operands of the gemm's dtype");
  }
  for (Size* extent : {&gemm.batch, &gemm.m, &gemm.n, &gemm.k}) *extent = size();
  const std::uint8_t flags = below<std::uint8_t>(32, "the flags of a gemm");
  gemm.transpose_a = flags & kTransposeA;
  gemm.transpose_b = flags & kTransposeB;
  gemm.broadcast_a = flags & kBroadcastA;
  gemm.broadcast_b = flags & kBroadcastB;
  gemm.alpha = number<double>();
  if (flags & kEpilogue) {
    gemm.epilogue.push_back(call());
    const KernelInfo& kernel = program_.kernels[gemm.epilogue[0].kernel];
    if (kernel.nests.size() != 1) fail("expected an epilogue with one nest");
  }
  gemm.origin = string();
  return gemm;
}

Step Reader::step() {
  switch (number<std::uint8_t>()) {
    case kKernelStep:
      return call();
    case kGemmStep:
      return gemm();
    case kCopyStep: {
      CopyStep copy;
      copy.source = ref();
      copy.target = ref();
      return copy;
    }
    default:
      fail("expected a step of kind 1 to 3");
  }
}

Program Reader::program() {
  if (std::memcmp(take(sizeof kMagic), kMagic, sizeof kMagic) != 0)
    fail("expected the bytes of a graphc program, got something else");
  const std::uint32_t version = number<std::uint32_t>();
  if (version != kVersion) fail("expected a program of version 1, got version " + std::to_string(version));
  const auto read_string = [this] { return string(); };
  const auto read_port = [this] { return port(); };
  program_.name = string();
  program_.symbols = list<std::string>(read_string);
  program_.inputs = list<Port>(read_port);
  program_.outputs = list<Port>(read_port);
  program_.states = list<StateInfo>([this] { return state(); });
  program_.constants = list<Constant>([this] { return constant(); });
  program_.slots = list<Slot>([this] { return slot(); });
  program_.arena = size();
  program_.kernels = list<KernelInfo>([this] { return kernel(); });
  program_.steps = list<Step>([this] { return step(); });
  program_.messages = list<std::string>(read_string);
  if (rest() != 0) fail("expected the end of the program, got more bytes");
  return std::move(program_);
}

}  // namespace

const Port& Program::port(Ref ref) const {
  switch (ref.space) {
    case Space::kInput:
      return inputs[ref.index];
    case Space::kOutput:
      return outputs[ref.index];
    case Space::kState:
      return states[ref.index].port;
    case Space::kConstant:
      return constants[ref.index].port;
    case Space::kSlot:
      break;
  }
  return slots[ref.index].port;
}

Program decode(const void* data, std::size_t size) {
  return Reader(static_cast<const char*>(data), size).program();
}

}  // namespace graphc
