#include "core/expr/utf8.h"

#include <locale.h>
#include <clocale>
#include <cwctype>

namespace streamrun {

namespace {

// C.UTF-8 is always there with glibc; its tables are what PostgreSQL uses under LC_CTYPE=C.UTF-8.
locale_t Utf8Locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

}  // namespace

char32_t DecodeUtf8(std::string_view text, size_t at, size_t* length) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
  const char32_t lead = byte(0);
  *length = Utf8Length(text[at]);
  if (at + *length > text.size()) *length = 1;
  switch (*length) {
    case 2:
      return (lead & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3:
      return (lead & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    case 4:
      return (lead & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
    default:
      return lead;
  }
}

size_t EncodeUtf8(char32_t c, char* out) {
  const auto put = [&](size_t i, char32_t v) { out[i] = static_cast<char>(static_cast<unsigned char>(v)); };
  if (c < 0x80) {
    put(0, c);
    return 1;
  }
  if (c < 0x800) {
    put(0, 0xc0 | c >> 6);
    put(1, 0x80 | (c & 0x3f));
    return 2;
  }
  if (c < 0x10000) {
    put(0, 0xe0 | c >> 12);
    put(1, 0x80 | (c >> 6 & 0x3f));
    put(2, 0x80 | (c & 0x3f));
    return 3;
  }
  put(0, 0xf0 | c >> 18);
  put(1, 0x80 | (c >> 12 & 0x3f));
  put(2, 0x80 | (c >> 6 & 0x3f));
  put(3, 0x80 | (c & 0x3f));
  return 4;
}

char32_t LowerOf(char32_t c) {
  return static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), Utf8Locale()));
}
char32_t UpperOf(char32_t c) {
  return static_cast<char32_t>(towupper_l(static_cast<wint_t>(c), Utf8Locale()));
}
bool IsAlphanumeric(char32_t c) { return iswalnum_l(static_cast<wint_t>(c), Utf8Locale()) != 0; }

}  // namespace streamrun
