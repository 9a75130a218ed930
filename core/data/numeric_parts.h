// Looking into a numeric: what the files of its arithmetic share.
#pragma once

#include "core/data/numeric.h"

namespace streamrun::numeric_parts {

inline UInt128 Magnitude(Int128 v) {
  return v < 0 ? UInt128{0} - static_cast<UInt128>(v) : static_cast<UInt128>(v);
}
inline bool Finite(const Numeric& a) { return a.kind == Numeric::kFinite; }
inline bool IsNaN(const Numeric& a) { return a.kind == Numeric::kNaN; }
inline int SignOf(const Numeric& a) {
  if (!Finite(a)) return a.kind == Numeric::kNegativeInfinity ? -1 : 1;
  const Int128 c = a.coefficient();
  return (c > 0) - (c < 0);
}

}  // namespace streamrun::numeric_parts
