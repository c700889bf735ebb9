// Checks in the order of the bytes: header, table, sections, manifest. Apart from the package that runs,
// which trusts what it gets from here.
#include "host/package_file.h"

#include <algorithm>
#include <cstring>

#include "runtime/byte_reader.h"
#include "runtime/error.h"
#include "runtime/memory.h"
#include "runtime/size.h"

namespace graphc::host {

namespace {

constexpr char kMagic[] = {'G', 'C', 'P', 'A', 'C', 'K', '\r', '\n'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kHeader = 64, kEntry = 64;
constexpr std::uint32_t kMaxSections = 4096;
constexpr std::size_t kMaxRank = 8;
constexpr char kSignedMagic[] = "graphc package 1";

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::kProgram, message); }

std::size_t aligned(std::size_t offset) { return (offset + kAlignment - 1) & ~(kAlignment - 1); }

bool all_zero(const char* begin, const char* end) {
  return std::all_of(begin, end, [](char c) { return c == 0; });
}

Digest read_digest(ByteReader& reader) {
  Digest digest;
  std::memcpy(digest.data(), reader.take(digest.size()), digest.size());
  return digest;
}

template <typename T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string entry_of(const Section& section, std::uint64_t begin) {
  std::string bytes;
  append(bytes, static_cast<std::uint32_t>(section.kind));
  append(bytes, std::uint32_t{0});
  append(bytes, begin);
  append(bytes, static_cast<std::uint64_t>(section.size));
  append(bytes, std::uint64_t{0});
  bytes.append(reinterpret_cast<const char*>(section.hash.data()), section.hash.size());
  return bytes;
}

class PackageReader {
 public:
  PackageReader(char* data, std::size_t size, Hashes hashes) : data_(data), size_(size), hashes_(hashes) {}

  PackageFile read() {
    const std::uint32_t count = header();
    table(count);
    const std::vector<std::size_t> manifests = of_kind(SectionKind::kManifest);
    const std::vector<std::size_t> variables = of_kind(SectionKind::kVariables);
    if (manifests.size() != 1 || variables.size() != 1)
      fail("expected one manifest and one section of variables in the package");
    variables_ = &package_.sections[variables[0]];
    package_.signatures = of_kind(SectionKind::kSignature);
    if (!package_.signatures.empty() &&
        package_.signatures[0] != package_.sections.size() - package_.signatures.size()) {
      fail("expected signatures behind all other sections");
    }
    const Section& section = package_.sections[manifests[0]];
    manifest(ByteReader(section.data, section.size));
    return std::move(package_);
  }

 private:
  void check_hash(const char* begin, std::size_t size, const Digest& expected,
                  const std::string& what) const {
    if (hashes_ == Hashes::kCheck && sha256(begin, size) != expected)
      fail(what + ": expected the bytes that its hash was made from, got others (truncated or altered?)");
  }

  std::uint32_t header() {
    ByteReader reader(data_, size_);
    if (size_ < kHeader || std::memcmp(reader.take(sizeof kMagic), kMagic, sizeof kMagic) != 0)
      fail("expected a graphc package, got something else");
    const std::uint32_t version = reader.number<std::uint32_t>();
    if (version != kVersion)
      fail("expected a package of version " + std::to_string(kVersion) + ", got version " +
           std::to_string(version) + ": export it again with this version of graphc");
    const std::uint32_t count = reader.number<std::uint32_t>();
    const std::uint64_t length = reader.number<std::uint64_t>();
    if (length != size_)
      fail("expected a package of " + std::to_string(length) + " bytes, got " + std::to_string(size_));
    if (reader.number<std::uint32_t>() != kByteOrder || reader.number<std::uint32_t>() != 0)
      fail("expected a little-endian package");
    if (count < 1 || count > kMaxSections || count > (size_ - kHeader) / kEntry)
      fail("expected a table of sections inside the package");
    check_hash(data_ + kHeader, count * kEntry, read_digest(reader), "table of sections");
    return count;
  }

  void table(std::uint32_t count) {
    ByteReader reader(data_ + kHeader, count * kEntry);
    std::size_t end = kHeader + count * kEntry;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string what = "section " + std::to_string(i);
      const std::uint32_t kind = reader.number<std::uint32_t>();
      const std::uint32_t zero = reader.number<std::uint32_t>();
      const std::uint64_t begin = reader.number<std::uint64_t>(), length = reader.number<std::uint64_t>();
      if (kind < 1 || kind > 5 || zero != 0 || reader.number<std::uint64_t>() != 0)
        fail(what + ": expected a kind of section from 1 to 5");
      // In order, without overlaps, with nothing but zeros between them.
      if (begin != aligned(end) || begin > size_ || length > size_ - begin ||
          !all_zero(data_ + end, data_ + begin))
        fail(what + ": expected it behind the section before, inside the package");
      package_.sections.push_back({static_cast<SectionKind>(kind), data_ + begin,
                                   static_cast<std::size_t>(length), read_digest(reader)});
      check_hash(data_ + begin, length, package_.sections.back().hash, what);
      end = begin + length;
    }
    if (end != size_) fail("expected the end of the package, got more bytes");
  }

