// encode() and decode(): bytes as hexadecimal, base64 or escaped text (PostgreSQL manual 9.5, table 9.13).
#include <array>
#include <optional>

#include "core/data/text_io.h"
#include "core/data/text_scan.h"
#include "core/expr/function.h"
#include "core/expr/kernel.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

enum class TextEncoding : uint8_t { kHex, kBase64, kEscape };

std::optional<TextEncoding> ParseEncoding(std::string_view name) {
  if (text_scan::EqualsFolded(name, "hex")) return TextEncoding::kHex;
  if (text_scan::EqualsFolded(name, "base64")) return TextEncoding::kBase64;
  if (text_scan::EqualsFolded(name, "escape")) return TextEncoding::kEscape;
  return std::nullopt;
}

std::string Unrecognized(std::string_view name) {
  return "unrecognized encoding: \"" + std::string(name) + "\"";
}

// A constant name that is none is a problem of the expression; nothing needs to be kept.
Result<std::shared_ptr<const void>> CheckEncoding(std::span<const ColumnPtr> constants) {
  for (const ColumnPtr& constant : constants) {
    if (constant && constant->IsNull(0)) return std::shared_ptr<const void>();
  }
  if (constants[1] && !ParseEncoding(constants[1]->Text(0))) {
    return Status::InvalidArgument(Unrecognized(constants[1]->Text(0)));
  }
  return std::shared_ptr<const void>();
}

// --- Encoding

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
// RFC 2045 limits lines to 76 characters; PostgreSQL ends them with a line feed only.
constexpr size_t kBase64Line = 76;

void EncodeHex(TextSink& out, std::string_view data) {
  char* at = out.Extend(data.size() * 2);
  for (const char c : data) {
    const auto byte = static_cast<uint8_t>(c);
    *at++ = kHexDigits[byte >> 4];
    *at++ = kHexDigits[byte & 15];
  }
}

// A line that whole groups fill ends with a line feed, the last one too; padding at its end is followed by
// none.
void EncodeBase64(TextSink& out, std::string_view data) {
  const size_t lines = data.size() / (kBase64Line / 4 * 3);
  char* at = out.Extend((data.size() + 2) / 3 * 4 + lines);
  size_t column = 0;
  for (size_t i = 0; i < data.size(); i += 3) {
    const size_t left = data.size() - i;
    const auto byte = [&](size_t k) { return k < left ? static_cast<uint8_t>(data[i + k]) : 0u; };
    const uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    *at++ = kBase64Digits[group >> 18];
    *at++ = kBase64Digits[group >> 12 & 63];
    *at++ = left > 1 ? kBase64Digits[group >> 6 & 63] : '=';
    *at++ = left > 2 ? kBase64Digits[group & 63] : '=';
    column += 4;
    if (column < kBase64Line || left < 3) continue;
    *at++ = '\n';
    column = 0;
  }
}

// Zero bytes and those above 127 in octal, the backslash doubled, the rest as it is.
void EncodeEscape(TextSink& out, std::string_view data) {
  for (const char c : data) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte == 0 || byte > 127) {
      char* at = out.Extend(4);
      at[0] = '\\';
      at[1] = static_cast<char>('0' + (byte >> 6));
      at[2] = static_cast<char>('0' + (byte >> 3 & 7));
      at[3] = static_cast<char>('0' + (byte & 7));
    } else {
      if (c == '\\') out.Push('\\');
      out.Push(c);
    }
  }
}

void Encode(Row& row, TextSink& out, std::string_view data, std::string_view name) {
  const auto encoding = ParseEncoding(name);
  if (!encoding) return row.Fail("22023", Unrecognized(name));
  // No form takes more than four characters a byte.
  if (!row.Room(out, data.size() * 4 + 4)) return;
  switch (*encoding) {
    case TextEncoding::kHex:
      return EncodeHex(out, data);
    case TextEncoding::kBase64:
      return EncodeBase64(out, data);
    case TextEncoding::kEscape:
      return EncodeEscape(out, data);
  }
}

