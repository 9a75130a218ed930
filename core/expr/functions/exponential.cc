// Roots, powers, exponentials and logarithms (PostgreSQL manual 9.3, table 9.5), in double precision and in
// numeric.
#include <cmath>
#include <limits>

#include "core/data/numeric_math.h"
#include "core/expr/dense.h"
#include "core/expr/function.h"
#include "core/expr/functions/row_status.h"

namespace streamrun {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double Overflow(Row& row) {
  row.Fail("22003", "value out of range: overflow");
  return 0;
}
double Underflow(Row& row) {
  row.Fail("22003", "value out of range: underflow");
  return 0;
}

struct SqrtDouble {
  using In = double;
  using Out = double;
  static double Apply(double v) { return std::sqrt(v); }
  static Flag Trouble(double v) { return v < 0; }
  static Problem Why(double) { return {"2201F", "cannot take square root of a negative number"}; }
};

double Cbrt(double v) { return std::cbrt(v); }

double Exp(Row& row, double v) {
  const double r = std::exp(v);
  if (!std::isfinite(v)) return r;
  if (std::isinf(r)) return Overflow(row);
  return r == 0 ? Underflow(row) : r;
}

bool Positive(Row& row, double v) {
  if (v == 0) row.Fail("2201E", "cannot take logarithm of zero");
  if (v < 0) row.Fail("2201E", "cannot take logarithm of a negative number");
  return !row.dropped();
}
double Ln(Row& row, double v) { return Positive(row, v) ? std::log(v) : 0; }
double Log10(Row& row, double v) { return Positive(row, v) ? std::log10(v) : 0; }

bool IsOdd(double whole) { return std::fmod(whole, 2) != 0; }

// An infinite operand, neither NaN; POSIX pow(). `a` is 0 only where `b` is positive.
double PowerOfInfinite(double a, double b) {
  if (std::isinf(b)) {
    const double size = std::fabs(a);
    if (size == 1) return 1;
    return (size > 1) == (b > 0) ? kInfinity : 0;
  }
  if (b == 0) return 1;
  if (a > 0) return b > 0 ? kInfinity : 0;
  const double size = b > 0 ? kInfinity : 0;
  return IsOdd(b) ? -size : size;
}

double Power(Row& row, double a, double b) {
  if (std::isnan(a)) return b == 0 ? 1 : a;
  if (std::isnan(b)) return a == 1 ? 1 : b;
  if (a == 0 && b < 0) {
    row.Fail("2201F", "zero raised to a negative power is undefined");
    return 0;
  }
  if (a < 0 && std::floor(b) != b) {
    row.Fail("2201F", "a negative number raised to a non-integer power yields a complex result");
    return 0;
  }
  if (std::isinf(a) || std::isinf(b)) return PowerOfInfinite(a, b);
  const double r = std::pow(a, b);
  if (std::isinf(r)) return Overflow(row);
  return r == 0 && a != 0 ? Underflow(row) : r;
}

template <Result<Numeric> (*F)(const Numeric&)>
Numeric OfOne(Row& row, const Numeric& a) {
  return ValueOrFail(row, F(a));
}
template <Result<Numeric> (*F)(const Numeric&, const Numeric&)>
Numeric OfTwo(Row& row, const Numeric& a, const Numeric& b) {
  return ValueOrFail(row, F(a, b));
}
Numeric Log10Numeric(Row& row, const Numeric& a) {
  return ValueOrFail(row, NumericLog(NumericFromInt64(10), a));
}
Numeric Factorial(Row& row, int64_t n) { return ValueOrFail(row, NumericFactorial(n)); }

void AddRoots(FunctionTable& t) {
  using enum Arg;
  for (const std::string_view name : {"sqrt", "|/"}) {
    t.push_back({name,
                 {kDouble},
                 kDouble,
                 DenseUnary<SqrtDouble>,
                 "square root",
                 name == "|/" ? "|/ 25.0 -> 5" : "sqrt(2) -> 1.4142135623730951"});
  }
  t.push_back({"sqrt",
               {kNumeric},
               kNumeric,
               Rows<OfOne<NumericSqrt>>,
               "square root",
               "sqrt(2::numeric) -> 1.414213562373095"});
  for (const std::string_view name : {"cbrt", "||/"}) {
    t.push_back({name,
                 {kDouble},
                 kDouble,
                 Rows<Cbrt>,
                 "cube root",
                 name == "cbrt" ? "cbrt(64.0) -> 4" : "||/ 64.0 -> 4",
                 kTotal});
  }
}

void AddPowers(FunctionTable& t) {
  using enum Arg;
  struct Named {
    std::string_view name;
    std::string_view example;
    std::string_view numeric_example;
  };
  const Named names[] = {{"^", "2 ^ 3 -> 8", "2::numeric ^ 0.5 -> 1.4142135623730950"},
                         {"power", "power(9, 3) -> 729", "power(9::numeric, 3) -> 729.0000000000000000"},
                         {"pow", "pow(2, 10) -> 1024", "pow(2::numeric, -1) -> 0.5000000000000000"}};
  for (const Named& n : names) {
    t.push_back({n.name, {kDouble, kDouble}, kDouble, Rows<Power>, "power", n.example});
    t.push_back(
        {n.name, {kNumeric, kNumeric}, kNumeric, Rows<OfTwo<NumericPower>>, "power", n.numeric_example});
  }
  t.push_back({"exp", {kDouble}, kDouble, Rows<Exp>, "e to the power", "exp(1.0) -> 2.718281828459045"});
  t.push_back({"exp",
               {kNumeric},
               kNumeric,
               Rows<OfOne<NumericExp>>,
               "e to the power",
               "exp(1::numeric) -> 2.7182818284590452"});
  t.push_back({"factorial", {kBigint}, kNumeric, Rows<Factorial>, "factorial", "factorial(5) -> 120"});
}

void AddLogarithms(FunctionTable& t) {
  using enum Arg;
  t.push_back({"ln", {kDouble}, kDouble, Rows<Ln>, "natural logarithm", "ln(2.0) -> 0.6931471805599453"});
  t.push_back({"ln",
               {kNumeric},
               kNumeric,
               Rows<OfOne<NumericLn>>,
               "natural logarithm",
               "ln(2::numeric) -> 0.6931471805599453"});
  struct Named {
    std::string_view name;
    std::string_view example;
    std::string_view numeric_example;
  };
  const Named names[] = {{"log", "log(100) -> 2", "log(100::numeric) -> 2.0000000000000000"},
                         {"log10", "log10(1000) -> 3", "log10(0.001::numeric) -> -3.0000000000000000"}};
  for (const Named& n : names) {
    t.push_back({n.name, {kDouble}, kDouble, Rows<Log10>, "logarithm to base 10", n.example});
    t.push_back(
        {n.name, {kNumeric}, kNumeric, Rows<Log10Numeric>, "logarithm to base 10", n.numeric_example});
  }
  t.push_back({"log",
               {kNumeric, kNumeric},
               kNumeric,
               Rows<OfTwo<NumericLog>>,
               "logarithm to a base, the first argument",
               "log(2, 64) -> 6.0000000000000000"});
}

}  // namespace

void AddExponentials(FunctionTable& t) {
  AddRoots(t);
  AddPowers(t);
  AddLogarithms(t);
}

}  // namespace streamrun
