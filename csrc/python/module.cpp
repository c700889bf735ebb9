// The module `graphc.runtime._core`: a list of areas, and how C++ exceptions become graphc's.
#include <exception>
#include <new>

#include "python/bindings.h"
#include "runtime/error.h"

namespace py = pybind11;

namespace graphc::python {

namespace {

void set_error(const Error& error) {
  const char* const names[] = {"GraphError", "CompileError", "RuntimeFault"};  // in the order of ErrorKind
  PyObject* errors = PyImport_ImportModule("graphc.errors");
  if (errors == nullptr) return;
  PyObject* type = PyObject_GetAttrString(errors, names[static_cast<int>(error.kind())]);
  Py_DECREF(errors);
  if (type == nullptr) return;
  PyErr_SetString(type, error.what());
  Py_DECREF(type);
}

}  // namespace

void set_python_error() {
  try {
    throw;
  } catch (const Error& error) {
    set_error(error);
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const std::bad_alloc& error) {
    PyErr_SetString(PyExc_MemoryError, error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

}  // namespace graphc::python

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ runtime of graphc: executables, states, threads, the BLAS table.";
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const graphc::Error&) {
      graphc::python::set_python_error();
    }
  });
  graphc::python::init_states(module);
  graphc::python::init_threads(module);
  graphc::python::init_library(module);
  graphc::python::init_executable(module);
}
