// Sums of doubles to twice their precision, so that neither the order of rows, nor where they were summed
// first, nor rows taken back show in the result.
#pragma once

#include <cmath>
#include <cstdint>

namespace streamrun {

/// hi + lo, |lo| at most half a unit in the last place of hi: about 106 bits. Knuth's two-sum, Dekker's
/// product; Joldes, Muller and Popescu, "Tight and rigorous error bounds for basic building blocks of
/// double-word arithmetic" (2017).
struct TwoDouble {
  double hi = 0;
  double lo = 0;

  double value() const { return hi + lo; }

  static TwoDouble Sum(double a, double b) {
    const double s = a + b;
    const double t = s - a;
    return {s, (a - (s - t)) + (b - t)};
  }
  static TwoDouble Product(double a, double b) {
    const double p = a * b;
    const Halves x(a);
    const Halves y(b);
    return {p, ((x.high * y.high - p) + x.high * y.low + x.low * y.high) + x.low * y.low};
  }

  TwoDouble operator-() const { return {-hi, -lo}; }
  friend TwoDouble operator+(const TwoDouble& a, const TwoDouble& b) {
    const TwoDouble s = Sum(a.hi, b.hi);
    const TwoDouble t = Sum(a.lo, b.lo);
    const TwoDouble v = Quick(s.hi, s.lo + t.hi);
    return Quick(v.hi, t.lo + v.lo);
  }
  friend TwoDouble operator+(const TwoDouble& a, double b) {
    const TwoDouble s = Sum(a.hi, b);
    return Quick(s.hi, s.lo + a.lo);
  }
  friend TwoDouble operator-(const TwoDouble& a, const TwoDouble& b) { return a + -b; }
  friend TwoDouble operator*(const TwoDouble& a, const TwoDouble& b) {
    const TwoDouble p = Product(a.hi, b.hi);
    return Quick(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
  }
  friend TwoDouble operator*(const TwoDouble& a, double b) { return a * TwoDouble{b, 0}; }
  friend TwoDouble operator/(const TwoDouble& a, double b) {
    const double q = a.hi / b;
    const TwoDouble rest = a - Product(q, b);
    return Quick(q, (rest.hi + rest.lo) / b);
  }
  friend TwoDouble operator/(const TwoDouble& a, const TwoDouble& b) {
    const double q = a.hi / b.hi;
    const TwoDouble rest = a - b * q;
    return Quick(q, rest.hi / b.hi);
  }

 private:
  struct Halves {
    double high;
    double low;
    explicit Halves(double a) {
      const double c = 134217729.0 * a;  // 2^27 + 1
      high = c - (c - a);
      low = a - high;
    }
  };
  // |a| >= |b|.
  static TwoDouble Quick(double a, double b) {
    const double s = a + b;
    return {s, b - (s - a)};
  }
};

/// NaN and infinities are counted, so that they can be taken back.
struct SpecialCounts {
  int64_t nan = 0;
  int64_t positive = 0;
  int64_t negative = 0;

  void Change(double value, int64_t by) { (value != value ? nan : (value > 0 ? positive : negative)) += by; }
  void Merge(const SpecialCounts& other) {
    nan += other.nan;
    positive += other.positive;
    negative += other.negative;
  }
  bool any() const { return nan > 0 || positive > 0 || negative > 0; }
  /// What a sum with these is; only when there are any.
  double sum() const {
    if (nan > 0 || (positive > 0 && negative > 0)) return std::nan("");
    return positive > 0 ? INFINITY : -INFINITY;
  }
};

}  // namespace streamrun
