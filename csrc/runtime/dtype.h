// The element types, numbered as in graphc/dtypes.py (`ALL`). Apart, since decoder, states and hosts share
// it.
#pragma once

#include <cstdint>

namespace graphc {

enum class DType : std::uint8_t {
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat32,
  kFloat64,
};

constexpr int kDTypeCount = 11;

constexpr std::int64_t item_size(DType dtype) {
  constexpr std::int64_t sizes[kDTypeCount] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  return sizes[static_cast<int>(dtype)];
}

inline const char* dtype_name(DType dtype) {
  static const char* const names[kDTypeCount] = {"bool",   "int8",   "int16",  "int32",   "int64",  "uint8",
                                                 "uint16", "uint32", "uint64", "float32", "float64"};
  return names[static_cast<int>(dtype)];
}

}  // namespace graphc
