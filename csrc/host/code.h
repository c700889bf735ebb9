// Where the kernels of a package come from. Apart from the package, so that one exported as source links its
// kernels and needs no dynamic loader at all.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "graphc/graphc.h"
#include "host/package_file.h"

namespace graphc::host {

class Code {
 public:
  virtual ~Code() = default;
  virtual void* address(const std::string& symbol) const = 0;  // or null
};

// Loads a shared library from memory. `hash` is checked on the very bytes that are loaded. Throws
// Error(kProgram) and SystemFailure.
std::unique_ptr<Code> load_code(const Section& section);

// Kernels that the host was linked with.
std::unique_ptr<Code> linked_code(const graphc_linked_kernel* kernels, std::size_t count);

}  // namespace graphc::host
