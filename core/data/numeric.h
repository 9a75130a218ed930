// Arithmetic on numeric values with PostgreSQL's result scales, inside 38 significant digits.
//
// Source of the rules: PostgreSQL 15, manual 8.1.2 and 9.3 and the behaviour of its numeric type. The
// difference: PostgreSQL keeps thousands of digits, streamrun 38. A result with more whole digits is an error
// ("numeric field overflow"); a result whose fraction does not fit is rounded (half away from zero) to the
// digits that do, and its scale says so. Functions are pure and thread-safe; Status is InvalidArgument with
// PostgreSQL's message.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/status.h"
#include "core/data/type.h"

namespace streamrun {

using UInt128 = unsigned __int128;

inline constexpr int kNumericDigits = 38;

/// 10^exponent, 0 <= exponent <= 38.
Int128 PowerOfTen(int exponent);
/// Decimal digits of |value|; 0 has none.
int CountDigits(UInt128 value);

/// "numeric field overflow".
Status NumericOverflow();

inline Numeric NumericNaN() { return {0, 0, 0, Numeric::kNaN}; }
inline Numeric NumericInfinity(bool negative) {
  return {0, 0, 0, negative ? Numeric::kNegativeInfinity : Numeric::kPositiveInfinity};
}

// NaN with anything is NaN; infinity minus infinity and 0 times infinity are NaN.

/// Scale: the larger one.
Result<Numeric> NumericAdd(const Numeric& a, const Numeric& b);
Result<Numeric> NumericSubtract(const Numeric& a, const Numeric& b);
/// Scale: the sum.
Result<Numeric> NumericMultiply(const Numeric& a, const Numeric& b);
/// Scale: so that at least 16 significant digits are there and not below either operand's (select_div_scale).
/// "division by zero".
Result<Numeric> NumericDivide(const Numeric& a, const Numeric& b);
/// The quotient without its fraction; scale 0. "division by zero".
Result<Numeric> NumericDivideWhole(const Numeric& a, const Numeric& b);
/// The remainder of truncating division, sign of `a`; scale: the larger one. "division by zero".
Result<Numeric> NumericModulo(const Numeric& a, const Numeric& b);

Numeric NumericNegate(const Numeric& a);

// The common case, without a call: both coefficients fit in 64 bits and the scales differ by at most 18.
// False (and *out untouched) otherwise.

inline bool NumericIsSmall(const Numeric& a) {
  return a.kind == Numeric::kFinite && a.high == static_cast<int64_t>(a.low) >> 63;
}
inline bool NumericAddSmall(const Numeric& a, const Numeric& b, int sign, Numeric* out) {
  constexpr int kMaxShift = 18;  // 10^18 < 2^60: the sum stays below 2^124, inside 38 digits
  if (!NumericIsSmall(a) || !NumericIsSmall(b)) return false;
  Int128 x = static_cast<int64_t>(a.low);
  Int128 y = static_cast<int64_t>(b.low);
  const int shift = a.scale - b.scale;
  if (shift != 0) {
    if (shift > kMaxShift || shift < -kMaxShift) return false;
    if (shift > 0) {
      y *= PowerOfTen(shift);
    } else {
      x *= PowerOfTen(-shift);
    }
  }
  *out = Numeric::Of(sign < 0 ? x - y : x + y, shift > 0 ? a.scale : b.scale);
  return true;
}
inline bool NumericMultiplySmall(const Numeric& a, const Numeric& b, Numeric* out) {
  const int scale = a.scale + b.scale;
  if (!NumericIsSmall(a) || !NumericIsSmall(b) || scale > kNumericDigits) return false;
  // At most 2^126, which has 38 digits.
  *out = Numeric::Of(static_cast<Int128>(static_cast<int64_t>(a.low)) * static_cast<int64_t>(b.low), scale);
  return true;
}
/// < 0, 0, > 0. NaN equals NaN and is above everything, as in PostgreSQL's sort order.
int NumericCompare(const Numeric& a, const Numeric& b);

/// round(a, scale) and trunc(a, scale): negative scales count digits before the point and give scale 0.
Result<Numeric> NumericRound(const Numeric& a, int scale);
Result<Numeric> NumericTruncate(const Numeric& a, int scale);

Numeric NumericFromInt64(int64_t value);
/// As PostgreSQL: 15 significant digits.
Result<Numeric> NumericFromDouble(double value);
/// The nearest double.
double NumericToDouble(const Numeric& a);
/// Rounds half away from zero; "bigint out of range", "cannot convert NaN to bigint".
Result<int64_t> NumericToInt64(const Numeric& a);

/// As a value of numeric(precision, scale): rounded; "numeric field overflow" when it does not fit (or is
/// special).
Result<Decimal128> NumericToDecimal(const Numeric& a, int precision, int scale);
inline Numeric NumericFromDecimal(Decimal128 value, int scale) { return Numeric::Of(value.value(), scale); }

/// The same value without trailing zeros in the fraction: the form that is hashed. Specials stay.
Numeric NumericNormalised(const Numeric& a);

/// An unsigned decimal literal, read once and rounded to what the caller needs.
class DecimalDigits {
 public:
  /// Reads digits[.digits][e[sign]digits] at *p and moves *p behind it; false when no digit stands there.
  bool Scan(const char** p, const char* end);
  /// Keeps the written scale where 38 digits allow.
  Result<Numeric> ToNumeric(bool negative) const;
  Result<Decimal128> ToDecimal(bool negative, int precision, int scale) const;

 private:
  // Nearest coefficient at `scale`; false when it has more than 38 digits.
  bool AtScale(int scale, Int128* out) const;
  void AddDigit(char c);

  Int128 coefficient_ = 0;  // the first 38 significant digits
  int digits_ = 0;          // how many it has
  int64_t exponent_ = 0;    // value = coefficient_ * 10^exponent_ (and what was dropped)
  int64_t shown_scale_ = 0;
  int first_dropped_ = -1;  // first digit behind the 38, -1 when there is none
};

}  // namespace streamrun
