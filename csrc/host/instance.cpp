// Two ways into the executor: a prepared frame, without locks and allocations, and a frame of the
// executable's for any other sizes or when the prepared one is taken.
#include "host/instance.h"

#include <algorithm>
#include <cstring>

#include "host/views.h"
#include "library/gemm.h"
#include "runtime/error.h"

namespace graphc::host {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::int64_t kLong = 1'000'000'000;  // ns: worth every thread

void check_count(std::size_t expected, std::size_t got, const char* what) {
  if (expected != got) {
    throw Error(ErrorKind::kArgument,
                "expected " + std::to_string(expected) + " " + what + ", got " + std::to_string(got));
  }
}

// The prepared frame is used by one call at a time.
class Turn {
 public:
  explicit Turn(std::atomic<bool>& busy)
      : busy_(busy), mine_(!busy.exchange(true, std::memory_order_acquire)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (mine_) busy_.store(false, std::memory_order_release);
  }
  bool mine() const { return mine_; }

 private:
  std::atomic<bool>& busy_;
  const bool mine_;
};

}  // namespace

Instance::Instance(std::shared_ptr<Package> package, std::size_t program,
                   const graphc_program_options& options)
    : package_(std::move(package)), locking_(options.exclusive ? Locking::kNone : Locking::kStates) {
  if (options.pool != nullptr) threads_ = std::make_unique<HostThreads>(*options.pool);
  std::vector<std::shared_ptr<State>> states;
  for (const std::uint32_t variable : package_->file().programs[program].variables) {
    states.push_back(package_->state(variable));
    variables_.push_back(variable);
  }
  const std::string prefix =
      "p" + std::to_string(program) + "_";  // kernels of all programs share one name space
  const auto address_of = [&](const std::string& symbol) {
    return package_->code().address(prefix + symbol);
  };
  executable_ = std::make_unique<Executable>(package_->plan(program), address_of, std::move(states),
                                             gemm_library(), threads_ ? threads_->workers() : pool_workers());
  for (const Port& port : executable_->program().inputs) inputs_.push_back(describe(port));
  for (const Port& port : executable_->program().outputs) outputs_.push_back(describe(port));
  prepared_call_ = new_call();
}

Instance::Call Instance::new_call() const {
  return {std::vector<std::int64_t>(static_cast<std::size_t>(executable_->solver().extent_count())),
          std::vector<const void*>(inputs_.size()), std::vector<void*>(outputs_.size())};
}

void Instance::take_inputs(Call& call, const graphc_view* inputs, std::size_t count) const {
  check_count(inputs_.size(), count, "inputs");
  std::int64_t* extent = call.extents.data();
  for (std::size_t i = 0; i < count; ++i) {
    const Port& port = executable_->program().inputs[i];
    check_view(inputs[i], port.dtype, "input", port.name);
    executable_->solver().check_rank(static_cast<std::uint32_t>(i), inputs[i].shape, inputs[i].rank);
    extent = std::copy_n(inputs[i].shape, inputs[i].rank, extent);
    call.inputs[i] = inputs[i].data;
  }
}

void Instance::take_outputs(Call& call, const Layout& layout, const graphc_view* inputs,
                            std::size_t input_count, const graphc_view* outputs, std::size_t count) const {
  check_count(outputs_.size(), count, "outputs");
  for (std::size_t i = 0; i < count; ++i) {
    const Port& port = executable_->program().outputs[i];
    check_view(outputs[i], port.dtype, "output", port.name);
    check_shape(outputs[i], layout.outputs[i].data(), layout.outputs[i].size(), "output", port.name);
    bool apart = true;
    for (std::size_t j = 0; j < input_count; ++j) apart = apart && !overlap(outputs[i], inputs[j]);
    for (std::size_t j = 0; j < i; ++j) apart = apart && !overlap(outputs[i], outputs[j]);
    if (!apart)
      throw Error(ErrorKind::kArgument,
                  "output " + port.name + ": expected memory of its own, got another array's");
    call.outputs[i] = outputs[i].data;
  }
}

