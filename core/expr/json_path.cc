#include "core/expr/json_path.h"

#include <cstring>

#include "core/expr/utf8.h"

namespace streamrun {

namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Behind the string whose opening quote is at p.
const char* SkipString(const char* p, const char* end) {
  for (++p; p < end; ++p) {
    if (*p == '\\') {
      ++p;
    } else if (*p == '"') {
      return p + 1;
    }
  }
  return end;
}

// Behind the value at p.
const char* SkipValue(const char* p, const char* end) {
  if (p >= end) return end;
  if (*p == '"') return SkipString(p, end);
  if (*p != '{' && *p != '[') {
    while (p < end && *p != ',' && *p != '}' && *p != ']' && !IsBlank(*p)) ++p;
    return p;
  }
  int depth = 0;
  while (p < end) {
    if (*p == '"') {
      p = SkipString(p, end);
      continue;
    }
    if (*p == '{' || *p == '[') ++depth;
    if (*p == '}' || *p == ']') --depth;
    ++p;
    if (depth == 0) return p;
  }
  return end;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 0;
}

char32_t Hex4(std::string_view body, size_t at) {
  char32_t v = 0;
  for (size_t i = at; i < at + 4 && i < body.size(); ++i)
    v = v << 4 | static_cast<char32_t>(HexDigit(body[i]));
  return v;
}

}  // namespace

std::string_view TrimJson(std::string_view json) {
  while (!json.empty() && IsBlank(json.front())) json.remove_prefix(1);
  while (!json.empty() && IsBlank(json.back())) json.remove_suffix(1);
  return json;
}

JsonCursor::JsonCursor(std::string_view json) {
  json = TrimJson(json);
  at_ = json.data();
  end_ = at_ + json.size();
  if (json.empty() || (json[0] != '{' && json[0] != '[')) {
    at_ = end_;
    return;
  }
  object_ = json[0] == '{';
  ++at_;
}

void JsonCursor::SkipBlank() {
  while (at_ < end_ && IsBlank(*at_)) ++at_;
}

bool JsonCursor::Next() {
  SkipBlank();
  if (at_ < end_ && *at_ == ',') {
    ++at_;
    SkipBlank();
  }
  if (at_ >= end_ || *at_ == '}' || *at_ == ']') return false;
  if (object_) {
    if (*at_ != '"') return false;
    const char* behind = SkipString(at_, end_);
    if (behind < at_ + 2) return false;
    key_ = {at_ + 1, static_cast<size_t>(behind - at_ - 2)};
    at_ = behind;
    SkipBlank();
    if (at_ < end_ && *at_ == ':') ++at_;
    SkipBlank();
  }
  const char* behind = SkipValue(at_, end_);
  value_ = {at_, static_cast<size_t>(behind - at_)};
  at_ = behind;
  return !value_.empty();
}

bool KeyEquals(std::string_view body, std::string_view name) {
  if (body.find('\\') == std::string_view::npos) return body == name;
  std::string plain;
  AppendUnescaped(body, plain);
  return plain == name;
}

std::string_view JsonMember(std::string_view object, std::string_view key) {
  std::string_view found;
  object = TrimJson(object);
  if (object.empty() || object[0] != '{') return found;
  JsonCursor cursor(object);
  while (cursor.Next()) {
    if (KeyEquals(cursor.key(), key)) found = cursor.value();
  }
  return found;
}

int64_t JsonLength(std::string_view array) {
  JsonCursor cursor(array);
  int64_t count = 0;
  while (cursor.Next()) ++count;
  return count;
}

std::string_view JsonElement(std::string_view array, int64_t index) {
  array = TrimJson(array);
  if (array.empty() || array[0] != '[') return {};
  if (index < 0) index += JsonLength(array);
  if (index < 0) return {};
  JsonCursor cursor(array);
  while (cursor.Next()) {
    if (index-- == 0) return cursor.value();
  }
  return {};
}

std::string_view JsonTypeOf(std::string_view json) {
  json = TrimJson(json);
  switch (json.empty() ? 'n' : json[0]) {
    case '{':
      return "object";
    case '[':
      return "array";
    case '"':
      return "string";
    case 't':
    case 'f':
      return "boolean";
    case 'n':
      return "null";
    default:
      return "number";
  }
}

void AppendUnescaped(std::string_view body, std::string& out) {
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\' || i + 1 == body.size()) {
      out += body[i];
      continue;
    }
    switch (const char c = body[++i]) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        char32_t code = Hex4(body, i + 1);
        i += 4;
        if (code >= 0xd800 && code < 0xdc00 && i + 6 < body.size() && body[i + 1] == '\\') {
          code = 0x10000 + ((code - 0xd800) << 10) + (Hex4(body, i + 3) - 0xdc00);
          i += 6;
        }
        char bytes[4];
        out.append(bytes, EncodeUtf8(code, bytes));
        break;
      }
      default:
        out += c;
    }
  }
}

void AppendQuoted(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace streamrun