// --- Decoding

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string CharacterAt(std::string_view text, size_t at) {
  return "\"" + std::string(text.substr(at, Utf8Length(text[at]))) + "\"";
}

void DecodeHex(Row& row, TextSink& out, std::string_view text) {
  const auto digit = [&](size_t at) {
    const int value = text_scan::HexDigit(text[at]);
    if (value < 0) row.Fail("22023", "invalid hexadecimal digit: " + CharacterAt(text, at));
    return value;
  };
  for (size_t i = 0; i < text.size();) {
    if (IsBlank(text[i])) {
      ++i;
      continue;
    }
    const int high = digit(i++);
    if (high < 0) return;
    if (i == text.size()) return row.Fail("22023", "invalid hexadecimal data: odd number of digits");
    const int low = digit(i++);
    if (low < 0) return;
    out.Push(static_cast<char>(high * 16 + low));
  }
}

constexpr std::array<int8_t, 256> kBase64Values = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 64; ++i) values[static_cast<uint8_t>(kBase64Digits[i])] = static_cast<int8_t>(i);
  return values;
}();

// Groups of four digits; = may fill the last two places. PostgreSQL does not look at what a = hides, nor
// does it mind another group behind it, whose bytes are then cut like the first one's.
void DecodeBase64(Row& row, TextSink& out, std::string_view text) {
  uint32_t group = 0;
  int digits = 0;
  int bytes = 3;  // that a group stands for
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsBlank(text[i])) continue;
    int value = kBase64Values[static_cast<uint8_t>(text[i])];
    if (text[i] == '=') {
      if (bytes == 3) {
        if (digits < 2) return row.Fail("22023", "unexpected \"=\" while decoding base64 sequence");
        bytes = digits - 1;
      }
      value = 0;
    } else if (value < 0) {
      return row.Fail("22023",
                      "invalid symbol " + CharacterAt(text, i) + " found while decoding base64 sequence");
    }
    group = group << 6 | static_cast<uint32_t>(value);
    if (++digits < 4) continue;
    for (int k = 0; k < bytes; ++k) out.Push(static_cast<char>(group >> (16 - 8 * k)));
    digits = 0;
    group = 0;
  }
  if (digits != 0) row.Fail("22023", "invalid base64 end sequence");
}

void DecodeEscape(Row& row, TextSink& out, std::string_view text) {
  const auto octal = [&](size_t at, char most) {
    return at < text.size() && text[at] >= '0' && text[at] <= most;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.Push(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      out.Push('\\');
      ++i;
    } else if (octal(i + 1, '3') && octal(i + 2, '7') && octal(i + 3, '7')) {
      out.Push(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      return row.Fail("22P02", "invalid input syntax for type bytea");
    }
  }
}

void Decode(Row& row, TextSink& out, std::string_view text, std::string_view name) {
  const auto encoding = ParseEncoding(name);
  if (!encoding) return row.Fail("22023", Unrecognized(name));
  if (!row.Room(out, text.size())) return;
  switch (*encoding) {
    case TextEncoding::kHex:
      return DecodeHex(row, out, text);
    case TextEncoding::kBase64:
      return DecodeBase64(row, out, text);
    case TextEncoding::kEscape:
      return DecodeEscape(row, out, text);
  }
}

}  // namespace

void AddEncoding(FunctionTable& t) {
  using enum Arg;
  t.push_back({"encode",
               {kBytea, kText},
               kText,
               Rows<Encode>,
               "bytes as text in the encoding hex, base64 or escape",
               "encode('\\x0102ff'::bytea, 'base64') -> AQL/",
               kPartial,
               CheckEncoding});
  t.push_back({"decode",
               {kText, kText},
               kBytea,
               Rows<Decode>,
               "the bytes of a text in the encoding hex, base64 or escape",
               "decode('AQL/', 'base64') -> \\x0102ff",
               kPartial,
               CheckEncoding});
}

}  // namespace streamrun
