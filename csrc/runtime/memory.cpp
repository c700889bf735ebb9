// Aligned allocation and the locked copies of a state. Apart from the header, which hot code includes.
#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace graphc {

namespace {

// From here on huge pages save more page faults than they waste memory.
constexpr std::int64_t kHugeBytes = std::int64_t{4} << 20;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

class OutOfMemory final : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::size_t bytes) {
    std::snprintf(text_, sizeof text_, "expected %zu bytes of memory, got none", bytes);
  }
  const char* what() const noexcept override { return text_; }

 private:
  char text_[64];
};

}  // namespace

AlignedBlock::AlignedBlock(std::int64_t bytes) : bytes_(bytes) {
  const bool huge = bytes >= kHugeBytes;
  const std::size_t alignment = huge ? kHugePage : kAlignment;
  const std::size_t wanted = std::max(static_cast<std::size_t>(align_up(bytes)), kAlignment);
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, wanted) != 0) throw OutOfMemory(wanted);
  data_ = static_cast<char*>(memory);
#ifdef MADV_HUGEPAGE
  if (huge) madvise(data_, wanted, MADV_HUGEPAGE);  // only advice: a refusal changes nothing
#endif
}

AlignedBlock::AlignedBlock(AlignedBlock&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      owned_(std::exchange(other.owned_, true)) {}

AlignedBlock AlignedBlock::borrowed(void* memory, std::int64_t bytes) {
  AlignedBlock block;
  block.data_ = static_cast<char*>(memory);
  block.bytes_ = bytes;
  block.owned_ = false;
  return block;
}

AlignedBlock& AlignedBlock::operator=(AlignedBlock&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(owned_, other.owned_);
  return *this;
}

AlignedBlock::~AlignedBlock() {
  if (owned_) std::free(data_);
}

void State::read(void* target) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::memcpy(target, data(), static_cast<std::size_t>(bytes()));
}

void State::write(const void* source) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::memcpy(data(), source, static_cast<std::size_t>(bytes()));
}

}  // namespace graphc
