// Unicode 14.0's decompositions, the version PostgreSQL 15 has. Hangul syllables are computed instead.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamrun {

/// Canonical combining class, not 0, of [first, last].
struct CombiningRange {
  char32_t first;
  char32_t last;
  uint8_t combining;
};
/// Full decomposition of `code`: `count` characters of the ...Text array from `at`.
struct Decomposition {
  char32_t code;
  uint16_t at;
  uint16_t count;
};
/// What two characters compose to.
struct Composition {
  char32_t first;
  char32_t second;
  char32_t composed;
};

// All sorted by their first members.
extern const CombiningRange kCombining[];
extern const size_t kCombiningSize;
extern const Decomposition kCanonical[];
extern const size_t kCanonicalSize;
extern const char32_t kCanonicalText[];
extern const size_t kCanonicalTextSize;
/// Only where it differs from the canonical one.
extern const Decomposition kCompatible[];
extern const size_t kCompatibleSize;
extern const char32_t kCompatibleText[];
extern const size_t kCompatibleTextSize;
extern const Composition kCompositions[];
extern const size_t kCompositionsSize;

}  // namespace streamrun
