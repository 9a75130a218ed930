// Decimal literals and conversions between numeric, decimal, double and bigint.
#include <fast_float/fast_float.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/data/numeric.h"
#include "core/data/text_io.h"
#include "core/data/text_scan.h"

namespace streamrun {

void DecimalDigits::AddDigit(char c) {
  const int digit = c - '0';
  if (digits_ == kNumericDigits) {
    if (first_dropped_ < 0) first_dropped_ = digit;
    ++exponent_;
    return;
  }
  if (digits_ == 0 && digit == 0) return;
  coefficient_ = coefficient_ * 10 + digit;
  ++digits_;
}

bool DecimalDigits::Scan(const char** cursor, const char* end) {
  const char* p = *cursor;
  const char* start = p;
  for (; p < end && text_scan::IsDigit(*p); ++p) AddDigit(*p);
  int64_t seen = p - start;
  if (p < end && *p == '.') {
    const char* fraction = ++p;
    for (; p < end && text_scan::IsDigit(*p); ++p) AddDigit(*p);
    shown_scale_ = p - fraction;
    exponent_ -= shown_scale_;
    seen += shown_scale_;
  }
  if (seen == 0) return false;
  if (p < end && (*p == 'e' || *p == 'E')) {
    const char* q = p + 1;
    if (q < end && *q == '+') ++q;
    int64_t exponent = 0;
    const auto [after, error] = std::from_chars(q, end, exponent);
    if (error == std::errc::invalid_argument || (q != p + 1 && *q == '-')) return false;
    const bool negative = *q == '-';
    // Far beyond any number that 38 digits can hold; saturating keeps the sums below harmless.
    constexpr int64_t kFar = 1'000'000'000;
    if (error == std::errc::result_out_of_range) exponent = negative ? -kFar : kFar;
    exponent = std::clamp(exponent, -kFar, kFar);
    exponent_ += exponent;
    shown_scale_ -= exponent;
    p = after;
  }
  shown_scale_ = std::max<int64_t>(shown_scale_, 0);
  *cursor = p;
  return true;
}

bool DecimalDigits::AtScale(int scale, Int128* out) const {
  *out = 0;
  if (coefficient_ == 0) return true;
  const int64_t shift = exponent_ + scale;
  if (digits_ + shift > kNumericDigits) return false;
  if (shift >= 0) {
    *out = coefficient_ * PowerOfTen(static_cast<int>(shift)) + (shift == 0 && first_dropped_ >= 5);
  } else if (-shift <= digits_) {
    const Int128 tenth = coefficient_ / PowerOfTen(static_cast<int>(-shift - 1));
    *out = tenth / 10 + (tenth % 10 >= 5);
  }
  return *out < PowerOfTen(kNumericDigits);
}

Result<Numeric> DecimalDigits::ToNumeric(bool negative) const {
  int scale = static_cast<int>(std::min<int64_t>(shown_scale_, kNumericDigits));
  if (coefficient_ != 0) {
    const int64_t whole = digits_ + exponent_;
    if (whole > kNumericDigits) return NumericOverflow();
    if (whole > 0) scale = std::min(scale, kNumericDigits - static_cast<int>(whole));
  }
  Int128 coefficient;
  // Rounding up may make one digit more: then one fraction digit less.
  while (!AtScale(scale, &coefficient)) {
    if (scale-- == 0) return NumericOverflow();
  }
  return Numeric::Of(negative ? -coefficient : coefficient, scale);
}

Result<Decimal128> DecimalDigits::ToDecimal(bool negative, int precision, int scale) const {
  Int128 coefficient;
  if (!AtScale(scale, &coefficient) || coefficient >= PowerOfTen(precision)) return NumericOverflow();
  return Decimal128::Of(negative ? -coefficient : coefficient);
}

Numeric NumericFromInt64(int64_t value) { return Numeric::Of(value, 0); }

Result<Numeric> NumericFromDouble(double value) {
  if (std::isnan(value)) return NumericNaN();
  if (std::isinf(value)) return NumericInfinity(value < 0);
  char text[40];
  const char* end =
      std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::general, 15).ptr;
  DecimalDigits digits;
  const char* p = text;
  digits.Scan(&p, end);
  return digits.ToNumeric(value < 0);
}

double NumericToDouble(const Numeric& a) {
  constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (a.kind == Numeric::kNaN) return NAN;
  if (a.kind != Numeric::kFinite) return a.kind == Numeric::kPositiveInfinity ? INFINITY : -INFINITY;
  const Int128 c = a.coefficient();
  // Both operands exact: the division rounds once, so the result is the nearest double.
  constexpr Int128 kExact = Int128{1} << 53;
  if (c < kExact && c > -kExact && a.scale <= 22)
    return static_cast<double>(static_cast<int64_t>(c)) / kPowers[a.scale];
  std::string text;
  PrintNumeric(a, text);
  double value = 0;
  fast_float::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Result<int64_t> NumericToInt64(const Numeric& a) {
  if (a.kind == Numeric::kNaN) return Status::InvalidArgument("cannot convert NaN to bigint");
  if (a.kind != Numeric::kFinite) return Status::InvalidArgument("cannot convert infinity to bigint");
  SR_ASSIGN_OR_RETURN(const Numeric whole, NumericRound(a, 0));
  const Int128 value = whole.coefficient();
  if (value != static_cast<int64_t>(value)) return Status::InvalidArgument("bigint out of range");
  return static_cast<int64_t>(value);
}

Result<Decimal128> NumericToDecimal(const Numeric& a, int precision, int scale) {
  if (a.kind != Numeric::kFinite) return NumericOverflow();
  Int128 c = a.coefficient();
  if (scale >= a.scale) {
    if (__builtin_mul_overflow(c, PowerOfTen(scale - a.scale), &c)) return NumericOverflow();
  } else {
    SR_ASSIGN_OR_RETURN(const Numeric rounded, NumericRound(a, scale));
    c = rounded.coefficient();
  }
  const Int128 limit = PowerOfTen(precision);
  if (c >= limit || c <= -limit) return NumericOverflow();
  return Decimal128::Of(c);
}

Numeric NumericNormalised(const Numeric& a) {
  if (a.kind != Numeric::kFinite) return a;
  Int128 c = a.coefficient();
  if (c == 0) return Numeric::Of(0, 0);
  int scale = a.scale;
  while (scale > 0 && c % 10 == 0) {
    c /= 10;
    --scale;
  }
  return Numeric::Of(c, scale);
}

}  // namespace streamrun
