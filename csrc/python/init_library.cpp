// Loading a BLAS. Apart, since Python alone decides which one.
#include "cpu/gemm/gemm.h"
#include "library/blas.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace graphc::python {

void init_library(py::module_& module) {
  module.def("load_blas", &load_blas, py::arg("path"),
             "Take matrix products from the CBLAS library at `path`.");
  module.def("unload_blas", &unload_blas, "Take matrix products from our own kernel.");
  module.def(
      "own_gemm_name", []() { return kernels::gemm_kernel<float>().name; },
      "The instruction set of our own matrix product on this CPU.");
  module.def(
      "blas_name",
      []() -> py::object { return blas() ? py::object(py::str(blas()->name)) : py::object(py::none()); },
      "What the loaded BLAS says it is, or None.");
}

}  // namespace graphc::python
