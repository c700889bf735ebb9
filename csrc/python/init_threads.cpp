// The thread pool's one setting. Apart, since it concerns all programs of a process.
#include "python/bindings.h"
#include "runtime/error.h"
#include "runtime/pool.h"

namespace py = pybind11;

namespace graphc::python {

void init_threads(py::module_& module) {
  module.attr("MAX_THREADS") = py::int_(static_cast<int>(Pool::kMaxThreads));
  module.def("available_cpus", &available_cpus, "The number of CPUs that this process may use.");
  module.def(
      "get_num_threads", [] { return Pool::instance().threads(); },
      "The number of threads that run a program.");
  module.def(
      "set_num_threads",
      [](int threads) {
        if (threads < 1 || threads > Pool::kMaxThreads) {
          throw Error(ErrorKind::kArgument, "expected 1 to " + std::to_string(Pool::kMaxThreads) +
                                                " threads, got " + std::to_string(threads));
        }
        Pool::instance().set_threads(threads);
      },
      py::arg("threads"), "Set the number of threads, the calling one included.");
}

}  // namespace graphc::python
