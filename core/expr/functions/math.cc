// Absolute value, rounding, scale and whole-number functions (PostgreSQL manual 9.3, tables 9.5 and 9.6).
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>

#include "core/data/numeric_math.h"
#include "core/expr/dense.h"
#include "core/expr/function.h"
#include "core/expr/functions/row_status.h"

namespace streamrun {

namespace {

template <typename T>
constexpr Problem kOutOfRange = {"22003", sizeof(T) == 4 ? "integer out of range" : "bigint out of range"};

template <typename T>
struct AbsInt {
  using In = T;
  using Out = T;
  using Unsigned = std::make_unsigned_t<T>;
  static T Apply(T a) {
    return static_cast<T>(a < 0 ? 0 - static_cast<Unsigned>(a) : static_cast<Unsigned>(a));
  }
  static Flag Trouble(T a) { return a == std::numeric_limits<T>::min(); }
  static Problem Why(T) { return kOutOfRange<T>; }
};
double AbsDouble(double v) { return std::fabs(v); }
Numeric AbsNumeric(const Numeric& v) {
  const bool negative = v.kind == Numeric::kNegativeInfinity || (v.kind == Numeric::kFinite && v.high < 0);
  return negative ? NumericNegate(v) : v;
}

double Ceil(double v) { return std::ceil(v); }
double Floor(double v) { return std::floor(v); }
double Round(double v) { return std::nearbyint(v); }  // half to even, as PostgreSQL's rint()
double Trunc(double v) { return std::trunc(v); }
double Sign(double v) { return static_cast<double>((v > 0) - (v < 0)); }  // 0 for NaN, as there

Numeric RoundNumericTo(Row& row, const Numeric& v, int32_t digits) {
  return ValueOrFail(row, NumericRound(v, digits));
}
template <typename T>
Numeric RoundWholeTo(Row& row, T v, int32_t digits) {
  return RoundNumericTo(row, NumericFromInt64(v), digits);
}
Numeric RoundNumeric(Row& row, const Numeric& v) { return RoundNumericTo(row, v, 0); }
Numeric TruncNumericTo(Row& row, const Numeric& v, int32_t digits) {
  return ValueOrFail(row, NumericTruncate(v, digits));
}
Numeric TruncNumeric(Row& row, const Numeric& v) { return TruncNumericTo(row, v, 0); }

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
  const int order = NumericCompare(v, NumericFromInt64(0));
  return NumericFromInt64((order > 0) - (order < 0));
}

// Rounds the shortest digits that print the value, half away from zero, so that 2.675 rounds as it reads. An
// addition to PostgreSQL.
double RoundTo(Row& row, double v, int32_t digits) {
  if (!std::isfinite(v) || v == 0) return v;
  char text[48];
  char* end =
      std::to_chars(text + 1, text + sizeof text - 8, std::fabs(v), std::chars_format::scientific).ptr;
  char* e = end - 1;
  while (*e != 'e') --e;
  int exponent = 0;
  std::from_chars(e + (e[1] == '+' ? 2 : 1), end, exponent);
  // Drop the point: text[1..count] are the digits, text[0] takes a carry.
  text[0] = '0';
  const int count = e == text + 2 ? 1 : static_cast<int>(e - text) - 2;
  std::memmove(text + 2, text + 3, static_cast<size_t>(count - 1));
  const int64_t keep = static_cast<int64_t>(exponent) + 1 + digits;
  if (keep >= count) return v;
  if (keep < 0) return 0;
  int last = static_cast<int>(keep);
  if (text[last + 1] >= '5') {
    while (text[last] == '9') text[last--] = '0';
    ++text[last];
  }
  char* p = text + keep + 1;
  *p++ = 'e';
  p = std::to_chars(p, text + sizeof text, exponent + 1 - keep).ptr;
  double rounded = 0;
  const auto [stop, error] = std::from_chars(text, p, rounded);
  if (error != std::errc()) row.Fail("22003", "value out of range: overflow");
  return v < 0 && rounded != 0 ? -rounded : rounded;
}

int32_t Scale(Row& row, const Numeric& v) {
  if (v.kind != Numeric::kFinite) row.Null();
  return v.scale;
}
int32_t MinScale(Row& row, const Numeric& v) {
  if (v.kind != Numeric::kFinite) row.Null();
  return NumericNormalised(v).scale;
}
Numeric TrimScale(const Numeric& v) { return NumericNormalised(v); }

template <typename T>
struct ModInt {
  using In = T;
  using Out = T;
  static T Apply(T a, T b) { return static_cast<T>(a % (b == 0 || b == -1 ? 1 : b)); }
  static Flag Trouble(T, T b, T) { return b == 0; }
  static Problem Why(T, T) { return {"22012", "division by zero"}; }
};

template <Result<Numeric> (*F)(const Numeric&, const Numeric&)>
Numeric OfTwo(Row& row, const Numeric& a, const Numeric& b) {
  return ValueOrFail(row, F(a, b));
}

template <typename T>
T OutOfRange(Row& row) {
  row.Fail(kOutOfRange<T>.code, std::string(kOutOfRange<T>.message));
  return 0;
}
template <typename T>
T Gcd(Row& row, T a, T b) {
  using Unsigned = std::make_unsigned_t<T>;
  const auto magnitude = [](T v) { return v < 0 ? 0 - static_cast<Unsigned>(v) : static_cast<Unsigned>(v); };
  const Unsigned r = std::gcd(magnitude(a), magnitude(b));
  if (r > static_cast<Unsigned>(std::numeric_limits<T>::max())) return OutOfRange<T>(row);
  return static_cast<T>(r);
}
template <typename T>
T Lcm(Row& row, T a, T b) {
  if (a == 0 || b == 0) return 0;
  const T divisor = Gcd(row, a, b);
  if (row.dropped()) return 0;
  T r = 0;
  if (__builtin_mul_overflow(static_cast<T>(a / divisor), b, &r) || r == std::numeric_limits<T>::min()) {
    return OutOfRange<T>(row);
  }
  return r < 0 ? static_cast<T>(-r) : r;
}

double Pi() { return std::numbers::pi; }
// 53 random bits: [0, 1).
double Random(Row& row) { return static_cast<double>(row.call().env()->Random64() >> 11) * 0x1.0p-53; }

void AddAbsolute(FunctionTable& t) {
  using enum Arg;
  struct Named {
    std::string_view name;
    std::string_view integer_example;
    std::string_view bigint_example;
    std::string_view double_example;
    std::string_view numeric_example;
  };
  for (const Named& n : {Named{"abs", "abs(-17) -> 17", "abs(-3000000000) -> 3000000000", "abs(-1.5) -> 1.5",
                               "abs(-1.50::numeric) -> 1.50"},
                         Named{"@", "@ (-17) -> 17", "@ (-3000000000) -> 3000000000", "@ (-1.5) -> 1.5",
                               "@ (-1.50::numeric) -> 1.50"}}) {
    constexpr std::string_view kHelp = "absolute value";
    t.push_back({n.name, {kInteger}, kInteger, DenseUnary<AbsInt<int32_t>>, kHelp, n.integer_example});
    t.push_back({n.name, {kBigint}, kBigint, DenseUnary<AbsInt<int64_t>>, kHelp, n.bigint_example});
    t.push_back({n.name,
                 {kDouble},
                 kDouble,
                 DenseUnaryLoop<double, double, AbsDouble>,
                 kHelp,
                 n.double_example,
                 kTotal});
    t.push_back({n.name, {kNumeric}, kNumeric, Rows<AbsNumeric>, kHelp, n.numeric_example, kTotal});
  }
}

// A function of double precision that never fails, and its numeric form.
template <double (*F)(double)>
void AddPair(FunctionTable& t, std::string_view name, Kernel numeric, std::string_view help,
             std::string_view example, std::string_view numeric_example) {
  t.push_back({name, {Arg::kDouble}, Arg::kDouble, DenseUnaryLoop<double, double, F>, help, example, kTotal});
  t.push_back({name, {Arg::kNumeric}, Arg::kNumeric, numeric, help, numeric_example});
}

void AddRounding(FunctionTable& t) {
  using enum Arg;
  constexpr std::string_view kCeil = "nearest whole number not below";
  AddPair<Ceil>(t, "ceil", Rows<CeilNumeric>, kCeil, "ceil(42.2) -> 43", "ceil(-42.8::numeric) -> -42");
  AddPair<Ceil>(t, "ceiling", Rows<CeilNumeric>, kCeil, "ceiling(95.3) -> 96",
                "ceiling(-95.3::numeric) -> -95");
  AddPair<Floor>(t, "floor", Rows<FloorNumeric>, "nearest whole number not above", "floor(-42.8) -> -43",
                 "floor(42.8::numeric) -> 42");
  AddPair<Round>(t, "round", Rows<RoundNumeric>,
                 "nearest whole number; ties to even for double precision, away from zero for numeric",
                 "round(42.5) -> 42", "round(42.5::numeric) -> 43");
  AddPair<Trunc>(t, "trunc", Rows<TruncNumeric>, "without the fraction", "trunc(-42.8) -> -42",
                 "trunc(42.8::numeric) -> 42");
  AddPair<Sign>(t, "sign", Rows<SignNumeric>, "-1, 0 or 1", "sign(-8.4) -> -1", "sign(8.4::numeric) -> 1");
  constexpr std::string_view kRoundTo = "rounded to decimal places, ties away from zero";
  t.push_back({"round",
               {kNumeric, kInteger},
               kNumeric,
               Rows<RoundNumericTo>,
               kRoundTo,
               "round(42.4382::numeric, 2) -> 42.44"});
  // Without these a whole number would prefer the form for double precision, which PostgreSQL does not have.
  t.push_back({"round",
               {kInteger, kInteger},
               kNumeric,
               Rows<RoundWholeTo<int32_t>>,
               kRoundTo,
               "round(1250, -2) -> 1300"});
  t.push_back({"round",
               {kBigint, kInteger},
               kNumeric,
               Rows<RoundWholeTo<int64_t>>,
               kRoundTo,
               "round(1700000000000, -11) -> 1700000000000"});
  t.push_back({"round",
               {kDouble, kInteger},
               kDouble,
               Rows<RoundTo>,
               kRoundTo,
               "round(42.4382, 2) -> 42.44",
               kAddition});
  t.push_back({"trunc",
               {kNumeric, kInteger},
               kNumeric,
               Rows<TruncNumericTo>,
               "cut to decimal places",
               "trunc(42.4382::numeric, 2) -> 42.43"});
}

void AddScale(FunctionTable& t) {
  using enum Arg;
  t.push_back({"scale",
               {kNumeric},
               kInteger,
               Rows<Scale>,
               "digits that are shown behind the point",
               "scale(8.4100::numeric) -> 4",
               kTotal});
  t.push_back({"min_scale",
               {kNumeric},
               kInteger,
               Rows<MinScale>,
               "digits behind the point that the value needs",
               "min_scale(8.4100::numeric) -> 2",
               kTotal});
  t.push_back({"trim_scale",
               {kNumeric},
               kNumeric,
               Rows<TrimScale>,
               "without trailing zeros in the fraction",
               "trim_scale(8.4100::numeric) -> 8.41",
               kTotal});
}

void AddWhole(FunctionTable& t) {
  using enum Arg;
  t.push_back({"mod", {kInteger, kInteger}, kInteger, Dense<ModInt<int32_t>>, "remainder", "mod(9, 4) -> 1"});
  t.push_back(
      {"mod", {kBigint, kBigint}, kBigint, Dense<ModInt<int64_t>>, "remainder", "mod(7000000001, 10) -> 1"});
  t.push_back({"mod",
               {kNumeric, kNumeric},
               kNumeric,
               Rows<OfTwo<NumericModulo>>,
               "remainder",
               "mod(7.5::numeric, 2) -> 1.5"});
  t.push_back({"div",
               {kNumeric, kNumeric},
               kNumeric,
               Rows<OfTwo<NumericDivideWhole>>,
               "whole quotient, towards zero",
               "div(9, 4) -> 2"});
  constexpr std::string_view kGcd = "greatest common divisor";
  t.push_back({"gcd", {kInteger, kInteger}, kInteger, Rows<Gcd<int32_t>>, kGcd, "gcd(1071, 462) -> 21"});
  t.push_back({"gcd",
               {kBigint, kBigint},
               kBigint,
               Rows<Gcd<int64_t>>,
               kGcd,
               "gcd(6000000000, 4000000000) -> 2000000000"});
  t.push_back(
      {"gcd", {kNumeric, kNumeric}, kNumeric, Rows<OfTwo<NumericGcd>>, kGcd, "gcd(7.5::numeric, 2) -> 0.5"});
  constexpr std::string_view kLcm = "least common multiple";
  t.push_back({"lcm", {kInteger, kInteger}, kInteger, Rows<Lcm<int32_t>>, kLcm, "lcm(1071, 462) -> 23562"});
  t.push_back({"lcm",
               {kBigint, kBigint},
               kBigint,
               Rows<Lcm<int64_t>>,
               kLcm,
               "lcm(6000000000, 4000000000) -> 12000000000"});
  t.push_back(
      {"lcm", {kNumeric, kNumeric}, kNumeric, Rows<OfTwo<NumericLcm>>, kLcm, "lcm(7.5::numeric, 2) -> 30.0"});
}

}  // namespace

void AddMath(FunctionTable& t) {
  using enum Arg;
  AddAbsolute(t);
  AddRounding(t);
  AddScale(t);
  AddWhole(t);
  t.push_back({"pi", {}, kDouble, Rows<Pi>, "the number pi", "pi() -> 3.141592653589793", kTotal});
  t.push_back({"random",
               {},
               kDouble,
               Rows<Random>,
               "a random number from 0 to below 1",
               "random() < 1 -> t",
               kTotal | kVolatile});
}

}  // namespace streamrun
