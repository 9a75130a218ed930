// Characters of UTF-8 text. The text is valid UTF-8, as in every text column.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/data/utf8_check.h"  // validity, of bytes that are not a text column yet

namespace streamrun {

inline bool IsUtf8Start(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

/// The eight bytes at `at`, and how many of such eight start a character.
inline uint64_t LoadEight(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}
inline int CountStarts(uint64_t eight) {
  constexpr uint64_t kLowBits = 0x0101010101010101;
  // A byte 10xxxxxx continues a character.
  return 8 - std::popcount((eight >> 7) & ~(eight >> 6) & kLowBits);
}
inline constexpr uint64_t kHighBits = 0x8080808080808080;

/// Number of characters.
inline int64_t CountUtf8(std::string_view text) {
  int64_t count = 0;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) count += CountStarts(LoadEight(text.data() + i));
  for (; i < text.size(); ++i) count += IsUtf8Start(text[i]);
  return count;
}

/// Bytes of the character that starts with `lead`.
inline size_t Utf8Length(char lead) {
  const auto c = static_cast<unsigned char>(lead);
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/// Byte offset of character number `index` (0-based), or the size when there are fewer.
inline size_t Utf8Offset(std::string_view text, int64_t index) {
  size_t at = 0;
  for (; index >= 8 && at + 8 <= text.size(); at += 8) index -= CountStarts(LoadEight(text.data() + at));
  if (index <= 0 && at == 0) return 0;
  while (at < text.size() && !IsUtf8Start(text[at])) ++at;
  if (index > 0 && index < 8 && at + 8 <= text.size()) {
    const uint64_t wanted = kHighBits >> (8 * (8 - index));
    if ((LoadEight(text.data() + at) & wanted) == 0) return at + static_cast<size_t>(index);
  }
  while (index > 0 && at < text.size()) {
    at += Utf8Length(text[at]);
    --index;
  }
  return at < text.size() ? at : text.size();
}

/// Byte offset of the last `count` characters, 0 when there are fewer.
inline size_t Utf8OffsetFromEnd(std::string_view text, int64_t count) {
  size_t at = text.size();
  if (count <= 0) return at;
  if (static_cast<uint64_t>(count) >= text.size()) return 0;
  for (; count >= 8 && at >= 8; at -= 8) count -= CountStarts(LoadEight(text.data() + at - 8));
  while (count > 0 && at > 0) count -= IsUtf8Start(text[--at]);
  return at;
}

/// The code point at `at`, which must start a character; `length` gets its bytes.
char32_t DecodeUtf8(std::string_view text, size_t at, size_t* length);
/// Writes a code point (not a surrogate, at most 0x10ffff); returns the bytes written, 1 to 4.
size_t EncodeUtf8(char32_t c, char* out);

/// Simple case mapping of one character as PostgreSQL's C.UTF-8 does it (locale-independent).
char32_t LowerOf(char32_t c);
char32_t UpperOf(char32_t c);
bool IsAlphanumeric(char32_t c);

}  // namespace streamrun
