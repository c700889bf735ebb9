// The type `Executable`: a bound program as a Python callable. Written against the C API, because a call of a
// small program is to cost about a microsecond; pybind11's dispatch alone takes that.
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <numpy/arrayobject.h>
#include <pybind11/pybind11.h>
#include <structmember.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "library/gemm.h"
#include "python/bindings.h"
#include "python/call_storage.h"
#include "runtime/error.h"
#include "runtime/executable.h"

namespace py = pybind11;

namespace graphc::python {

namespace {

constexpr int kTypeNumbers[kDTypeCount] = {NPY_BOOL,   NPY_INT8,    NPY_INT16,  NPY_INT32,
                                           NPY_INT64,  NPY_UINT8,   NPY_UINT16, NPY_UINT32,
                                           NPY_UINT64, NPY_FLOAT32, NPY_FLOAT64};

struct ExecutableObject {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  Executable* executable;
  PyObject* input_names;  // tuple of interned str
  PyObject* output_keys;  // tuple of str: a call returns a dict; else null
  bool single;            // a call returns the one array
  PyObject* keep_alive;
};

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kArgument, message); }

void check(bool succeeded) {
  if (!succeeded) throw py::error_already_set();
}

std::string list_of_names(const ExecutableObject* self) {
  std::string text;
  for (const Port& input : self->executable->program().inputs)
    text += (text.empty() ? "" : ", ") + input.name;
  return text.empty() ? "no inputs" : text;
}

bool is_ready(PyObject* object, DType dtype) {
  if (!PyArray_Check(object)) return false;
  PyArrayObject* array = reinterpret_cast<PyArrayObject*>(object);
  return PyArray_TYPE(array) == kTypeNumbers[static_cast<int>(dtype)] && PyArray_ISCARRAY_RO(array);
}

// A C-contiguous, aligned array in native byte order of the input's dtype; a new reference. What is not one
// already goes through graphc.runtime.arrays.as_input, which refuses or copies.
PyObject* as_input(PyObject* object, const Port& input) {
  if (is_ready(object, input.dtype)) {
    Py_INCREF(object);
    return object;
  }
  PyObject* arrays = PyImport_ImportModule("graphc.runtime.arrays");
  check(arrays != nullptr);
  PyObject* made =
      PyObject_CallMethod(arrays, "as_input", "Oss", object, input.name.c_str(), dtype_name(input.dtype));
  Py_DECREF(arrays);
  check(made != nullptr);
  if (!is_ready(made, input.dtype)) {
    Py_DECREF(made);
    refuse("input " + input.name + ": expected a contiguous array of " + dtype_name(input.dtype));
  }
  return made;
}

std::size_t index_of_name(const ExecutableObject* self, PyObject* name) {
  const Py_ssize_t count = PyTuple_GET_SIZE(self->input_names);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (PyTuple_GET_ITEM(self->input_names, i) == name) return static_cast<std::size_t>(i);
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (PyUnicode_Compare(PyTuple_GET_ITEM(self->input_names, i), name) == 0)
      return static_cast<std::size_t>(i);
  }
  const char* text = PyUnicode_AsUTF8(name);
  check(text != nullptr);
  refuse("unknown input " + std::string(text) + "; expected " + list_of_names(self));
}

// The arguments as arrays, in the order of the inputs.
void collect(const ExecutableObject* self, PyObject* const* args, std::size_t positional, PyObject* names,
             References& arrays) {
  const std::vector<Port>& inputs = self->executable->program().inputs;
  if (positional > inputs.size()) {
    refuse("expected " + std::to_string(inputs.size()) + " inputs (" + list_of_names(self) + "), got " +
           std::to_string(positional));
  }
  for (std::size_t i = 0; i < positional; ++i) arrays[i] = as_input(args[i], inputs[i]);
  const std::size_t named = names ? static_cast<std::size_t>(PyTuple_GET_SIZE(names)) : 0;
  for (std::size_t i = 0; i < named; ++i) {
    const std::size_t index = index_of_name(self, PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(i)));
    if (arrays[index] != nullptr) refuse("expected input " + inputs[index].name + " once, got it twice");
    arrays[index] = as_input(args[positional + i], inputs[index]);
  }
  if (positional + named < inputs.size()) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (arrays[i] == nullptr) refuse("missing input " + inputs[i].name);
    }
  }
}

// The arrays' extents one after the other, ranks checked.
void gather_extents(const ExecutableObject* self, References& arrays, std::int64_t* extents,
                    const void** data) {
  static_assert(sizeof(npy_intp) == sizeof(std::int64_t), "NumPy's extents are 64-bit");
  const std::vector<Port>& inputs = self->executable->program().inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    PyArrayObject* array = reinterpret_cast<PyArrayObject*>(arrays[i]);
    const int rank = PyArray_NDIM(array);
    const npy_intp* shape = PyArray_DIMS(array);
    if (static_cast<std::size_t>(rank) != inputs[i].shape.size()) {
      const std::vector<std::int64_t> copy(shape, shape + rank);
      self->executable->solver().check_rank(static_cast<std::uint32_t>(i), copy.data(), rank);
    }
    for (int axis = 0; axis < rank; ++axis) *extents++ = shape[axis];
    data[i] = PyArray_DATA(array);
  }
}

