// The character sets that convert_from() and its like know (PostgreSQL manual 24.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace streamrun {

struct Charset {
  enum class Kind : uint8_t { kUtf8, kSqlAscii, kSingleByte };
  std::string_view name;  // as PostgreSQL writes it: "LATIN1"
  Kind kind;
  // kSingleByte: bytes below `first` stand for the code point of the same number, byte first + i for high[i];
  // U+FFFD where the byte has no meaning.
  uint8_t first = 0;
  std::u16string_view high;

  /// The code point of a byte, U+FFFD for none. kSingleByte only.
  char32_t Decode(uint8_t byte) const { return byte < first ? byte : high[byte - first]; }
  /// The byte of a code point, or -1. kSingleByte only.
  int Encode(char32_t c) const;
};

/// By any of PostgreSQL's spellings: letters and digits count, in any case ("utf-8", "Latin1", "ISO 8859-1").
/// Null for a name that is none; for PostgreSQL's multi-byte encodings other than UTF8 also null, and
/// `*refused` then says so.
const Charset* FindCharset(std::string_view name, bool* refused);

/// PostgreSQL has a conversion between the two (each has one from and to UTF8).
bool CanConvert(const Charset& from, const Charset& to);

/// Empty when the bytes are well-formed, else PostgreSQL's message.
std::string FindMalformed(const Charset& charset, std::string_view bytes);

}  // namespace streamrun
