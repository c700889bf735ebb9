// Binding variables to their memory, choosing code, saving. What is untrusted has been read by
// package_file.cpp and runtime/decode.cpp; here the two are held against each other.
#include "host/package.h"

#include <algorithm>
#include <cstring>

#include "host/cpu.h"
#include "runtime/error.h"

namespace graphc::host {

namespace {

bool same_port(const PackagedVariable& variable, const StateInfo& state) {
  if (variable.dtype != state.port.dtype || variable.shape.size() != state.port.shape.size()) return false;
  for (std::size_t i = 0; i < variable.shape.size(); ++i) {
    if (variable.shape[i] != state.port.shape[i].evaluate(nullptr)) return false;
  }
  return true;
}

template <typename Named>
std::size_t index_of(const std::vector<Named>& items, const char* name, const std::string& what) {
  std::string known;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].name == name) return i;
    known += (known.empty() ? "" : ", ") + items[i].name;
  }
  throw Error(ErrorKind::kArgument, "expected " + what +
                                        (known.empty() ? " of a package without any" : " among ") + known +
                                        ", got " + name);
}

}  // namespace

Package::Package(Bytes bytes, Hashes hashes)
    : bytes_(std::move(bytes)), file_(read_package(bytes_.data, bytes_.size, hashes)) {
  for (const PackagedVariable& variable : file_.variables) {
    states_.push_back(
        std::make_shared<State>(variable.dtype, AlignedBlock::borrowed(variable.data, variable.bytes)));
  }
  for (std::size_t i = 0; i < file_.programs.size(); ++i) plans_.emplace_back(decode_plan(i));
}

Program Package::decode_plan(std::size_t program) const {
  const PackagedProgram& packaged = file_.programs[program];
  const Section& section = file_.sections[packaged.section];
  Program plan = decode(section.data, section.size);
  bool fits = packaged.variables.size() == plan.states.size();
  for (std::size_t i = 0; fits && i < plan.states.size(); ++i)
    fits = same_port(file_.variables[packaged.variables[i]], plan.states[i]);
  if (!fits)
    throw Error(ErrorKind::kProgram, "program " + packaged.name + ": expected variables that fit it");
  return plan;
}

Program Package::plan(std::size_t program) {
  {
    const std::lock_guard<std::mutex> lock(plans_mutex_);
    if (plans_[program]) {
      Program taken = std::move(*plans_[program]);
      plans_[program].reset();
      return taken;
    }
  }
  return decode_plan(program);
}

const PackagedCode& Package::choose_code(const char* wanted) const {
  const PackagedCode* best = nullptr;
  std::string present;
  for (const PackagedCode& code : file_.codes) {
    present += (present.empty() ? "" : ", ") + code.target;
    if (!runs_target(code.target) || (wanted != nullptr && code.target != wanted)) continue;
    if (best == nullptr || target_rank(code.target) > target_rank(best->target)) best = &code;
  }
  if (best == nullptr) {
    throw Error(ErrorKind::kProgram, "expected code that runs on this CPU" +
                                         (wanted != nullptr ? std::string(" for ") + wanted : std::string()) +
                                         ", got " + (present.empty() ? "none" : "code for " + present));
  }
  return *best;
}

void Package::use(std::unique_ptr<Code> code, const std::string& target) {
  code_ = std::move(code);
  target_ = target;
}

std::size_t Package::program_named(const char* name) const {
  if (name == nullptr) {
    if (file_.programs.size() == 1) return 0;
    throw Error(ErrorKind::kArgument, "expected the name of one of " + std::to_string(file_.programs.size()) +
                                          " programs, got none");
  }
  return index_of(file_.programs, name, "a program");
}

std::size_t Package::variable_named(const char* name) const {
  return index_of(file_.variables, name, "a variable");
}

void Package::save(const std::string& path) const {
  std::vector<Section> sections;
  std::vector<char> values;
  for (const Section& section : file_.sections) {
    if (section.kind == SectionKind::kSignature) continue;
    sections.push_back(section);
    if (section.kind != SectionKind::kVariables) continue;
    std::vector<State*> states;
    for (const std::shared_ptr<State>& state : states_) states.push_back(state.get());
    std::sort(states.begin(), states.end());  // the order in which programs lock them
    for (State* state : states) state->mutex().lock();
    values.assign(section.data, section.data + section.size);  // all of one moment
    for (State* state : states) state->mutex().unlock();
    sections.back().data = values.data();
    sections.back().hash = sha256(values.data(), values.size());
  }
  std::vector<std::uint64_t> begins;
  const std::string head = package_head(sections, begins);
  static const char zeros[kAlignment] = {};
  std::vector<Piece> pieces = {{head.data(), head.size()}};
  std::uint64_t end = head.size();
  for (std::size_t i = 0; i < sections.size(); ++i) {
    pieces.push_back({zeros, static_cast<std::size_t>(begins[i] - end)});
    pieces.push_back({sections[i].data, sections[i].size});
    end = begins[i] + sections[i].size;
  }
  replace_file(path, pieces);
}

}  // namespace graphc::host
