// Sizes that may depend on symbols: checked postfix expressions over int64. They stand apart because the
// decoder, the solver and the layout all evaluate them, and nothing else knows their form.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace graphc {

// The words of the serialized form; kConstant and kSymbol are followed by their operand.
enum SizeToken : std::int64_t {
  kConstant = 0,
  kSymbol = 1,
  kAdd = 2,
  kMultiply = 3,
  kFloorDivide = 4,
  kMinimum = 5,
  kMaximum = 6,
};

// value = slope * symbol + offset, as far as one symbol is concerned.
struct Linear {
  std::int64_t slope;
  std::int64_t offset;
};

class Size {
 public:
  Size() : words_{kConstant, 0} {}

  // Checks stack depth, tokens and symbol numbers. Throws Error(kProgram).
  Size(std::vector<std::int64_t> words, std::int64_t symbol_count);

  // Throws Error(kArgument) on overflow of int64 and on division by zero.
  std::int64_t evaluate(const std::int64_t* symbols) const;

  bool is_symbol() const { return words_.size() == 2 && words_[0] == kSymbol; }
  std::int64_t symbol() const { return words_[1]; }
  bool is_constant() const { return words_.size() == 2 && words_[0] == kConstant; }

  bool depends_on(std::int64_t symbol) const;

  // True if the value is slope * symbol + offset whatever the other symbols are.
  bool is_linear_in(std::int64_t symbol) const;

  // Only if `is_linear_in(symbol)`; the value of `symbol` itself is not looked at.
  Linear linear_in(std::int64_t symbol, const std::int64_t* symbols) const;

  std::string text(const std::vector<std::string>& symbol_names) const;

 private:
  std::vector<std::int64_t> words_;
};

// Arithmetic that throws Error(kArgument) instead of wrapping.
std::int64_t checked_add(std::int64_t a, std::int64_t b);
std::int64_t checked_multiply(std::int64_t a, std::int64_t b);

}  // namespace graphc