bool Instance::run_prepared(const graphc_view* inputs, std::size_t input_count, const graphc_view* outputs,
                            std::size_t output_count) {
  const Turn turn(prepared_busy_);
  if (!turn.mine() || !prepared_) return false;
  take_inputs(prepared_call_, inputs, input_count);
  if (prepared_call_.extents != prepared_->key) return false;
  take_outputs(prepared_call_, prepared_->layout, inputs, input_count, outputs, output_count);
  executable_->run(*prepared_, prepared_call_.inputs.data(), prepared_call_.outputs.data(), nullptr,
                   locking_);
  return true;
}

void Instance::run(const graphc_view* inputs, std::size_t input_count, const graphc_view* outputs,
                   std::size_t output_count) {
  if (run_prepared(inputs, input_count, outputs, output_count)) return;
  Call call = new_call();
  take_inputs(call, inputs, input_count);
  Lease lease(*executable_, call.extents.data());
  take_outputs(call, lease.frame().layout, inputs, input_count, outputs, output_count);
  executable_->run(lease.frame(), call.inputs.data(), call.outputs.data(), nullptr, locking_);
}

void Instance::describe_outputs(const graphc_view* inputs, std::size_t input_count, graphc_view* outputs,
                                std::size_t output_count) const {
  check_count(outputs_.size(), output_count, "outputs");
  Call call = new_call();
  take_inputs(call, inputs, input_count);
  Lease lease(*executable_, call.extents.data());
  for (std::size_t i = 0; i < output_count; ++i) {
    const std::vector<std::int64_t>& shape = lease.frame().layout.outputs[i];
    fill_view(outputs[i], executable_->program().outputs[i].dtype, shape.data(), shape.size());
  }
}

std::vector<std::int64_t> Instance::symbols_of(const graphc_dim* dims, std::size_t count) const {
  std::vector<std::int64_t> symbols;
  for (const std::string& name : executable_->program().symbols) {
    const graphc_dim* found =
        std::find_if(dims, dims + count, [&](const graphc_dim& d) { return name == d.name; });
    if (found == dims + count)
      throw Error(ErrorKind::kArgument, "expected a value of the size " + name + ", got none");
    if (found->value < 0)
      throw Error(ErrorKind::kArgument,
                  name + ": expected a size of at least 0, got " + std::to_string(found->value));
    symbols.push_back(found->value);
  }
  check_count(symbols.size(), count, "sizes");
  return symbols;
}

std::size_t Instance::arena_bytes(const graphc_dim* dims, std::size_t dim_count) const {
  return static_cast<std::size_t>(executable_->frame_bytes(symbols_of(dims, dim_count)));
}

void Instance::prepare(const graphc_dim* dims, std::size_t dim_count, void* arena, std::size_t arena_bytes) {
  const std::vector<std::int64_t> symbols = symbols_of(dims, dim_count);
  if (reinterpret_cast<std::uintptr_t>(arena) % kAlignment != 0)
    throw Error(ErrorKind::kArgument, "expected an arena aligned to 64 bytes");
  std::vector<std::int64_t> extents;
  for (const Port& port : executable_->program().inputs) {
    for (const Size& size : port.shape) extents.push_back(size.evaluate(symbols.data()));
  }
  const Turn turn(prepared_busy_);
  if (!turn.mine())
    throw Error(ErrorKind::kArgument, "expected a program that is not running, got one that is");
  prepared_.reset();
  prepared_ = executable_->prepare(
      extents.data(), arena == nullptr
                          ? AlignedBlock()
                          : AlignedBlock::borrowed(arena, static_cast<std::int64_t>(arena_bytes)));
  touch_variables();
  // Starts the threads.
  const Workers workers = threads_ ? threads_->workers() : pool_workers();
  const int count = workers.threads(workers.self);
  workers.run(workers.self, count, kLong, count, [](void*, std::int64_t, std::int64_t, int) {}, nullptr);
}

// Makes pages of the file that a run writes this process's own now, instead of at the first write.
void Instance::touch_variables() const {
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    if (!executable_->program().states[i].updated) continue;
    State& state = *package_->state(variables_[i]);
    const std::lock_guard<std::mutex> lock(state.mutex());
    for (std::size_t at = 0; at < static_cast<std::size_t>(state.bytes()); at += kPage) {
      volatile char* byte = state.data() + at;
      *byte = *byte;
    }
  }
}

}  // namespace graphc::host
