// Text of uuid, inet and bytea.
//
// Input forms: PostgreSQL 15 manual 8.12 (uuid), 8.9 (inet), 8.4 (bytea).
#include <cstring>

#include "core/data/text_io.h"
#include "core/data/text_scan.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

constexpr char kHex[] = "0123456789abcdef";

// One to four decimal octets; fewer than four need a prefix length, which may not reach far behind them.
bool ParseInet4(std::string_view text, Inet* out) {
  size_t i = 0;
  size_t octets = 0;
  while (i < text.size() && IsDigit(text[i])) {
    int value = 0;
    for (; i < text.size() && IsDigit(text[i]); ++i) {
      value = value * 10 + (text[i] - '0');
      if (value > 255) return false;
    }
    if (octets == 4) return false;
    out->address[octets++] = static_cast<uint8_t>(value);
    if (i == text.size() || text[i] == '/') break;
    if (text[i] != '.') return false;
    ++i;
  }
  int prefix = octets == 4 ? 32 : -1;
  if (i < text.size()) {
    if (text[i] != '/' || octets == 0 || i + 1 == text.size()) return false;
    prefix = 0;
    for (++i; i < text.size(); ++i) {
      if (!IsDigit(text[i])) return false;
      prefix = prefix * 10 + (text[i] - '0');
      if (prefix > 32) return false;
    }
  }
  if (prefix < 0 || octets == 0 || static_cast<size_t>(prefix / 8) > octets) return false;
  out->family = 4;
  out->prefix = static_cast<uint8_t>(prefix);
  return true;
}

// A prefix length of IPv6 that ends the text: no leading zeros. -1 when it is none.
int ParsePrefix6(std::string_view digits) {
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return -1;
  int prefix = 0;
  for (const char c : digits) {
    if (!IsDigit(c)) return -1;
    prefix = prefix * 10 + (c - '0');
  }
  return prefix <= 128 ? prefix : -1;
}

// The dotted end of an IPv6 address. As PostgreSQL takes it: missing octets at the end are 0, empty ones (but
// the last) too, leading zeros are refused.
bool ParseEmbedded4(std::string_view text, uint8_t* out) {
  int octet = 0;
  int value = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == '.') {
      if (octet == 3) return false;
      out[octet++] = static_cast<uint8_t>(value);
      value = 0;
      digits = 0;
      continue;
    }
    if (!IsDigit(c) || (digits++ > 0 && value == 0)) return false;
    value = value * 10 + (c - '0');
    if (value > 255) return false;
  }
  out[octet] = static_cast<uint8_t>(value);
  return true;
}

// Groups of up to four hexadecimal digits, one run of zeros as ::, the last two groups perhaps dotted.
// `closed`: the address ends the text, so a lone colon may not end it.
bool ParseGroups6(std::string_view text, bool closed, uint8_t* out) {
  int size = 0;
  int gap = -1;  // where :: stands
  if (text.starts_with(':') && !text.starts_with("::")) return false;
  size_t i = text.starts_with(':') ? 1 : 0;
  while (i < text.size()) {
    if (text[i] == ':') {
      if (gap >= 0) return false;
      gap = size;
      ++i;
      continue;
    }
    const size_t start = i;
    unsigned value = 0;
    for (; i < text.size() && HexDigit(text[i]) >= 0; ++i) {
      if (i - start == 4) return false;
      value = value * 16 + static_cast<unsigned>(HexDigit(text[i]));
    }
    if (i < text.size() && text[i] == '.') {
      const std::string_view dotted = text.substr(start);
      if (size > 12 || (closed && dotted.back() == '.') || !ParseEmbedded4(dotted, out + size)) return false;
      size += 4;
      break;
    }
    if (size > 14) return false;
    out[size++] = static_cast<uint8_t>(value >> 8);
    out[size++] = static_cast<uint8_t>(value);
    if (i == text.size()) break;
    if (text[i] != ':' || (closed && i + 1 == text.size())) return false;
    ++i;
  }
  if (gap < 0) return size == 16;
  if (size == 16) return false;
  std::memmove(out + 16 - (size - gap), out + gap, static_cast<size_t>(size - gap));
  std::memset(out + gap, 0, static_cast<size_t>(16 - size));
  return true;
}

bool ParseInet6(std::string_view text, Inet* out) {
  const size_t slash = text.find('/');
  const bool closed = slash == std::string_view::npos;
  const int prefix = closed ? 128 : ParsePrefix6(text.substr(slash + 1));
  if (prefix < 0 || !ParseGroups6(text.substr(0, slash), closed, out->address)) return false;
  out->family = 6;
  out->prefix = static_cast<uint8_t>(prefix);
  return true;
}

