// The kernels of a package exported as source or object: a table that the export wrote. Apart from
// loaded_code.cpp, which such hosts do not compile.
#include <cstring>

#include "host/code.h"

namespace graphc::host {

namespace {

class LinkedCode : public Code {
 public:
  LinkedCode(const graphc_linked_kernel* kernels, std::size_t count) : kernels_(kernels), count_(count) {}

  void* address(const std::string& symbol) const override {
    for (std::size_t i = 0; i < count_; ++i) {
      if (symbol != kernels_[i].symbol) continue;
      void* address;
      std::memcpy(&address, &kernels_[i].run, sizeof address);  // function to object pointer, as POSIX allows
      return address;
    }
    return nullptr;
  }

 private:
  const graphc_linked_kernel* kernels_;
  std::size_t count_;
};

}  // namespace

std::unique_ptr<Code> linked_code(const graphc_linked_kernel* kernels, std::size_t count) {
  return std::make_unique<LinkedCode>(kernels, count);
}

}  // namespace graphc::host
