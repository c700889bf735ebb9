// CPUID by hand, because compilers disagree on the names of levels. Source: x86-64 psABI, section 3.1.1
// (micro-architecture levels), and Intel's manual, volume 2, CPUID.
#include "host/cpu.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace graphc::host {

#if defined(__x86_64__)

namespace {

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf) {
  Registers r;
  if (__get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}

bool has(unsigned word, std::uint32_t bits) { return (word & bits) == bits; }

constexpr std::uint32_t bit(int number) { return std::uint32_t{1} << number; }

// Which register states the system saves: bit 1 SSE, 2 AVX, 5 to 7 AVX-512.
std::uint32_t saved_states() {
  std::uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

int supported_level() {
  const Registers basic = cpuid(1), more = cpuid(7), extended = cpuid(0x80000001);
  constexpr std::uint32_t kSse3 = bit(0), kSsse3 = bit(9), kFma = bit(12), kCmpxchg16 = bit(13),
                          kSse41 = bit(19), kSse42 = bit(20), kMovbe = bit(22), kPopcnt = bit(23),
                          kOsxsave = bit(27), kAvx = bit(28), kF16c = bit(29);
  constexpr std::uint32_t kLahf = bit(0), kLzcnt = bit(5);
  constexpr std::uint32_t kBmi1 = bit(3), kAvx2 = bit(5), kBmi2 = bit(8);
  constexpr std::uint32_t kAvx512 = bit(16) | bit(17) | bit(28) | bit(30) | bit(31);  // F, DQ, CD, BW, VL
  if (!has(basic.c, kSse3 | kSsse3 | kCmpxchg16 | kSse41 | kSse42 | kPopcnt) || !has(extended.c, kLahf))
    return 1;
  if (!has(basic.c, kFma | kMovbe | kOsxsave | kAvx | kF16c) || !has(extended.c, kLzcnt) ||
      !has(more.b, kBmi1 | kAvx2 | kBmi2) || !has(saved_states(), bit(1) | bit(2))) {
    return 2;
  }
  if (!has(more.b, kAvx512) || !has(saved_states(), bit(5) | bit(6) | bit(7))) return 3;
  return 4;
}

}  // namespace

int target_rank(const std::string& target) {
  static const int supported = supported_level();
  const std::string names[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
  for (int level = 1; level <= supported; ++level) {
    if (target == names[level - 1]) return level;
  }
  return 0;
}

bool has_sha_instructions() { return has(cpuid(7).b, bit(29)) && supported_level() >= 2; }

#else

int target_rank(const std::string& target) {
#if defined(__aarch64__)
  return target == "aarch64" ? 1 : 0;
#else
  static_cast<void>(target);
  return 0;
#endif
}

bool has_sha_instructions() { return false; }

#endif

bool runs_target(const std::string& target) { return target_rank(target) > 0; }

}  // namespace graphc::host
