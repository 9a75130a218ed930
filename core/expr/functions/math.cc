// Mathematical functions (PostgreSQL manual 9.3). Those without an exact numeric form here work in double
// precision.
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "core/data/numeric.h"
#include "core/expr/function.h"
#include "core/expr/functions/row_status.h"

namespace streamrun {

namespace {

template <typename T>
T AbsInt(Row& row, T v) {
  if (v == std::numeric_limits<T>::min()) {
    row.Fail("22003", sizeof(T) == 4 ? "integer out of range" : "bigint out of range");
    return 0;
  }
  return v < 0 ? static_cast<T>(-v) : v;
}
double AbsDouble(double v) { return std::fabs(v); }
Numeric AbsNumeric(const Numeric& v) {
  const bool negative =
      v.kind == Numeric::kNegativeInfinity || (v.kind == Numeric::kFinite && v.coefficient() < 0);
  return negative ? NumericNegate(v) : v;
}

double Ceil(double v) { return std::ceil(v); }
double Floor(double v) { return std::floor(v); }
double RoundDouble(double v) { return std::nearbyint(v); }  // half to even, as PostgreSQL's rint()
double TruncDouble(double v) { return std::trunc(v); }
double SignDouble(double v) { return v > 0 ? 1 : (v < 0 ? -1 : v); }

Numeric RoundNumeric(Row& row, const Numeric& v) { return ValueOrFail(row, NumericRound(v, 0)); }
Numeric RoundNumericTo(Row& row, const Numeric& v, int32_t digits) {
  return ValueOrFail(row, NumericRound(v, digits));
}
Numeric TruncNumeric(Row& row, const Numeric& v) { return ValueOrFail(row, NumericTruncate(v, 0)); }
Numeric TruncNumericTo(Row& row, const Numeric& v, int32_t digits) {
  return ValueOrFail(row, NumericTruncate(v, digits));
}

// Towards the infinity of `direction` from the truncated value.
Numeric Step(Row& row, const Numeric& v, int direction) {
  const Numeric whole = TruncNumeric(row, v);
  if (row.dropped() || v.kind != Numeric::kFinite || NumericCompare(v, whole) * direction <= 0) return whole;
  return ValueOrFail(row, NumericAdd(whole, NumericFromInt64(direction)));
}
Numeric CeilNumeric(Row& row, const Numeric& v) { return Step(row, v, 1); }
Numeric FloorNumeric(Row& row, const Numeric& v) { return Step(row, v, -1); }
Numeric SignNumeric(const Numeric& v) {
  if (v.kind == Numeric::kNaN) return v;
  return NumericFromInt64(
      NumericCompare(v, NumericFromInt64(0)) < 0 ? -1 : NumericCompare(v, NumericFromInt64(0)) > 0);
}

// Rounds to decimal digits through numeric, so that 2.675 rounds as it prints. An addition to PostgreSQL.
double RoundDoubleTo(Row& row, double v, int32_t digits) {
  if (!std::isfinite(v)) return v;
  const auto exact = NumericFromDouble(v);
  if (!exact.ok()) return v;  // beyond 38 digits there is no fraction to round
  const Numeric rounded = ValueOrFail(row, NumericRound(*exact, digits));
  return NumericToDouble(rounded);
}

// A result that left the range of double precision without an infinite argument.
double Checked(Row& row, double result, bool finite_in) {
  if (std::isinf(result) && finite_in) row.Fail("22003", "value out of range: overflow");
  return result;
}

double Power(Row& row, double a, double b) {
  if (a == 0 && b < 0) {
    row.Fail("2201F", "zero raised to a negative power is undefined");
    return 0;
  }
  if (a < 0 && std::isfinite(a) && std::isfinite(b) && std::floor(b) != b) {
    row.Fail("2201F", "a negative number raised to a non-integer power yields a complex result");
    return 0;
  }
  const double r = std::pow(a, b);
  if (r == 0 && a != 0 && std::isfinite(a) && std::isfinite(b))
    row.Fail("22003", "value out of range: underflow");
  return row.dropped() ? 0 : Checked(row, r, std::isfinite(a) && std::isfinite(b));
}
double Sqrt(Row& row, double v) {
  if (v < 0) row.Fail("2201F", "cannot take square root of a negative number");
  return std::sqrt(v);
}
double Cbrt(double v) { return std::cbrt(v); }
double Exp(Row& row, double v) {
  const double r = std::exp(v);
  if (r == 0 && std::isfinite(v)) {
    row.Fail("22003", "value out of range: underflow");
    return 0;
  }
  return Checked(row, r, std::isfinite(v));
}
bool Positive(Row& row, double v) {
  if (v == 0) row.Fail("2201E", "cannot take logarithm of zero");
  if (v < 0) row.Fail("2201E", "cannot take logarithm of a negative number");
  return !row.dropped();
}
double Ln(Row& row, double v) { return Positive(row, v) ? std::log(v) : 0; }
double Log10(Row& row, double v) { return Positive(row, v) ? std::log10(v) : 0; }
double LogBase(Row& row, double base, double v) {
  if (!Positive(row, base) || !Positive(row, v)) return 0;
  if (base == 1) {
    row.Fail("22012", "division by zero");
    return 0;
  }
  return std::log(v) / std::log(base);
}

double Sin(double v) { return std::sin(v); }
double Cos(double v) { return std::cos(v); }
double Tan(double v) { return std::tan(v); }
double Cot(double v) { return 1 / std::tan(v); }
double Asin(Row& row, double v) {
  if (v < -1 || v > 1) row.Fail("22003", "input is out of range");
  return std::asin(v);
}
double Acos(Row& row, double v) {
  if (v < -1 || v > 1) row.Fail("22003", "input is out of range");
  return std::acos(v);
}
double Atan(double v) { return std::atan(v); }
double Atan2(double y, double x) { return std::atan2(y, x); }
double Sinh(double v) { return std::sinh(v); }
double Cosh(double v) { return std::cosh(v); }
double Tanh(double v) { return std::tanh(v); }
double Degrees(double v) { return v * (180 / std::numbers::pi); }
double Radians(double v) { return v * (std::numbers::pi / 180); }
double Pi() { return std::numbers::pi; }

template <typename T>
T ModInt(Row& row, T a, T b) {
  if (b == 0) {
    row.Fail("22012", "division by zero");
    return 0;
  }
  return b == -1 ? 0 : static_cast<T>(a % b);
}
Numeric ModNumeric(Row& row, const Numeric& a, const Numeric& b) {
  return ValueOrFail(row, NumericModulo(a, b));
}
Numeric DivNumeric(Row& row, const Numeric& a, const Numeric& b) {
  const Numeric rest = ValueOrFail(row, NumericModulo(a, b));
  if (row.dropped()) return {};
  const Numeric whole = ValueOrFail(row, NumericSubtract(a, rest));
  const Numeric quotient = row.dropped() ? Numeric{} : ValueOrFail(row, NumericDivide(whole, b));
  return row.dropped() ? Numeric{} : ValueOrFail(row, NumericRound(quotient, 0));
}

template <typename T>
T Gcd(Row& row, T a, T b) {
  using U = std::make_unsigned_t<T>;
  const auto magnitude = [](T v) {
    return v < 0 ? static_cast<U>(0) - static_cast<U>(v) : static_cast<U>(v);
  };
  const U r = std::gcd(magnitude(a), magnitude(b));
  if (r > static_cast<U>(std::numeric_limits<T>::max())) {
    row.Fail("22003", sizeof(T) == 4 ? "integer out of range" : "bigint out of range");
  }
  return static_cast<T>(r);
}
template <typename T>
T Lcm(Row& row, T a, T b) {
  if (a == 0 || b == 0) return 0;
  const T divisor = Gcd(row, a, b);
  T r = 0;
  if (!row.dropped() &&
      (__builtin_mul_overflow(static_cast<T>(a / divisor), b, &r) || r == std::numeric_limits<T>::min())) {
    row.Fail("22003", sizeof(T) == 4 ? "integer out of range" : "bigint out of range");
  }
  return r < 0 ? static_cast<T>(-r) : r;
}

// 53 random bits: [0, 1).
double Random(Row& row) { return static_cast<double>(row.call().env()->Random64() >> 11) * 0x1.0p-53; }

void AddRounding(FunctionTable& t) {
  using enum Arg;
  t.push_back({"abs", {kInteger}, kInteger, Rows<AbsInt<int32_t>>, "absolute value", "abs(-17) -> 17"});
  t.push_back({"abs", {kBigint}, kBigint, Rows<AbsInt<int64_t>>, "absolute value", ""});
  t.push_back({"abs", {kDouble}, kDouble, Rows<AbsDouble>, "absolute value", "abs(-1.5) -> 1.5", kTotal});
  t.push_back({"abs", {kNumeric}, kNumeric, Rows<AbsNumeric>, "absolute value", "", kTotal});
  for (const std::string_view name : {"ceil", "ceiling"}) {
    t.push_back({name,
                 {kDouble},
                 kDouble,
                 Rows<Ceil>,
                 "nearest whole number not below",
                 name == "ceil" ? "ceil(42.2) -> 43" : "",
                 kTotal});
    t.push_back({name, {kNumeric}, kNumeric, Rows<CeilNumeric>, "nearest whole number not below", ""});
  }
  t.push_back({"floor",
               {kDouble},
               kDouble,
               Rows<Floor>,
               "nearest whole number not above",
               "floor(-42.8) -> -43",
               kTotal});
  t.push_back({"floor", {kNumeric}, kNumeric, Rows<FloorNumeric>, "nearest whole number not above", ""});
  t.push_back({"round",
               {kDouble},
               kDouble,
               Rows<RoundDouble>,
               "nearest whole number, ties to even",
               "round(42.4) -> 42",
               kTotal});
  t.push_back({"round",
               {kNumeric},
               kNumeric,
               Rows<RoundNumeric>,
               "nearest whole number, ties away from zero",
               "round(42.5::numeric) -> 43"});
  t.push_back({"round",
               {kNumeric, kInteger},
               kNumeric,
               Rows<RoundNumericTo>,
               "rounded to decimal places",
               "round(42.4382::numeric, 2) -> 42.44"});
  t.push_back({"round",
               {kDouble, kInteger},
               kDouble,
               Rows<RoundDoubleTo>,
               "rounded to decimal places",
               "round(42.4382, 2) -> 42.44"});
  t.push_back({"trunc",
               {kDouble},
               kDouble,
               Rows<TruncDouble>,
               "without the fraction",
               "trunc(-42.8) -> -42",
               kTotal});
  t.push_back({"trunc", {kNumeric}, kNumeric, Rows<TruncNumeric>, "without the fraction", ""});
  t.push_back({"trunc",
               {kNumeric, kInteger},
               kNumeric,
               Rows<TruncNumericTo>,
               "cut to decimal places",
               "trunc(42.4382::numeric, 2) -> 42.43"});
  t.push_back({"sign", {kDouble}, kDouble, Rows<SignDouble>, "-1, 0 or 1", "sign(-8.4) -> -1", kTotal});
  t.push_back({"sign", {kNumeric}, kNumeric, Rows<SignNumeric>, "-1, 0 or 1", "", kTotal});
}

void AddWhole(FunctionTable& t) {
  using enum Arg;
  t.push_back({"mod", {kInteger, kInteger}, kInteger, Rows<ModInt<int32_t>>, "remainder", "mod(9, 4) -> 1"});
  t.push_back({"mod", {kBigint, kBigint}, kBigint, Rows<ModInt<int64_t>>, "remainder", ""});
  t.push_back({"mod", {kNumeric, kNumeric}, kNumeric, Rows<ModNumeric>, "remainder", ""});
  t.push_back({"div", {kNumeric, kNumeric}, kNumeric, Rows<DivNumeric>, "whole quotient", "div(9, 4) -> 2"});
  t.push_back({"gcd",
               {kInteger, kInteger},
               kInteger,
               Rows<Gcd<int32_t>>,
               "greatest common divisor",
               "gcd(1071, 462) -> 21"});
  t.push_back({"gcd", {kBigint, kBigint}, kBigint, Rows<Gcd<int64_t>>, "greatest common divisor", ""});
  t.push_back({"lcm",
               {kInteger, kInteger},
               kInteger,
               Rows<Lcm<int32_t>>,
               "least common multiple",
               "lcm(1071, 462) -> 23562"});
  t.push_back({"lcm", {kBigint, kBigint}, kBigint, Rows<Lcm<int64_t>>, "least common multiple", ""});
}

void AddTranscendental(FunctionTable& t) {
  using enum Arg;
  t.push_back({"^", {kDouble, kDouble}, kDouble, Rows<Power>, "power", "2 ^ 3 -> 8"});
  t.push_back({"power", {kDouble, kDouble}, kDouble, Rows<Power>, "power", "power(9, 3) -> 729"});
  t.push_back({"pow", {kDouble, kDouble}, kDouble, Rows<Power>, "power", ""});
  t.push_back({"sqrt", {kDouble}, kDouble, Rows<Sqrt>, "square root", "sqrt(2) -> 1.4142135623730951"});
  t.push_back({"|/", {kDouble}, kDouble, Rows<Sqrt>, "square root", "|/ 25.0 -> 5"});
  t.push_back({"cbrt", {kDouble}, kDouble, Rows<Cbrt>, "cube root", "cbrt(64.0) -> 4", kTotal});
  t.push_back({"||/", {kDouble}, kDouble, Rows<Cbrt>, "cube root", "||/ 64.0 -> 4", kTotal});
  t.push_back({"exp", {kDouble}, kDouble, Rows<Exp>, "e to the power", "exp(1.0) -> 2.718281828459045"});
  t.push_back({"ln", {kDouble}, kDouble, Rows<Ln>, "natural logarithm", "ln(2.0) -> 0.6931471805599453"});
  t.push_back({"log", {kDouble}, kDouble, Rows<Log10>, "logarithm to base 10", "log(100) -> 2"});
  t.push_back({"log10", {kDouble}, kDouble, Rows<Log10>, "logarithm to base 10", "log10(1000) -> 3"});
  t.push_back(
      {"log", {kDouble, kDouble}, kDouble, Rows<LogBase>, "logarithm to a base", "log(2, 64.0) -> 6"});
  t.push_back({"sin", {kDouble}, kDouble, Rows<Sin>, "sine of radians", "sin(0) -> 0", kTotal});
  t.push_back({"cos", {kDouble}, kDouble, Rows<Cos>, "cosine of radians", "cos(0) -> 1", kTotal});
  t.push_back({"tan", {kDouble}, kDouble, Rows<Tan>, "tangent of radians", "tan(0) -> 0", kTotal});
  t.push_back({"cot",
               {kDouble},
               kDouble,
               Rows<Cot>,
               "cotangent of radians",
               "cot(0.5) -> 1.830487721712452",
               kTotal});
  t.push_back({"asin", {kDouble}, kDouble, Rows<Asin>, "inverse sine", "asin(1) -> 1.5707963267948966"});
  t.push_back({"acos", {kDouble}, kDouble, Rows<Acos>, "inverse cosine", "acos(1) -> 0"});
  t.push_back(
      {"atan", {kDouble}, kDouble, Rows<Atan>, "inverse tangent", "atan(1) -> 0.7853981633974483", kTotal});
  t.push_back({"atan2",
               {kDouble, kDouble},
               kDouble,
               Rows<Atan2>,
               "angle of a point",
               "atan2(1, 0) -> 1.5707963267948966",
               kTotal});
  t.push_back({"sinh", {kDouble}, kDouble, Rows<Sinh>, "hyperbolic sine", "sinh(0) -> 0", kTotal});
  t.push_back({"cosh", {kDouble}, kDouble, Rows<Cosh>, "hyperbolic cosine", "cosh(0) -> 1", kTotal});
  t.push_back({"tanh", {kDouble}, kDouble, Rows<Tanh>, "hyperbolic tangent", "tanh(0) -> 0", kTotal});
  t.push_back({"degrees",
               {kDouble},
               kDouble,
               Rows<Degrees>,
               "radians as degrees",
               "degrees(0.5) -> 28.64788975654116",
               kTotal});
  t.push_back({"radians",
               {kDouble},
               kDouble,
               Rows<Radians>,
               "degrees as radians",
               "radians(45.0) -> 0.7853981633974483",
               kTotal});
  t.push_back({"pi", {}, kDouble, Rows<Pi>, "the number pi", "pi() -> 3.141592653589793", kTotal});
  t.push_back(
      {"random", {}, kDouble, Rows<Random>, "a random number from 0 to below 1", "", kTotal | kVolatile});
}

}  // namespace

void AddMath(FunctionTable& t) {
  AddRounding(t);
  AddWhole(t);
  AddTranscendental(t);
}

}  // namespace streamrun
