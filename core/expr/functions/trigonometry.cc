// Trigonometric and hyperbolic functions (PostgreSQL manual 9.3, tables 9.7 and 9.8).
//
// The forms in degrees are exact where the answer is: every quadrant is brought back to [0, 90] and the
// function there is scaled by its own computed value at 30, 45 or 60 degrees, so that the error of the
// library's function cancels (the method that PostgreSQL's manual promises: sind(30) is 0.5).
#include <cmath>
#include <limits>

#include "core/expr/dense.h"
#include "core/expr/function.h"

namespace streamrun {

namespace {

constexpr double kRadiansPerDegree = 0.0174532925199432957692;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double OutOfRange(Row& row) {
  row.Fail("22003", "input is out of range");
  return 0;
}

// Functions of an angle have no value at infinity.
template <double (*F)(double)>
double OfAngle(Row& row, double v) {
  return std::isinf(v) ? OutOfRange(row) : F(v);
}
// Functions of a sine or cosine have none outside [-1, 1].
template <double (*F)(double)>
double OfUnit(Row& row, double v) {
  return v < -1 || v > 1 ? OutOfRange(row) : F(v);
}

double Sin(double v) { return std::sin(v); }
double Cos(double v) { return std::cos(v); }
double Tan(double v) { return std::tan(v); }
double Cot(double v) { return 1 / std::tan(v); }
double Asin(double v) { return std::asin(v); }
double Acos(double v) { return std::acos(v); }
double Atan(double v) { return std::atan(v); }
double Atan2(double y, double x) { return std::atan2(y, x); }
double Sinh(double v) { return std::sinh(v); }
double Cosh(double v) { return std::cosh(v); }
double Tanh(double v) { return std::tanh(v); }
double Asinh(double v) { return std::asinh(v); }
double Acosh(Row& row, double v) { return v < 1 ? OutOfRange(row) : std::acosh(v); }
double Atanh(double v) { return std::atanh(v); }

double Degrees(Row& row, double v) {
  const double r = v / kRadiansPerDegree;
  if (std::isinf(r) && !std::isinf(v)) row.Fail("22003", "value out of range: overflow");
  return r;
}
double Radians(Row& row, double v) {
  const double r = v * kRadiansPerDegree;
  if (r == 0 && v != 0) row.Fail("22003", "value out of range: underflow");
  return r;
}

// What the library's functions give at the special angles. Computed at run time, by the same code that is
// used for every other angle: a compiler's constant could differ in the last bit.
struct Special {
  double sin_30;
  double one_minus_cos_60;
  double asin_half;
  double acos_half;
  double atan_one;
};
const Special& At();

double SinTo30(double x) { return std::sin(x * kRadiansPerDegree) / At().sin_30 / 2; }
double CosTo60(double x) { return 1 - (1 - std::cos(x * kRadiansPerDegree)) / At().one_minus_cos_60 / 2; }
// 0 to 90 degrees.
double SinQuadrant(double x) { return x <= 30 ? SinTo30(x) : CosTo60(90 - x); }
double CosQuadrant(double x) { return x <= 60 ? CosTo60(x) : SinTo30(90 - x); }
// 0 to 1.
double AsinUnit(double x) {
  return x <= 0.5 ? std::asin(x) / At().asin_half * 30 : 90 - std::acos(x) / At().acos_half * 60;
}
double AcosUnit(double x) {
  return x <= 0.5 ? 90 - std::asin(x) / At().asin_half * 30 : std::acos(x) / At().acos_half * 60;
}

const Special& At() {
  static const Special special = [] {
    const volatile double thirty = 30, sixty = 60, half = 0.5, one = 1;
    Special s{};
    s.sin_30 = std::sin(thirty * kRadiansPerDegree);
    s.one_minus_cos_60 = 1 - std::cos(sixty * kRadiansPerDegree);
    s.asin_half = std::asin(half);
    s.acos_half = std::acos(half);
    s.atan_one = std::atan(one);
    return s;
  }();
  return special;
}

// An angle of any size as one of the first quadrant, and the signs of its functions.
struct Quadrant {
  double angle;
  double sin_sign = 1;
  double cos_sign = 1;

