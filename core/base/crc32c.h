// CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum of frames and stored records.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamrun {

/// Checksum of `size` bytes, continuing from `seed` (0 to begin).
uint32_t Crc32c(const void* data, size_t size, uint32_t seed = 0);

}  // namespace streamrun
