// Operators of network addresses (PostgreSQL manual 9.12, table 9.39); comparisons stand with the others.
#include <algorithm>

#include "core/expr/function.h"
#include "core/expr/functions/inet_bits.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

// `a` lies within network `b`; the strict form wants it smaller.
template <bool kStrict>
bool Within(const Inet& a, const Inet& b) {
  if (a.family != b.family) return false;
  return (kStrict ? a.prefix > b.prefix : a.prefix >= b.prefix) && SamePrefix(a, b, b.prefix);
}
template <bool kStrict>
bool Holds(const Inet& a, const Inet& b) {
  return Within<kStrict>(b, a);
}
bool Overlap(const Inet& a, const Inet& b) {
  return a.family == b.family && SamePrefix(a, b, std::min(a.prefix, b.prefix));
}

Inet Not(const Inet& v) { return InetOf(v.family, v.prefix, ~InetNumber(v)); }

Inet And(Row& row, const Inet& a, const Inet& b) {
  if (a.family != b.family) row.Fail("22023", "cannot AND inet values of different sizes");
  return InetOf(a.family, std::max(a.prefix, b.prefix), InetNumber(a) & InetNumber(b));
}
Inet Or(Row& row, const Inet& a, const Inet& b) {
  if (a.family != b.family) row.Fail("22023", "cannot OR inet values of different sizes");
  return InetOf(a.family, std::max(a.prefix, b.prefix), InetNumber(a) | InetNumber(b));
}

Inet Add(Row& row, const Inet& v, int64_t offset) {
  const Bits128 start = InetNumber(v);
  const Bits128 distance = offset < 0 ? -static_cast<Bits128>(offset) : static_cast<Bits128>(offset);
  const bool fits = offset < 0 ? distance <= start : distance <= AllBits(v) - start;
  if (!fits) row.Fail("22003", "result is out of range");
  return InetOf(v.family, v.prefix, start + static_cast<Bits128>(offset));
}
Inet AddReversed(Row& row, int64_t offset, const Inet& v) { return Add(row, v, offset); }
// PostgreSQL adds the negated number, and the smallest bigint is its own negation.
Inet Subtract(Row& row, const Inet& v, int64_t offset) {
  return Add(row, v, static_cast<int64_t>(-static_cast<uint64_t>(offset)));
}

// PostgreSQL subtracts within the width of the address and takes the top bit for the sign, so the distance of
// IPv6 addresses more than 2^127 apart comes out with the other sign when it fits.
int64_t Distance(Row& row, const Inet& a, const Inet& b) {
  if (a.family != b.family) {
    row.Fail("22023", "cannot subtract inet values of different sizes");
    return 0;
  }
  const auto distance = static_cast<Int128>(InetNumber(a) - InetNumber(b));
  if (distance != static_cast<int64_t>(distance)) row.Fail("22003", "result is out of range");
  return static_cast<int64_t>(distance);
}

void AddContainment(FunctionTable& t) {
  using enum Arg;
  t.push_back({"<<",
               {kInet, kInet},
               kBoolean,
               Rows<Within<true>>,
               "lies within the network and is smaller",
               "'192.168.1.5'::inet << '192.168.1.0/24'::inet -> t",
               kTotal});
  t.push_back({"<<=",
               {kInet, kInet},
               kBoolean,
               Rows<Within<false>>,
               "lies within the network or is it",
               "'192.168.1.0/24'::inet <<= '192.168.1.0/24'::inet -> t",
               kTotal});
  t.push_back({">>",
               {kInet, kInet},
               kBoolean,
               Rows<Holds<true>>,
               "holds the smaller network",
               "'192.168.1.0/24'::inet >> '192.168.1.5'::inet -> t",
               kTotal});
  t.push_back({">>=",
               {kInet, kInet},
               kBoolean,
               Rows<Holds<false>>,
               "holds the network or is it",
               "'192.168.1.0/24'::inet >>= '192.168.1.0/24'::inet -> t",
               kTotal});
  t.push_back({"&&",
               {kInet, kInet},
               kBoolean,
               Rows<Overlap>,
               "one of the networks holds the other or is it",
               "'192.168.1.0/24'::inet && '192.168.1.80/28'::inet -> t",
               kTotal});
}

}  // namespace

void AddInetOperators(FunctionTable& t) {
  using enum Arg;
  AddContainment(t);
  t.push_back({"~",
               {kInet},
               kInet,
               Rows<Not>,
               "every bit of the address inverted",
               "~ '192.168.1.6'::inet -> 63.87.254.249",
               kTotal});
  t.push_back({"&",
               {kInet, kInet},
               kInet,
               Rows<And>,
               "the bits that are 1 in both addresses",
               "'192.168.1.6'::inet & '0.0.0.255'::inet -> 0.0.0.6"});
  t.push_back({"|",
               {kInet, kInet},
               kInet,
               Rows<Or>,
               "the bits that are 1 in one of the addresses",
               "'192.168.1.6'::inet | '0.0.0.255'::inet -> 192.168.1.255"});
  t.push_back({"+",
               {kInet, kBigint},
               kInet,
               Rows<Add>,
               "the address so many further on",
               "'192.168.1.6'::inet + 25 -> 192.168.1.31"});
  t.push_back({"+",
               {kBigint, kInet},
               kInet,
               Rows<AddReversed>,
               "the address so many further on",
               "200 + '::ffff:fff0:1'::inet -> ::ffff:255.240.0.201"});
  t.push_back({"-",
               {kInet, kBigint},
               kInet,
               Rows<Subtract>,
               "the address so many before",
               "'192.168.1.43'::inet - 36 -> 192.168.1.7"});
  t.push_back({"-",
               {kInet, kInet},
               kBigint,
               Rows<Distance>,
               "how many addresses lie between",
               "'192.168.1.43'::inet - '192.168.1.19'::inet -> 24"});
}

}  // namespace streamrun
