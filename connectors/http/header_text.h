// What a header of a request may be made of.
#pragma once

#include <string_view>

namespace streamrun::http {

/// RFC 9110 section 5.6.2: the name of a field.
inline bool IsToken(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && kMarks.find(c) == std::string_view::npos) return false;
  }
  return !name.empty();
}

/// Such a value would end its line, or hide something in it.
inline bool HasControls(std::string_view value) {
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return false;
}

}  // namespace streamrun::http
