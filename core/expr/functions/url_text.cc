#include "core/expr/functions/url_text.h"

#include <algorithm>

#include "core/data/text_scan.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

using text_scan::HexDigit;
using text_scan::IsAlpha;
using text_scan::IsDigit;

constexpr size_t kNone = std::string_view::npos;

bool IsScheme(std::string_view text) {
  const auto allowed = [](char c) { return IsAlpha(c) || IsDigit(c) || c == '+' || c == '-' || c == '.'; };
  return !text.empty() && IsAlpha(text[0]) && std::all_of(text.begin(), text.end(), allowed);
}

// Cuts what stands behind the first `mark` off the text.
std::optional<std::string_view> CutBehind(std::string_view& text, char mark) {
  const size_t at = text.find(mark);
  if (at == kNone) return std::nullopt;
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

bool ParsePort(std::string_view text, UrlParts* parts) {
  if (text.empty()) return true;
  int port = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    port = port * 10 + (c - '0');
    if (port > 65535) return false;
  }
  parts->port = port;
  return true;
}

// [user[:password]@]host[:port]; the host may be an IPv6 address in brackets.
bool SplitAuthority(std::string_view text, UrlParts* parts, std::string_view* problem) {
  if (const size_t at = text.rfind('@'); at != kNone) {
    std::string_view user = text.substr(0, at);
    parts->password = CutBehind(user, ':');
    parts->user = user;
    text = text.substr(at + 1);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    const std::string_view behind = end == kNone ? "" : text.substr(end + 1);
    if (end == kNone || (!behind.empty() && behind[0] != ':')) {
      *problem = "an IPv6 address must stand in brackets";
      return false;
    }
    parts->host = text.substr(1, end - 1);
    if (!behind.empty()) port = behind.substr(1);
  } else {
    port = CutBehind(text, ':').value_or("");
    parts->host = text;
  }
  if (ParsePort(port, parts)) return true;
  *problem = "the port is not a number from 0 to 65535";
  return false;
}

// Bytes of the ill-formed sequence at `at`: as many as could have begun a character (Unicode 15, section 3.9,
// "maximal subpart"), at least one.
size_t IllFormedLength(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t lead = byte(at);
  if (lead < 0xc2 || lead > 0xf4) return 1;
  uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  size_t length = 1;
  while (length < Utf8Length(bytes[at]) && at + length < bytes.size()) {
    if (byte(at + length) < low || byte(at + length) > high) break;
    low = 0x80;
    high = 0xbf;
    ++length;
  }
  return length;
}

// Replaces ill-formed bytes and zeros from `start` on.
void MendUtf8(std::string& text, size_t start) {
  const auto first_bad = [](std::string_view bytes) {
    return std::min(FindInvalidUtf8(bytes), bytes.find('\0'));
  };
  std::string_view rest = std::string_view(text).substr(start);
  size_t bad = first_bad(rest);
  if (bad == kNone) return;
  std::string mended;
  for (; bad != kNone; bad = first_bad(rest)) {
    mended.append(rest.substr(0, bad)).append("\xef\xbf\xbd");
    rest.remove_prefix(bad + IllFormedLength(rest, bad));
  }
  mended.append(rest);
  text.resize(start);
  text += mended;
}

bool IsUnreserved(char c) { return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

}  // namespace

bool SplitUrl(std::string_view url, UrlParts* parts, std::string_view* problem) {
  *parts = {};
  parts->fragment = CutBehind(url, '#');
  parts->query = CutBehind(url, '?');
  const size_t colon = url.find(':');
  if (colon != kNone && IsScheme(url.substr(0, colon))) {
    parts->scheme = url.substr(0, colon);
    url = url.substr(colon + 1);
  }
  if (!url.starts_with("//")) {
    parts->path = url;
    return true;
  }
  url.remove_prefix(2);
  const size_t slash = std::min(url.find('/'), url.size());
  parts->path = url.substr(slash);
  return SplitAuthority(url.substr(0, slash), parts, problem);
}

std::optional<std::string_view> FindParameter(std::string_view query, std::string_view name) {
  std::string decoded;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    std::string_view key = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (key.empty()) continue;
    const std::string_view value = CutBehind(key, '=').value_or("");
    if (key == name) return value;
    if (key.find_first_of("%+") == kNone) continue;
    decoded.clear();
    PercentDecode(key, true, decoded);
    if (decoded == name) return value;
  }
  return std::nullopt;
}

void PercentEncode(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
      continue;
    }
    out += '%';
    out += "0123456789ABCDEF"[static_cast<uint8_t>(c) >> 4];
    out += "0123456789ABCDEF"[static_cast<uint8_t>(c) & 15];
  }
}

void PercentDecode(std::string_view text, bool plus_is_blank, std::string& out) {
  const size_t start = out.size();
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  MendUtf8(out, start);
}

}  // namespace streamrun