  std::vector<std::size_t> of_kind(SectionKind kind) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < package_.sections.size(); ++i) {
      if (package_.sections[i].kind == kind) found.push_back(i);
    }
    return found;
  }

  std::size_t section(ByteReader& reader, SectionKind kind) const {
    const std::uint32_t index = reader.below<std::uint32_t>(package_.sections.size(), "a section");
    if (package_.sections[index].kind != kind) fail("manifest: expected a section of another kind");
    return index;
  }

  void manifest(ByteReader reader) {
    reader.string();  // the producer, for `python -m graphc inspect`
    package_.metadata = reader.list<std::pair<std::string, std::string>>([&] {
      std::string key = reader.string();
      return std::make_pair(std::move(key), reader.string());
    });
    package_.variables = reader.list<PackagedVariable>([&] { return variable(reader); });
    package_.programs = reader.list<PackagedProgram>([&] { return program(reader); });
    package_.codes = reader.list<PackagedCode>([&] {
      std::string target = reader.string();
      return PackagedCode{std::move(target), section(reader, SectionKind::kCode)};
    });
    if (reader.rest() != 0) fail("manifest: expected its end, got more bytes");
    disjoint(package_.variables);
    unique(package_.variables, "variables");
    unique(package_.programs, "programs");
  }

  // In the order of their memory: overlapping variables would change together.
  static void disjoint(const std::vector<PackagedVariable>& variables) {
    const char* end = nullptr;
    for (const PackagedVariable& variable : variables) {
      if (end != nullptr && variable.data < end) fail("manifest: expected variables one behind the other");
      end = variable.data + variable.bytes;
    }
  }

  template <typename Named>
  static void unique(const std::vector<Named>& items, const char* what) {
    std::vector<std::string> names;
    for (const Named& item : items) names.push_back(item.name);
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end())
      fail(std::string("manifest: expected ") + what + " of distinct names");
  }

  PackagedVariable variable(ByteReader& reader) const {
    PackagedVariable variable;
    variable.name = reader.string();
    variable.dtype = static_cast<DType>(reader.below<std::uint8_t>(kDTypeCount, "a dtype"));
    variable.shape = reader.list<std::int64_t>([&] { return reader.number<std::int64_t>(); });
    variable.bytes = item_size(variable.dtype);
    if (variable.shape.size() > kMaxRank) fail("variable " + variable.name + ": expected at most 8 axes");
    for (const std::int64_t extent : variable.shape) {
      if (extent < 0) fail("variable " + variable.name + ": expected extents of at least 0");
      variable.bytes = checked_multiply(variable.bytes, extent);
    }
    const std::uint64_t begin = reader.number<std::uint64_t>();
    if (begin % kAlignment != 0 || begin > variables_->size ||
        static_cast<std::uint64_t>(variable.bytes) > variables_->size - begin) {
      fail("variable " + variable.name + ": expected an aligned range of its section");
    }
    variable.data = variables_->data + begin;
    return variable;
  }

  PackagedProgram program(ByteReader& reader) const {
    PackagedProgram program;
    program.name = reader.string();
    program.section = section(reader, SectionKind::kProgram);
    program.variables = reader.list<std::uint32_t>(
        [&] { return reader.below<std::uint32_t>(package_.variables.size(), "a variable"); });
    return program;
  }

  char* data_;
  std::size_t size_;
  Hashes hashes_;
  PackageFile package_;
  const Section* variables_ = nullptr;
};

}  // namespace

PackageFile read_package(char* data, std::size_t size, Hashes hashes) {
  return PackageReader(data, size, hashes).read();
}

std::string signed_message(const PackageFile& package) {
  std::string message(kSignedMagic, sizeof kSignedMagic - 1);
  const char* start = package.sections.empty() ? nullptr : package.sections[0].data;
  const std::size_t first = aligned(kHeader + package.sections.size() * kEntry);
  for (const Section& section : package.sections) {
    if (section.kind == SectionKind::kSignature) continue;
    message += entry_of(section, first + static_cast<std::uint64_t>(section.data - start));
  }
  return message;
}

std::string package_head(const std::vector<Section>& sections, std::vector<std::uint64_t>& begins) {
  std::string table;
  std::uint64_t end = kHeader + sections.size() * kEntry;
  begins.clear();
  for (const Section& section : sections) {
    begins.push_back(aligned(end));
    end = begins.back() + section.size;
    table += entry_of(section, begins.back());
  }
  begins.push_back(end);
  std::string head(kMagic, sizeof kMagic);
  append(head, kVersion);
  append(head, static_cast<std::uint32_t>(sections.size()));
  append(head, end);
  append(head, kByteOrder);
  append(head, std::uint32_t{0});
  const Digest digest = sha256(table.data(), table.size());
  head.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  return head + table;
}

}  // namespace graphc::host
