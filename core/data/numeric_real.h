// One MPFR number of 512 bits that lives on the stack, and the way from numeric to it and back.
#pragma once

#include <mpfr.h>

#include "core/base/status.h"
#include "core/data/numeric.h"

namespace streamrun {

/// 154 decimal digits: 38 for the result, 38 that a power's exponent may magnify an error by, and as many as
/// make a tie of the rounding recognisable.
class Real {
 public:
  static constexpr mpfr_prec_t kBits = 512;

  Real() {
    mpfr_custom_init(limbs_, kBits);
    mpfr_custom_init_set(value_, MPFR_ZERO_KIND, 0, kBits, limbs_);
  }
  /// Exact but for the division by the scale's power of ten.
  explicit Real(const Numeric& finite);
  Real(const Real&) = delete;
  Real& operator=(const Real&) = delete;

  mpfr_ptr get() { return value_; }
  mpfr_srcptr get() const { return value_; }
  double ToDouble() const { return mpfr_get_d(value_, MPFR_RNDN); }

  /// Times 10^power.
  void Shift(int power);
  /// Rounds to `scale` digits after the point, half away from zero, in place.
  void RoundTo(int scale);
  /// The nearest numeric of `scale`, or of the largest scale below it that 38 digits allow. What is nearer to
  /// a tie than the error of the computation is a tie and goes away from zero.
  Result<Numeric> ToNumeric(int scale) const;

 private:
  mpfr_t value_;
  mp_limb_t limbs_[kBits / (8 * sizeof(mp_limb_t))];
};

}  // namespace streamrun
