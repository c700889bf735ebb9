// A shared library out of memory: through a file that has no name (memfd_create), or one that has none any
// more. The code refers to libc and libm alone, so nothing else is searched for or run.
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "host/code.h"
#include "host/file.h"
#include "runtime/error.h"

namespace graphc::host {

namespace {

// An anonymous file that code may be mapped from; -1 where the system has none.
int anonymous_file() {
#ifdef MFD_CLOEXEC
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // since Linux 6.3, which may be set up to refuse execution otherwise
#endif
  const int file = memfd_create("graphc-code", MFD_CLOEXEC | MFD_EXEC);
  return file >= 0 || errno != EINVAL ? file : memfd_create("graphc-code", MFD_CLOEXEC);
#else
  return -1;
#endif
}

bool write_all(int file, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = write(file, data, size);
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) data += written, size -= static_cast<std::size_t>(written);
  }
  return true;
}

class LoadedCode : public Code {
 public:
  explicit LoadedCode(const std::vector<char>& bytes) {
    file_ = anonymous_file();
    if (file_ >= 0 && write_all(file_, bytes.data(), bytes.size()))
      open("/proc/self/fd/" + std::to_string(file_));
    if (library_ == nullptr) open_temporary(bytes);  // no memfd, or no /proc
    if (library_ == nullptr) {
      const std::string reason = reason_;
      close_file();
      throw SystemFailure("expected to map the package's code, got: " + reason);
    }
  }
  LoadedCode(const LoadedCode&) = delete;
  LoadedCode& operator=(const LoadedCode&) = delete;
  ~LoadedCode() override {
    dlclose(library_);
    close_file();
  }

  void* address(const std::string& symbol) const override { return dlsym(library_, symbol.c_str()); }

 private:
  void open(const std::string& path) {
    library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) reason_ = dlerror();
  }

  void open_temporary(const std::vector<char>& bytes) {
    const char* folder = std::getenv("TMPDIR");
    std::string path = std::string(folder != nullptr && *folder == '/' ? folder : "/tmp") + "/graphc-XXXXXX";
    const int file = mkstemp(path.data());  // readable by this user alone
    if (file < 0) {
      reason_ = path + ": " + std::strerror(errno);
      return;
    }
    if (write_all(file, bytes.data(), bytes.size())) open(path);
    unlink(path.c_str());
    close(file);
  }

  void close_file() {
    if (file_ >= 0) close(file_);
  }

  // Open as long as the library is: dlopen takes a second library of the same name for the first.
  int file_ = -1;
  void* library_ = nullptr;
  std::string reason_ = "no memory for it";
};

}  // namespace

std::unique_ptr<Code> load_code(const Section& section) {
  const std::vector<char> copy(section.data, section.data + section.size);
  if (sha256(copy.data(), copy.size()) != section.hash)
    throw Error(ErrorKind::kProgram, "code: expected the bytes that its hash was made from, got others");
  return std::make_unique<LoadedCode>(copy);
}

}  // namespace graphc::host
