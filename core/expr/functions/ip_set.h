// A set of networks as sorted ranges of addresses: a look-up is one binary search, whatever their number.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/data/type.h"
#include "core/expr/functions/inet_bits.h"

namespace streamrun {

/// IPv4 addresses mapped into IPv6 (::ffff:0:0/96) count as the IPv4 addresses that they stand for, so that
/// the address of a dual-stack socket is found in an IPv4 network. Immutable after Seal; then thread-safe.
class IpSet {
 public:
  /// One network or address in PostgreSQL's inet form; host bits do not matter.
  Status Add(std::string_view network);
  /// Networks separated by commas or white space.
  Status AddAll(std::string_view networks);
  /// Call once, after the last Add.
  void Seal();

  /// Every address of `v` is in one of the networks.
  bool Contains(const Inet& v) const;

 private:
  // Sorted, neither overlapping nor adjacent once sealed.
  template <typename Number>
  struct Ranges {
    std::vector<Number> first;
    std::vector<Number> last;
    void Seal();
    bool Contains(Number low, Number high) const;
  };
  Ranges<uint32_t> four_;
  Ranges<Bits128> six_;
};

}  // namespace streamrun
