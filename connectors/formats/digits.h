// Writes numbers into raw memory: the inner loop of text encoders.
#pragma once

#include <cstdint>
#include <cstring>

namespace streamrun {

/// "00" "01" ... "99".
extern const char kDigitPairs[201];

inline char* PutPair(char* out, uint32_t value) {
  std::memcpy(out, kDigitPairs + value * 2, 2);
  return out + 2;
}
/// Exactly 8 digits, zeros in front.
inline void PutEight(char* out, uint32_t value) {
  const uint32_t high = value / 10000;
  const uint32_t low = value % 10000;
  PutPair(PutPair(out, high / 100), high % 100);
  PutPair(PutPair(out + 4, low / 100), low % 100);
}
/// At most 20 characters; up to 8 more bytes behind them may be overwritten.
inline char* PutUnsigned(char* out, uint64_t value) {
  if (value < 100'000'000) {
    // Eight digits are made without a branch on the length, then shifted so that the zeros in front fall out.
    char eight[8];
    PutEight(eight, static_cast<uint32_t>(value));
    uint64_t bytes;
    std::memcpy(&bytes, eight, 8);
    const int zeros = __builtin_ctzll((bytes ^ 0x3030303030303030) | uint64_t{1} << 56) >> 3;
    bytes >>= zeros * 8;
    std::memcpy(out, &bytes, 8);
    return out + (8 - zeros);
  }
  if (value < 10'000'000'000'000'000u) {
    out = PutUnsigned(out, value / 100'000'000);
    PutEight(out, static_cast<uint32_t>(value % 100'000'000));
    return out + 8;
  }
  out = PutUnsigned(out, value / 10'000'000'000'000'000u);
  value %= 10'000'000'000'000'000u;
  PutEight(out, static_cast<uint32_t>(value / 100'000'000));
  PutEight(out + 8, static_cast<uint32_t>(value % 100'000'000));
  return out + 16;
}
inline char* PutSigned(char* out, int64_t value) {
  *out = '-';
  const bool negative = value < 0;
  const uint64_t bits = static_cast<uint64_t>(value);
  return PutUnsigned(out + negative, negative ? uint64_t{0} - bits : bits);
}

}  // namespace streamrun