  explicit Quadrant(double degrees) : angle(std::fmod(degrees, 360)) {
    if (angle < 0) {
      angle = -angle;
      sin_sign = -1;
    }
    if (angle > 180) {
      angle = 360 - angle;
      sin_sign = -sin_sign;
    }
    if (angle > 90) {
      angle = 180 - angle;
      cos_sign = -1;
    }
  }
};

double Sind(double v) {
  if (std::isnan(v)) return kNaN;
  const Quadrant q(v);
  return q.sin_sign * SinQuadrant(q.angle);
}
double Cosd(double v) {
  if (std::isnan(v)) return kNaN;
  const Quadrant q(v);
  return q.cos_sign * CosQuadrant(q.angle);
}
// Without a negative zero.
double Unsigned0(double v) { return v == 0 ? 0 : v; }
double Tand(double v) {
  if (std::isnan(v)) return kNaN;
  const Quadrant q(v);
  return Unsigned0(q.sin_sign * q.cos_sign * (SinQuadrant(q.angle) / CosQuadrant(q.angle)));
}
double Cotd(double v) {
  if (std::isnan(v)) return kNaN;
  const Quadrant q(v);
  return Unsigned0(q.sin_sign * q.cos_sign * (CosQuadrant(q.angle) / SinQuadrant(q.angle)));
}
double Asind(double v) {
  if (std::isnan(v)) return kNaN;
  return v >= 0 ? AsinUnit(v) : -AsinUnit(-v);
}
double Acosd(double v) {
  if (std::isnan(v)) return kNaN;
  return v >= 0 ? AcosUnit(v) : 90 + AsinUnit(-v);
}
double Atand(double v) { return std::atan(v) / At().atan_one * 45; }
double Atan2d(double y, double x) { return std::atan2(y, x) / At().atan_one * 45; }

void AddOne(FunctionTable& t, std::string_view name, Kernel kernel, std::string_view help,
            std::string_view example, uint32_t flags = kPartial) {
  t.push_back({name, {Arg::kDouble}, Arg::kDouble, kernel, help, example, flags});
}
void AddTwo(FunctionTable& t, std::string_view name, Kernel kernel, std::string_view help,
            std::string_view example) {
  t.push_back({name, {Arg::kDouble, Arg::kDouble}, Arg::kDouble, kernel, help, example, kTotal});
}

void AddRadians(FunctionTable& t) {
  AddOne(t, "sin", Rows<OfAngle<Sin>>, "sine of radians", "sin(1) -> 0.8414709848078965");
  AddOne(t, "cos", Rows<OfAngle<Cos>>, "cosine of radians", "cos(0) -> 1");
  AddOne(t, "tan", Rows<OfAngle<Tan>>, "tangent of radians", "tan(1) -> 1.5574077246549023");
  AddOne(t, "cot", Rows<OfAngle<Cot>>, "cotangent of radians", "cot(0.5) -> 1.830487721712452");
  AddOne(t, "asin", Rows<OfUnit<Asin>>, "inverse sine, in radians", "asin(1) -> 1.5707963267948966");
  AddOne(t, "acos", Rows<OfUnit<Acos>>, "inverse cosine, in radians", "acos(1) -> 0");
  AddOne(t, "atan", Rows<Atan>, "inverse tangent, in radians", "atan(1) -> 0.7853981633974483", kTotal);
  AddTwo(t, "atan2", Rows<Atan2>, "inverse tangent of a quotient, in radians",
         "atan2(1, 0) -> 1.5707963267948966");
}

void AddDegrees(FunctionTable& t) {
  AddOne(t, "sind", Rows<OfAngle<Sind>>, "sine of degrees", "sind(30) -> 0.5");
  AddOne(t, "cosd", Rows<OfAngle<Cosd>>, "cosine of degrees", "cosd(60) -> 0.5");
  AddOne(t, "tand", Rows<OfAngle<Tand>>, "tangent of degrees", "tand(45) -> 1");
  AddOne(t, "cotd", Rows<OfAngle<Cotd>>, "cotangent of degrees", "cotd(45) -> 1");
  AddOne(t, "asind", Rows<OfUnit<Asind>>, "inverse sine, in degrees", "asind(0.5) -> 30");
  AddOne(t, "acosd", Rows<OfUnit<Acosd>>, "inverse cosine, in degrees", "acosd(0.5) -> 60");
  AddOne(t, "atand", Rows<Atand>, "inverse tangent, in degrees", "atand(1) -> 45", kTotal);
  AddTwo(t, "atan2d", Rows<Atan2d>, "inverse tangent of a quotient, in degrees", "atan2d(1, 0) -> 90");
  AddOne(t, "degrees", Rows<Degrees>, "radians as degrees", "degrees(0.5) -> 28.64788975654116");
  AddOne(t, "radians", Rows<Radians>, "degrees as radians", "radians(45.0) -> 0.7853981633974483");
}

void AddHyperbolic(FunctionTable& t) {
  AddOne(t, "sinh", Rows<Sinh>, "hyperbolic sine", "sinh(1) -> 1.1752011936438014", kTotal);
  AddOne(t, "cosh", Rows<Cosh>, "hyperbolic cosine", "cosh(0) -> 1", kTotal);
  AddOne(t, "tanh", Rows<Tanh>, "hyperbolic tangent", "tanh(1) -> 0.7615941559557649", kTotal);
  AddOne(t, "asinh", Rows<Asinh>, "inverse hyperbolic sine", "asinh(1) -> 0.881373587019543", kTotal);
  AddOne(t, "acosh", Rows<Acosh>, "inverse hyperbolic cosine", "acosh(1) -> 0");
  AddOne(t, "atanh", Rows<OfUnit<Atanh>>, "inverse hyperbolic tangent", "atanh(0.5) -> 0.5493061443340548");
}

}  // namespace

void AddTrigonometry(FunctionTable& t) {
  AddRadians(t);
  AddDegrees(t);
  AddHyperbolic(t);
}

}  // namespace streamrun
