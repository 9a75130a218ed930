// Characters of UTF-8 text. The text is valid UTF-8, as in every text column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/data/utf8_check.h"  // validity, of bytes that are not a text column yet

namespace streamrun {

inline bool IsUtf8Start(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

/// Number of characters.
inline int64_t CountUtf8(std::string_view text) {
  int64_t count = 0;
  for (const char c : text) count += IsUtf8Start(c);
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
  while (index > 0 && at < text.size()) {
    at += Utf8Length(text[at]);
    --index;
  }
  return at < text.size() ? at : text.size();
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
