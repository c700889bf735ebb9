// The C functions of packages and variables, and of loading linked ones.
#include <cstdio>
#include <cstring>
#include <new>

#include "host/c_objects.h"
#include "host/views.h"
#include "runtime/error.h"

namespace graphc::host {

graphc_status describe_exception(graphc_error* error) noexcept {
  graphc_status status = GRAPHC_SYSTEM;
  const auto tell = [&](graphc_status found, const char* message) {
    status = found;
    if (error == nullptr) return;
    error->status = found;
    std::snprintf(error->message, sizeof error->message, "%s", message);
  };
  try {
    throw;
  } catch (const Error& thrown) {
    constexpr graphc_status statuses[] = {GRAPHC_ARGUMENT, GRAPHC_PACKAGE,
                                          GRAPHC_FAULT};  // in the order of ErrorKind
    tell(statuses[static_cast<int>(thrown.kind())], thrown.what());
  } catch (const std::bad_alloc&) {
    tell(GRAPHC_SYSTEM, "expected enough memory, got none");
  } catch (const std::exception& thrown) {
    tell(GRAPHC_SYSTEM, thrown.what());
  }
  return status;
}

void require(bool condition, const char* expected) {
  if (!condition)
    throw Error(ErrorKind::kArgument, std::string("expected ") + expected + ", got a null pointer");
}

namespace {

State& checked_state(const graphc_package* package, const char* name, const graphc_view* view) {
  require(package != nullptr && name != nullptr && view != nullptr, "a package, a name and a view");
  const Package& owner = *package->package;
  const std::size_t index = owner.variable_named(name);
  const PackagedVariable& variable = owner.file().variables[index];
  check_view(*view, variable.dtype, "variable", variable.name);
  check_shape(*view, variable.shape.data(), variable.shape.size(), "variable", variable.name);
  return *owner.state(index);
}

}  // namespace

}  // namespace graphc::host

using namespace graphc::host;

extern "C" {

graphc_status graphc_load_linked(const void* bytes, size_t size, const graphc_linked_kernel* kernels,
                                 size_t kernel_count, graphc_package** package, graphc_error* error) {
  return guarded(error, [&] {
    require(bytes != nullptr && package != nullptr, "a package's bytes and where to put it");
    auto block = std::make_shared<graphc::AlignedBlock>(static_cast<std::int64_t>(size));
    std::memcpy(block->data(), bytes, size);
    auto made = std::make_shared<Package>(Bytes{block->data(), size, block});
    made->use(linked_code(kernels, kernel_count), "linked");
    *package = new graphc_package{std::move(made)};
  });
}

void graphc_package_free(graphc_package* package) { delete package; }

graphc_status graphc_package_save(const graphc_package* package, const char* path, graphc_error* error) {
  return guarded(error, [&] {
    require(package != nullptr && path != nullptr, "a package and a path");
    package->package->save(path);
  });
}

const char* graphc_package_target(const graphc_package* package) {
  return package->package->target().c_str();
}

size_t graphc_package_program_count(const graphc_package* package) {
  return package->package->file().programs.size();
}

const char* graphc_package_program_name(const graphc_package* package, size_t index) {
  const std::vector<PackagedProgram>& programs = package->package->file().programs;
  return index < programs.size() ? programs[index].name.c_str() : nullptr;
}

const char* graphc_package_metadata(const graphc_package* package, const char* key) {
  for (const auto& [name, value] : package->package->file().metadata) {
    if (name == key) return value.c_str();
  }
  return nullptr;
}

size_t graphc_variable_count(const graphc_package* package) {
  return package->package->file().variables.size();
}

graphc_status graphc_variable_port(const graphc_package* package, size_t index, graphc_port* port) {
  const std::vector<PackagedVariable>& variables = package->package->file().variables;
  if (index >= variables.size() || port == nullptr) return GRAPHC_ARGUMENT;
  const PackagedVariable& variable = variables[index];
  *port = {variable.name.c_str(),
           static_cast<std::int32_t>(variable.dtype),
           static_cast<std::int32_t>(variable.shape.size()),
           {}};
  for (std::size_t i = 0; i < variable.shape.size(); ++i) port->shape[i] = variable.shape[i];
  return GRAPHC_OK;
}

graphc_status graphc_variable_get(const graphc_package* package, const char* name, const graphc_view* target,
                                  graphc_error* error) {
  return guarded(error, [&] {
    graphc::State& state = checked_state(package, name, target);
    if (state.bytes() > 0) state.read(target->data);
  });
}

graphc_status graphc_variable_set(graphc_package* package, const char* name, const graphc_view* source,
                                  graphc_error* error) {
  return guarded(error, [&] {
    graphc::State& state = checked_state(package, name, source);
    if (state.bytes() > 0) state.write(source->data);
  });
}

}  // extern "C"
