// dlopen of a CBLAS. Apart from gemm.cpp, which must not know where the functions come from.
#include "library/blas.h"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <memory>

#include "runtime/error.h"

namespace graphc {

namespace {

std::atomic<const BlasTable*> loaded{nullptr};

// `scipy_` is the prefix of the scipy-openblas32 wheels; others have none.
constexpr const char* kPrefixes[] = {"scipy_", ""};

template <typename Function>
bool find(void* library, const std::string& symbol, Function& function) {
  void* address = dlsym(library, symbol.c_str());
  std::memcpy(&function, &address, sizeof function);
  return address != nullptr;
}

}  // namespace

void load_blas(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw Error(ErrorKind::kProgram, std::string("expected a BLAS library, got: ") + dlerror());
  for (const std::string prefix : kPrefixes) {
    auto table = std::make_unique<BlasTable>();
    const std::string cblas = prefix + "cblas_";
    if (!find(library, cblas + "sgemm", table->sgemm) || !find(library, cblas + "dgemm", table->dgemm) ||
        !find(library, cblas + "sgemv", table->sgemv) || !find(library, cblas + "dgemv", table->dgemv)) {
      continue;
    }
    void (*set_threads)(int) = nullptr;
    if (find(library, prefix + "openblas_set_num_threads", set_threads)) set_threads(1);
    char* (*get_config)() = nullptr;
    table->name = find(library, prefix + "openblas_get_config", get_config) ? get_config() : path;
    loaded.store(table.release());  // never freed: a program may be using the one before
    return;
  }
  dlclose(library);
  throw Error(ErrorKind::kProgram, "expected a library with cblas_sgemm, got " + path);
}

void unload_blas() { loaded.store(nullptr); }

const BlasTable* blas() { return loaded.load(); }

}  // namespace graphc
