// Text of boolean, integers, double precision and numeric.
//
// Input rules: PostgreSQL 15 manual 8.1 and 8.6; messages as pg_strtoint32, float8in and numeric_in word
// them. Output of doubles: the shortest digits that read back the same, exponent form below 1e-4 and from
// 1e15 on.
#include <fast_float/fast_float.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/data/numeric.h"
#include "core/data/text_io.h"
#include "core/data/text_scan.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

Status IntegerOutOfRange(std::string_view type, std::string_view text) {
  return Status::InvalidArgument("value \"" + std::string(text) + "\" is out of range for type " +
                                 std::string(type));
}

// Digits gather as a negative number: its range is the larger one.
template <typename T>
Result<T> ParseSigned(std::string_view text, std::string_view type) {
  const char* p = text.data();
  const char* end = p + text.size();
  while (p < end && IsSpace(*p)) ++p;
  bool negative = false;
  if (p < end && (*p == '-' || *p == '+')) negative = *p++ == '-';
  if (p == end || !IsDigit(*p)) return InvalidSyntax(type, text);
  T value = 0;
  for (; p < end && IsDigit(*p); ++p) {
    if (__builtin_mul_overflow(value, T{10}, &value) ||
        __builtin_sub_overflow(value, static_cast<T>(*p - '0'), &value)) {
      return IntegerOutOfRange(type, text);
    }
  }
  while (p < end && IsSpace(*p)) ++p;
  if (p != end) return InvalidSyntax(type, text);
  if (negative) return value;
  if (value == std::numeric_limits<T>::min()) return IntegerOutOfRange(type, text);
  return static_cast<T>(-value);
}

Status DoubleOutOfRange(std::string_view number) {
  return Status::InvalidArgument("\"" + std::string(number) + "\" is out of range for type double precision");
}

// strtod's hexadecimal form, which PostgreSQL lets through.
Result<double> ParseHexDouble(std::string_view trimmed, std::string_view text) {
  const std::string copy(trimmed);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size()) return InvalidSyntax("double precision", text);
  if (std::isinf(value)) return DoubleOutOfRange(trimmed);
  return value;
}

bool HasNonZeroMantissa(std::string_view number) {
  for (const char c : number) {
    if (c == 'e' || c == 'E') return false;
    if (c >= '1' && c <= '9') return true;
  }
  return false;
}

// True when digits * 10^exponent lies exactly half way to a neighbour of `value`. Readers may round such a
// number either way, so PostgreSQL never prints it. It takes a whole midpoint: value >= 2^53, exponent of ten
// 0 to 23.
bool IsMidpoint(double value, std::string_view digits, int exponent) {
  const int power = exponent - static_cast<int>(digits.size()) + 1;
  if (value < 0x1p53 || power < 0 || power > 23) return false;
  UInt128 odd = 0;
  for (const char c : digits) odd = odd * 10 + static_cast<UInt128>(c - '0');
  for (int i = 0; i < power; ++i) odd *= 5;
  while ((odd & 1) == 0) odd >>= 1;
  const uint64_t mantissa = (std::bit_cast<uint64_t>(value) & ((uint64_t{1} << 52) - 1)) | uint64_t{1} << 52;
  return odd == 2 * mantissa + 1 || odd == 2 * mantissa - 1;
}

// A finite positive value as d.ddde+XX in the fewest digits that every correct reader maps back to it.
struct Scientific {
  char text[32];
  char* end;
  const char* e;
  char digits[20];
  int count = 0;
  int exponent = 0;

  explicit Scientific(double value) {
    end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
    Split();
    while (IsMidpoint(value, {digits, static_cast<size_t>(count)}, exponent)) {
      end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, count).ptr;
      Split();
    }
  }

  void Split() {
    e = end - 1;
    while (*e != 'e') --e;
    std::from_chars(e + (e[1] == '+' ? 2 : 1), end, exponent);
    count = 0;
    for (const char* p = text; p < e; ++p) {
      if (*p != '.') digits[count++] = *p;
    }
  }
};

