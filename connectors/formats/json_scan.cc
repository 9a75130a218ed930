#include "connectors/formats/json_scan.h"

namespace streamrun::json {

namespace {

/// Value of four hexadecimal digits, or -1. Stops reading at the first other byte.
int Hex4(const char* p) {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = p[i];
    const char lower = static_cast<char>(c | 0x20);
    int digit;
    if (IsDigit(c)) {
      digit = c - '0';
    } else if (lower >= 'a' && lower <= 'f') {
      digit = lower - 'a' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

bool IsHighSurrogate(int unit) { return unit >= 0xd800 && unit <= 0xdbff; }
bool IsLowSurrogate(int unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

/// End of the escape at p (a backslash), or nullptr. A surrogate must be half of a pair: PostgreSQL's rule,
/// since half a pair has no UTF-8 form.
const char* ScanEscape(const char* p) {
  switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return p + 2;
    case 'u':
      break;
    default:
      return nullptr;
  }
  const int unit = Hex4(p + 2);
  if (unit < 0 || IsLowSurrogate(unit)) return nullptr;
  if (!IsHighSurrogate(unit)) return p + 6;
  if (p[6] != '\\' || p[7] != 'u' || !IsLowSurrogate(Hex4(p + 8))) return nullptr;
  return p + 12;
}

void AppendUtf8(uint32_t point, std::string* out) {
  if (point < 0x80) {
    out->push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out->push_back(static_cast<char>(0xc0 | point >> 6));
    out->push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else if (point < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | point >> 12));
    out->push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | point >> 18));
    out->push_back(static_cast<char>(0x80 | (point >> 12 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (point & 0x3f)));
  }
}

const char* ScanLiteral(const char* p, const char* word, size_t size) {
  return std::memcmp(p, word, size) == 0 ? p + size : nullptr;
}

const char* ScanObject(const char* p, int depth) {
  p = SkipSpace(p + 1);
  if (*p == '}') return p + 1;
  for (;;) {
    bool escaped;
    if (*p != '"' || (p = ScanString(p + 1, &escaped)) == nullptr) return nullptr;
    p = SkipSpace(p + 1);
    if (*p != ':') return nullptr;
    p = ScanValue(SkipSpace(p + 1), depth);
    if (p == nullptr) return nullptr;
    p = SkipSpace(p);
    if (*p == '}') return p + 1;
    if (*p != ',') return nullptr;
    p = SkipSpace(p + 1);
  }
}

const char* ScanArray(const char* p, int depth) {
  p = SkipSpace(p + 1);
  if (*p == ']') return p + 1;
  for (;;) {
    p = ScanValue(p, depth);
    if (p == nullptr) return nullptr;
    p = SkipSpace(p);
    if (*p == ']') return p + 1;
    if (*p != ',') return nullptr;
    p = SkipSpace(p + 1);
  }
}

}  // namespace

const char* ScanEscapedString(const char* p) {
  for (;;) {
    if (*p == '"') return p;
    if (*p != '\\') return nullptr;
    p = ScanEscape(p);
    if (p == nullptr) return nullptr;
    p = FindStringStop(p);
  }
}

void Unescape(std::string_view content, std::string* out) {
  for (size_t i = 0; i < content.size();) {
    const char c = content[i];
    if (c != '\\') {
      out->push_back(c);
      ++i;
      continue;
    }
    const char* p = content.data() + i;
    switch (p[1]) {
      case 'b':
        out->push_back('\b');
        break;
      case 'f':
        out->push_back('\f');
        break;
      case 'n':
        out->push_back('\n');
        break;
      case 'r':
        out->push_back('\r');
        break;
      case 't':
        out->push_back('\t');
        break;
      case 'u': {
        uint32_t point = static_cast<uint32_t>(Hex4(p + 2));
        i += 6;
        if (IsHighSurrogate(static_cast<int>(point))) {
          point = 0x10000 + ((point - 0xd800) << 10) + (static_cast<uint32_t>(Hex4(p + 8)) - 0xdc00);
          i += 6;
        }
        AppendUtf8(point, out);
        continue;
      }
      default:
        out->push_back(p[1]);
    }
    i += 2;
  }
}

const char* ScanNumber(const char* p, bool* integral) {
  *integral = true;
  if (*p == '-') ++p;
  if (*p == '0') {
    ++p;
  } else {
    if (!IsDigit(*p)) return nullptr;
    while (IsDigit(*p)) ++p;
  }
  if (*p == '.') {
    *integral = false;
    if (!IsDigit(*++p)) return nullptr;
    while (IsDigit(*p)) ++p;
  }
  if ((*p | 0x20) == 'e') {
    *integral = false;
    ++p;
    if (*p == '+' || *p == '-') ++p;
    if (!IsDigit(*p)) return nullptr;
    while (IsDigit(*p)) ++p;
  }
  return p;
}

const char* ScanValue(const char* p, int depth) {
  bool unused;
  switch (*p) {
    case '"':
      p = ScanString(p + 1, &unused);
      return p == nullptr ? nullptr : p + 1;
    case 't':
      return ScanLiteral(p, "true", 4);
    case 'f':
      return ScanLiteral(p, "false", 5);
    case 'n':
      return ScanLiteral(p, "null", 4);
    case '{':
      return depth >= kMaxDepth ? nullptr : ScanObject(p, depth + 1);
    case '[':
      return depth >= kMaxDepth ? nullptr : ScanArray(p, depth + 1);
    default:
      return ScanNumber(p, &unused);
  }
}

std::string_view KindOf(std::string_view token) {
  switch (token.empty() ? '\0' : token.front()) {
    case '"':
      return "string";
    case 't':
    case 'f':
      return "boolean";
    case 'n':
      return "null";
    case '{':
      return "object";
    case '[':
      return "array";
    default:
      return "number";
  }
}

}  // namespace streamrun::json
