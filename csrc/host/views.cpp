// Views against ports, and the sentences for what does not fit. Apart from the header, as usual.
#include "host/views.h"

#include <algorithm>

#include "runtime/error.h"

namespace graphc::host {

namespace {

[[noreturn]] void refuse(const char* what, const std::string& name, const std::string& rest) {
  throw Error(ErrorKind::kArgument, std::string(what) + " " + name + ": " + rest);
}

std::string shape_text(const std::int64_t* shape, std::size_t rank) {
  std::string text = "[";
  for (std::size_t i = 0; i < rank; ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

graphc_port describe(const Port& port) {
  graphc_port described{port.name.c_str(),
                        static_cast<std::int32_t>(port.dtype),
                        static_cast<std::int32_t>(port.shape.size()),
                        {}};
  if (port.shape.size() > GRAPHC_MAX_RANK)
    throw Error(ErrorKind::kProgram,
                port.name + ": expected at most 8 axes, got " + std::to_string(port.shape.size()));
  for (std::size_t i = 0; i < port.shape.size(); ++i)
    described.shape[i] = port.shape[i].is_constant() ? port.shape[i].evaluate(nullptr) : -1;
  return described;
}

void check_view(const graphc_view& view, DType dtype, const char* what, const std::string& name) {
  if (view.dtype != static_cast<std::int32_t>(dtype)) {
    const bool known = view.dtype >= 0 && view.dtype < kDTypeCount;
    refuse(what, name,
           std::string("expected ") + dtype_name(dtype) + ", got " +
               (known ? dtype_name(static_cast<DType>(view.dtype)) : "an unknown dtype"));
  }
  if (view.rank < 0 || view.rank > GRAPHC_MAX_RANK) refuse(what, name, "expected 0 to 8 axes");
  std::int64_t elements = 1;
  bool dense = true;
  for (int axis = view.rank - 1; axis >= 0; --axis) {
    if (view.shape[axis] < 0) refuse(what, name, "expected extents of at least 0");
    dense = dense && (view.shape[axis] == 1 || view.strides[axis] == elements);
    if (__builtin_mul_overflow(elements, view.shape[axis], &elements) || elements > INT64_MAX / 8)
      refuse(what, name, "expected an array below 2**63 bytes");
  }
  if (elements == 0) return;
  if (!dense)
    refuse(what, name,
           "expected a row-major array without gaps, got strides " +
               shape_text(view.strides, static_cast<std::size_t>(view.rank)) + " for shape " +
               shape_text(view.shape, static_cast<std::size_t>(view.rank)));
  if (view.data == nullptr) refuse(what, name, "expected an array, got a null pointer");
  if (reinterpret_cast<std::uintptr_t>(view.data) % static_cast<std::uintptr_t>(item_size(dtype)) != 0)
    refuse(what, name, std::string("expected a pointer aligned to ") + dtype_name(dtype));
}

void check_shape(const graphc_view& view, const std::int64_t* shape, std::size_t rank, const char* what,
                 const std::string& name) {
  if (static_cast<std::size_t>(view.rank) == rank && std::equal(shape, shape + rank, view.shape)) return;
  refuse(what, name,
         "expected shape " + shape_text(shape, rank) + ", got " +
             shape_text(view.shape, static_cast<std::size_t>(view.rank)));
}

std::int64_t view_bytes(const graphc_view& view) {
  std::int64_t bytes = item_size(static_cast<DType>(view.dtype));
  for (int axis = 0; axis < view.rank; ++axis) bytes *= view.shape[axis];
  return bytes;
}

bool overlap(const graphc_view& a, const graphc_view& b) {
  const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(a.data),
                       second = reinterpret_cast<std::uintptr_t>(b.data);
  return first < second + static_cast<std::uintptr_t>(view_bytes(b)) &&
         second < first + static_cast<std::uintptr_t>(view_bytes(a));
}

void fill_view(graphc_view& view, DType dtype, const std::int64_t* shape, std::size_t rank) {
  view.dtype = static_cast<std::int32_t>(dtype);
  view.rank = static_cast<std::int32_t>(rank);
  std::int64_t stride = 1;
  for (std::size_t axis = rank; axis-- > 0;) {
    view.shape[axis] = shape[axis];
    view.strides[axis] = stride;
    stride *= shape[axis];
  }
}

}  // namespace graphc::host
