// Sums, products, comparison and rounding of numeric: 128-bit fast paths, 256-bit products behind them.
#include "core/data/numeric.h"
#include "core/data/numeric_parts.h"

#include <algorithm>
#include <array>
#include <limits>

namespace streamrun {

using namespace numeric_parts;  // NOLINT: the private half of this file set

namespace {

constexpr std::array<Int128, kNumericDigits + 1> kPowers = [] {
  std::array<Int128, kNumericDigits + 1> powers{};
  powers[0] = 1;
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

// An unsigned 256-bit number, least limb first: any product of two coefficients.
struct Wide {
  uint64_t limb[4] = {};

  static Wide Product(UInt128 a, UInt128 b) {
    const uint64_t x[2] = {static_cast<uint64_t>(a), static_cast<uint64_t>(a >> 64)};
    const uint64_t y[2] = {static_cast<uint64_t>(b), static_cast<uint64_t>(b >> 64)};
    Wide out;
    for (int i = 0; i < 2; ++i) {
      UInt128 carry = 0;
      for (int j = 0; j < 2; ++j) {
        carry += static_cast<UInt128>(x[i]) * y[j] + out.limb[i + j];
        out.limb[i + j] = static_cast<uint64_t>(carry);
        carry >>= 64;
      }
      out.limb[i + 2] = static_cast<uint64_t>(carry);
    }
    return out;
  }

  int Compare(const Wide& o) const {
    for (int i = 3; i >= 0; --i) {
      if (limb[i] != o.limb[i]) return limb[i] < o.limb[i] ? -1 : 1;
    }
    return 0;
  }
  void Add(const Wide& o) {
    UInt128 carry = 0;
    for (int i = 0; i < 4; ++i) {
      carry += static_cast<UInt128>(limb[i]) + o.limb[i];
      limb[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
  }
  // o <= *this.
  void Subtract(const Wide& o) {
    uint64_t borrow = 0;
    for (int i = 0; i < 4; ++i) {
      const UInt128 d = static_cast<UInt128>(limb[i]) - o.limb[i] - borrow;
      limb[i] = static_cast<uint64_t>(d);
      borrow = static_cast<uint64_t>(d >> 64) & 1;
    }
  }
  uint64_t Divide(uint64_t divisor) {
    UInt128 rest = 0;
    for (int i = 3; i >= 0; --i) {
      rest = (rest << 64) | limb[i];
      limb[i] = static_cast<uint64_t>(rest / divisor);
      rest %= divisor;
    }
    return static_cast<uint64_t>(rest);
  }
  // Divides by 10^digits, half away from zero.
  void RoundOff(int digits) {
    if (digits == 0) return;
    for (int left = digits - 1; left > 0;) {
      const int step = std::min(left, 19);
      Divide(static_cast<uint64_t>(kPowers[static_cast<size_t>(step)]));
      left -= step;
    }
    if (Divide(10) >= 5) Add(Wide{{1, 0, 0, 0}});
  }
  bool Fits() const {
    return limb[2] == 0 && limb[3] == 0 && low() < static_cast<UInt128>(kPowers[kNumericDigits]);
  }
  UInt128 low() const { return (static_cast<UInt128>(limb[1]) << 64) | limb[0]; }
};

// `magnitude` / 10^scale with as much of the fraction as 38 digits hold.
Result<Numeric> Fit(bool negative, const Wide& magnitude, int scale) {
  for (int drop = std::max(0, scale - kNumericDigits); drop <= scale; ++drop) {
    Wide rounded = magnitude;
    rounded.RoundOff(drop);
    if (!rounded.Fits()) continue;
    const auto c = static_cast<Int128>(rounded.low());
    return Numeric::Of(negative ? -c : c, scale - drop);
  }
  return NumericOverflow();
}

bool InRange(Int128 v) { return v < kPowers[kNumericDigits] && v > -kPowers[kNumericDigits]; }

Wide Aligned(const Numeric& a, int scale) {
  return Wide::Product(Magnitude(a.coefficient()), static_cast<UInt128>(PowerOfTen(scale - a.scale)));
}

Result<Numeric> AddSlow(const Numeric& a, const Numeric& b, int scale) {
  const bool negative_a = a.coefficient() < 0;
  const bool negative_b = b.coefficient() < 0;
  Wide x = Aligned(a, scale);
  Wide y = Aligned(b, scale);
  if (negative_a == negative_b) {
    x.Add(y);
    return Fit(negative_a, x, scale);
  }
  if (x.Compare(y) >= 0) {
    x.Subtract(y);
    return Fit(negative_a, x, scale);
  }
  y.Subtract(x);
  return Fit(negative_b, y, scale);
}

// Drops digits behind the point, half away from zero; 64-bit division where it suffices.
Numeric RoundFraction(const Numeric& a, int scale) {
  const int drop = a.scale - scale;
  constexpr int kSmallPower = 18;
  if (NumericIsSmall(a) && drop <= kSmallPower) {
    const auto power = static_cast<int64_t>(kPowers[static_cast<size_t>(drop)]);
    const auto c = static_cast<int64_t>(a.low);
    const int64_t rest = c % power;
    return Numeric::Of(c / power + (rest >= power - rest) - (-rest >= power + rest), scale);
  }
  const auto power = static_cast<UInt128>(kPowers[static_cast<size_t>(drop)]);
  const UInt128 magnitude = Magnitude(a.coefficient());
  const UInt128 rest = magnitude % power;
  const auto c = static_cast<Int128>(magnitude / power + (rest >= power - rest));
  return Numeric::Of(a.high < 0 ? -c : c, scale);
}

}  // namespace

Int128 PowerOfTen(int exponent) { return kPowers[static_cast<size_t>(exponent)]; }

int CountDigits(UInt128 value) {
  const auto end = std::upper_bound(kPowers.begin(), kPowers.end(), value,
                                    [](UInt128 v, Int128 power) { return v < static_cast<UInt128>(power); });
  return static_cast<int>(end - kPowers.begin());
}

Status NumericOverflow() { return Status::InvalidArgument("numeric field overflow"); }

Result<Numeric> NumericAdd(const Numeric& a, const Numeric& b) {
  if (!Finite(a) || !Finite(b)) {
    if (IsNaN(a) || IsNaN(b) || (!Finite(a) && !Finite(b) && a.kind != b.kind)) return NumericNaN();
    return Finite(a) ? b : a;
  }
  const int scale = std::max(a.scale, b.scale);
  Int128 x, y, sum;
  if (!__builtin_mul_overflow(a.coefficient(), PowerOfTen(scale - a.scale), &x) &&
      !__builtin_mul_overflow(b.coefficient(), PowerOfTen(scale - b.scale), &y) &&
      !__builtin_add_overflow(x, y, &sum) && InRange(sum)) {
    return Numeric::Of(sum, scale);
  }
  return AddSlow(a, b, scale);
}

Result<Numeric> NumericSubtract(const Numeric& a, const Numeric& b) {
  return NumericAdd(a, NumericNegate(b));
}

Result<Numeric> NumericMultiply(const Numeric& a, const Numeric& b) {
  if (!Finite(a) || !Finite(b)) {
    const int sign = SignOf(a) * SignOf(b);
    if (IsNaN(a) || IsNaN(b) || sign == 0) return NumericNaN();
    return NumericInfinity(sign < 0);
  }
  const int scale = a.scale + b.scale;
  Int128 product;
  if (scale <= kNumericDigits && !__builtin_mul_overflow(a.coefficient(), b.coefficient(), &product) &&
      InRange(product)) {
    return Numeric::Of(product, scale);
  }
  return Fit((a.coefficient() < 0) != (b.coefficient() < 0),
             Wide::Product(Magnitude(a.coefficient()), Magnitude(b.coefficient())), scale);
}

Numeric NumericNegate(const Numeric& a) {
  if (IsNaN(a)) return a;
  if (!Finite(a)) return NumericInfinity(a.kind == Numeric::kPositiveInfinity);
  return Numeric::Of(-a.coefficient(), a.scale);
}

int NumericCompare(const Numeric& a, const Numeric& b) {
  if (!Finite(a) || !Finite(b)) {
    constexpr int kRank[] = {1, 3, 2, 0};  // finite, NaN, infinity, -infinity
    const int x = kRank[a.kind & 3];
    const int y = kRank[b.kind & 3];
    return (x > y) - (x < y);
  }
  const Int128 x = a.coefficient();
  const Int128 y = b.coefficient();
  const int sign_x = SignOf(a);
  const int sign_y = SignOf(b);
  if (a.scale == b.scale) return (x > y) - (x < y);
  if (sign_x != sign_y) return sign_x < sign_y ? -1 : 1;
  const int scale = std::max(a.scale, b.scale);
  return Aligned(a, scale).Compare(Aligned(b, scale)) * sign_x;
}

Result<Numeric> NumericRound(const Numeric& a, int scale) {
  if (!Finite(a)) return a;
  if (scale >= 0 && scale < a.scale) return RoundFraction(a, scale);
  scale = std::max(scale, -kNumericDigits - 1);
  const int shown = std::clamp(scale, 0, kNumericDigits);
  const bool negative = a.coefficient() < 0;
  if (shown >= a.scale) {
    if (scale >= 0) return Fit(negative, Aligned(a, shown), shown);
  }
  const int drop = a.scale - scale;
  Wide magnitude = Wide::Product(Magnitude(a.coefficient()), 1);
  magnitude.RoundOff(drop);
  if (scale < 0)
    magnitude = Wide::Product(magnitude.low(), static_cast<UInt128>(PowerOfTen(std::min(-scale, 38))));
  return Fit(negative, magnitude, shown);
}

Result<Numeric> NumericTruncate(const Numeric& a, int scale) {
  if (!Finite(a) || scale >= a.scale) return NumericRound(a, scale);
  scale = std::max(scale, -kNumericDigits - 1);
  const int drop = a.scale - scale;
  Int128 c = a.coefficient();
  c = drop > kNumericDigits ? 0 : c / PowerOfTen(drop);
  if (scale < 0 && c != 0) c *= PowerOfTen(std::min(-scale, kNumericDigits));
  return Numeric::Of(c, std::clamp(scale, 0, kNumericDigits));
}

}  // namespace streamrun
