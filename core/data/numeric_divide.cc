// Quotients and remainders of numeric: 128-bit division where the shifted dividend fits, else digit by digit.
#include <algorithm>

#include "core/data/numeric.h"
#include "core/data/numeric_parts.h"

namespace streamrun {

using namespace numeric_parts;  // NOLINT: the private half of this file set

namespace {

// PostgreSQL chooses a quotient's scale by base-10000 digits: the weight of the first one and its value.
struct Leading {
  int weight = 0;
  int digit = 0;
};

Leading LeadingGroup(const Numeric& a) {
  const UInt128 c = Magnitude(a.coefficient());
  if (c == 0) return {};
  const int digits = CountDigits(c);
  const int point = digits - a.scale - 1;  // power of ten of the first digit
  const int weight = point >= 0 ? point / 4 : -((3 - point) / 4);
  const int width = point - 4 * weight + 1;
  const UInt128 head = digits > width ? c / static_cast<UInt128>(PowerOfTen(digits - width))
                                      : c * static_cast<UInt128>(PowerOfTen(width - digits));
  return {weight, static_cast<int>(head)};
}

int QuotientScale(const Numeric& a, const Numeric& b) {
  const Leading x = LeadingGroup(a);
  const Leading y = LeadingGroup(b);
  int weight = x.weight - y.weight;
  if (x.digit <= y.digit) --weight;
  return std::max({16 - weight * 4, a.scale, b.scale, 0});
}

// One step of long division: *rest < divisor <= 10^38; returns the next decimal digit of rest / divisor. Ten
// times the rest does not fit in 128 bits, so it is put together from doublings that stay below 2 * divisor.
int NextDigit(UInt128* rest, UInt128 divisor) {
  const auto twice = [divisor](UInt128 v, int* carry) {
    v += v;
    *carry = v >= divisor;
    return *carry ? v - divisor : v;
  };
  int q1, q2, q3;
  const UInt128 two = twice(*rest, &q1);
  const UInt128 eight = twice(twice(two, &q2), &q3);
  UInt128 ten = eight + two;
  int digit = 5 * q1 + 2 * q2 + q3;
  if (ten >= divisor) {
    ten -= divisor;
    ++digit;
  }
  *rest = ten;
  return digit;
}

Result<Numeric> DivideFinite(const Numeric& a, const Numeric& b) {
  const bool negative = (a.coefficient() < 0) != (b.coefficient() < 0);
  const UInt128 dividend = Magnitude(a.coefficient());
  const UInt128 divisor = Magnitude(b.coefficient());
  int scale = std::min(QuotientScale(a, b), kNumericDigits);
  // quotient = dividend * 10^shift / divisor, one digit more for the rounding.
  for (; scale >= 0; --scale) {
    int shift = scale - a.scale + b.scale;
    UInt128 start = dividend;
    UInt128 quotient, rest;
    bool half_up;
    if (shift >= 0 && shift <= kNumericDigits &&
        !__builtin_mul_overflow(start, static_cast<UInt128>(PowerOfTen(shift)), &start)) {
      // The usual case: the shifted dividend fits.
      quotient = start / divisor;
      rest = start % divisor;
      half_up = rest >= divisor - rest;
    } else if (shift < 0) {
      // Only when b.scale + scale < a.scale, which QuotientScale excludes until digits ran out.
      for (; shift < -1; ++shift) start /= 10;
      quotient = start / 10 / divisor;
      half_up = start / divisor % 10 >= 5;
    } else {
      quotient = dividend / divisor;
      rest = dividend % divisor;
      bool overflow = false;
      for (int i = 0; i < shift && !overflow; ++i) {
        overflow = quotient >= static_cast<UInt128>(PowerOfTen(kNumericDigits - 1));
        quotient = quotient * 10 + static_cast<UInt128>(NextDigit(&rest, divisor));
      }
      if (overflow) continue;
      half_up = NextDigit(&rest, divisor) >= 5;
    }
    quotient += half_up;
    if (quotient >= static_cast<UInt128>(PowerOfTen(kNumericDigits))) continue;
    const auto c = static_cast<Int128>(quotient);
    return Numeric::Of(negative ? -c : c, scale);
  }
  return NumericOverflow();
}

}  // namespace

Result<Numeric> NumericDivide(const Numeric& a, const Numeric& b) {
  if (IsNaN(a) || IsNaN(b)) return NumericNaN();
  if (SignOf(b) == 0) return Status::InvalidArgument("division by zero");
  if (!Finite(a)) return Finite(b) ? NumericInfinity(SignOf(a) * SignOf(b) < 0) : NumericNaN();
  if (!Finite(b)) return Numeric::Of(0, 0);
  return DivideFinite(a, b);
}

Result<Numeric> NumericModulo(const Numeric& a, const Numeric& b) {
  if (IsNaN(a) || IsNaN(b)) return NumericNaN();
  if (SignOf(b) == 0) return Status::InvalidArgument("division by zero");
  if (!Finite(a)) return NumericNaN();
  if (!Finite(b)) return a;
  const int scale = std::max(a.scale, b.scale);
  const bool negative = a.coefficient() < 0;
  UInt128 rest = Magnitude(a.coefficient());
  Int128 divisor = static_cast<Int128>(Magnitude(b.coefficient()));
  if (__builtin_mul_overflow(divisor, PowerOfTen(scale - b.scale), &divisor)) {
    return a;  // the divisor is larger than any coefficient at a's scale
  }
  rest %= static_cast<UInt128>(divisor);
  for (int i = a.scale; i < scale; ++i) NextDigit(&rest, static_cast<UInt128>(divisor));
  const auto c = static_cast<Int128>(rest);  // below either the dividend or the divisor as written: 38 digits
  return Numeric::Of(negative ? -c : c, scale);
}

Result<Numeric> NumericDivideWhole(const Numeric& a, const Numeric& b) {
  if (IsNaN(a) || IsNaN(b)) return NumericNaN();
  if (SignOf(b) == 0) return Status::InvalidArgument("division by zero");
  if (!Finite(a)) return Finite(b) ? NumericInfinity(SignOf(a) * SignOf(b) < 0) : NumericNaN();
  if (!Finite(b)) return Numeric::Of(0, 0);
  UInt128 divisor = Magnitude(b.coefficient());
  const int drop = a.scale - b.scale;
  if (drop > 0 && __builtin_mul_overflow(divisor, static_cast<UInt128>(PowerOfTen(drop)), &divisor)) {
    return Numeric::Of(0, 0);  // the divisor is larger than any dividend
  }
  UInt128 quotient = Magnitude(a.coefficient()) / divisor;
  UInt128 rest = Magnitude(a.coefficient()) % divisor;
  for (int i = drop; i < 0; ++i) {
    if (quotient >= static_cast<UInt128>(PowerOfTen(kNumericDigits - 1))) return NumericOverflow();
    quotient = quotient * 10 + static_cast<UInt128>(NextDigit(&rest, divisor));
  }
  const auto c = static_cast<Int128>(quotient);
  return Numeric::Of(SignOf(a) * SignOf(b) < 0 ? -c : c, 0);
}

}  // namespace streamrun
