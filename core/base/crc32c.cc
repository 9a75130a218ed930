#include "core/base/crc32c.h"

#include <nmmintrin.h>

#include <cstring>

namespace streamrun {

// Every build targets x86-64-v2, which has the SSE 4.2 crc32 instruction.
uint32_t Crc32c(const void* data, size_t size, uint32_t seed) {
  const auto* p = static_cast<const uint8_t*>(data);
  uint64_t crc = ~seed & 0xffffffffu;
  for (; size >= 8; p += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto narrow = static_cast<uint32_t>(crc);
  for (; size > 0; ++p, --size) narrow = _mm_crc32_u8(narrow, *p);
  return ~narrow;
}

}  // namespace streamrun
