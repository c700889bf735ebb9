// Binding, frames and locks. The executor of the steps is in executor.cpp.
#include "executable.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "error.h"
#include "executor.h"
#include "pool.h"

namespace graphc {

namespace {

// Frames that wait for a call of the same sizes: a training set's batches have two or three sizes.
constexpr std::size_t kIdleFrames = 16;
constexpr std::size_t kIdleArenas = 64;

graphc_kernel find_kernel(const std::function<void*(const std::string&)>& address_of,
                          const std::string& symbol) {
  void* address = address_of(symbol);
  if (address == nullptr)
    throw Error(ErrorKind::kProgram, "expected an address of kernel " + symbol + ", got none");
  graphc_kernel kernel;
  std::memcpy(&kernel, &address, sizeof kernel);  // object to function pointer, as POSIX allows
  return kernel;
}

class StateLocks {
 public:
  StateLocks(const std::vector<State*>& states, Locking locking) : states_(states), locking_(locking) {
    if (locking_ == Locking::kNone) return;
    for (State* state : states_) state->mutex().lock();
  }
  StateLocks(const StateLocks&) = delete;
  StateLocks& operator=(const StateLocks&) = delete;
  ~StateLocks() {
    if (locking_ == Locking::kNone) return;
    for (State* state : states_) state->mutex().unlock();
  }

