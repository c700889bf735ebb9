// graphc's host library for C++17: load an exported package, run its programs, train, save.
//
//   graphc::Package package = graphc::Package::load("digits.gcp");
//   graphc::Program train = package.program("train");
//   train.run({graphc::view(x.data(), {n, 784}), graphc::view(t.data(), {n})}, {graphc::view(&loss, {})});
//   package.save("digits.gcp");
//
// A layer over graphc.h, all of it in this header, so that the library's binary interface is C's and a host
// may be compiled with any flags. Every function that may fail takes a `Status*` last: without it a failure
// throws graphc::Error (and aborts where exceptions are off); with it nothing is thrown and the status says
// what happened.
#ifndef GRAPHC_GRAPHC_HPP
#define GRAPHC_GRAPHC_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "graphc.h"

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define GRAPHC_HAS_EXCEPTIONS 1
#include <stdexcept>
#endif

namespace graphc {
inline namespace v1 {  // names of its own: the library's internals are in namespace graphc too

using DType = graphc_dtype;

// How a call went: `ok()`, or a kind of failure and a sentence.
class Status {
 public:
  Status() { error_.status = GRAPHC_OK, error_.message[0] = '\0'; }
  bool ok() const { return error_.status == GRAPHC_OK; }
  graphc_status code() const { return error_.status; }
  const char* message() const { return error_.message; }
  graphc_error* error() { return &error_; }

 private:
  graphc_error error_;
};

#ifdef GRAPHC_HAS_EXCEPTIONS
class Error : public std::runtime_error {
 public:
  explicit Error(const Status& status) : std::runtime_error(status.message()), code_(status.code()) {}
  graphc_status code() const { return code_; }

 private:
  graphc_status code_;
};
#endif

namespace detail {

// Hands `status` to the caller, or raises it.
inline void settle(const Status& status, Status* wanted) {
  if (wanted != nullptr) {
    *wanted = status;
    return;
  }
  if (status.ok()) return;
#ifdef GRAPHC_HAS_EXCEPTIONS
  throw Error(status);
#else
  std::fprintf(stderr, "graphc: %s\n", status.message());
  std::abort();
#endif
}

template <typename T>
constexpr DType dtype_of() {
  using Plain = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<Plain, bool>) {
    return GRAPHC_BOOL;
  } else if constexpr (std::is_floating_point_v<Plain>) {
    static_assert(sizeof(Plain) == 4 || sizeof(Plain) == 8, "expected float or double");
    return sizeof(Plain) == 4 ? GRAPHC_FLOAT32 : GRAPHC_FLOAT64;
  } else {
    static_assert(std::is_integral_v<Plain> && sizeof(Plain) <= 8,
                  "expected bool, an integer, float or double");
    constexpr int first = std::is_signed_v<Plain> ? GRAPHC_INT8 : GRAPHC_UINT8;
    return static_cast<DType>(first + (sizeof(Plain) == 1   ? 0
                                       : sizeof(Plain) == 2 ? 1
                                       : sizeof(Plain) == 4 ? 2
                                                            : 3));
  }
}

}  // namespace detail

// The caller's array: pointer, dtype, shape and strides (in elements). Nothing is copied.
struct TensorView : graphc_view {};

inline TensorView view(void* data, DType dtype, const std::int64_t* shape, std::size_t rank) {
  TensorView made{};
  made.data = data;
  made.dtype = dtype;
  made.rank = rank <= GRAPHC_MAX_RANK ? static_cast<std::int32_t>(rank) : -1;  // refused when it is used
  std::int64_t stride = 1;
  for (std::size_t axis = rank <= GRAPHC_MAX_RANK ? rank : 0; axis-- > 0;) {
    made.shape[axis] = shape[axis];
    made.strides[axis] = stride;
    stride *= shape[axis];
  }
  return made;
}

// A row-major array without gaps. Programs write to outputs alone, so inputs may be const.
template <typename T>
TensorView view(T* data, std::initializer_list<std::int64_t> shape) {
  return view(const_cast<std::remove_cv_t<T>*>(data), detail::dtype_of<T>(), shape.begin(), shape.size());
}

template <typename T>
TensorView view(T* data, const std::vector<std::int64_t>& shape) {
  return view(const_cast<std::remove_cv_t<T>*>(data), detail::dtype_of<T>(), shape.data(), shape.size());
}

// With strides in elements. Programs refuse what is not row-major without gaps, rather than copy.
template <typename T>
TensorView view(T* data, std::initializer_list<std::int64_t> shape,
                std::initializer_list<std::int64_t> strides) {
  TensorView made = view(data, shape);
  if (strides.size() != shape.size()) made.rank = -1;
  std::int64_t* next = made.strides;
  for (auto stride = strides.begin(); stride != strides.end() && made.rank >= 0; ++stride) *next++ = *stride;
  return made;
}

// An input, an output or a variable; an extent of -1 depends on symbolic sizes.
struct Port {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;
};

namespace detail {

inline Port as_port(const graphc_port& port) {
  return {port.name, static_cast<DType>(port.dtype),
          std::vector<std::int64_t>(port.shape, port.shape + port.rank)};
}

struct Free {
  void operator()(graphc_package* package) const { graphc_package_free(package); }
  void operator()(graphc_program* program) const { graphc_program_free(program); }
};

}  // namespace detail

struct LoadOptions {
  const unsigned char* verify = nullptr;  // an Ed25519 public key of 32 bytes
  const char* target = nullptr;           // e.g. "x86-64-v3"; null: the best for this CPU
};

struct ProgramOptions {
  const graphc_thread_pool* pool = nullptr;  // null: graphc's own
  bool exclusive = false;                    // the host keeps others from the variables; runs take no locks
};

// A pool of the calling thread alone: nothing is ever woken or waited for.
inline const graphc_thread_pool& single_thread() {
  static const graphc_thread_pool pool{1, nullptr, nullptr};
  return pool;
}

// A program of a package. Move-only; several may run at once in several threads.
class Program {
 public:
  Program() = default;

