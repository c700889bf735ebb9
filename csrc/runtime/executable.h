// A program bound to native kernels and to its states: what a host calls. It stands apart from the executor
// of the steps, since it owns memory and locks and knows nothing of what a step does.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gemm.h"
#include "graphc/kernel_abi.h"
#include "layout.h"
#include "pool.h"
#include "program.h"
#include "solve.h"

namespace graphc {

struct KernelEntry {
  graphc_kernel run;
  graphc_kernel finish;  // null if the kernel has no finish phase
};

// What one call needs beyond the program: kept between calls, used by one call at a time.
struct Frame {
  std::vector<std::int64_t> key;  // the extents of all inputs
  Layout layout;
  std::vector<void*> pointers;                          // the operands of all steps, one after the other
  std::unique_ptr<std::atomic<std::int32_t>[]> panels;  // tiles that are done, for a gemm with an epilogue
  AlignedBlock arena;
  char* bound_to = nullptr;  // the arena that `pointers` points into
  int workers = 0;           // how many the scratch after the arena is for
};

// Whether a run takes turns with others that use its states.
enum class Locking : std::uint8_t { kStates, kNone };

class Executable {
 public:
  // `address_of(symbol)` gives a kernel's entry or null. Throws Error(kProgram) if one is missing, if the
  // inputs leave a symbol open, or if a state does not fit.
  Executable(Program program, const std::function<void*(const std::string&)>& address_of,
             std::vector<std::shared_ptr<State>> states, const GemmLibrary& library,
             const Workers& workers = pool_workers());
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  const Program& program() const { return program_; }
  const SymbolSolver& solver() const { return solver_; }

  // A frame for inputs of these extents (all inputs, one after the other; ranks as the program says).
  // Evaluates nothing and allocates nothing if such a frame is idle. Throws Error(kArgument).
  std::unique_ptr<Frame> acquire(const std::int64_t* extents);
  void release(std::unique_ptr<Frame> frame) noexcept;

  // A frame of the caller's own, never idle: runs in it allocate nothing and take no lock but the states'. It
  // works in `memory` if that is not empty. Throws Error(kArgument), also where `memory` is too small.
  std::unique_ptr<Frame> prepare(const std::int64_t* extents, AlignedBlock memory) const;

  // Bytes that a frame works in, for these symbol values.
  std::int64_t frame_bytes(const std::vector<std::int64_t>& symbols) const;

  // Runs all steps. `nanoseconds` is null or has one entry per step, to be added to. Throws Error(kFault);
  // the states are then as before. Thread-safe: calls that share a state take turns; with Locking::kNone the
  // caller sees to that.
  void run(Frame& frame, const void* const* inputs, void* const* outputs, std::int64_t* nanoseconds,
           Locking locking = Locking::kStates);

  // Bytes of the arena, and of everything that a call holds but its inputs, for these symbol values.
  std::int64_t arena_bytes(const std::vector<std::int64_t>& symbols) const;
  std::int64_t peak_bytes(const std::vector<std::int64_t>& symbols) const;

 private:
  friend class Executor;

  struct Patch {
    std::size_t pointer;
    std::uint32_t index;
  };

  void place_operand(Ref ref);
  std::unique_ptr<Frame> new_frame(const std::int64_t* extents) const;
  std::int64_t working_bytes(const Layout& layout, int workers) const;
  void bind_slots(Frame& frame) const;

  const Program program_;
  const GemmLibrary& library_;
  const Workers workers_;
  SymbolSolver solver_;
  std::vector<KernelEntry> kernels_;
  std::vector<std::shared_ptr<State>> states_;
  std::vector<State*> locked_;  // each state once, in the order of addresses
  // Where the operands of the steps stand in Frame::pointers, by space.
  std::vector<void*> fixed_pointers_;  // states and constants; null elsewhere
  std::vector<Patch> inputs_, outputs_, slots_;
  std::vector<std::size_t> first_pointer_;  // of each step

  std::mutex idle_mutex_;
  std::vector<std::unique_ptr<Frame>> idle_frames_;  // least recently used first
  std::vector<AlignedBlock> idle_arenas_;
};

// A frame that goes back when the call ends, however it ends.
class Lease {
 public:
  Lease(Executable& executable, const std::int64_t* extents)
      : executable_(executable), frame_(executable.acquire(extents)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { executable_.release(std::move(frame_)); }
  Frame& frame() { return *frame_; }

 private:
  Executable& executable_;
  std::unique_ptr<Frame> frame_;
};

}  // namespace graphc
