// From the shapes of a call's inputs to the values of the program's symbols. Apart from the layout, since it
// is the only part that speaks to the user about shapes.
#pragma once

#include <cstdint>
#include <vector>

#include "program.h"

namespace graphc {

// One axis of one input, and the symbol that it determines once the symbols of earlier equations are known.
struct Equation {
  std::uint32_t input;
  std::uint32_t axis;
  std::int64_t symbol;
};

class SymbolSolver {
 public:
  // Orders the equations: plain symbols first, then what is linear in one unknown symbol. Throws
  // Error(kProgram) if the inputs leave a symbol undetermined.
  explicit SymbolSolver(const Program& program);

  // `extents` are the extents of all inputs, one input after the other (ranks are checked already). Fills one
  // value per symbol. Throws Error(kArgument) with the input, the expected and the given shape.
  void solve(const std::int64_t* extents, std::int64_t* symbols) const;

  // Throws unless `rank` fits input `input`.
  void check_rank(std::uint32_t input, const std::int64_t* extents, std::int64_t rank) const;

  std::int64_t extent_count() const { return extent_count_; }

 private:
  [[noreturn]] void fail_shape(std::uint32_t input, const std::int64_t* extents,
                               const std::int64_t* symbols) const;
  [[noreturn]] void fail_open(const Equation& equation, const std::int64_t* extents,
                              const std::int64_t* symbols) const;
  [[noreturn]] void fail_axis(std::uint32_t input, std::uint32_t axis, const std::int64_t* extents,
                              const std::int64_t* symbols) const;
  std::string expected_shape(std::uint32_t input) const;
  std::string known_symbols(std::uint32_t input, const std::int64_t* symbols) const;

  const Program& program_;
  std::vector<Equation> equations_;
  std::vector<std::int64_t> first_extent_;  // of each input
  std::vector<std::uint32_t> source_;       // the input that determines each symbol
  std::int64_t extent_count_ = 0;
};

}  // namespace graphc
