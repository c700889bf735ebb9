// Memory that graphc owns: aligned blocks, and the buffers of variables. Apart, since alignment and zero-size
// rules must be the same for arena, constants and states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "dtype.h"

namespace graphc {

constexpr std::size_t kAlignment = 64;  // one cache line, one AVX-512 register

constexpr std::int64_t align_up(std::int64_t bytes) {
  constexpr std::int64_t mask = static_cast<std::int64_t>(kAlignment) - 1;
  return (bytes + mask) & ~mask;
}

// Movable memory, never null even for 0 bytes, not cleared.
class AlignedBlock {
 public:
  AlignedBlock() = default;
  // Throws std::bad_alloc; `bytes` >= 0.
  explicit AlignedBlock(std::int64_t bytes);
  // Memory of somebody else's, who keeps it alive; aligned to kAlignment.
  static AlignedBlock borrowed(void* memory, std::int64_t bytes);
  AlignedBlock(AlignedBlock&& other) noexcept;
  AlignedBlock& operator=(AlignedBlock&& other) noexcept;
  AlignedBlock(const AlignedBlock&) = delete;
  AlignedBlock& operator=(const AlignedBlock&) = delete;
  ~AlignedBlock();

  char* data() const { return data_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  char* data_ = nullptr;
  std::int64_t bytes_ = 0;
  bool owned_ = true;
};

// The memory of one variable, shared by the programs that mention it. Whoever touches the bytes holds the
// mutex; a program locks all its states in the order of their addresses.
class State {
 public:
  State(DType dtype, std::int64_t bytes) : State(dtype, AlignedBlock(bytes)) {}
  State(DType dtype, AlignedBlock block) : dtype_(dtype), block_(std::move(block)) {}

  DType dtype() const { return dtype_; }
  std::int64_t bytes() const { return block_.bytes(); }
  char* data() const { return block_.data(); }
  std::mutex& mutex() { return mutex_; }

  void read(void* target);
  void write(const void* source);

 private:
  DType dtype_;
  AlignedBlock block_;
  std::mutex mutex_;
};

}  // namespace graphc
