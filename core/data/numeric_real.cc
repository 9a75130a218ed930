#include "core/data/numeric_real.h"

#include <algorithm>

namespace streamrun {

namespace {

// MPFR keeps the constants it has computed (pi, ln 2) per thread; this gives them back when the thread ends.
struct ConstantCache {
  ~ConstantCache() { mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE); }
};

constexpr mpfr_rnd_t kNearest = MPFR_RNDN;

}  // namespace

Real::Real(const Numeric& finite) : Real() {
  thread_local const ConstantCache cache;
  (void)cache;
  const Int128 c = finite.coefficient();
  const UInt128 magnitude = c < 0 ? UInt128{0} - static_cast<UInt128>(c) : static_cast<UInt128>(c);
  mpfr_set_ui(value_, static_cast<unsigned long>(magnitude >> 64), kNearest);
  mpfr_mul_2ui(value_, value_, 64, kNearest);
  mpfr_add_ui(value_, value_, static_cast<unsigned long>(magnitude), kNearest);
  if (c < 0) mpfr_neg(value_, value_, kNearest);
  Shift(-finite.scale);
}

void Real::Shift(int power) {
  if (power == 0) return;
  Real ten;
  mpfr_ui_pow_ui(ten.get(), 10, static_cast<unsigned long>(std::abs(power)), kNearest);
  if (power > 0) {
    mpfr_mul(value_, value_, ten.get(), kNearest);
  } else {
    mpfr_div(value_, value_, ten.get(), kNearest);
  }
}

void Real::RoundTo(int scale) {
  Shift(scale);
  mpfr_round(value_, value_);
  Shift(-scale);
}

Result<Numeric> Real::ToNumeric(int scale) const {
  // 2^127 is beyond 38 digits, whatever the scale.
  if (mpfr_inf_p(value_) || (mpfr_regular_p(value_) && mpfr_get_exp(value_) > 127)) return NumericOverflow();
  for (scale = std::min(scale, kNumericDigits); scale >= 0; --scale) {
    Real scaled;
    mpfr_abs(scaled.get(), value_, kNearest);
    scaled.Shift(scale);
    if (mpfr_regular_p(scaled.get()) && mpfr_get_exp(scaled.get()) > 127) continue;
    Real half;
    mpfr_set_d(half.get(), 0x1p-200, kNearest);
    mpfr_add_d(half.get(), half.get(), 0.5, kNearest);
    mpfr_add(scaled.get(), scaled.get(), half.get(), kNearest);
    mpfr_floor(scaled.get(), scaled.get());
    mpfr_div_2ui(half.get(), scaled.get(), 64, kNearest);
    const UInt128 high = mpfr_get_ui(half.get(), MPFR_RNDZ);
    mpfr_floor(half.get(), half.get());
    mpfr_mul_2ui(half.get(), half.get(), 64, kNearest);
    mpfr_sub(scaled.get(), scaled.get(), half.get(), kNearest);
    const UInt128 magnitude = (high << 64) | mpfr_get_ui(scaled.get(), MPFR_RNDZ);
    if (magnitude >= static_cast<UInt128>(PowerOfTen(kNumericDigits))) continue;
    const auto c = static_cast<Int128>(magnitude);
    return Numeric::Of(mpfr_signbit(value_) ? -c : c, scale);
  }
  return NumericOverflow();
}

}  // namespace streamrun