class ReleasedGil {
 public:
  ReleasedGil() : state_(PyEval_SaveThread()) {}
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;
  ~ReleasedGil() { PyEval_RestoreThread(state_); }

 private:
  PyThreadState* state_;
};

// The outputs in the structure that the executable was made for; a new reference.
PyObject* arrange(const ExecutableObject* self, References& outputs, std::size_t count) {
  const auto take = [&](std::size_t i) { return std::exchange(outputs[i], nullptr); };
  if (self->single) return take(0);
  if (self->output_keys == nullptr) {
    PyObject* list = PyList_New(static_cast<Py_ssize_t>(count));
    check(list != nullptr);
    for (std::size_t i = 0; i < count; ++i) PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), take(i));
    return list;
  }
  PyObject* dict = PyDict_New();
  check(dict != nullptr);
  for (std::size_t i = 0; i < count; ++i) {
    if (PyDict_SetItem(dict, PyTuple_GET_ITEM(self->output_keys, static_cast<Py_ssize_t>(i)), outputs[i]) <
        0) {
      Py_DECREF(dict);
      throw py::error_already_set();
    }
  }
  return dict;
}

PyObject* call(ExecutableObject* self, PyObject* const* args, std::size_t positional, PyObject* names,
               std::int64_t* nanoseconds) {
  Executable& executable = *self->executable;
  const std::size_t input_count = executable.program().inputs.size(),
                    output_count = executable.program().outputs.size();
  References arrays(input_count), outputs(output_count);
  collect(self, args, positional, names, arrays);
  Buffer<std::int64_t> extents(static_cast<std::size_t>(executable.solver().extent_count()));
  Buffer<const void*> input_data(input_count);
  Buffer<void*> output_data(output_count);
  gather_extents(self, arrays, extents.data(), input_data.data());
  Lease lease(executable, extents.data());
  for (std::size_t i = 0; i < output_count; ++i) {
    std::vector<std::int64_t>& shape = lease.frame().layout.outputs[i];
    outputs[i] = PyArray_SimpleNew(static_cast<int>(shape.size()), reinterpret_cast<npy_intp*>(shape.data()),
                                   kTypeNumbers[static_cast<int>(executable.program().outputs[i].dtype)]);
    check(outputs[i] != nullptr);
    output_data[i] = PyArray_DATA(reinterpret_cast<PyArrayObject*>(outputs[i]));
  }
  {
    const ReleasedGil released;
    executable.run(lease.frame(), input_data.data(), output_data.data(), nanoseconds);
  }
  return arrange(self, outputs, output_count);
}