char* PrintFixed(const char* digits, int count, int exponent, char* out) {
  if (exponent < 0) {
    *out++ = '0';
    *out++ = '.';
    for (int i = -1; i > exponent; --i) *out++ = '0';
    std::memcpy(out, digits, static_cast<size_t>(count));
    return out + count;
  }
  for (int i = 0; i <= exponent; ++i) *out++ = i < count ? digits[i] : '0';
  if (count > exponent + 1) {
    *out++ = '.';
    std::memcpy(out, digits + exponent + 1, static_cast<size_t>(count - exponent - 1));
    out += count - exponent - 1;
  }
  return out;
}

char* PutFour(uint32_t value, char* out) { return PutPair(value % 100, PutPair(value / 100, out)); }
char* PutEight(uint32_t value, char* out) { return PutFour(value % 10000, PutFour(value / 10000, out)); }

// Without leading zeros; value < 10^8.
char* PutLeading(uint32_t value, char* out) {
  if (value >= 10000) return PutFour(value % 10000, PutLeading(value / 10000, out));
  if (value >= 100) return PutPair(value % 100, PutLeading(value / 100, out));
  if (value >= 10) return PutPair(value, out);
  *out = static_cast<char>('0' + value);
  return out + 1;
}

}  // namespace

Result<bool> ParseBoolean(std::string_view text) {
  const std::string_view word = Trim(text);
  const auto prefix_of = [&](std::string_view full, size_t least) {
    return word.size() >= least && word.size() <= full.size() &&
           EqualsFolded(word, full.substr(0, word.size()));
  };
  if (prefix_of("true", 1) || prefix_of("yes", 1) || prefix_of("on", 2) || word == "1") return true;
  if (prefix_of("false", 1) || prefix_of("no", 1) || prefix_of("off", 2) || word == "0") return false;
  return InvalidSyntax("boolean", text);
}

Result<int32_t> ParseInteger(std::string_view text) { return ParseSigned<int32_t>(text, "integer"); }
Result<int64_t> ParseBigint(std::string_view text) { return ParseSigned<int64_t>(text, "bigint"); }

Result<double> ParseDouble(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  std::string_view number = trimmed;
  if (!number.empty() && number.front() == '+') number.remove_prefix(1);
  if (number.empty() ||
      (number.size() < trimmed.size() && (number.front() == '-' || number.front() == '+'))) {
    return InvalidSyntax("double precision", text);
  }
  const std::string_view unsigned_part = number.front() == '-' ? number.substr(1) : number;
  if (unsigned_part.size() > 2 && unsigned_part[0] == '0' && ToLower(unsigned_part[1]) == 'x') {
    return ParseHexDouble(trimmed, text);
  }
  double value = 0;
  const auto [end, error] = fast_float::from_chars(number.data(), number.data() + number.size(), value);
  if (end != number.data() + number.size()) return InvalidSyntax("double precision", text);
  const bool word = IsAlpha(unsigned_part.front());
  if (!word && (error == std::errc::result_out_of_range || std::isinf(value) ||
                (value == 0 && HasNonZeroMantissa(number)))) {
    return DoubleOutOfRange(trimmed);
  }
  if (error != std::errc() && !word) return InvalidSyntax("double precision", text);
  return value;
}

Result<Numeric> ParseNumeric(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  const char* p = trimmed.data();
  const char* end = p + trimmed.size();
  bool negative = false;
  if (p < end && (*p == '-' || *p == '+')) negative = *p++ == '-';
  const std::string_view word(p, static_cast<size_t>(end - p));
  if (p < end && IsAlpha(*p)) {
    if (EqualsFolded(trimmed, "nan")) return Numeric{0, 0, 0, Numeric::kNaN};
    if (EqualsFolded(word, "infinity") || EqualsFolded(word, "inf")) {
      return Numeric{0, 0, 0, negative ? Numeric::kNegativeInfinity : Numeric::kPositiveInfinity};
    }
    return InvalidSyntax("numeric", text);
  }
  DecimalDigits number;
  if (!number.Scan(&p, end) || p != end) return InvalidSyntax("numeric", text);
  return number.ToNumeric(negative);
}

