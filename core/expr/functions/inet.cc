// Functions of network addresses (PostgreSQL manual 9.12, table 9.40).
//
// There is no type cidr: where PostgreSQL gives one (network, inet_merge) the result is the inet value with
// the same address and prefix length.
#include <algorithm>
#include <bit>
#include <string>

#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/inet_bits.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

int32_t Family(const Inet& v) { return v.family; }
int32_t MaskLength(const Inet& v) { return v.prefix; }

Inet Broadcast(const Inet& v) { return InetOf(v.family, v.prefix, InetNumber(v) | HostBits(v)); }
Inet Network(const Inet& v) { return InetOf(v.family, v.prefix, InetNumber(v) & ~HostBits(v)); }
Inet Netmask(const Inet& v) { return InetOf(v.family, InetWidth(v), AllBits(v) & ~HostBits(v)); }
Inet Hostmask(const Inet& v) { return InetOf(v.family, InetWidth(v), HostBits(v)); }

// A length of -1 stands for the whole address.
Inet SetMaskLength(Row& row, const Inet& v, int32_t length) {
  Inet out = v;
  if (length < -1 || length > InetWidth(v)) {
    row.Fail("22023", "invalid mask length: " + std::to_string(length));
    return out;
  }
  out.prefix = static_cast<uint8_t>(length < 0 ? InetWidth(v) : length);
  return out;
}

bool SameFamily(const Inet& a, const Inet& b) { return a.family == b.family; }

// Leading bits that two addresses of one family share.
int CommonBits(const Inet& a, const Inet& b) {
  const Bits128 difference = InetNumber(a) ^ InetNumber(b);
  const auto high = static_cast<uint64_t>(difference >> 64);
  const int zeros =
      high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(difference));
  return zeros - (128 - InetWidth(a));
}

Inet Merge(Row& row, const Inet& a, const Inet& b) {
  if (a.family != b.family) {
    row.Fail("22023", "cannot merge addresses from different families");
    return a;
  }
  Inet out = a;
  out.prefix = static_cast<uint8_t>(
      std::min({CommonBits(a, b), static_cast<int>(a.prefix), static_cast<int>(b.prefix)}));
  return Network(out);
}

void Host(Row&, TextSink& out, const Inet& v) {
  Inet whole = v;
  whole.prefix = static_cast<uint8_t>(InetWidth(v));
  std::string text;
  PrintInet(whole, text);
  out.Append(text);
}

void Abbreviate(Row&, TextSink& out, const Inet& v) {
  std::string text;
  PrintInet(v, text);
  out.Append(text);
}

void AddParts(FunctionTable& t) {
  using enum Arg;
  t.push_back({"family", {kInet}, kInteger, Rows<Family>, "4 or 6", "family('::1'::inet) -> 6", kTotal});
  t.push_back({"host",
               {kInet},
               kText,
               Rows<Host>,
               "the address without its prefix length",
               "host('192.168.1.5/24'::inet) -> 192.168.1.5",
               kTotal});
  t.push_back({"abbrev",
               {kInet},
               kText,
               Rows<Abbreviate>,
               "the address as text, with its prefix length where that is not the whole address",
               "abbrev('10.1.0.0/16'::inet) -> 10.1.0.0/16",
               kTotal});
  t.push_back({"masklen",
               {kInet},
               kInteger,
               Rows<MaskLength>,
               "the prefix length",
               "masklen('192.168.1.5/24'::inet) -> 24",
               kTotal});
}

}  // namespace

void AddInet(FunctionTable& t) {
  using enum Arg;
  AddParts(t);
  t.push_back({"network",
               {kInet},
               kInet,
               Rows<Network>,
               "the network: the address with the host's bits 0",
               "network('192.168.1.5/24'::inet) -> 192.168.1.0/24",
               kTotal});
  t.push_back({"broadcast",
               {kInet},
               kInet,
               Rows<Broadcast>,
               "the broadcast address: the host's bits 1",
               "broadcast('192.168.1.5/24'::inet) -> 192.168.1.255/24",
               kTotal});
  t.push_back({"netmask",
               {kInet},
               kInet,
               Rows<Netmask>,
               "ones in the network's bits",
               "netmask('192.168.1.5/24'::inet) -> 255.255.255.0",
               kTotal});
  t.push_back({"hostmask",
               {kInet},
               kInet,
               Rows<Hostmask>,
               "ones in the host's bits",
               "hostmask('192.168.23.20/30'::inet) -> 0.0.0.3",
               kTotal});
  t.push_back({"set_masklen",
               {kInet, kInteger},
               kInet,
               Rows<SetMaskLength>,
               "the same address with another prefix length, -1 for the whole address",
               "set_masklen('192.168.1.5/24'::inet, 16) -> 192.168.1.5/16"});
  t.push_back({"inet_same_family",
               {kInet, kInet},
               kBoolean,
               Rows<SameFamily>,
               "true when both are IPv4 or both IPv6",
               "inet_same_family('192.168.1.5/24'::inet, '::1'::inet) -> f",
               kTotal});
  t.push_back({"inet_merge",
               {kInet, kInet},
               kInet,
               Rows<Merge>,
               "the smallest network that holds both",
               "inet_merge('192.168.1.5/24'::inet, '192.168.2.5/24'::inet) -> 192.168.0.0/22"});
}

}  // namespace streamrun