PyObject* executable_vectorcall(PyObject* self, PyObject* const* args, std::size_t flags, PyObject* names) {
  try {
    return call(reinterpret_cast<ExecutableObject*>(self), args,
                static_cast<std::size_t>(PyVectorcall_NARGS(flags)), names, nullptr);
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

PyObject* executable_profile(PyObject* object, PyObject* const* args, Py_ssize_t positional,
                             PyObject* names) {
  try {
    ExecutableObject* self = reinterpret_cast<ExecutableObject*>(object);
    std::vector<std::int64_t> nanoseconds(self->executable->program().steps.size(), 0);
    const py::object result = py::reinterpret_steal<py::object>(
        call(self, args, static_cast<std::size_t>(positional), names, nanoseconds.data()));
    py::tuple times(nanoseconds.size());
    for (std::size_t i = 0; i < nanoseconds.size(); ++i) times[i] = py::int_(nanoseconds[i]);
    return py::make_tuple(result, times).release().ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

PyObject* executable_sizes(PyObject* object, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  try {
    ExecutableObject* self = reinterpret_cast<ExecutableObject*>(object);
    const Program& program = self->executable->program();
    References arrays(program.inputs.size());
    collect(self, args, static_cast<std::size_t>(positional), names, arrays);
    Buffer<std::int64_t> extents(static_cast<std::size_t>(self->executable->solver().extent_count()));
    Buffer<const void*> data(program.inputs.size());
    gather_extents(self, arrays, extents.data(), data.data());
    std::vector<std::int64_t> symbols(program.symbols.size());
    self->executable->solver().solve(extents.data(), symbols.data());
    py::dict sizes;
    for (std::size_t i = 0; i < symbols.size(); ++i) sizes[py::str(program.symbols[i])] = symbols[i];
    return sizes.release().ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

template <std::int64_t (Executable::*measure)(const std::vector<std::int64_t>&) const>
PyObject* executable_bytes(PyObject* object, PyObject* sizes) {
  try {
    const Executable& executable = *reinterpret_cast<ExecutableObject*>(object)->executable;
    std::vector<std::int64_t> symbols;
    for (const std::string& name : executable.program().symbols) {
      PyObject* value = PyMapping_GetItemString(sizes, name.c_str());
      if (value == nullptr) PyErr_Clear(), refuse("missing size " + name);
      symbols.push_back(PyLong_AsLongLong(value));
      Py_DECREF(value);
      check(PyErr_Occurred() == nullptr);
    }
    return PyLong_FromLongLong((executable.*measure)(symbols));
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

// Executable(program: bytes, addresses: dict[str, int], states: list[State], structure, keep_alive); the
// Python class in graphc/runtime/program.py documents the arguments.
PyObject* executable_new(PyTypeObject* type, PyObject* args, PyObject*) {
  try {
    PyObject *bytes, *addresses, *states, *structure, *keep_alive;
    check(
        PyArg_ParseTuple(args, "SO!OOO", &bytes, &PyDict_Type, &addresses, &states, &structure, &keep_alive));
    std::vector<std::shared_ptr<State>> shared;
    for (const py::handle state : py::reinterpret_borrow<py::iterable>(states))
      shared.push_back(state.cast<std::shared_ptr<State>>());
    const auto address_of = [&](const std::string& symbol) -> void* {
      PyObject* address = PyDict_GetItemString(addresses, symbol.c_str());
      return address ? PyLong_AsVoidPtr(address) : nullptr;
    };
    auto executable = std::make_unique<Executable>(
        decode(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))), address_of,
        std::move(shared), gemm_library());
    check(PyErr_Occurred() == nullptr);
    const Program& program = executable->program();
    py::tuple names(program.inputs.size());
    for (std::size_t i = 0; i < program.inputs.size(); ++i) {
      PyObject* name = PyUnicode_InternFromString(program.inputs[i].name.c_str());
      check(name != nullptr);
      names[i] = py::reinterpret_steal<py::object>(name);
    }
    const bool is_dict = PyTuple_Check(structure);
    const bool single = !is_dict && py::reinterpret_borrow<py::object>(structure).equal(py::str("single"));
    if ((is_dict && static_cast<std::size_t>(PyTuple_GET_SIZE(structure)) != program.outputs.size()) ||
        (single && program.outputs.size() != 1)) {
      throw Error(ErrorKind::kProgram,
                  "expected a structure for " + std::to_string(program.outputs.size()) + " outputs");
    }
    PyObject* made = type->tp_alloc(type, 0);
    check(made != nullptr);
    ExecutableObject* self = reinterpret_cast<ExecutableObject*>(made);
    self->vectorcall = executable_vectorcall;
    self->executable = executable.release();
    self->input_names = names.release().ptr();
    self->output_keys = is_dict ? structure : nullptr;
    Py_XINCREF(self->output_keys);
    self->single = single;
    self->keep_alive = keep_alive;
    Py_INCREF(keep_alive);
    return made;
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

int executable_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<ExecutableObject*>(object)->keep_alive);
  Py_VISIT(Py_TYPE(object));
  return 0;
}

int executable_clear(PyObject* object) {
  Py_CLEAR(reinterpret_cast<ExecutableObject*>(object)->keep_alive);
  return 0;
}

void executable_dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  ExecutableObject* self = reinterpret_cast<ExecutableObject*>(object);
  delete self->executable;  // before the code that it calls
  Py_XDECREF(self->input_names);
  Py_XDECREF(self->output_keys);
  executable_clear(object);
  type->tp_free(object);
  Py_DECREF(type);
}

template <typename Function>
PyCFunction as_method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {{"_profile", as_method(executable_profile), METH_FASTCALL | METH_KEYWORDS,
                          "Call, and return (result, nanoseconds of each step)."},
                         {"sizes", as_method(executable_sizes), METH_FASTCALL | METH_KEYWORDS,
                          "The values of the symbols for these arguments."},
                         {"arena_bytes", executable_bytes<&Executable::arena_bytes>, METH_O,
                          "Bytes of the arena for these sizes."},
                         {"peak_bytes", executable_bytes<&Executable::peak_bytes>, METH_O,
                          "Bytes of arena, scratch, states, constants and outputs for these sizes."},
                         {nullptr, nullptr, 0, nullptr}};

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ExecutableObject, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(executable_new)},
                       {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                       {Py_tp_traverse, reinterpret_cast<void*>(executable_traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(executable_clear)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(executable_dealloc)},
                       {Py_tp_methods, methods},
                       {Py_tp_members, members},
                       {0, nullptr}};

PyType_Spec spec = {
    "graphc.runtime._core.Executable", sizeof(ExecutableObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};

}  // namespace

void init_executable(py::module_& module) {
  check(_import_array() >= 0);
  PyObject* type = PyType_FromSpec(&spec);
  check(type != nullptr);
  module.attr("Executable") = py::reinterpret_steal<py::object>(type);
}

}  // namespace graphc::python
