// Roots, exponentials, logarithms and powers of numeric values, with PostgreSQL's result scales.
//
// The value is computed with MPFR to far more digits than numeric has and then rounded, half away from zero,
// to the scale that PostgreSQL 15 selects from the decimal weight of its operands and result (at least 16
// significant digits, never below an operand's scale). Where 38 digits do not hold that scale it is lowered.
// Functions are pure and thread-safe; Status is InvalidArgument with PostgreSQL's message.
#pragma once

#include <cstdint>

#include "core/base/status.h"
#include "core/data/numeric.h"

namespace streamrun {

/// "cannot take square root of a negative number".
Result<Numeric> NumericSqrt(const Numeric& a);
Result<Numeric> NumericExp(const Numeric& a);
/// "cannot take logarithm of zero", "cannot take logarithm of a negative number".
Result<Numeric> NumericLn(const Numeric& a);
/// Logarithm of `a` to `base`; also "division by zero" where base is 1.
Result<Numeric> NumericLog(const Numeric& base, const Numeric& a);
/// POSIX rules for NaN and infinity; "zero raised to a negative power is undefined", "a negative number
/// raised to a non-integer power yields a complex result".
Result<Numeric> NumericPower(const Numeric& base, const Numeric& exponent);

/// "factorial of a negative number is undefined".
Result<Numeric> NumericFactorial(int64_t n);
/// Not negative; scale: the larger one. NaN where an operand is not finite.
Result<Numeric> NumericGcd(const Numeric& a, const Numeric& b);
Result<Numeric> NumericLcm(const Numeric& a, const Numeric& b);

/// Which of `count` equal parts of low..high the value falls in, 1 for the first: all are finite, low is not
/// high, the value is not below (above, where low is the larger) low nor at or beyond high. As in PostgreSQL
/// 15 the quotient is rounded to its scale, so that a value close to `high` may be given the bucket behind
/// the last.
int64_t NumericBucket(const Numeric& value, const Numeric& low, const Numeric& high, int32_t count);

}  // namespace streamrun
