// The rules for scales follow PostgreSQL 15's numeric type; its digits are groups of four, so the "weight" of
// a value is the position of its first group and some scales come in steps of four.
#include "core/data/numeric_math.h"
#include "core/data/numeric_parts.h"

#include <algorithm>
#include <cmath>

#include "core/data/numeric_real.h"

namespace streamrun {

using namespace numeric_parts;  // NOLINT: the private half of this file set

namespace {

constexpr int kSignificantDigits = 16;    // NUMERIC_MIN_SIG_DIGITS
constexpr int kMaxDisplayScale = 1000;    // NUMERIC_MAX_DISPLAY_SCALE
constexpr double kMaxResultScale = 2000;  // NUMERIC_MAX_RESULT_SCALE
constexpr double kMostWholeDigits = 131072;
constexpr double kLog10OfE = 0.434294481903252;
constexpr double kLnOfTen = 2.302585092994046;
constexpr mpfr_rnd_t kNearest = MPFR_RNDN;

bool IsOne(const Numeric& a) { return Finite(a) && NumericCompare(a, NumericFromInt64(1)) == 0; }

// Power of ten of the first decimal digit of a value that is not zero.
int DecimalWeight(const Numeric& a) { return CountDigits(Magnitude(a.coefficient())) - a.scale - 1; }
int FloorDiv4(int v) { return v >= 0 ? v / 4 : -((3 - v) / 4); }

// The first two groups of four digits, as a number and the power of ten of its last digit; trailing groups of
// zeros do not count as digits.
struct Head {
  double digits = 0;
  int weight = 0;
};
Head HeadOf(const Numeric& a, int groups) {
  const Numeric plain = NumericNormalised(a);
  const UInt128 c = Magnitude(plain.coefficient());
  const int digits = CountDigits(c);
  const int first = FloorDiv4(digits - plain.scale - 1);  // group of the first digit
  int lowest = 0;                                         // power of ten of the last digit that counts
  UInt128 rest = c;
  int zeros = 0;
  while (rest % 10 == 0) {
    rest /= 10;
    ++zeros;
  }
  const int last = FloorDiv4(zeros - plain.scale);
  lowest = 4 * std::max(last, first - groups + 1);
  // c / 10^scale / 10^lowest, without what is behind the point.
  const int shift = -plain.scale - lowest;
  UInt128 head = c;
  for (int i = shift; i < 0; ++i) head /= 10;
  for (int i = 0; i < shift; ++i) head *= 10;
  return {static_cast<double>(head), lowest};
}

int ClampScale(int scale) { return std::clamp(scale, 0, kMaxDisplayScale); }

// Decimal weight of ln(a), as PostgreSQL estimates it.
int LogWeight(const Numeric& a) {
  if (SignOf(a) <= 0) return 0;
  if (NumericCompare(a, Numeric::Of(9, 1)) >= 0 && NumericCompare(a, Numeric::Of(11, 1)) <= 0) {
    // ln(1 + x) is about x.
    const auto x = NumericSubtract(a, NumericFromInt64(1));
    return !x.ok() || SignOf(*x) == 0 ? 0 : DecimalWeight(*x);
  }
  const Head head = HeadOf(a, 2);
  return static_cast<int>(std::log10(std::fabs(std::log(head.digits) + head.weight * kLnOfTen)));
}

Status NotPositive(int sign) {
  return Status::InvalidArgument(sign == 0 ? "cannot take logarithm of zero"
                                           : "cannot take logarithm of a negative number");
}
Status FormatOverflow() { return Status::InvalidArgument("value overflows numeric format"); }

// A zero that shows `scale` digits.
Numeric ZeroOf(int scale) { return Numeric::Of(0, std::min(scale, kNumericDigits)); }

bool IsWhole(const Numeric& a) { return !Finite(a) ? !IsNaN(a) : a.coefficient() % PowerOfTen(a.scale) == 0; }
bool IsOdd(const Numeric& whole) {
  return Finite(whole) && whole.coefficient() / PowerOfTen(whole.scale) % 2 != 0;
}

// base^exponent for an exponent of PostgreSQL's integer type.
Result<Numeric> PowerInt(const Numeric& base, int32_t exponent) {
  const int scale = ClampScale(std::max(kSignificantDigits, base.scale));
  if (exponent == 0) return Real(NumericFromInt64(1)).ToNumeric(scale);
  if (SignOf(base) == 0) return ZeroOf(scale);
  const Head head = HeadOf(base, 4);
  const double weight = exponent * (std::log10(head.digits) + head.weight);
  if (weight >= kMostWholeDigits) return FormatOverflow();
  if (weight + 1 < -scale) return ZeroOf(scale);
  Real result(base);
  mpfr_pow_si(result.get(), result.get(), exponent, kNearest);
  return result.ToNumeric(scale);
}

// The scale is selected from an estimate with about 8 digits of exponent * ln(base), steps rounded as there.
Result<Numeric> PowerReal(const Numeric& base, const Numeric& exponent) {
  const bool negative = SignOf(base) < 0;
  const Numeric magnitude = negative ? NumericNegate(base) : base;
  const int local = std::max(8 - LogWeight(magnitude), 0);
  Real ln(magnitude);
  const Real power(exponent);
  mpfr_log(ln.get(), ln.get(), kNearest);
  Real estimate;
  mpfr_set(estimate.get(), ln.get(), kNearest);
  estimate.RoundTo(local);
  mpfr_mul(estimate.get(), estimate.get(), power.get(), kNearest);
  estimate.RoundTo(local);
  const double size = estimate.ToDouble();
  if (std::fabs(size) > kMaxResultScale * 3.01) {
    if (size > 0) return FormatOverflow();
    return ZeroOf(kMaxDisplayScale);
  }
  const int wanted = kSignificantDigits - static_cast<int>(size * kLog10OfE);
  const int scale = ClampScale(std::max({wanted, base.scale, exponent.scale}));
  Real result(magnitude);
  mpfr_pow(result.get(), result.get(), power.get(), kNearest);
  if (negative && IsOdd(exponent)) mpfr_neg(result.get(), result.get(), kNearest);
  return result.ToNumeric(scale);
}

Status PowerDomain(const Numeric& base, const Numeric& exponent) {
  if (SignOf(base) == 0 && SignOf(exponent) < 0) {
    return Status::InvalidArgument("zero raised to a negative power is undefined");
  }
  if (SignOf(base) < 0 && !IsWhole(exponent)) {
    return Status::InvalidArgument("a negative number raised to a non-integer power yields a complex result");
  }
  return Status();
}

// POSIX pow() where an operand is NaN or infinite.
Result<Numeric> PowerSpecial(const Numeric& base, const Numeric& exponent) {
  const bool zero_exponent = Finite(exponent) && SignOf(exponent) == 0;
  const bool one = IsOne(base);
  if (IsNaN(base)) return zero_exponent ? NumericFromInt64(1) : NumericNaN();
  if (IsNaN(exponent)) return one ? NumericFromInt64(1) : NumericNaN();
  SR_RETURN_IF_ERROR(PowerDomain(base, exponent));
  if (one || zero_exponent) return NumericFromInt64(1);
  if (SignOf(base) == 0) return NumericFromInt64(0);
  if (!Finite(exponent)) {
    int above = 1;  // |base| against 1
    if (Finite(base))
      above = NumericCompare(SignOf(base) < 0 ? NumericNegate(base) : base, NumericFromInt64(1));
    if (above == 0) return NumericFromInt64(1);
    return (above > 0) == (SignOf(exponent) > 0) ? NumericInfinity(false) : NumericFromInt64(0);
  }
  if (SignOf(exponent) < 0) return NumericFromInt64(0);
  return NumericInfinity(SignOf(base) < 0 && IsOdd(exponent));
}

// The first group of four digits of a positive value.
struct Group {
  int weight = 0;
  long digits = 0;
};
Group FirstGroup(const Real& value) {
  if (mpfr_zero_p(value.get())) return {};
  Real power;
  mpfr_log10(power.get(), value.get(), kNearest);
  const long weight = FloorDiv4(static_cast<int>(mpfr_get_si(power.get(), MPFR_RNDD)));
  Real head;
  mpfr_set(head.get(), value.get(), kNearest);
  head.Shift(static_cast<int>(-4 * weight));
  return {static_cast<int>(weight), mpfr_get_si(head.get(), MPFR_RNDZ)};
}

}  // namespace

Result<Numeric> NumericSqrt(const Numeric& a) {
  if (IsNaN(a)) return a;
  if (SignOf(a) < 0) return Status::InvalidArgument("cannot take square root of a negative number");
  if (!Finite(a)) return a;
  const int weight = SignOf(a) == 0 ? 0 : FloorDiv4(DecimalWeight(a));
  const int scale = ClampScale(std::max(kSignificantDigits - ((weight + 1) * 2 - 1), a.scale));
  Real result(a);
  mpfr_sqrt(result.get(), result.get(), kNearest);
  return result.ToNumeric(scale);
}

Result<Numeric> NumericExp(const Numeric& a) {
  if (!Finite(a)) return a.kind == Numeric::kNegativeInfinity ? NumericFromInt64(0) : a;
  const double value = NumericToDouble(a);
  const double weight = std::clamp(value * kLog10OfE, -kMaxResultScale, kMaxResultScale);
  const int scale = ClampScale(std::max(kSignificantDigits - static_cast<int>(weight), a.scale));
  if (std::fabs(value) >= kMaxResultScale * 3) {
    if (value > 0) return FormatOverflow();
    return ZeroOf(scale);
  }
  Real result(a);
  mpfr_exp(result.get(), result.get(), kNearest);
  return result.ToNumeric(scale);
}

Result<Numeric> NumericLn(const Numeric& a) {
  if (IsNaN(a)) return a;
  if (SignOf(a) <= 0) return NotPositive(SignOf(a));
  if (!Finite(a)) return a;
  const int scale = ClampScale(std::max(kSignificantDigits - LogWeight(a), a.scale));
  Real result(a);
  mpfr_log(result.get(), result.get(), kNearest);
  return result.ToNumeric(scale);
}

Result<Numeric> NumericLog(const Numeric& base, const Numeric& a) {
  if (IsNaN(base) || IsNaN(a)) return NumericNaN();
  // Of two finite operands the base is looked at first; beside an infinite one a negative one is.
  const bool finite = Finite(base) && Finite(a);
  const int least = finite && SignOf(base) <= 0 ? SignOf(base) : std::min(SignOf(base), SignOf(a));
  if (least <= 0) return NotPositive(least);
  if (!Finite(base)) return Finite(a) ? NumericFromInt64(0) : NumericNaN();
  if (!Finite(a)) return a;
  if (IsOne(base)) return Status::InvalidArgument("division by zero");
  const int weight = LogWeight(a) - LogWeight(base);
  const int scale = ClampScale(std::max({kSignificantDigits - weight, base.scale, a.scale}));
  Real divisor(base);
  mpfr_log(divisor.get(), divisor.get(), kNearest);
  Real result(a);
  mpfr_log(result.get(), result.get(), kNearest);
  mpfr_div(result.get(), result.get(), divisor.get(), kNearest);
  return result.ToNumeric(scale);
}

Result<Numeric> NumericPower(const Numeric& base, const Numeric& exponent) {
  if (!Finite(base) || !Finite(exponent)) return PowerSpecial(base, exponent);
  SR_RETURN_IF_ERROR(PowerDomain(base, exponent));
  if (IsWhole(exponent)) {
    const Int128 whole = exponent.coefficient() / PowerOfTen(exponent.scale);
    if (whole == static_cast<int32_t>(whole)) return PowerInt(base, static_cast<int32_t>(whole));
  }
  if (SignOf(base) == 0) return ZeroOf(kSignificantDigits);
  return PowerReal(base, exponent);
}

Result<Numeric> NumericFactorial(int64_t n) {
  if (n < 0) return Status::InvalidArgument("factorial of a negative number is undefined");
  if (n > 32177) return FormatOverflow();
  constexpr int64_t kLargest = 33;  // 34! has 39 digits
  if (n > kLargest) return NumericOverflow();
  Int128 product = 1;
  for (int64_t i = 2; i <= n; ++i) product *= i;
  return Numeric::Of(product, 0);
}

Result<Numeric> NumericGcd(const Numeric& a, const Numeric& b) {
  if (!Finite(a) || !Finite(b)) return NumericNaN();
  const int scale = std::max(a.scale, b.scale);
  Numeric x = a;
  Numeric y = b;
  while (SignOf(y) != 0) {
    SR_ASSIGN_OR_RETURN(const Numeric rest, NumericModulo(x, y));
    x = y;
    y = rest;
  }
  return NumericRound(SignOf(x) < 0 ? NumericNegate(x) : x, scale);
}

Result<Numeric> NumericLcm(const Numeric& a, const Numeric& b) {
  if (!Finite(a) || !Finite(b)) return NumericNaN();
  const int scale = std::max(a.scale, b.scale);
  if (SignOf(a) == 0 || SignOf(b) == 0) return ZeroOf(scale);
  SR_ASSIGN_OR_RETURN(const Numeric divisor, NumericGcd(a, b));
  auto factor = NumericDivideWhole(a, divisor);
  // |a| / divisor may need more digits than the result; |b| / divisor does not then.
  const bool other = !factor.ok();
  if (other) factor = NumericDivideWhole(b, divisor);
  if (!factor.ok()) return factor;
  SR_ASSIGN_OR_RETURN(const Numeric product, NumericMultiply(*factor, other ? a : b));
  return NumericRound(SignOf(product) < 0 ? NumericNegate(product) : product, scale);
}

int64_t NumericBucket(const Numeric& value, const Numeric& low, const Numeric& high, int32_t count) {
  const Real bound(low);
  Real part(value);
  Real whole(high);
  mpfr_sub(part.get(), part.get(), bound.get(), kNearest);
  mpfr_sub(whole.get(), whole.get(), bound.get(), kNearest);
  mpfr_mul_si(part.get(), part.get(), count, kNearest);
  mpfr_abs(part.get(), part.get(), kNearest);
  mpfr_abs(whole.get(), whole.get(), kNearest);
  const Group x = FirstGroup(part);
  const Group y = FirstGroup(whole);
  const int weight = x.weight - y.weight - (x.digits <= y.digits);
  const int scale =
      ClampScale(std::max({kSignificantDigits - weight * 4, value.scale, low.scale, high.scale}));
  mpfr_div(part.get(), part.get(), whole.get(), kNearest);
  part.RoundTo(scale);
  return mpfr_get_si(part.get(), MPFR_RNDD) + 1;
}

}  // namespace streamrun
