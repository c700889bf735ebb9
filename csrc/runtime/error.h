// The one exception of the C++ core. It stands apart because every file throws it and none depends on how
// a host shows it: Python maps the kinds to its own exceptions, a C++ host catches the class itself.
#pragma once

#include <stdexcept>
#include <string>

namespace graphc {

enum class ErrorKind {
  kArgument,  // the caller's arrays do not fit the program
  kProgram,   // the program itself is malformed, or its kernels are missing
  kFault,     // a step failed while the program ran
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace graphc
