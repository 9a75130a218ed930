// Chance without state: number `row` of a stream is a function of seed, stream and row alone, so any instance
// can make any row, in any order, and a replay gives the same rows.
#pragma once

#include <cstdint>

namespace streamrun::generate {

/// The output function of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// 2014).
inline uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

class RandomStream {
 public:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15ull;

  RandomStream(uint64_t seed, uint64_t stream)
      : key_(Mix(Mix(seed + kStep) ^ (stream * 0xd1342543de82ef95ull + 1))) {}

  uint64_t At(uint64_t row) const { return Mix(key_ + row * kStep); }
  /// Several numbers for one row: draw number `draw` of it.
  uint64_t At(uint64_t row, uint64_t draw) const { return Mix(At(row) + (draw + 1) * 0xa0761d6478bd642full); }

 private:
  uint64_t key_;
};

/// 0 <= result < n, n > 0. The bias is below n / 2^64.
inline uint64_t Below(uint64_t random, uint64_t n) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(random) * n) >> 64);
}

/// 0 <= result < 1.
inline double Unit(uint64_t random) { return static_cast<double>(random >> 11) * 0x1p-53; }

}  // namespace streamrun::generate
