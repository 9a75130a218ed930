// Finding bytes in bytes.
#pragma once

#include <emmintrin.h>

#include <bit>
#include <cstring>
#include <string_view>

namespace streamrun {

/// Offset of the first `needle` at or behind `from`, or npos. Compares the first and last byte of 16 places
/// at once (W. Mula, "SIMD-friendly algorithms for substring searching").
inline size_t FindBytes(std::string_view text, std::string_view needle, size_t from = 0) {
  const size_t n = needle.size();
  if (n == 0) return from <= text.size() ? from : std::string_view::npos;
  if (n > text.size() || from > text.size() - n) return std::string_view::npos;
  const char* data = text.data();
  const size_t last = text.size() - n;  // last possible start
  size_t i = from;
  if (n == 1) {
    const void* hit = std::memchr(data + from, needle[0], text.size() - from);
    return hit ? static_cast<size_t>(static_cast<const char*>(hit) - data) : std::string_view::npos;
  }
  const __m128i first_byte = _mm_set1_epi8(needle[0]);
  const __m128i last_byte = _mm_set1_epi8(needle[n - 1]);
  for (; i + 15 <= last; i += 16) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + i));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + i + n - 1));
    auto mask = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first_byte), _mm_cmpeq_epi8(b, last_byte))));
    for (; mask != 0; mask &= mask - 1) {
      const size_t at = i + static_cast<size_t>(std::countr_zero(mask));
      // Of up to four bytes the second and the one before the last are all that is left.
      if ((data[at + 1] == needle[1]) & (data[at + n - 2] == needle[n - 2])) {
        if (n <= 4 || std::memcmp(data + at + 2, needle.data() + 2, n - 4) == 0) return at;
      }
    }
  }
  for (; i <= last; ++i) {
    if (data[i] == needle[0] && std::memcmp(data + i, needle.data(), n) == 0) return i;
  }
  return std::string_view::npos;
}

/// Calls f(row, place) for every row that holds `needle` (not empty), with its first place from the beginning
/// of `all`: one search over the bytes of all rows, where a hit names its row by the offsets.
template <typename F>
inline void FindInRows(std::string_view all, const int32_t* offsets, int64_t rows, std::string_view needle,
                       F&& f) {
  int64_t row = 0;
  size_t at = 0;
  while (row < rows && (at = FindBytes(all, needle, at)) != std::string_view::npos) {
    while (static_cast<size_t>(offsets[row + 1]) <= at) ++row;
    const auto end = static_cast<size_t>(offsets[row + 1]);
    if (at + needle.size() <= end) {
      f(row, at);
      at = end;
    } else {
      ++at;  // the hit straddles two rows
    }
  }
}

/// No byte above 127?
inline bool IsAscii(std::string_view text) {
  const char* data = text.data();
  size_t i = 0;
  __m128i any = _mm_setzero_si128();
  for (; i + 16 <= text.size(); i += 16) {
    any = _mm_or_si128(any, _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + i)));
  }
  unsigned char rest = 0;
  for (; i < text.size(); ++i) rest |= static_cast<unsigned char>(data[i]);
  return _mm_movemask_epi8(any) == 0 && rest < 0x80;
}

}  // namespace streamrun