void PrintInet4(const uint8_t* address, std::string& out) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) out += '.';
    PrintBigint(address[i], out);
  }
}

// RFC 5952 compression of the first longest zero run; addresses that embed IPv4 print it dotted.
void PrintInet6(const uint8_t* address, std::string& out) {
  unsigned words[8];
  for (int i = 0; i < 8; ++i) words[i] = static_cast<unsigned>(address[2 * i] << 8 | address[2 * i + 1]);
  int best = -1, best_length = 1;
  for (int i = 0; i < 8;) {
    int length = 0;
    while (i + length < 8 && words[i + length] == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
    i += length + 1;
  }
  for (int i = 0; i < 8; ++i) {
    if (best >= 0 && i >= best && i < best + best_length) {
      if (i == best) out += ':';
      continue;
    }
    if (i > 0) out += ':';
    if (i == 6 && best == 0 &&
        (best_length == 6 || (best_length == 7 && words[7] != 1) ||
         (best_length == 5 && words[5] == 0xffff))) {
      PrintInet4(address + 12, out);
      return;
    }
    bool started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
      const unsigned digit = words[i] >> shift & 15;
      started |= digit != 0 || shift == 0;
      if (started) out += kHex[digit];
    }
  }
  if (best >= 0 && best + best_length == 8) out += ':';
}

// The whole character that starts at `at`, as messages show it.
std::string CharacterAt(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
  return std::string(text.substr(at, end - at));
}

Result<std::string> ParseHexBytea(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t i = 2; i < text.size();) {
    if (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
      ++i;
      continue;
    }
    int byte = 0;
    for (int half = 0; half < 2; ++half, ++i) {
      if (i == text.size()) return Status::InvalidArgument("invalid hexadecimal data: odd number of digits");
      const int digit = HexDigit(text[i]);
      if (digit < 0) {
        return Status::InvalidArgument("invalid hexadecimal digit: \"" + CharacterAt(text, i) + "\"");
      }
      byte = byte * 16 + digit;
    }
    out += static_cast<char>(byte);
  }
  return out;
}

}  // namespace

Result<Uuid> ParseUuid(std::string_view text) {
  Uuid out;
  std::string_view rest = text;
  const bool braces = !rest.empty() && rest.front() == '{';
  if (braces) rest.remove_prefix(1);
  for (int i = 0; i < 16; ++i) {
    if (rest.size() < 2 || HexDigit(rest[0]) < 0 || HexDigit(rest[1]) < 0) return InvalidSyntax("uuid", text);
    out.bytes[i] = static_cast<uint8_t>(HexDigit(rest[0]) * 16 + HexDigit(rest[1]));
    rest.remove_prefix(2);
    // A hyphen may stand behind every group of four digits.
    if (!rest.empty() && rest.front() == '-' && i % 2 == 1 && i < 15) rest.remove_prefix(1);
  }
  if (braces) {
    if (rest.empty() || rest.front() != '}') return InvalidSyntax("uuid", text);
    rest.remove_prefix(1);
  }
  if (!rest.empty()) return InvalidSyntax("uuid", text);
  return out;
}

Result<Inet> ParseInet(std::string_view text) {
  Inet out;
  const bool six = text.find(':') != std::string_view::npos;
  if (!(six ? ParseInet6(text, &out) : ParseInet4(text, &out))) return InvalidSyntax("inet", text);
  return out;
}

Result<std::string> ParseBytea(std::string_view text) {
  if (text.starts_with("\\x")) return ParseHexBytea(text);
  std::string out;
  out.reserve(text.size());
  const auto octal = [&](size_t at, char most) {
    return at < text.size() && text[at] >= '0' && text[at] <= most;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      out += '\\';
      ++i;
    } else if (octal(i + 1, '3') && octal(i + 2, '7') && octal(i + 3, '7')) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      return Status::InvalidArgument("invalid input syntax for type bytea");
    }
  }
  return out;
}

void PrintUuid(const Uuid& value, std::string& out) {
  char text[36];
  char* p = text;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
    *p++ = kHex[value.bytes[i] >> 4];
    *p++ = kHex[value.bytes[i] & 15];
  }
  out.append(text, sizeof text);
}

void PrintInet(const Inet& value, std::string& out) {
  if (value.family == 4) {
    PrintInet4(value.address, out);
  } else {
    PrintInet6(value.address, out);
  }
  if (value.prefix != (value.family == 4 ? 32 : 128)) {
    out += '/';
    PrintBigint(value.prefix, out);
  }
}

void PrintBytea(std::string_view value, std::string& out) {
  out += "\\x";
  for (const char c : value) {
    out += kHex[static_cast<uint8_t>(c) >> 4];
    out += kHex[static_cast<uint8_t>(c) & 15];
  }
}

}  // namespace streamrun
