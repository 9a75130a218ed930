#include "core/expr/functions/ip_set.h"

#include <algorithm>
#include <numeric>

#include "core/data/text_io.h"

namespace streamrun {

namespace {

// First and last address of a network, and whether they are IPv4.
struct Range {
  bool four;
  Bits128 first;
  Bits128 last;
};

Range RangeOf(const Inet& v) {
  constexpr Bits128 kMapped = Bits128{0xffff} << 32;
  const Bits128 first = InetNumber(v) & ~HostBits(v);
  const Bits128 last = first | HostBits(v);
  if (v.family == 4) return {true, first, last};
  const bool mapped = v.prefix >= 96 && first >> 32 == kMapped >> 32;
  return mapped ? Range{true, first - kMapped, last - kMapped} : Range{false, first, last};
}

}  // namespace

Status IpSet::Add(std::string_view network) {
  SR_ASSIGN_OR_RETURN(const Inet v, ParseInet(network));
  const Range range = RangeOf(v);
  if (range.four) {
    four_.first.push_back(static_cast<uint32_t>(range.first));
    four_.last.push_back(static_cast<uint32_t>(range.last));
  } else {
    six_.first.push_back(range.first);
    six_.last.push_back(range.last);
  }
  return Status::Ok();
}

Status IpSet::AddAll(std::string_view networks) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  size_t at = networks.find_first_not_of(kSeparators);
  while (at != std::string_view::npos) {
    const size_t end = std::min(networks.find_first_of(kSeparators, at), networks.size());
    SR_RETURN_IF_ERROR(Add(networks.substr(at, end - at)));
    at = networks.find_first_not_of(kSeparators, end);
  }
  return Status::Ok();
}

void IpSet::Seal() {
  four_.Seal();
  six_.Seal();
}

bool IpSet::Contains(const Inet& v) const {
  const Range range = RangeOf(v);
  if (!range.four) return six_.Contains(range.first, range.last);
  return four_.Contains(static_cast<uint32_t>(range.first), static_cast<uint32_t>(range.last));
}

template <typename Number>
void IpSet::Ranges<Number>::Seal() {
  std::vector<size_t> order(first.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return first[a] < first[b]; });
  std::vector<Number> starts;
  std::vector<Number> ends;
  for (const size_t i : order) {
    // Joined with the range before when they touch; the last address of all has none behind it.
    const bool touches = !ends.empty() && (first[i] <= ends.back() || first[i] - 1 == ends.back());
    if (touches) {
      ends.back() = std::max(ends.back(), last[i]);
    } else {
      starts.push_back(first[i]);
      ends.push_back(last[i]);
    }
  }
  first = std::move(starts);
  last = std::move(ends);
}

template <typename Number>
bool IpSet::Ranges<Number>::Contains(Number low, Number high) const {
  const auto behind = std::upper_bound(first.begin(), first.end(), low);
  if (behind == first.begin()) return false;
  return high <= last[static_cast<size_t>(behind - first.begin()) - 1];
}

}  // namespace streamrun
