// Bounds-checked reading of bytes from outside. It stands apart because programs and packages are both read
// with it: nothing else touches such bytes before they are checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace graphc {

class ByteReader {
 public:
  // Throws Error(kProgram) from every function where the bytes do not hold what is asked for; never reads
  // outside [data, data + size).
  ByteReader(const char* data, std::size_t size) : at_(data), end_(data + size) {}

  std::size_t rest() const { return static_cast<std::size_t>(end_ - at_); }

  const char* take(std::uint64_t count);

  template <typename T>
  T number() {
    static_assert(std::is_arithmetic_v<T>, "expected a number");
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the serialized form is little-endian");
    T value;
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }

  template <typename T>
  T below(std::uint64_t bound, const char* what) {
    const T value = number<T>();
    if (value >= bound) fail_range(what, value);
    return value;
  }

  // Every item takes at least one byte, which bounds what a malformed count can allocate.
  template <typename T, typename Read>
  std::vector<T> list(Read read) {
    const std::uint32_t length = count();
    std::vector<T> items;
    for (std::uint32_t i = 0; i < length; ++i) items.push_back(read());
    return items;
  }

  bool flag() { return below<std::uint8_t>(2, "a flag") != 0; }

  // UTF-8 without NUL.
  std::string string();

 private:
  std::uint32_t count();
  [[noreturn]] static void fail_range(const char* what, std::uint64_t value);

  const char* at_;
  const char* end_;
};

}  // namespace graphc
