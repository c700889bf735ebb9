// Files as a package needs them: mapped for reading, replaced in one step for writing. Apart, since it is all
// that talks to the system about files.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace graphc::host {

// A file could not be read or written, or the system lacks something.
class SystemFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The bytes of a package, writable without changing where they came from, alive as long as this object.
struct Bytes {
  char* data;
  std::size_t size;
  std::shared_ptr<void> owner;
};

// Maps the file privately: pages that are written become the process's own. Throws SystemFailure.
Bytes map_file(const std::string& path);

struct Piece {
  const void* data;
  std::size_t size;
};

// Writes `pieces` one after the other to a new file beside `path`, flushes it to the disk and renames it to
// `path`: other processes see the old file or all of the new one. Throws SystemFailure.
void replace_file(const std::string& path, const std::vector<Piece>& pieces);

}  // namespace graphc::host
