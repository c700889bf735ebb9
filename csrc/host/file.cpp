// POSIX calls and their errors, in sentences. Apart from the header, which knows no system.
#include "host/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace graphc::host {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& wanted, int code) {
  throw SystemFailure(path + ": expected " + wanted + ", got: " + std::strerror(code));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

int write_all(int descriptor, const std::vector<Piece>& pieces) {
  for (const Piece& piece : pieces) {
    const char* at = static_cast<const char*>(piece.data);
    for (std::size_t left = piece.size; left > 0;) {
      const ssize_t written = write(descriptor, at, left);
      if (written < 0 && errno != EINTR) return errno;
      if (written > 0) at += written, left -= static_cast<std::size_t>(written);
    }
  }
  return fsync(descriptor) == 0 ? 0 : errno;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Bytes map_file(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) fail(path, "a package", errno);
  struct stat status;
  if (fstat(file.number(), &status) != 0) fail(path, "a package", errno);
  if (!S_ISREG(status.st_mode)) throw SystemFailure(path + ": expected a regular file, got something else");
  const std::size_t size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return {nullptr, 0, nullptr};
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.number(), 0);
  if (mapped == MAP_FAILED) fail(path, "a file that can be mapped", errno);
  return {static_cast<char*>(mapped), size,
          std::shared_ptr<void>(mapped, [size](void* m) { munmap(m, size); })};
}

void replace_file(const std::string& path, const std::vector<Piece>& pieces) {
  const std::string folder = folder_of(path);
  std::string temporary = folder + "/.graphc-XXXXXX";
  const Descriptor file(mkstemp(temporary.data()));
  if (file.number() < 0) fail(path, "a folder that can be written", errno);
  struct stat before;
  const mode_t mode = stat(path.c_str(), &before) == 0 ? before.st_mode & 07777 : 0644;
  int code = fchmod(file.number(), mode) == 0 ? write_all(file.number(), pieces) : errno;
  if (code == 0 && rename(temporary.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0) {
    unlink(temporary.c_str());
    fail(path, "a file that can be written", code);
  }
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() >= 0) fsync(directory.number());  // the name too survives a power cut
}

}  // namespace graphc::host
