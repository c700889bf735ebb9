// States: the memory of variables, read and written under their locks with the GIL released. Apart from
// executables, since a state belongs to no program.
#include <pybind11/pybind11.h>

#include <memory>

#include "python/bindings.h"
#include "runtime/error.h"
#include "runtime/memory.h"

namespace py = pybind11;

namespace graphc::python {

namespace {

// A C-contiguous buffer of exactly the state's bytes; graphc/runtime/buffers.py has checked dtype and shape.
py::buffer_info request(const State& state, const py::buffer& array, bool writable) {
  py::buffer_info info = array.request(writable);
  const bool contiguous = PyBuffer_IsContiguous(info.view(), 'C') != 0;
  if (!contiguous || info.size * info.itemsize != state.bytes()) {
    throw Error(ErrorKind::kArgument,
                "expected a C-contiguous array of " + std::to_string(state.bytes()) + " bytes");
  }
  return info;
}

}  // namespace

void init_states(py::module_& module) {
  py::class_<State, std::shared_ptr<State>>(module, "State", "The memory of one variable.")
      .def(py::init([](int dtype, std::int64_t bytes) {
             if (dtype < 0 || dtype >= kDTypeCount || bytes < 0)
               throw Error(ErrorKind::kArgument, "expected a dtype and a size");
             return std::make_shared<State>(static_cast<DType>(dtype), bytes);
           }),
           py::arg("dtype"), py::arg("bytes"))
      .def(
          "read",
          [](State& state, const py::buffer& target) {
            const py::buffer_info info = request(state, target, true);
            const py::gil_scoped_release released;
            state.read(info.ptr);
          },
          py::arg("target"), "Copy the state into a C-contiguous array.")
      .def(
          "write",
          [](State& state, const py::buffer& source) {
            const py::buffer_info info = request(state, source, false);
            const py::gil_scoped_release released;
            state.write(info.ptr);
          },
          py::arg("source"), "Copy a C-contiguous array into the state.");
}

}  // namespace graphc::python
