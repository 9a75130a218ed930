// Validating scanners over JSON text (RFC 8259): strings, numbers, whole values. The inner loops of the json
// format.
//
// All of them may read up to 64 bytes beyond the last byte they accept, and stop at the latest at a newline:
// a newline is a control character in a string and never white space here, because a record is one line. Text
// must be valid UTF-8, which is checked elsewhere. nullptr means "not accepted".
#pragma once

#include <emmintrin.h>
#include <smmintrin.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace streamrun::json {

/// Containers may nest this deep.
inline constexpr int kMaxDepth = 128;

inline bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }
inline bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }
inline const char* SkipSpace(const char* p) {
  while (IsSpace(*p)) ++p;
  return p;
}

/// First byte from p on that is a quote, a backslash or a control character. Ors the bytes it looked at (and
/// up to 31 more) into `looked`.
inline const char* FindStringStop(const char* p, __m128i* looked) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  const auto stops = [&](__m128i x) {
    const __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)),
                                      _mm_cmpeq_epi8(_mm_min_epu8(x, control), x));
    return static_cast<uint32_t>(_mm_movemask_epi8(stop));
  };
  for (;; p += 32) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16));
    *looked = _mm_or_si128(*looked, _mm_or_si128(low, high));
    if (const uint32_t found = stops(low) | stops(high) << 16) return p + __builtin_ctz(found);
  }
}
inline const char* FindStringStop(const char* p) {
  __m128i looked = _mm_setzero_si128();
  return FindStringStop(p, &looked);
}

/// p behind the opening quote: the closing quote, or nullptr. `escaped`: there are (valid) escapes inside.
const char* ScanEscapedString(const char* p);
inline const char* ScanString(const char* p, bool* escaped) {
  const char* stop = FindStringStop(p);
  *escaped = false;
  if (*stop == '"') [[likely]]
    return stop;
  if (*stop != '\\') return nullptr;
  *escaped = true;
  return ScanEscapedString(stop);
}

/// The content of a string (without quotes) that ScanString accepted, with its escapes resolved, appended to
/// `out`.
void Unescape(std::string_view content, std::string* out);

/// End of the number at p, or nullptr. `integral`: it has neither point nor exponent.
const char* ScanNumber(const char* p, bool* integral);

/// End of the value at p, or nullptr; all of it is validated. `depth`: containers around it.
const char* ScanValue(const char* p, int depth);

/// What kind of value a token is, for messages: "string", "number", "boolean", "object", "array", "null".
std::string_view KindOf(std::string_view token);

/// Number of leading digits among 8 bytes, 0..8.
inline int CountDigits(uint64_t bytes) {
  const uint64_t zeros = bytes ^ 0x3030303030303030;
  // A carry out of a byte above 0x89 reaches later bytes only, and the first non-digit is all that counts.
  const uint64_t others = ((zeros + 0x7676767676767676) | zeros) & 0x8080808080808080;
  return others == 0 ? 8 : __builtin_ctzll(others) >> 3;
}
/// Value of the first `count` (1..8) of 8 ASCII digits. Three multiplications instead of a loop whose length
/// the branch predictor cannot know (Lemire, "Quickly parsing eight digits").
inline uint64_t ParseDigits(uint64_t bytes, int count) {
  uint64_t x = (bytes ^ 0x3030303030303030) << (64 - 8 * count);
  x = x * 10 + (x >> 8);
  return (((x & 0x000000ff000000ff) * 0x000f424000000064) +
          (((x >> 16) & 0x000000ff000000ff) * 0x0000271000000001)) >>
         32;
}

/// An integer literal at p as int64: its end; nullptr when it is anything else (fraction, out of range).
inline const char* ScanInt64(const char* p, int64_t* out) {
  const bool negative = *p == '-';
  p += negative;
  uint64_t bytes;
  std::memcpy(&bytes, p, 8);
  const int count = CountDigits(bytes);
  if (count == 0 || (*p == '0' && count > 1)) [[unlikely]]
    return nullptr;
  uint64_t value = ParseDigits(bytes, count);
  p += count;
  if (count == 8) {
    int more = 0;
    for (; IsDigit(*p) && more < 11; ++p, ++more) value = value * 10 + static_cast<uint64_t>(*p - '0');
    // 19 digits never overflow uint64, 20 never fit int64.
    if (IsDigit(*p) || value > static_cast<uint64_t>(INT64_MAX) + negative) return nullptr;
  }
  if (*p == '.' || (*p | 0x20) == 'e') [[unlikely]]
    return nullptr;
  *out = static_cast<int64_t>(negative ? uint64_t{0} - value : value);
  return p;
}

}  // namespace streamrun::json
