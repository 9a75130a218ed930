// to_char of numbers (PostgreSQL manual 9.8): the digits that each type gives to a picture.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/data/numeric.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/picture_writer.h"
#include "core/expr/functions/row_status.h"

namespace streamrun {

namespace {

// The most digits that PostgreSQL asks the C library for; more are zeros.
constexpr int kMaxPrecision = 350;

void Fail(Row& row, std::string_view message) { row.Fail("22003", std::string(message)); }

// 1 to 3999; anything else as a row of #.
void SetRoman(int64_t value, std::string& out) {
  out.clear();
  if (value < 1 || value > 3999) {
    out.assign(15, '#');
    return;
  }
  struct Sign {
    int value;
    std::string_view text;
  };
  constexpr Sign kSigns[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                             {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                             {5, "V"},    {4, "IV"},   {1, "I"}};
  for (const Sign& sign : kSigns) {
    for (; value >= sign.value; value -= sign.value) out += sign.text;
  }
}

// Digits that do not fit in the picture become #; fewer are padded.
void FitIn(const NumberPicture& picture, NumberDigits& n) {
  n.whole = picture.whole + (picture.shifted ? picture.shift : 0);
  const size_t point = n.digits.find('.');
  const auto have = static_cast<int>(point == std::string::npos ? n.digits.size() : point);
  n.padding = std::max(0, n.whole - have);
  if (have <= n.whole) return;
  n.digits.assign(static_cast<size_t>(n.whole + n.fraction + 1), '#');
  n.digits[static_cast<size_t>(n.whole)] = '.';
}

void TakeSign(NumberDigits& n) {
  n.sign = n.digits[0] == '-' ? '-' : '+';
  if (n.sign == '-') n.digits.erase(0, 1);
}

// What NaN and the infinities become in a scientific picture.
void SetHashes(const NumberPicture& picture, std::string& out) {
  out.assign(static_cast<size_t>(picture.whole + picture.fraction + 6),
             '#');  // sign, point, e, sign, 2 digits
  out[0] = ' ';
  out[static_cast<size_t>(picture.whole + 1)] = '.';
}

void SetScientific(double v, const NumberPicture& picture, std::string& out) {
  if (!std::isfinite(v)) return SetHashes(picture, out);
  char text[kMaxPrecision + 32];
  const int precision = std::min(picture.fraction, kMaxPrecision);
  const int size = std::snprintf(text, sizeof text, "%+.*e", precision, v);
  out.assign(text, static_cast<size_t>(size));
  out.insert(out.find('e'), static_cast<size_t>(picture.fraction - precision), '0');
  if (out[0] == '+') out[0] = ' ';
}

// One digit before the point. Like PostgreSQL's, a mantissa that rounds up to ten stays 10.
void SetScientific(const Numeric& v, const NumberPicture& picture, std::string& out) {
  if (v.kind != Numeric::kFinite) return SetHashes(picture, out);
  const Int128 c = v.coefficient();
  UInt128 digits = c < 0 ? UInt128{0} - static_cast<UInt128>(c) : static_cast<UInt128>(c);
  const int have = CountDigits(digits);
  const int exponent = have == 0 ? 0 : have - v.scale - 1;
  const int keep = picture.fraction + 1;
  if (have > keep) {
    const auto power = static_cast<UInt128>(PowerOfTen(have - keep));
    digits = digits / power + (digits % power >= power / 2 && power > 1);
  }
  out.clear();
  PrintNumeric(Numeric::Of(static_cast<Int128>(digits), 0), out);
  out.append(static_cast<size_t>(std::max(0, keep - std::max(have, 1))), '0');
  if (picture.fraction > 0) out.insert(out.size() - static_cast<size_t>(picture.fraction), 1, '.');
  char tail[16];
  const int size = std::snprintf(tail, sizeof tail, "e%+03d", exponent);
  out.append(tail, static_cast<size_t>(size));
  out.insert(out.begin(), c < 0 ? '-' : ' ');
}

// 10^digits as the type; false when it does not fit.
template <typename T>
bool Power(int digits, T* out) {
  *out = 1;
  for (int i = 0; i < digits; ++i) {
    if (__builtin_mul_overflow(*out, T{10}, out)) return false;
  }
  return true;
}

template <typename T>
void Prepare(Row& row, const NumberPicture& picture, T value, NumberDigits& n) {
  constexpr std::string_view kOutOfRange = sizeof(T) == 4 ? "integer out of range" : "bigint out of range";
  if (picture.roman) {
    if (value != static_cast<int32_t>(value)) return Fail(row, "integer out of range");
    return SetRoman(value, n.digits);
  }
  if (picture.scientific) {
    return sizeof(T) == 4 ? SetScientific(static_cast<double>(value), picture, n.digits)
                          : SetScientific(NumericFromInt64(value), picture, n.digits);
  }
  if (picture.shifted) {
    T power;
    if (!Power(picture.shift, &power) || __builtin_mul_overflow(value, power, &value)) {
      return Fail(row, kOutOfRange);
    }
  }
  n.digits.clear();
  PrintBigint(value, n.digits);
  TakeSign(n);
  n.fraction = picture.fraction;
  if (n.fraction > 0) n.digits.append(1, '.').append(static_cast<size_t>(n.fraction), '0');
  FitIn(picture, n);
}

// As C's printf("%.*f"), with PostgreSQL's words for what is not finite.
void PrintPlain(double v, int precision, std::string& out) {
  char text[400];  // 309 digits, sign, point, 15 digits
  out.clear();
  if (!std::isfinite(v)) return PrintDouble(v, out);
  const int size = std::snprintf(text, sizeof text, "%.*f", precision, v);
  out.assign(text, static_cast<size_t>(size));
}

void Prepare(Row&, const NumberPicture& picture, double value, NumberDigits& n) {
  if (picture.roman) {
    const double whole = std::nearbyint(value);
    return SetRoman(whole >= 1 && whole <= 3999 ? static_cast<int64_t>(whole) : 0, n.digits);
  }
  if (picture.scientific) return SetScientific(value, picture, n.digits);
  if (picture.shifted) value *= std::pow(10.0, picture.shift);
  constexpr int kDigits = 15;  // DBL_DIG
  PrintPlain(std::fabs(value), 0, n.digits);
  n.fraction = std::clamp(kDigits - static_cast<int>(n.digits.size()), 0, picture.fraction);
  PrintPlain(value, n.fraction, n.digits);
  TakeSign(n);
  FitIn(picture, n);
}

// value * 10^digits.
Result<Numeric> Shifted(const Numeric& value, int digits) {
  if (digits == 0 || value.kind != Numeric::kFinite || value.coefficient() == 0) return value;
  if (digits > kNumericDigits) return NumericOverflow();
  return NumericMultiply(value, Numeric::Of(PowerOfTen(digits), 0));
}

void Prepare(Row& row, const NumberPicture& picture, const Numeric& value, NumberDigits& n) {
  if (picture.scientific) return SetScientific(value, picture, n.digits);
  if (picture.roman) {
    if (value.kind != Numeric::kFinite) {
      return row.Fail("0A000", value.kind == Numeric::kNaN ? "cannot convert NaN to integer"
                                                           : "cannot convert infinity to integer");
    }
    const auto whole = NumericToInt64(value);
    if (!whole.ok() || *whole != static_cast<int32_t>(*whole)) return Fail(row, "integer out of range");
    return SetRoman(*whole, n.digits);
  }
  const Numeric shifted = ValueOrFail(row, Shifted(value, picture.shift));
  if (row.dropped()) return;
  const Numeric rounded = ValueOrFail(row, NumericRound(shifted, picture.fraction));
  if (row.dropped()) return;
  n.digits.clear();
  PrintNumeric(rounded, n.digits);
  TakeSign(n);
  n.fraction = picture.fraction;
  if (rounded.kind == Numeric::kFinite && n.fraction > rounded.scale) {
    if (rounded.scale == 0) n.digits += '.';
    n.digits.append(static_cast<size_t>(n.fraction - rounded.scale), '0');
  }
  FitIn(picture, n);
}

template <typename T>
ColumnPtr ToChar(KernelCall& call) {
  const Reader<T> values(call.arg(0));
  const Reader<std::string_view> formats(call.arg(1));
  NumberPictures pictures(call.prepared<NumberPicture>());
  NumberDigits digits;
  return WriteText(call, [&](Row& row, TextSink& out) {
    const std::string_view format = formats[row.number()];
    const NumberPicture& picture = pictures.Of(format);
    if (!picture.problem.empty()) return row.Fail("42601", std::string(picture.problem));
    // A part gives at most 15 bytes from at least two of the format, but for the digits of a double.
    if (!row.Room(out, format.size() * 8 + 512)) return;
    Prepare(row, picture, values[row.number()], digits);
    if (row.dropped() || picture.parts.empty()) return;
    if (PictureWriter(picture, digits, out).Write()) return;
    row.Fail("22P02", "\"" + digits.digits + "\" is not a number");
  });
}

}  // namespace

void AddNumberFormat(FunctionTable& t) {
  using enum Arg;
  constexpr std::string_view kHelp = "number as text in a picture";
  const auto add = [&](Arg type, Kernel kernel, std::string_view example) {
    t.push_back({"to_char", {type, kText}, kText, kernel, kHelp, example, kPartial, PrepareNumberPicture});
  };
  add(kInteger, ToChar<int32_t>, "to_char(125, '0999') ->  0125");
  add(kBigint, ToChar<int64_t>, "to_char(12345678901, 'FM99,999,999,999') -> 12,345,678,901");
  add(kDouble, ToChar<double>, "to_char(125.8, 'FM999.00') -> 125.80");
  add(kNumeric, ToChar<Numeric>, "to_char(-125.8::numeric, '999D99S') -> 125.80-");
}

}  // namespace streamrun
