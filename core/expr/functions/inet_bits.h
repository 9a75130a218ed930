// Network addresses as numbers: masks and ranges of inet values.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/data/type.h"

namespace streamrun {

using Bits128 = unsigned __int128;

inline int InetWidth(const Inet& v) { return v.family == 4 ? 32 : 128; }

/// The address as a number below 2^width.
inline Bits128 InetNumber(const Inet& v) {
  if (v.family == 4) {
    uint32_t number;
    std::memcpy(&number, v.address, sizeof(number));
    return __builtin_bswap32(number);
  }
  uint64_t halves[2];
  std::memcpy(halves, v.address, sizeof(halves));
  return static_cast<Bits128>(__builtin_bswap64(halves[0])) << 64 | __builtin_bswap64(halves[1]);
}

/// Bits of `number` above the width of the family are left out.
inline Inet InetOf(uint8_t family, int prefix, Bits128 number) {
  Inet v;
  v.family = family;
  v.prefix = static_cast<uint8_t>(prefix);
  if (family == 4) {
    const uint32_t bytes = __builtin_bswap32(static_cast<uint32_t>(number));
    std::memcpy(v.address, &bytes, sizeof(bytes));
    return v;
  }
  const uint64_t halves[2] = {__builtin_bswap64(static_cast<uint64_t>(number >> 64)),
                              __builtin_bswap64(static_cast<uint64_t>(number))};
  std::memcpy(v.address, halves, sizeof(halves));
  return v;
}

/// Ones in the last `count` bits; 0 <= count <= 128.
inline Bits128 LowBits(int count) { return count >= 128 ? ~Bits128{0} : (Bits128{1} << count) - 1; }
/// Ones where the host's part stands.
inline Bits128 HostBits(const Inet& v) { return LowBits(InetWidth(v) - v.prefix); }
/// Ones in the whole address.
inline Bits128 AllBits(const Inet& v) { return LowBits(InetWidth(v)); }

/// Do the first `count` bits of two addresses of one family agree?
inline bool SamePrefix(const Inet& a, const Inet& b, int count) {
  return ((InetNumber(a) ^ InetNumber(b)) & ~LowBits(InetWidth(a) - count) & AllBits(a)) == 0;
}

}  // namespace streamrun
