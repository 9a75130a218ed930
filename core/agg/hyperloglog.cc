#include "core/agg/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace streamrun {

namespace {

constexpr int kRankBits = 6;
// Bits of the hash below the buckets of the dense form, and the largest rank they give.
constexpr int kValueBits = 64 - HyperLogLog::kBits;

uint32_t BucketOf(uint32_t entry) { return entry >> kRankBits; }
uint32_t RankOf(uint32_t entry) { return entry & ((1u << kRankBits) - 1); }

// Ertl, equations for zero registers and for saturated ones.
double Sigma(double x) {
  if (x == 1) return INFINITY;
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}
double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void HyperLogLog::Add(uint64_t hash) {
  const auto bucket = static_cast<uint32_t>(hash >> (64 - kSparseBits));
  const int zeros = std::countl_zero((hash << kSparseBits) | (uint64_t{1} << (kSparseBits - 1)));
  AddEntry((bucket << kRankBits) | static_cast<uint32_t>(zeros + 1));
}

void HyperLogLog::AddEntry(uint32_t entry) {
  if (!registers_.empty()) return AddToRegister(entry);
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), BucketOf(entry) << kRankBits);
  if (at != entries_.end() && BucketOf(*at) == BucketOf(entry)) {
    *at = std::max(*at, entry);
    return;
  }
  entries_.insert(at, entry);
  if (entries_.size() > kSparse) MakeDense();
}

void HyperLogLog::AddToRegister(uint32_t entry) {
  constexpr int kMore = kSparseBits - kBits;
  const uint32_t bucket = BucketOf(entry);
  const uint32_t rest = bucket & ((1u << kMore) - 1);
  const uint32_t rank = rest != 0 ? static_cast<uint32_t>(kMore - std::bit_width(rest)) + 1
                                  : static_cast<uint32_t>(kMore) + RankOf(entry);
  uint8_t& slot = registers_[bucket >> kMore];
  slot = std::max(slot, static_cast<uint8_t>(rank));
}

void HyperLogLog::MakeDense() {
  registers_.assign(kRegisters, 0);
  for (const uint32_t entry : entries_) AddToRegister(entry);
  std::vector<uint32_t>().swap(entries_);
}

void HyperLogLog::Merge(const HyperLogLog& other) {
  for (const uint32_t entry : other.entries_) AddEntry(entry);
  if (other.registers_.empty()) return;
  if (registers_.empty()) MakeDense();
  for (uint32_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

double HyperLogLog::Estimate() const {
  if (registers_.empty()) {
    constexpr double kBuckets = 1u << kSparseBits;
    return -kBuckets * std::log1p(-static_cast<double>(entries_.size()) / kBuckets);
  }
  int counts[kValueBits + 2] = {};
  for (const uint8_t rank : registers_) ++counts[std::min<int>(rank, kValueBits + 1)];
  constexpr double m = kRegisters;
  double z = m * Tau(1 - counts[kValueBits + 1] / m);
  for (int k = kValueBits; k >= 1; --k) z = 0.5 * (z + counts[k]);
  z += m * Sigma(counts[0] / m);
  return m / (2 * std::log(2.0)) * m / z;
}

std::string HyperLogLog::Save() const {
  std::string out(1, registers_.empty() ? 's' : 'd');
  if (registers_.empty()) {
    out.append(reinterpret_cast<const char*>(entries_.data()), entries_.size() * sizeof(uint32_t));
  } else {
    out.append(reinterpret_cast<const char*>(registers_.data()), registers_.size());
  }
  return out;
}

HyperLogLog HyperLogLog::Load(std::string_view bytes) {
  HyperLogLog out;
  if (bytes.empty()) return out;
  const std::string_view body = bytes.substr(1);
  if (bytes[0] == 'd' && body.size() == kRegisters) {
    out.registers_.assign(body.begin(), body.end());
  } else if (bytes[0] == 's' && body.size() % 4 == 0 && body.size() <= kSparse * 4) {
    out.entries_.resize(body.size() / 4);
    if (!body.empty()) std::memcpy(out.entries_.data(), body.data(), body.size());
  }
  return out;
}

}  // namespace streamrun
