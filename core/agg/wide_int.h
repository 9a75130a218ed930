// Integers of a fixed number of 64-bit limbs: exact sums of squares of 128-bit values.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/data/type.h"

namespace streamrun {

/// Two's complement, least limb first. Additions wrap; kLimbs is chosen so that they do not.
template <int kLimbs>
struct WideInt {
  uint64_t limbs[kLimbs] = {};

  static WideInt Of(Int128 v) {
    WideInt out;
    const auto bits = static_cast<unsigned __int128>(v);
    for (int i = 0; i < kLimbs; ++i) {
      out.limbs[i] = i == 0 ? static_cast<uint64_t>(bits)
                            : (i == 1 ? static_cast<uint64_t>(bits >> 64) : (v < 0 ? ~uint64_t{0} : 0));
    }
    return out;
  }
  static WideInt Square(Int128 v) {
    const auto magnitude = v < 0 ? -static_cast<unsigned __int128>(v) : static_cast<unsigned __int128>(v);
    WideInt out;
    out.AddProduct(magnitude, static_cast<uint64_t>(magnitude), 0);
    out.AddProduct(magnitude, static_cast<uint64_t>(magnitude >> 64), 1);
    return out;
  }

  void Add(const WideInt& other, bool negate) {
    unsigned __int128 carry = negate ? 1 : 0;
    for (int i = 0; i < kLimbs; ++i) {
      carry += static_cast<unsigned __int128>(limbs[i]) + (negate ? ~other.limbs[i] : other.limbs[i]);
      limbs[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
  }
  /// Times 10^power.
  void Scale(int power) {
    for (; power > 0; --power) {
      unsigned __int128 carry = 0;
      for (uint64_t& limb : limbs) {
        carry += static_cast<unsigned __int128>(limb) * 10;
        limb = static_cast<uint64_t>(carry);
        carry >>= 64;
      }
    }
  }
  bool negative() const { return limbs[kLimbs - 1] >> 63; }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(limbs), sizeof(limbs)}; }
  /// What bytes() gave.
  static WideInt FromBytes(std::string_view bytes) {
    WideInt out;
    std::memcpy(out.limbs, bytes.data(), bytes.size() < sizeof(limbs) ? bytes.size() : sizeof(limbs));
    return out;
  }

 private:
  void AddProduct(unsigned __int128 a, uint64_t b, int at) {
    const unsigned __int128 low = static_cast<unsigned __int128>(static_cast<uint64_t>(a)) * b;
    const unsigned __int128 high = (a >> 64) * b + (low >> 64);
    const uint64_t parts[3] = {static_cast<uint64_t>(low), static_cast<uint64_t>(high),
                               static_cast<uint64_t>(high >> 64)};
    unsigned __int128 carry = 0;
    for (int i = at; i < kLimbs; ++i) {
      carry += limbs[i];
      if (i - at < 3) carry += parts[i - at];
      limbs[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
  }
};

}  // namespace streamrun
