#include "connectors/formats/json_text.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "connectors/formats/json_scan.h"
#include "core/data/text_io.h"

namespace streamrun::json {

namespace {

char* PutEscaped(unsigned char c, char* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  *out++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *out++ = static_cast<char>(c);
      return out;
    case '\b':
      *out++ = 'b';
      return out;
    case '\f':
      *out++ = 'f';
      return out;
    case '\n':
      *out++ = 'n';
      return out;
    case '\r':
      *out++ = 'r';
      return out;
    case '\t':
      *out++ = 't';
      return out;
    default:
      std::memcpy(out, "u00", 3);
      out[3] = kHex[c >> 4];
      out[4] = kHex[c & 15];
      return out + 5;
  }
}

bool NeedsEscape(unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; }

/// Bit i: byte i of the 16 at p must be escaped.
uint32_t Escapes16(__m128i x) {
  const __m128i stop = _mm_or_si128(
      _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
      _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x));
  return static_cast<uint32_t>(_mm_movemask_epi8(stop));
}

void AppendQuoted(const Column& column, int64_t row, std::string& out) {
  out.push_back('"');
  if (column.type().id() == TypeId::kBytea) out.push_back('\\');  // of the \x in front
  PrintValue(column, row, out);  // dates, times, uuid, inet, interval, hex: nothing else needs an escape
  out.push_back('"');
}

bool IsFiniteText(std::string_view text) {
  return !text.empty() && (text.back() >= '0' && text.back() <= '9');
}

void AppendNumber(const Column& column, int64_t row, std::string& out) {
  std::string text;
  PrintValue(column, row, text);
  if (IsFiniteText(text)) {
    out.append(text);
  } else {
    out.append("\"").append(text).append("\"");
  }
}

}  // namespace

char* PutString(std::string_view text, size_t readable, char* out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* const last = p + readable;
  *out++ = '"';
  while (p < end) {
    if (last - p < 16) {
      const unsigned char c = static_cast<unsigned char>(*p++);
      if (NeedsEscape(c)) {
        out = PutEscaped(c, out);
      } else {
        *out++ = static_cast<char>(c);
      }
      continue;
    }
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), x);
    const ptrdiff_t left = end - p < 16 ? end - p : 16;
    const uint32_t stops = Escapes16(x) & ((1u << left) - 1);
    if (stops == 0) [[likely]] {
      p += left;
      out += left;
      continue;
    }
    const int clean = __builtin_ctz(stops);
    out = PutEscaped(static_cast<unsigned char>(p[clean]), out + clean);
    p += clean + 1;
  }
  *out++ = '"';
  return out;
}

void AppendString(std::string_view text, std::string& out) {
  const size_t before = out.size();
  out.resize(before + text.size() * 6 + 18);
  out.resize(static_cast<size_t>(PutString(text, text.size(), out.data() + before) - out.data()));
}

char* PutDouble(double value, char* out) {
  const double magnitude = std::fabs(value);
  // PostgreSQL's float8out writes an exponent outside of this range (ryu, "%.15g" thresholds).
  if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e15)) {
    return std::to_chars(out, out + 32, value, std::chars_format::fixed).ptr;
  }
  std::string text;
  PrintDouble(value, text);
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

void AppendValue(const Column& column, int64_t row, std::string& out) {
  if (column.IsNull(row)) {
    out.append("null");
    return;
  }
  switch (column.type().id()) {
    case TypeId::kBoolean:
      out.append(column.Bool(row) ? "true" : "false");
      return;
    case TypeId::kInteger:
    case TypeId::kBigint:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kNumeric:
      AppendNumber(column, row, out);
      return;
    case TypeId::kText:
      AppendString(column.Text(row), out);
      return;
    case TypeId::kJsonb: {
      const size_t before = out.size();
      out.append(column.Text(row));
      // White space only, since strings cannot hold a newline; a record must stay one line.
      for (size_t at = out.find('\n', before); at != std::string::npos; at = out.find('\n', at))
        out[at] = ' ';
      return;
    }
    case TypeId::kList: {
      const int32_t* offsets = column.values<int32_t>();
      out.push_back('[');
      for (int32_t i = offsets[row]; i < offsets[row + 1]; ++i) {
        if (i > offsets[row]) out.push_back(',');
        AppendValue(*column.child(), i, out);
      }
      out.push_back(']');
      return;
    }
    default:
      AppendQuoted(column, row, out);
  }
}

}  // namespace streamrun::json
