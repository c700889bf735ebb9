// The checks of ByteReader that need no template. Apart from the header for that reason alone.
#include "byte_reader.h"

#include "error.h"

namespace graphc {

namespace {

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::kProgram, message); }

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF, and no NUL inside a name.
bool is_utf8(const unsigned char* text, std::size_t length) {
  for (std::size_t i = 0; i < length;) {
    const unsigned char lead = text[i];
    const std::size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (lead == 0 || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || more >= length - i) return false;
    for (std::size_t j = 1; j <= more; ++j) {
      if ((text[i + j] & 0xc0) != 0x80) return false;
    }
    const unsigned char second = more > 0 ? text[i + 1] : 0;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0)) return false;
    if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90)) return false;
    i += 1 + more;
  }
  return true;
}

}  // namespace

const char* ByteReader::take(std::uint64_t count) {
  if (count > rest())
    fail("expected " + std::to_string(count) + " more bytes, got " + std::to_string(rest()));
  const char* start = at_;
  at_ += count;
  return start;
}

std::uint32_t ByteReader::count() {
  const std::uint32_t count = number<std::uint32_t>();
  if (count > rest())
    fail("expected a count of at most " + std::to_string(rest()) + ", got " + std::to_string(count));
  return count;
}

std::string ByteReader::string() {
  const std::uint32_t length = number<std::uint32_t>();
  const char* start = take(length);
  if (!is_utf8(reinterpret_cast<const unsigned char*>(start), length))
    fail("expected a name in UTF-8, got other bytes");
  return std::string(start, length);
}

void ByteReader::fail_range(const char* what, std::uint64_t value) {
  fail(std::string("expected ") + what + " in range, got " + std::to_string(value));
}

}  // namespace graphc
