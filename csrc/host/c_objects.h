// What the handles of graphc.h point to, and how exceptions become statuses. Apart from the functions, which
// are in several files so that a host links only what it uses.
#pragma once

#include <memory>

#include "graphc/graphc.h"
#include "host/instance.h"
#include "host/package.h"

struct graphc_package {
  std::shared_ptr<graphc::host::Package> package;
};

struct graphc_program {
  graphc::host::Instance instance;
};

namespace graphc::host {

// Describes the exception in flight. For `catch (...)`.
graphc_status describe_exception(graphc_error* error) noexcept;

template <typename Function>
graphc_status guarded(graphc_error* error, Function function) noexcept {
  try {
    function();
  } catch (...) {
    return describe_exception(error);
  }
  if (error != nullptr) error->status = GRAPHC_OK, error->message[0] = '\0';
  return GRAPHC_OK;
}

// Throws Error(kArgument).
void require(bool condition, const char* expected);

}  // namespace graphc::host
