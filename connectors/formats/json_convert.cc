#include "connectors/formats/json_convert.h"

#include <fast_float/fast_float.h>

#include <cmath>
#include <limits>

#include "connectors/formats/json_scan.h"
#include "core/data/json_text.h"
#include "core/data/text_io.h"

namespace streamrun::json {

namespace {

bool IsNumber(std::string_view token) { return token.front() == '-' || IsDigit(token.front()); }
bool IsString(std::string_view token) { return token.front() == '"'; }

/// Content of a string token; `storage` holds it when escapes had to be resolved.
std::string_view Content(std::string_view token, std::string* storage) {
  const std::string_view content = token.substr(1, token.size() - 2);
  if (content.find('\\') == std::string_view::npos) return content;
  storage->clear();
  Unescape(content, storage);
  return *storage;
}

bool WrongType(std::string_view token, const DataType& type, Misfit* misfit) {
  misfit->code = "json.type";
  misfit->reason = "wanted " + type.ToString() + ", found " + Describe(token);
  return false;
}
bool OutOfRange(std::string_view token, const DataType& type, Misfit* misfit) {
  misfit->code = "json.range";
  misfit->reason = Describe(token) + " is out of range for type " + type.ToString();
  return false;
}
bool Refused(const Status& status, Misfit* misfit) {
  misfit->code = "json.type";
  misfit->reason = status.message();
  return false;
}

/// Integer types take numbers without a fraction, however they are written (1, 1.0, 1e3).
bool ToInteger(std::string_view token, const DataType& type, int64_t least, int64_t most, int64_t* out,
               Misfit* misfit) {
  if (!IsNumber(token)) return WrongType(token, type, misfit);
  switch (ScaleNumber(token, 0, out)) {
    case Scaled::kInexact:
      return WrongType(token, type, misfit);
    case Scaled::kOutOfRange:
      return OutOfRange(token, type, misfit);
    case Scaled::kExact:
      break;
  }
  return *out >= least && *out <= most ? true : OutOfRange(token, type, misfit);
}

/// The words that JSON numbers cannot say and the encoder therefore writes as strings.
bool IsSpecialNumber(std::string_view token) {
  return token == "\"NaN\"" || token == "\"Infinity\"" || token == "\"-Infinity\"";
}

bool ToDouble(std::string_view token, const DataType& type, double* out, Misfit* misfit) {
  if (IsSpecialNumber(token)) {
    *out =
        token[1] == 'N' ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
    if (token[1] == '-') *out = -*out;
    return true;
  }
  if (!IsNumber(token)) return WrongType(token, type, misfit);
  const auto parsed = fast_float::from_chars(token.data(), token.data() + token.size(), *out);
  if (parsed.ec != std::errc() && parsed.ec != std::errc::result_out_of_range)
    return WrongType(token, type, misfit);
  return std::isinf(*out) ? OutOfRange(token, type, misfit) : true;
}

bool ToTimestamp(std::string_view token, const DataType& type, int unit, int64_t* out, Misfit* misfit) {
  if (unit != kNoUnit) {
    if (!IsNumber(token)) return WrongType(token, type, misfit);
    return ScaleNumber(token, unit, out) != Scaled::kOutOfRange ? true : OutOfRange(token, type, misfit);
  }
  if (!IsString(token)) return WrongType(token, type, misfit);
  std::string storage;
  const std::string_view text = Content(token, &storage);
  if (ParseTimestampFast(text, out)) return true;
  Result<Timestamp> parsed = type.id() == TypeId::kTimestamp ? ParseTimestamp(text) : ParseTimestamptz(text);
  if (!parsed.ok()) return Refused(parsed.status(), misfit);
  *out = *parsed;
  return true;
}

/// Text takes strings by content and everything else as its JSON text, as PostgreSQL's ->> does.
bool ToText(std::string_view token, const DataType& type, std::string* storage, std::string_view* out,
            Misfit* misfit) {
  if (type.id() == TypeId::kJsonb) {
    *out = token;
    if (token.find('\\') == std::string_view::npos) return true;
    const Status status = ValidateJson(token);  // jsonb cannot hold \u0000
    return status.ok() ? true : Refused(status, misfit);
  }
  if (type.id() == TypeId::kBytea) {
    if (!IsString(token)) return WrongType(token, type, misfit);
    std::string content;
    Result<std::string> bytes = ParseBytea(Content(token, &content));
    if (!bytes.ok()) return Refused(bytes.status(), misfit);
    *storage = std::move(bytes).value();
    *out = *storage;
    return true;
  }
  *out = IsString(token) ? Content(token, storage) : token;
  if (out->find('\0') == std::string_view::npos) return true;
  misfit->code = "json.type";
  misfit->reason = "\\u0000 cannot be converted to text";
  return false;
}

bool AppendToken(std::string_view token, ColumnBuilder& builder, Misfit* misfit);

bool AppendList(std::string_view token, ColumnBuilder& builder, Misfit* misfit) {
  if (token.front() != '[') return WrongType(token, builder.type(), misfit);
  const int64_t before = builder.child().length();
  const char* p = token.data() + 1;
  const char* const end = token.data() + token.size() - 1;
  // The token is valid JSON: only the ends of its elements are looked for. Framed records may hold newlines.
  const auto skip = [&] {
    while (p < end && (IsSpace(*p) || *p == '\n' || *p == ',')) ++p;
  };
  for (skip(); p < end; skip()) {
    const char* start = p;
    int depth = 0;
    for (bool quoted = false; p < end; ++p) {
      if (quoted) {
        if (*p == '\\') {
          ++p;
        } else if (*p == '"') {
          quoted = false;
        }
        continue;
      }
      if (depth == 0 && (*p == ',' || IsSpace(*p) || *p == '\n')) break;
      if (*p == '"') quoted = true;
      if (*p == '[' || *p == '{') ++depth;
      if (*p == ']' || *p == '}') --depth;
    }
    const std::string_view element(start, static_cast<size_t>(p - start));
    if (element == "null") {
      builder.child().AppendNull();
    } else if (!AppendToken(element, builder.child(), misfit)) {
      builder.child().TruncateTo(before);
      return false;
    }
  }
  builder.CloseList();
  return true;
}

/// Types that have no fixed C++ scalar here: PostgreSQL's input form in a string, or a number's own text.
bool AppendByText(std::string_view token, ColumnBuilder& builder, Misfit* misfit) {
  const DataType& type = builder.type();
  const bool number = type.id() == TypeId::kDecimal || type.id() == TypeId::kNumeric;
  if (number ? !IsNumber(token) && !IsSpecialNumber(token) : !IsString(token))
    return WrongType(token, type, misfit);
  std::string storage;
  const Status status = AppendParsed(IsString(token) ? Content(token, &storage) : token, builder);
  return status.ok() ? true : Refused(status, misfit);
}

/// Elements of lists. Timestamps there are always text.
bool AppendToken(std::string_view token, ColumnBuilder& builder, Misfit* misfit) {
  const DataType& type = builder.type();
  switch (type.id()) {
    case TypeId::kBoolean:
      if (token != "true" && token != "false") return WrongType(token, type, misfit);
      builder.AppendBool(token == "true");
      return true;
    case TypeId::kInteger: {
      int64_t value = 0;
      if (!ToInteger(token, type, INT32_MIN, INT32_MAX, &value, misfit)) return false;
      builder.Append(static_cast<int32_t>(value));
      return true;
    }
    case TypeId::kBigint: {
      int64_t value = 0;
      if (!ToInteger(token, type, INT64_MIN, INT64_MAX, &value, misfit)) return false;
      builder.Append(value);
      return true;
    }
    case TypeId::kDouble: {
      double value = 0;
      if (!ToDouble(token, type, &value, misfit)) return false;
      builder.Append(value);
      return true;
    }
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz: {
      int64_t value = 0;
      if (!ToTimestamp(token, type, kNoUnit, &value, misfit)) return false;
      builder.Append(value);
      return true;
    }
    case TypeId::kText:
    case TypeId::kJsonb:
    case TypeId::kBytea: {
      std::string storage;
      std::string_view text;
      if (!ToText(token, type, &storage, &text, misfit)) return false;
      builder.AppendText(text);
      return true;
    }
    case TypeId::kList:
      return AppendList(token, builder, misfit);
    default:
      return AppendByText(token, builder, misfit);
  }
}

}  // namespace

bool PutToken(std::string_view token, int unit, int64_t row, ColumnWriter& column, Misfit* misfit) {
  const DataType& type = column.type();
  int64_t integer = 0;
  switch (type.id()) {
    case TypeId::kBoolean:
      if (token != "true" && token != "false") return WrongType(token, type, misfit);
      column.PutBool(row, token == "true");
      return true;
    case TypeId::kInteger:
      if (!ToInteger(token, type, INT32_MIN, INT32_MAX, &integer, misfit)) return false;
      column.Put(row, static_cast<int32_t>(integer));
      return true;
    case TypeId::kBigint:
      if (!ToInteger(token, type, INT64_MIN, INT64_MAX, &integer, misfit)) return false;
      column.Put(row, integer);
      return true;
    case TypeId::kDouble: {
      double value = 0;
      if (!ToDouble(token, type, &value, misfit)) return false;
      column.Put(row, value);
      return true;
    }
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      if (!ToTimestamp(token, type, unit, &integer, misfit)) return false;
      column.Put(row, integer);
      return true;
    case TypeId::kDate: {
      if (!IsString(token)) return WrongType(token, type, misfit);
      std::string storage;
      const Result<int32_t> days = ParseDate(Content(token, &storage));
      if (!days.ok()) return Refused(days.status(), misfit);
      column.Put(row, *days);
      return true;
    }
    case TypeId::kText:
    case TypeId::kJsonb:
    case TypeId::kBytea: {
      std::string storage;
      std::string_view text;
      if (!ToText(token, type, &storage, &text, misfit)) return false;
      column.PutText(row, text);
      return true;
    }
    default:
      return AppendToken(token, column.builder(), misfit);
  }
}

Scaled ScaleNumber(std::string_view token, int shift, int64_t* out) {
  const bool negative = token.front() == '-';
  size_t i = negative;
  std::string digits;
  long point = 0;  // digits before the decimal point once the exponent and `shift` are applied
  for (bool fraction = false; i < token.size() && (token[i] | 0x20) != 'e'; ++i) {
    if (token[i] == '.') {
      fraction = true;
      continue;
    }
    if (digits.empty() && token[i] == '0') {
      if (fraction) --point;
      continue;
    }
    digits.push_back(token[i]);
    if (!fraction) ++point;
  }
  if (i < token.size()) {
    const bool down = token[++i] == '-';
    if (token[i] == '+' || token[i] == '-') ++i;
    long exponent = 0;
    for (; i < token.size(); ++i)
      exponent = exponent > 100'000'000 ? exponent : exponent * 10 + (token[i] - '0');
    point += down ? -exponent : exponent;
  }
  point += shift;
  *out = 0;
  if (digits.empty()) return Scaled::kExact;
  if (point > 19) return Scaled::kOutOfRange;
  unsigned __int128 value = 0;
  for (long d = 0; d < point; ++d) {
    const size_t at = static_cast<size_t>(d);
    value = value * 10 + static_cast<unsigned>(at < digits.size() ? digits[at] - '0' : 0);
  }
  Scaled exactness = Scaled::kExact;
  for (size_t at = static_cast<size_t>(point < 0 ? 0 : point); at < digits.size(); ++at) {
    if (digits[at] != '0') exactness = Scaled::kInexact;
  }
  if (point >= 0 && static_cast<size_t>(point) < digits.size() && digits[static_cast<size_t>(point)] >= '5')
    ++value;
  const unsigned __int128 most = static_cast<unsigned __int128>(INT64_MAX) + (negative ? 1 : 0);
  if (value > most) return Scaled::kOutOfRange;
  const uint64_t magnitude = static_cast<uint64_t>(value);
  *out = static_cast<int64_t>(negative ? uint64_t{0} - magnitude : magnitude);
  return exactness;
}

std::string Describe(std::string_view token) {
  constexpr size_t kShown = 40;
  std::string out(KindOf(token));
  if (out == "null") return out;
  size_t shown = token.size();
  if (shown > kShown) {
    shown = kShown;
    while (shown > 0 && (static_cast<unsigned char>(token[shown]) & 0xc0) == 0x80)
      --shown;  // whole characters
  }
  out.append(" ").append(token.substr(0, shown));
  if (shown < token.size()) out.append("...");
  return out;
}

}  // namespace streamrun::json
