// Solving symbols and wording what does not fit. The order of equations is fixed when a program is loaded, so
// that a call only evaluates.
#include "solve.h"

#include "error.h"

namespace graphc {

namespace {

constexpr std::uint32_t kNobody = 0xffffffff;

std::string shape_text(const std::int64_t* extents, std::int64_t rank) {
  std::string text = "[";
  for (std::int64_t i = 0; i < rank; ++i) text += (i ? ", " : "") + std::to_string(extents[i]);
  return text + "]";
}

}  // namespace

SymbolSolver::SymbolSolver(const Program& program)
    : program_(program), source_(program.symbols.size(), kNobody) {
  for (const Port& input : program.inputs) {
    first_extent_.push_back(extent_count_);
    extent_count_ += static_cast<std::int64_t>(input.shape.size());
  }
  const std::int64_t symbol_count = static_cast<std::int64_t>(program.symbols.size());
  const auto solve_with = [&](std::uint32_t input, std::uint32_t axis, std::int64_t symbol) {
    equations_.push_back({input, axis, symbol});
    source_[static_cast<std::size_t>(symbol)] = input;
  };
  const auto for_each_axis = [&](auto visit) {
    for (std::uint32_t i = 0; i < program.inputs.size(); ++i) {
      for (std::uint32_t axis = 0; axis < program.inputs[i].shape.size(); ++axis)
        visit(i, axis, program.inputs[i].shape[axis]);
    }
  };
  for_each_axis([&](std::uint32_t input, std::uint32_t axis, const Size& size) {
    if (size.is_symbol() && source_[static_cast<std::size_t>(size.symbol())] == kNobody)
      solve_with(input, axis, size.symbol());
  });
  for (std::size_t before = ~std::size_t{0}; before != equations_.size();) {
    before = equations_.size();
    for_each_axis([&](std::uint32_t input, std::uint32_t axis, const Size& size) {
      std::int64_t unknown = -1, unknowns = 0;
      for (std::int64_t s = 0; s < symbol_count; ++s) {
        if (source_[static_cast<std::size_t>(s)] == kNobody && size.depends_on(s)) unknown = s, ++unknowns;
      }
      if (unknowns == 1 && size.is_linear_in(unknown)) solve_with(input, axis, unknown);
    });
  }
  for (std::size_t s = 0; s < source_.size(); ++s) {
    if (source_[s] == kNobody) {
      throw Error(ErrorKind::kProgram,
                  "expected an input whose shape determines " + program.symbols[s] + ", got none");
    }
  }
}

void SymbolSolver::check_rank(std::uint32_t input, const std::int64_t* extents, std::int64_t rank) const {
  if (rank == static_cast<std::int64_t>(program_.inputs[input].shape.size())) return;
  throw Error(ErrorKind::kArgument, "input " + program_.inputs[input].name + ": expected shape " +
                                        expected_shape(input) + ", got " + shape_text(extents, rank));
}

void SymbolSolver::solve(const std::int64_t* extents, std::int64_t* symbols) const {
  for (const Equation& equation : equations_) {
    const std::int64_t value = extents[first_extent_[equation.input] + equation.axis];
    const Size& size = program_.inputs[equation.input].shape[equation.axis];
    std::int64_t& symbol = symbols[equation.symbol];
    if (size.is_symbol()) {
      symbol = value;
      continue;
    }
    const Linear linear = size.linear_in(equation.symbol, symbols);
    const std::int64_t rest = checked_add(value, checked_multiply(linear.offset, -1));
    if (linear.slope == 0 && rest == 0) fail_open(equation, extents, symbols);
    const bool solvable = linear.slope != 0 && rest % linear.slope == 0 && rest / linear.slope >= 0;
    if (!solvable) fail_shape(equation.input, extents, symbols);
    symbol = rest / linear.slope;
  }
  for (std::uint32_t i = 0; i < program_.inputs.size(); ++i) {
    const std::vector<Size>& shape = program_.inputs[i].shape;
    for (std::uint32_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis].evaluate(symbols) != extents[first_extent_[i] + axis])
        fail_axis(i, axis, extents, symbols);
    }
  }
}

void SymbolSolver::fail_axis(std::uint32_t input, std::uint32_t axis, const std::int64_t* extents,
                             const std::int64_t* symbols) const {
  const Size& size = program_.inputs[input].shape[axis];
  if (!size.is_symbol() || source_[static_cast<std::size_t>(size.symbol())] == input)
    fail_shape(input, extents, symbols);
  const std::size_t symbol = static_cast<std::size_t>(size.symbol());
  throw Error(ErrorKind::kArgument, "input " + program_.inputs[input].name + ": expected " +
                                        program_.symbols[symbol] + " = " + std::to_string(symbols[symbol]) +
                                        " (from input " + program_.inputs[source_[symbol]].name + "), got " +
                                        std::to_string(extents[first_extent_[input] + axis]));
}

void SymbolSolver::fail_shape(std::uint32_t input, const std::int64_t* extents,
                              const std::int64_t* symbols) const {
  const Port& port = program_.inputs[input];
  throw Error(ErrorKind::kArgument,
              "input " + port.name + ": expected shape " + expected_shape(input) +
                  known_symbols(input, symbols) + ", got " +
                  shape_text(extents + first_extent_[input], static_cast<std::int64_t>(port.shape.size())));
}

// Another symbol is 0, so that any value would fit: refuse rather than guess.
void SymbolSolver::fail_open(const Equation& equation, const std::int64_t* extents,
                             const std::int64_t* symbols) const {
  const Port& port = program_.inputs[equation.input];
  throw Error(
      ErrorKind::kArgument,
      "input " + port.name + ": expected a shape " + expected_shape(equation.input) +
          known_symbols(equation.input, symbols) + " that determines " +
          program_.symbols[static_cast<std::size_t>(equation.symbol)] + ", got " +
          shape_text(extents + first_extent_[equation.input], static_cast<std::int64_t>(port.shape.size())));
}

std::string SymbolSolver::expected_shape(std::uint32_t input) const {
  std::string text = "[";
  for (const Size& extent : program_.inputs[input].shape) {
    text += (text.size() > 1 ? ", " : "") + extent.text(program_.symbols);
  }
  return text + "]";
}

// " with batch = 5 (from input x)" for what earlier inputs say about this one.
std::string SymbolSolver::known_symbols(std::uint32_t input, const std::int64_t* symbols) const {
  std::string text;
  for (std::size_t s = 0; s < source_.size(); ++s) {
    bool mentioned = false;
    for (const Size& extent : program_.inputs[input].shape)
      mentioned |= extent.depends_on(static_cast<std::int64_t>(s));
    if (!mentioned || source_[s] == input) continue;
    text += (text.empty() ? " with " : " and ") + program_.symbols[s] + " = " + std::to_string(symbols[s]) +
            " (from input " + program_.inputs[source_[s]].name + ")";
  }
  return text;
}

}  // namespace graphc
