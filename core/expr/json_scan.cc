#include "core/expr/json_scan.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsDelimiter(char c) { return c == ',' || c == '}' || c == ']' || IsBlank(c); }

__m128i Load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
unsigned Places(__m128i bytes, char c) {
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c))));
}

// Behind the string whose opening quote is at p; `escaped` becomes true when it has a backslash.
const char* SkipString(const char* p, const char* end, bool* escaped) {
  ++p;
  while (end - p >= 16) {
    const __m128i bytes = Load(p);
    const unsigned quotes = Places(bytes, '"');
    const unsigned slashes = Places(bytes, '\\');
    if ((quotes | slashes) == 0) {
      p += 16;
      continue;
    }
    const int quote = quotes != 0 ? std::countr_zero(quotes) : 16;
    const int slash = slashes != 0 ? std::countr_zero(slashes) : 16;
    if (quote < slash) return p + quote + 1;
    *escaped = true;
    p += slash + 2;
  }
  for (; p < end; ++p) {
    if (*p == '\\') {
      *escaped = true;
      ++p;
    } else if (*p == '"') {
      return p + 1;
    }
  }
  return end;
}

// Behind the array or object at p. Only strings and brackets matter; {[ and }] differ in one bit each.
const char* SkipContainer(const char* p, const char* end) {
  const __m128i fold = _mm_set1_epi8(0x20);
  int depth = 0;
  bool escaped = false;
  while (end - p >= 16) {
    const __m128i bytes = Load(p);
    const __m128i folded = _mm_or_si128(bytes, fold);
    const unsigned quotes = Places(bytes, '"');
    const unsigned opens = Places(folded, '{');
    const unsigned closes = Places(folded, '}');
    const char* next = p + 16;
    for (unsigned left = quotes | opens | closes; left != 0; left &= left - 1) {
      const unsigned bit = left & -left;
      const char* at = p + std::countr_zero(left);
      if ((bit & quotes) != 0) {
        next = SkipString(at, end, &escaped);
        if (next >= p + 16) break;
        // The rest of the block behind a short string.
        left &= ~0u << (next - p - 1);
        next = p + 16;
        continue;
      }
      depth += (bit & opens) != 0 ? 1 : -1;
      if (depth == 0) return at + 1;
    }
    p = next;
  }
  while (p < end) {
    if (*p == '"') {
      p = SkipString(p, end, &escaped);
      continue;
    }
    if (*p == '{' || *p == '[') ++depth;
    if (*p == '}' || *p == ']') --depth;
    ++p;
    if (depth == 0) return p;
  }
  return end;
}

// Behind the value at p.
const char* SkipValue(const char* p, const char* end) {
  if (p >= end) return end;
  bool escaped = false;
  if (*p == '"') return SkipString(p, end, &escaped);
  if (*p == '{' || *p == '[') return SkipContainer(p, end);
  while (p < end && !IsDelimiter(*p)) ++p;
  return p;
}

// Can `rest`, the text behind a member that was found, not have the same key again? False when in doubt.
// jsonb keeps the last of equal keys, so the first one found is the answer only then.
bool IsLast(std::string_view rest, std::string_view key) {
  char quoted[64];
  if (key.size() + 2 > sizeof(quoted)) return false;
  quoted[0] = '"';
  if (!key.empty()) std::memcpy(quoted + 1, key.data(), key.size());
  quoted[key.size() + 1] = '"';
  return FindBytes(rest, {quoted, key.size() + 2}) == std::string_view::npos &&
         std::memchr(rest.data(), '\\', rest.size()) == nullptr;
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
    key_escaped_ = false;
    const char* behind = SkipString(at_, end_, &key_escaped_);
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

std::string_view StringMeaning(std::string_view json, std::string& scratch) {
  const std::string_view body = json.size() < 2 ? std::string_view() : json.substr(1, json.size() - 2);
  if (body.empty() || std::memchr(body.data(), '\\', body.size()) == nullptr) return body;
  scratch.clear();
  AppendUnescaped(body, scratch);
  return scratch;
}

std::string_view JsonMember(std::string_view object, std::string_view key) {
  std::string_view found;
  object = TrimJson(object);
  if (object.empty() || object[0] != '{') return found;
  const char* end = object.data() + object.size();
  JsonCursor cursor(object);
  while (cursor.Next()) {
    const std::string_view own = cursor.key();
    if (cursor.key_escaped() ? !KeyEquals(own, key) : own != key) continue;
    const bool first = found.empty();
    found = cursor.value();
    const char* behind = found.data() + found.size();
    if (first && IsLast({behind, static_cast<size_t>(end - behind)}, key)) break;
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

bool ReadIndex(std::string_view text, int32_t* index) {
  while (!text.empty() && (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r'))) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [behind, error] = std::from_chars(text.data(), text.data() + text.size(), *index);
  return error == std::errc() && behind == text.data() + text.size();
}

std::string_view JsonStep(std::string_view json, std::string_view name) {
  json = TrimJson(json);
  if (json.empty()) return {};
  if (json[0] == '{') return JsonMember(json, name);
  int32_t index = 0;
  return json[0] == '[' && ReadIndex(name, &index) ? JsonElement(json, index) : std::string_view();
}

int JsonDepth(std::string_view json) {
  const char* end = json.data() + json.size();
  int depth = 0;
  int deepest = 0;
  bool escaped = false;
  for (const char* p = json.data(); p < end;) {
    if (*p == '"') {
      p = SkipString(p, end, &escaped);
      continue;
    }
    if (*p == '{' || *p == '[') deepest = std::max(deepest, ++depth);
    if (*p == '}' || *p == ']') --depth;
    ++p;
  }
  return deepest;
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