  explicit operator bool() const { return program_ != nullptr; }

  // Arrays in the order of inputs() and outputs(). See graphc_run.
  void run(std::initializer_list<TensorView> inputs, std::initializer_list<TensorView> outputs,
           Status* status = nullptr) {
    run(inputs.begin(), inputs.size(), outputs.begin(), outputs.size(), status);
  }
  void run(const std::vector<TensorView>& inputs, const std::vector<TensorView>& outputs,
           Status* status = nullptr) {
    run(inputs.data(), inputs.size(), outputs.data(), outputs.size(), status);
  }
  void run(const TensorView* inputs, std::size_t input_count, const TensorView* outputs,
           std::size_t output_count, Status* status = nullptr) {
    static_assert(sizeof(TensorView) == sizeof(graphc_view), "an array of one is an array of the other");
    Status found;
    graphc_run(program_.get(), inputs, input_count, outputs, output_count, found.error());
    detail::settle(found, status);
  }

  // What a run on such inputs writes: dtypes and shapes, data null.
  std::vector<TensorView> output_views(const std::vector<TensorView>& inputs,
                                       Status* status = nullptr) const {
    Status found;
    std::vector<TensorView> views(graphc_output_count(program_.get()));
    graphc_output_views(program_.get(), inputs.data(), inputs.size(), views.data(), views.size(),
                        found.error());
    detail::settle(found, status);
    return views;
  }

  // Makes runs with these sizes free of allocations and locks; see graphc_prepare.
  void prepare(std::initializer_list<graphc_dim> dims, Status* status = nullptr) {
    prepare(dims, nullptr, 0, status);
  }
  void prepare(std::initializer_list<graphc_dim> dims, void* arena, std::size_t bytes,
               Status* status = nullptr) {
    Status found;
    graphc_prepare(program_.get(), dims.begin(), dims.size(), arena, bytes, found.error());
    detail::settle(found, status);
  }
  std::size_t arena_bytes(std::initializer_list<graphc_dim> dims, Status* status = nullptr) const {
    Status found;
    std::size_t bytes = 0;
    graphc_arena_bytes(program_.get(), dims.begin(), dims.size(), &bytes, found.error());
    detail::settle(found, status);
    return bytes;
  }

  std::vector<Port> inputs() const { return ports(graphc_input_count(program_.get()), graphc_input_port); }
  std::vector<Port> outputs() const { return ports(graphc_output_count(program_.get()), graphc_output_port); }

  graphc_program* get() const { return program_.get(); }

 private:
  friend class Package;

  std::vector<Port> ports(std::size_t count,
                          graphc_status (*port_at)(const graphc_program*, std::size_t, graphc_port*)) const {
    std::vector<Port> ports;
    for (std::size_t i = 0; i < count; ++i) {
      graphc_port port;
      port_at(program_.get(), i, &port);
      ports.push_back(detail::as_port(port));
    }
    return ports;
  }

