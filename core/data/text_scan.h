// What the text parsers share: PostgreSQL's white space and the wording of its input errors.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace streamrun::text_scan {

/// isspace() of the C locale.
inline bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }
inline bool IsAlpha(char c) { return static_cast<unsigned char>((c | 0x20) - 'a') < 26; }
inline char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

inline std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

/// `lower` is already in lower case.
inline bool EqualsFolded(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (ToLower(text[i]) != lower[i]) return false;
  }
  return true;
}

/// Value of a hexadecimal digit, or -1.
inline int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = ToLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

inline constexpr char kDigitPairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/// Two digits, value < 100.
inline char* PutPair(unsigned value, char* out) {
  std::memcpy(out, kDigitPairs + 2 * value, 2);
  return out + 2;
}

inline Status InvalidSyntax(std::string_view type, std::string_view text) {
  std::string message = "invalid input syntax for type ";
  message.append(type).append(": \"").append(text).append("\"");
  return Status::InvalidArgument(std::move(message));
}

}  // namespace streamrun::text_scan
