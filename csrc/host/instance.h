// A program of a package, ready to run: the executor of csrc/runtime with the host's arrays, threads and
// memory. Apart from the C functions, which only carry errors across.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "graphc/graphc.h"
#include "host/host_threads.h"
#include "host/package.h"
#include "runtime/executable.h"

namespace graphc::host {

class Instance {
 public:
  Instance(std::shared_ptr<Package> package, std::size_t program, const graphc_program_options& options);

  const std::vector<graphc_port>& inputs() const { return inputs_; }
  const std::vector<graphc_port>& outputs() const { return outputs_; }

  // The functions of graphc.h; they throw Error.
  void run(const graphc_view* inputs, std::size_t input_count, const graphc_view* outputs,
           std::size_t output_count);
  void describe_outputs(const graphc_view* inputs, std::size_t input_count, graphc_view* outputs,
                        std::size_t output_count) const;
  void prepare(const graphc_dim* dims, std::size_t dim_count, void* arena, std::size_t arena_bytes);
  std::size_t arena_bytes(const graphc_dim* dims, std::size_t dim_count) const;

 private:
  // The arrays of a call as the executor takes them.
  struct Call {
    std::vector<std::int64_t> extents;
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
  };

  Call new_call() const;
  void take_inputs(Call& call, const graphc_view* inputs, std::size_t count) const;
  void take_outputs(Call& call, const Layout& layout, const graphc_view* inputs, std::size_t input_count,
                    const graphc_view* outputs, std::size_t count) const;
  bool run_prepared(const graphc_view* inputs, std::size_t input_count, const graphc_view* outputs,
                    std::size_t output_count);
  std::vector<std::int64_t> symbols_of(const graphc_dim* dims, std::size_t count) const;
  void touch_variables() const;

  std::shared_ptr<Package> package_;  // goes last: it holds the code
  std::unique_ptr<HostThreads> threads_;
  std::unique_ptr<Executable> executable_;
  std::vector<std::size_t> variables_;
  Locking locking_;
  std::vector<graphc_port> inputs_, outputs_;
  std::unique_ptr<Frame> prepared_;
  Call prepared_call_;
  std::atomic<bool> prepared_busy_{false};
};

}  // namespace graphc::host