  std::unique_ptr<graphc_program, detail::Free> program_;
};

// A variable of a package: state that its programs read and move on.
class Variable {
 public:
  const Port& port() const { return port_; }

  // Copy the whole array, which must have the variable's dtype and shape.
  void get(const TensorView& target, Status* status = nullptr) const {
    Status found;
    graphc_variable_get(package_, port_.name.c_str(), &target, found.error());
    detail::settle(found, status);
  }
  void set(const TensorView& source, Status* status = nullptr) {
    Status found;
    graphc_variable_set(package_, port_.name.c_str(), &source, found.error());
    detail::settle(found, status);
  }

  // All elements, in row-major order; empty if the status is not ok.
  template <typename T>
  std::vector<T> values(Status* status = nullptr) const {
    static_assert(!std::is_same_v<T, bool>, "expected std::uint8_t and get() for bool");
    std::size_t count = 1;
    for (const std::int64_t extent : port_.shape) count *= static_cast<std::size_t>(extent);
    std::vector<T> values(count);
    Status found;
    const TensorView target = view(values.data(), port_.shape);
    graphc_variable_get(package_, port_.name.c_str(), &target, found.error());
    if (!found.ok()) values.clear();
    detail::settle(found, status);
    return values;
  }

 private:
  friend class Package;
  Variable(graphc_package* package, Port port) : package_(package), port_(std::move(port)) {}

  graphc_package* package_;  // which outlives this
  Port port_;
};

// A loaded package. Move-only; its programs may outlive it.
class Package {
 public:
  Package() = default;

  // See graphc_load. Only from somebody you trust: a package holds native code.
  static Package load(const std::string& path, Status* status = nullptr) {
    return load(path, LoadOptions{}, status);
  }
  static Package load(const std::string& path, const LoadOptions& options, Status* status = nullptr) {
    Status found;
    Package package;
    graphc_package* made = nullptr;
    const graphc_load_options wanted{options.verify, options.target};
    graphc_load(path.c_str(), &wanted, &made, found.error());
    package.package_.reset(made);
    detail::settle(found, status);
    return package;
  }

  // Takes over what a C function made, such as that of a package exported as source.
  static Package adopt(graphc_package* made) {
    Package package;
    package.package_.reset(made);
    return package;
  }

  explicit operator bool() const { return package_ != nullptr; }

  Program program(const std::string& name, Status* status = nullptr) {
    return program(name, ProgramOptions{}, status);
  }
  Program program(const std::string& name, const ProgramOptions& options, Status* status = nullptr) {
    Status found;
    Program program;
    graphc_program* made = nullptr;
    const graphc_program_options wanted{options.pool, options.exclusive ? 1 : 0};
    graphc_program_create(package_.get(), name.c_str(), &wanted, &made, found.error());
    program.program_.reset(made);
    detail::settle(found, status);
    return program;
  }

  Variable variable(const std::string& name) {
    for (Variable& found : variables()) {
      if (found.port().name == name) return found;
    }
    return Variable(package_.get(), Port{name, GRAPHC_FLOAT32, {}});  // its first use says what is missing
  }
  std::vector<Variable> variables() {
    std::vector<Variable> found;
    for (std::size_t i = 0; i < graphc_variable_count(package_.get()); ++i) {
      graphc_port port;
      graphc_variable_port(package_.get(), i, &port);
      found.push_back(Variable(package_.get(), detail::as_port(port)));
    }
    return found;
  }

  std::vector<std::string> program_names() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < graphc_package_program_count(package_.get()); ++i)
      names.emplace_back(graphc_package_program_name(package_.get(), i));
    return names;
  }

  // Null if the export gave no such string.
  const char* metadata(const std::string& key) const {
    return graphc_package_metadata(package_.get(), key.c_str());
  }
  std::string target() const { return graphc_package_target(package_.get()); }

  // A package with the variables' present values; see graphc_package_save.
  void save(const std::string& path, Status* status = nullptr) const {
    Status found;
    graphc_package_save(package_.get(), path.c_str(), found.error());
    detail::settle(found, status);
  }

  graphc_package* get() const { return package_.get(); }

 private:
  std::unique_ptr<graphc_package, detail::Free> package_;
};

}  // namespace v1
}  // namespace graphc

#endif
