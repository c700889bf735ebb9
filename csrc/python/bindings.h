// The areas of the module `graphc.runtime._core`, one function and one file each. The only folder that knows
// Python.
#pragma once

#include <pybind11/pybind11.h>

namespace graphc::python {

void init_states(pybind11::module_& module);
void init_threads(pybind11::module_& module);
void init_library(pybind11::module_& module);
void init_executable(pybind11::module_& module);

// Sets the Python exception of graphc.errors that stands for the C++ exception in flight. For `catch (...)`.
void set_python_error();

}  // namespace graphc::python
