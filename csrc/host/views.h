// Checks of the host's arrays. Apart from the instance, since they need no program but a port of it.
#pragma once

#include <string>

#include "graphc/graphc.h"
#include "runtime/program.h"

namespace graphc::host {

// A port as hosts see it. Throws Error(kProgram) for more axes than a view has.
graphc_port describe(const Port& port);

// Throws Error(kArgument), naming `what`, unless the view is a dense, aligned array of `dtype`.
void check_view(const graphc_view& view, DType dtype, const char* what, const std::string& name);

// Throws Error(kArgument) unless the view has this shape.
void check_shape(const graphc_view& view, const std::int64_t* shape, std::size_t rank, const char* what,
                 const std::string& name);

std::int64_t view_bytes(const graphc_view& view);  // of a checked view

bool overlap(const graphc_view& a, const graphc_view& b);

void fill_view(graphc_view& view, DType dtype, const std::int64_t* shape, std::size_t rank);

}  // namespace graphc::host
