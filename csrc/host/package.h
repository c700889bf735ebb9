// A package in memory: checked, with its variables, its code and its programs. Apart from the instances of
// programs, which share it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/code.h"
#include "host/file.h"
#include "host/package_file.h"
#include "runtime/memory.h"
#include "runtime/program.h"

namespace graphc::host {

class Package {
 public:
  // Checks everything; variables live where `bytes` are. Throws Error(kProgram).
  explicit Package(Bytes bytes, Hashes hashes = Hashes::kCheck);

  // The code for this CPU: `wanted`, or the best that runs. Throws Error(kProgram), without having run
  // anything, if there is none.
  const PackagedCode& choose_code(const char* wanted) const;
  void use(std::unique_ptr<Code> code, const std::string& target);

  const PackageFile& file() const { return file_; }
  const std::string& target() const { return target_; }
  const Code& code() const { return *code_; }
  const std::shared_ptr<State>& state(std::size_t variable) const { return states_[variable]; }

  // The number of what has this name. Throws Error(kArgument).
  std::size_t program_named(const char* name) const;
  std::size_t variable_named(const char* name) const;

  // A new copy of a program's plan.
  Program plan(std::size_t program);

  void save(const std::string& path) const;

 private:
  Program decode_plan(std::size_t program) const;

  Bytes bytes_;  // goes last
  PackageFile file_;
  std::vector<std::shared_ptr<State>> states_;
  std::unique_ptr<Code> code_;
  std::string target_;
  std::mutex plans_mutex_;
  std::vector<std::optional<Program>> plans_;  // as checked on loading, until the first instance takes them
};

}  // namespace graphc::host
