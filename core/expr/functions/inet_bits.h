// Network addresses as numbers: masks and ranges of inet values.
#pragma once

#include <cstdint>

#include "core/data/type.h"

namespace streamrun {

using Bits128 = unsigned __int128;

inline int InetWidth(const Inet& v) { return v.family == 4 ? 32 : 128; }

/// The address as a number below 2^width.
inline Bits128 InetNumber(const Inet& v) {
  Bits128 number = 0;
  for (int i = 0; i < InetWidth(v) / 8; ++i) number = number << 8 | v.address[i];
  return number;
}

inline Inet InetOf(uint8_t family, int prefix, Bits128 number) {
  Inet v;
  v.family = family;
  v.prefix = static_cast<uint8_t>(prefix);
  for (int i = InetWidth(v) / 8 - 1; i >= 0; --i, number >>= 8) v.address[i] = static_cast<uint8_t>(number);
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
