// Evaluation, inspection and printing of sizes. One walk over the postfix words serves all of them, which is
// why they share a file.
#include "size.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

#include "error.h"

namespace graphc {

namespace {

// The serializer emits sums of products, which need a handful; more can only be malformed.
constexpr int kMaxDepth = 64;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) throw Error(ErrorKind::kArgument, "expected a non-zero divisor in a size, got 0");
  if (b == -1) return checked_multiply(a, -1);
  const std::int64_t quotient = a / b;
  return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t combine(std::int64_t token, std::int64_t a, std::int64_t b) {
  switch (token) {
    case kAdd:
      return checked_add(a, b);
    case kMultiply:
      return checked_multiply(a, b);
    case kFloorDivide:
      return floor_divide(a, b);
    case kMinimum:
      return std::min(a, b);
    default:
      return std::max(a, b);
  }
}

// Runs `leaf(token, operand)` and `join(token, a, b)` over valid postfix words.
template <typename Value, typename Leaf, typename Join>
Value walk(const std::vector<std::int64_t>& words, Leaf leaf, Join join) {
  Value stack[kMaxDepth];
  int depth = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] <= kSymbol) {
      stack[depth++] = leaf(words[i], words[i + 1]);
      ++i;
    } else {
      --depth;
      stack[depth - 1] = join(words[i], stack[depth - 1], stack[depth]);
    }
  }
  return stack[0];
}

bool is_word(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

std::string join_text(std::int64_t token, const std::string& a, const std::string& b) {
  switch (token) {
    case kAdd:
      return b[0] == '-' ? a + " - " + b.substr(1) : a + " + " + b;
    case kMultiply:
      return a == "-1" ? "-" + b : a + "*" + b;
    case kFloorDivide:
      return "(" + (is_word(a) ? a : "(" + a + ")") + "//" + (is_word(b) ? b : "(" + b + ")") + ")";
    case kMinimum:
      return "min(" + a + ", " + b + ")";
    default:
      return "max(" + a + ", " + b + ")";
  }
}

}  // namespace

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    throw Error(ErrorKind::kArgument, "expected sizes below 2**63, got larger ones");
  return sum;
}

std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
  std::int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) {
    throw Error(ErrorKind::kArgument, "expected sizes below 2**63, got larger ones");
  }
  return product;
}

Size::Size(std::vector<std::int64_t> words, std::int64_t symbol_count) : words_(std::move(words)) {
  int depth = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const std::int64_t token = words_[i];
    bool valid = token >= kConstant && token <= kMaximum;
    if (token == kConstant || token == kSymbol) {
      valid = ++i < words_.size() && ++depth <= kMaxDepth;
      if (valid && token == kSymbol) valid = words_[i] >= 0 && words_[i] < symbol_count;
    } else {
      valid = valid && --depth >= 1;
    }
    if (!valid) throw Error(ErrorKind::kProgram, "expected a size in postfix form, got malformed words");
  }
  if (depth != 1) throw Error(ErrorKind::kProgram, "expected a size in postfix form, got malformed words");
}

std::int64_t Size::evaluate(const std::int64_t* symbols) const {
  return walk<std::int64_t>(
      words_, [&](std::int64_t token, std::int64_t x) { return token == kConstant ? x : symbols[x]; },
      combine);
}

bool Size::depends_on(std::int64_t symbol) const {
  return walk<bool>(
      words_, [&](std::int64_t token, std::int64_t x) { return token == kSymbol && x == symbol; },
      [](std::int64_t, bool a, bool b) { return a || b; });
}

bool Size::is_linear_in(std::int64_t symbol) const {
  enum Degree { kNone, kOne, kOther };
  const Degree degree = walk<Degree>(
      words_,
      [&](std::int64_t token, std::int64_t x) { return token == kSymbol && x == symbol ? kOne : kNone; },
      [](std::int64_t token, Degree a, Degree b) {
        if (a == kNone && b == kNone) return kNone;
        if (a == kOther || b == kOther) return kOther;
        if (token == kAdd) return kOne;
        return token == kMultiply && a != b ? kOne : kOther;
      });
  return degree == kOne;
}

Linear Size::linear_in(std::int64_t symbol, const std::int64_t* symbols) const {
  return walk<Linear>(
      words_,
      [&](std::int64_t token, std::int64_t x) {
        if (token == kConstant) return Linear{0, x};
        return x == symbol ? Linear{1, 0} : Linear{0, symbols[x]};
      },
      [](std::int64_t token, Linear a, Linear b) {
        if (token == kAdd) return Linear{checked_add(a.slope, b.slope), checked_add(a.offset, b.offset)};
        if (token == kMultiply) {  // one of the slopes is 0
          return Linear{checked_add(checked_multiply(a.slope, b.offset), checked_multiply(a.offset, b.slope)),
                        checked_multiply(a.offset, b.offset)};
        }
        return Linear{0, combine(token, a.offset, b.offset)};
      });
}

std::string Size::text(const std::vector<std::string>& symbol_names) const {
  return walk<std::string>(
      words_,
      [&](std::int64_t token, std::int64_t x) {
        return token == kConstant ? std::to_string(x) : symbol_names[static_cast<std::size_t>(x)];
      },
      join_text);
}

}  // namespace graphc