 private:
  const std::vector<State*>& states_;
  const Locking locking_;
};

}  // namespace

Executable::Executable(Program program, const std::function<void*(const std::string&)>& address_of,
                       std::vector<std::shared_ptr<State>> states, const GemmLibrary& library,
                       const Workers& workers)
    : program_(std::move(program)),
      library_(library),
      workers_(workers),
      solver_(program_),
      states_(std::move(states)) {
  for (const KernelInfo& kernel : program_.kernels) {
    kernels_.push_back({find_kernel(address_of, kernel.symbol),
                        kernel.has_finish ? find_kernel(address_of, kernel.symbol + "_finish") : nullptr});
  }
  if (states_.size() != program_.states.size()) {
    throw Error(ErrorKind::kProgram, "expected " + std::to_string(program_.states.size()) + " states, got " +
                                         std::to_string(states_.size()));
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const StateInfo& info = program_.states[i];
    if (states_[i]->dtype() != info.port.dtype || states_[i]->bytes() != info.bytes) {
      throw Error(ErrorKind::kProgram,
                  "variable " + info.port.name + ": expected " + std::to_string(info.bytes) + " bytes of " +
                      dtype_name(info.port.dtype) + ", got " + std::to_string(states_[i]->bytes()) +
                      " bytes of " + dtype_name(states_[i]->dtype()));
    }
    locked_.push_back(states_[i].get());
  }
  std::sort(locked_.begin(), locked_.end(), std::less<State*>());
  locked_.erase(std::unique(locked_.begin(), locked_.end()), locked_.end());
  for (const Step& step : program_.steps) {
    first_pointer_.push_back(fixed_pointers_.size());
    if (const KernelCall* call = std::get_if<KernelCall>(&step)) {
      for (const Ref& ref : call->operands) place_operand(ref);
    } else if (const GemmStep* gemm = std::get_if<GemmStep>(&step)) {
      for (const Ref& ref : {gemm->a, gemm->b, gemm->c}) place_operand(ref);
      for (const KernelCall& epilogue : gemm->epilogue) {
        for (const Ref& ref : epilogue.operands) place_operand(ref);
      }
    } else {
      const CopyStep& copy = std::get<CopyStep>(step);
      place_operand(copy.source);
      place_operand(copy.target);
    }
  }
  idle_frames_.reserve(kIdleFrames + 1);
  idle_arenas_.reserve(kIdleArenas + 1);
}

void Executable::place_operand(Ref ref) {
  const Patch patch{fixed_pointers_.size(), ref.index};
  void* fixed = nullptr;
  switch (ref.space) {
    case Space::kInput:
      inputs_.push_back(patch);
      break;
    case Space::kOutput:
      outputs_.push_back(patch);
      break;
    case Space::kState:
      fixed = states_[ref.index]->data();
      break;
    case Space::kConstant:
      fixed = program_.constants[ref.index].data.data();
      break;
    case Space::kSlot:
      slots_.push_back(patch);
      break;
  }
  fixed_pointers_.push_back(fixed);
}

void Executable::bind_slots(Frame& frame) const {
  frame.bound_to = frame.arena.data();
  for (const Patch& patch : slots_)
    frame.pointers[patch.pointer] = frame.bound_to + frame.layout.slot_offsets[patch.index];
}

std::unique_ptr<Frame> Executable::new_frame(const std::int64_t* extents) const {
  std::vector<std::int64_t> symbols(program_.symbols.size(), 0);
  solver_.solve(extents, symbols.data());
  auto frame = std::make_unique<Frame>();
  frame->key.assign(extents, extents + solver_.extent_count());
  frame->layout = make_layout(program_, library_, std::move(symbols));
  frame->pointers = fixed_pointers_;
  frame->panels.reset(new std::atomic<std::int32_t>[static_cast<std::size_t>(frame->layout.max_panels)]);
  return frame;
}

std::int64_t Executable::working_bytes(const Layout& layout, int workers) const {
  return checked_add(align_up(layout.arena_bytes), checked_multiply(layout.scratch_bytes, workers));
}

std::int64_t Executable::frame_bytes(const std::vector<std::int64_t>& symbols) const {
  return working_bytes(make_layout(program_, library_, symbols), workers_.threads(workers_.self));
}

std::unique_ptr<Frame> Executable::prepare(const std::int64_t* extents, AlignedBlock memory) const {
  std::unique_ptr<Frame> frame = new_frame(extents);
  frame->workers = workers_.threads(workers_.self);
  const std::int64_t needed = working_bytes(frame->layout, frame->workers);
  if (memory.data() == nullptr) memory = AlignedBlock(needed);
  if (memory.bytes() < needed) {
    throw Error(ErrorKind::kArgument, program_.name + ": expected an arena of " + std::to_string(needed) +
                                          " bytes, got " + std::to_string(memory.bytes()));
  }
  std::memset(memory.data(), 0, static_cast<std::size_t>(needed));  // no page faults later
  frame->arena = std::move(memory);
  bind_slots(*frame);
  return frame;
}

std::unique_ptr<Frame> Executable::acquire(const std::int64_t* extents) {
  std::unique_ptr<Frame> frame;
  AlignedBlock arena;
  {
    const std::lock_guard<std::mutex> lock(idle_mutex_);
    for (auto idle = idle_frames_.rbegin(); idle != idle_frames_.rend() && !frame; ++idle) {
      if (!std::equal((*idle)->key.begin(), (*idle)->key.end(), extents)) continue;
      frame = std::move(*idle);
      idle_frames_.erase(std::next(idle).base());
      break;
    }
    if (!idle_arenas_.empty()) {
      arena = std::move(idle_arenas_.back());
      idle_arenas_.pop_back();
    }
  }
  if (!frame) frame = new_frame(extents);
  frame->workers = workers_.threads(workers_.self);
  const std::int64_t needed = working_bytes(frame->layout, frame->workers);
  if (arena.data() == nullptr || arena.bytes() < needed) {
    arena = AlignedBlock();  // free the smaller one first
    arena = AlignedBlock(needed);
  }
  frame->arena = std::move(arena);
  if (frame->bound_to != frame->arena.data()) bind_slots(*frame);
  return frame;
}

void Executable::release(std::unique_ptr<Frame> frame) noexcept {
  std::unique_ptr<Frame> dropped;  // destroyed after the lock
  const std::lock_guard<std::mutex> lock(idle_mutex_);
  if (idle_arenas_.size() < kIdleArenas) idle_arenas_.push_back(std::move(frame->arena));
  if (idle_frames_.size() == kIdleFrames) {
    dropped = std::move(idle_frames_.front());
    idle_frames_.erase(idle_frames_.begin());
  }
  idle_frames_.push_back(std::move(frame));
}

void Executable::run(Frame& frame, const void* const* inputs, void* const* outputs, std::int64_t* nanoseconds,
                     Locking locking) {
  // Kernels take all operands as `void*` and read the inputs only.
  for (const Patch& patch : inputs_) frame.pointers[patch.pointer] = const_cast<void*>(inputs[patch.index]);
  for (const Patch& patch : outputs_) frame.pointers[patch.pointer] = outputs[patch.index];
  const StateLocks locks(locked_, locking);
  Executor(*this, frame).run(nanoseconds);
}

std::int64_t Executable::arena_bytes(const std::vector<std::int64_t>& symbols) const {
  return make_layout(program_, library_, symbols).arena_bytes;
}

std::int64_t Executable::peak_bytes(const std::vector<std::int64_t>& symbols) const {
  const Layout layout = make_layout(program_, library_, symbols);
  std::int64_t total = layout.arena_bytes + layout.scratch_bytes * workers_.threads(workers_.self);
  for (const StateInfo& state : program_.states) total += state.bytes;
  for (const Constant& constant : program_.constants) total += constant.data.bytes();
  for (std::size_t i = 0; i < layout.outputs.size(); ++i) {
    std::int64_t bytes = item_size(program_.outputs[i].dtype);
    for (const std::int64_t extent : layout.outputs[i]) bytes *= extent;
    total += bytes;
  }
  return total;
}

}  // namespace graphc
