// The bytes of a package as records; docs/package-format.md and graphc/program/package.py document them. It
// stands apart as the only code of the host library that sees a package before it is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/sha256.h"
#include "runtime/dtype.h"

namespace graphc::host {

enum class SectionKind : std::uint32_t {
  kManifest = 1,
  kProgram = 2,
  kVariables = 3,
  kCode = 4,
  kSignature = 5
};

struct Section {
  SectionKind kind;
  char* data;
  std::size_t size;
  Digest hash;
};

struct PackagedVariable {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;
  char* data;  // in the section of variables, 64-byte aligned
  std::int64_t bytes;
};

struct PackagedProgram {
  std::string name;
  std::size_t section;
  std::vector<std::uint32_t> variables;  // of the package, in the order of the program's states
};

struct PackagedCode {
  std::string target;
  std::size_t section;
};

struct PackageFile {
  std::vector<Section> sections;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<PackagedVariable> variables;
  std::vector<PackagedProgram> programs;
  std::vector<PackagedCode> codes;
  std::vector<std::size_t> signatures;  // sections
};

enum class Hashes { kCheck, kIgnore };  // kIgnore: for fuzzing what lies behind them

// Checks everything but the programs' and the code's own contents: magic, version, lengths, hashes, paddings,
// numbers and references. `data` is 64-byte aligned and outlives the result. Throws Error(kProgram).
PackageFile read_package(char* data, std::size_t size, Hashes hashes = Hashes::kCheck);

// What a signature signs: the entries of all other sections, which hold their hashes.
std::string signed_message(const PackageFile& package);

// The header and the table of a package with these sections (their kind, data, size and hash), and where each
// section begins; the last is the length of the file.
std::string package_head(const std::vector<Section>& sections, std::vector<std::uint64_t>& begins);

}  // namespace graphc::host
