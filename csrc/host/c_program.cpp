// The C functions of programs.
#include "host/c_objects.h"

using namespace graphc::host;

namespace {

graphc_status copy_port(const std::vector<graphc_port>& ports, size_t index, graphc_port* port) {
  if (index >= ports.size() || port == nullptr) return GRAPHC_ARGUMENT;
  *port = ports[index];
  return GRAPHC_OK;
}

}  // namespace

extern "C" {

graphc_status graphc_program_create(graphc_package* package, const char* name,
                                    const graphc_program_options* options, graphc_program** program,
                                    graphc_error* error) {
  return guarded(error, [&] {
    require(package != nullptr && program != nullptr, "a package and where to put the program");
    const std::size_t index = package->package->program_named(name);
    const graphc_program_options wanted = options != nullptr ? *options : graphc_program_options{};
    *program = new graphc_program{{package->package, index, wanted}};
  });
}

void graphc_program_free(graphc_program* program) { delete program; }

size_t graphc_input_count(const graphc_program* program) { return program->instance.inputs().size(); }

size_t graphc_output_count(const graphc_program* program) { return program->instance.outputs().size(); }

graphc_status graphc_input_port(const graphc_program* program, size_t index, graphc_port* port) {
  return copy_port(program->instance.inputs(), index, port);
}

graphc_status graphc_output_port(const graphc_program* program, size_t index, graphc_port* port) {
  return copy_port(program->instance.outputs(), index, port);
}

graphc_status graphc_run(graphc_program* program, const graphc_view* inputs, size_t input_count,
                         const graphc_view* outputs, size_t output_count, graphc_error* error) {
  return guarded(error, [&] {
    require(program != nullptr, "a program");
    program->instance.run(inputs, input_count, outputs, output_count);
  });
}

graphc_status graphc_output_views(const graphc_program* program, const graphc_view* inputs,
                                  size_t input_count, graphc_view* outputs, size_t output_count,
                                  graphc_error* error) {
  return guarded(error, [&] {
    require(program != nullptr, "a program");
    program->instance.describe_outputs(inputs, input_count, outputs, output_count);
  });
}

graphc_status graphc_prepare(graphc_program* program, const graphc_dim* dims, size_t dim_count, void* arena,
                             size_t arena_bytes, graphc_error* error) {
  return guarded(error, [&] {
    require(program != nullptr, "a program");
    program->instance.prepare(dims, dim_count, arena, arena_bytes);
  });
}

graphc_status graphc_arena_bytes(const graphc_program* program, const graphc_dim* dims, size_t dim_count,
                                 size_t* bytes, graphc_error* error) {
  return guarded(error, [&] {
    require(program != nullptr && bytes != nullptr, "a program and where to put the number");
    *bytes = program->instance.arena_bytes(dims, dim_count);
  });
}

}  // extern "C"
