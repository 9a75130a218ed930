#include "core/window/given_groups.h"

#include <algorithm>

namespace streamrun {

GivenGroups::GivenGroups(std::vector<DataType> key_types)
    : key_types_(std::move(key_types)), keys_(key_types_) {}

void GivenGroups::Add(const std::vector<ColumnPtr>& keys, const Column& until) {
  std::vector<uint64_t> hashes;
  keys_.Hash(keys, until.length(), &hashes);
  std::vector<uint32_t> slots(static_cast<size_t>(until.length()));
  keys_.FindOrInsert(keys, hashes, nullptr, until.length(), slots.data());
  until_.resize(keys_.slots(), kMinTimestamp);
  for (size_t i = 0; i < slots.size(); ++i) {
    until_[slots[i]] = std::max(until_[slots[i]], until.values<int64_t>()[i]);
    latest_ = std::max(latest_, until_[slots[i]]);
  }
}

std::vector<int64_t> GivenGroups::Until(const std::vector<ColumnPtr>& keys, int64_t count,
                                        Timestamp least) const {
  std::vector<int64_t> all(static_cast<size_t>(count), least);
  if (latest_ <= least) return all;
  std::vector<uint64_t> hashes;
  keys_.Hash(keys, count, &hashes);
  std::vector<uint32_t> slots(all.size());
  keys_.Find(keys, hashes, nullptr, count, slots.data());
  for (size_t i = 0; i < all.size(); ++i) {
    if (slots[i] != KeyTable::kNone) all[i] = std::max(least, until_[slots[i]]);
  }
  return all;
}

void GivenGroups::TakeOut(const GroupTable& table, Timestamp window_end, std::vector<uint32_t>* slots) const {
  if (latest_ < window_end) return;
  const std::vector<int64_t> until =
      Until(table.keys().Gather(*slots), static_cast<int64_t>(slots->size()), kMinTimestamp);
  size_t kept = 0;
  for (size_t i = 0; i < slots->size(); ++i) {
    if (until[i] < window_end) (*slots)[kept++] = (*slots)[i];
  }
  slots->resize(kept);
}

void GivenGroups::Forget(Timestamp end) {
  if (latest_ == kMinTimestamp || latest_ > end) return;
  keys_ = KeyTable(key_types_);
  until_ = {};
  latest_ = kMinTimestamp;
}

}  // namespace streamrun
