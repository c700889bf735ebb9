// SHA-256 (FIPS 180-4). It stands apart because loading, saving and signing all hash, and a host must link no
// library for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace graphc::host {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(const void* data, std::size_t size);

}  // namespace graphc::host