Result<Decimal128> ParseDecimal(std::string_view text, int precision, int scale) {
  const std::string_view trimmed = Trim(text);
  const char* p = trimmed.data();
  const char* end = p + trimmed.size();
  bool negative = false;
  if (p < end && (*p == '-' || *p == '+')) negative = *p++ == '-';
  DecimalDigits number;
  if (p < end && IsAlpha(*p)) {
    SR_ASSIGN_OR_RETURN(const Numeric special, ParseNumeric(text));
    return NumericToDecimal(special, precision, scale);
  }
  if (!number.Scan(&p, end) || p != end) return InvalidSyntax("numeric", text);
  return number.ToDecimal(negative, precision, scale);
}

char* PrintBigintTo(int64_t value, char* out) {
  auto rest = static_cast<uint64_t>(value);
  if (value < 0) {
    *out++ = '-';
    rest = 0 - rest;
  }
  // Blocks of eight digits depend on each other only through one division.
  constexpr uint64_t kBlock = 100'000'000;
  if (rest < kBlock) return PutLeading(static_cast<uint32_t>(rest), out);
  const auto last = static_cast<uint32_t>(rest % kBlock);
  rest /= kBlock;
  if (rest < kBlock) return PutEight(last, PutLeading(static_cast<uint32_t>(rest), out));
  out = PutLeading(static_cast<uint32_t>(rest / kBlock), out);
  return PutEight(last, PutEight(static_cast<uint32_t>(rest % kBlock), out));
}

char* PrintDoubleTo(double value, char* out) {
  if (std::isnan(value)) return std::copy_n("NaN", 3, out);
  if (std::signbit(value)) *out++ = '-';
  value = std::fabs(value);
  if (std::isinf(value)) return std::copy_n("Infinity", 8, out);
  // Below 1e15 the shortest digits of a whole number are the number itself.
  if (value < 1e15) {
    const auto whole = static_cast<int64_t>(value);
    if (static_cast<double>(whole) == value) return PrintBigintTo(whole, out);
  }
  const Scientific shortest(value);
  if (shortest.exponent < -4 || shortest.exponent >= 15) {
    return std::copy(static_cast<const char*>(shortest.text), static_cast<const char*>(shortest.end), out);
  }
  return PrintFixed(shortest.digits, shortest.count, shortest.exponent, out);
}

void PrintBigint(int64_t value, std::string& out) {
  char text[20];
  out.append(text, static_cast<size_t>(PrintBigintTo(value, text) - text));
}

void PrintDouble(double value, std::string& out) {
  char text[32];
  out.append(text, static_cast<size_t>(PrintDoubleTo(value, text) - text));
}

char* PrintDecimalTo(Int128 coefficient, int scale, char* out) {
  auto rest = static_cast<unsigned __int128>(coefficient);
  if (coefficient < 0) {
    *out++ = '-';
    rest = 0 - rest;
  }
  char digits[40];
  int count = 0;
  if (rest <= std::numeric_limits<uint64_t>::max()) {
    // The common case: one 64-bit conversion.
    count = static_cast<int>(std::to_chars(digits, digits + 40, static_cast<uint64_t>(rest)).ptr - digits);
  } else {
    constexpr uint64_t kChunk = 10'000'000'000'000'000'000u;
    const auto low = static_cast<uint64_t>(rest % kChunk);
    count = static_cast<int>(std::to_chars(digits, digits + 40, static_cast<uint64_t>(rest / kChunk)).ptr -
                             digits);
    char tail[20];
    const auto size = static_cast<int>(std::to_chars(tail, tail + 20, low).ptr - tail);
    for (int i = size; i < 19; ++i) digits[count++] = '0';
    std::memcpy(digits + count, tail, static_cast<size_t>(size));
    count += size;
  }
  return scale == 0 ? std::copy_n(digits, count, out) : PrintFixed(digits, count, count - scale - 1, out);
}

void PrintNumeric(const Numeric& value, std::string& out) {
  switch (value.kind) {
    case Numeric::kNaN:
      out += "NaN";
      return;
    case Numeric::kPositiveInfinity:
      out += "Infinity";
      return;
    case Numeric::kNegativeInfinity:
      out += "-Infinity";
      return;
    default:
      break;
  }
  char text[96];
  out.append(text, static_cast<size_t>(PrintDecimalTo(value.coefficient(), value.scale, text) - text));
}

void PrintDecimal(Decimal128 value, int scale, std::string& out) {
  char text[96];
  out.append(text, static_cast<size_t>(PrintDecimalTo(value.value(), scale, text) - text));
}

}  // namespace streamrun
