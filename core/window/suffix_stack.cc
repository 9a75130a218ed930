#include "core/window/suffix_stack.h"

#include <algorithm>
#include <numeric>

namespace streamrun {

namespace {

using Walk = std::vector<const HeldSlices::value_type*>;

constexpr size_t kMostParts = 16;

size_t Parts(const Walk& walk, uint32_t groups) {
  size_t states = 0;
  for (const auto* held : walk) states += held->second.to.size();
  return std::clamp(states / std::max(groups, 1u), size_t{2}, kMostParts);
}

std::vector<uint32_t> UpTo(uint32_t count) {
  std::vector<uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

}  // namespace

SuffixStack::SuffixStack(const AggregationPlan& plan, std::vector<size_t> calls)
    : plan_(plan), calls_(std::move(calls)) {}

void SuffixStack::Reset() {
  cut_ = cut_again_ = false;
  newer_.clear();
  suffixes_.clear();
  spare_.clear();
  changed_ = std::vector<uint32_t>();  // without the old memory
  is_changed_ = std::vector<bool>();
}

SuffixStack::States SuffixStack::NewStates(uint32_t groups) const {
  States states;
  for (const size_t call : calls_) states.push_back(plan_.calls[call].Make());
  Resize(states, groups);
  return states;
}

void SuffixStack::Resize(States& states, uint32_t groups) {
  for (const auto& accumulator : states) accumulator->Resize(groups);
}

SuffixStack::States SuffixStack::Copy(const States& states, const std::vector<uint32_t>& all) {
  const auto groups = static_cast<uint32_t>(all.size());
  States copy;
  if (spare_.empty()) {
    copy = NewStates(groups);
  } else {
    copy = std::move(spare_.back());
    spare_.pop_back();
    Resize(copy, groups);
  }
  for (size_t i = 0; i < copy.size(); ++i) copy[i]->Assign(*states[i], {groups, nullptr, all.data()});
  return copy;
}

void SuffixStack::DropLast() {
  if (spare_.size() < kMostParts) spare_.push_back(std::move(suffixes_.back().states));
  suffixes_.pop_back();
}

void SuffixStack::Push(const HeldSlice& held, uint32_t groups) {
  if (!cut_) return;
  Resize(newer_, groups);
  for (size_t i = 0; i < calls_.size(); ++i) {
    newer_[i]->MergeFrom(held.slice->table.states(calls_[i]), held.pairs());
  }
}

void SuffixStack::Pop(Timestamp slice, const HeldSlice& held) {
  if (calls_.empty()) return;
  if (!cut_ || slice >= pivot_) cut_again_ = true;
  Change(held.to);
}

void SuffixStack::Change(const std::vector<uint32_t>& groups) {
  if (cut_again_) return;  // all will be
  for (const uint32_t group : groups) {
    if (group >= is_changed_.size()) is_changed_.resize(group + 1, false);
    if (is_changed_[group]) continue;
    is_changed_[group] = true;
    changed_.push_back(group);
  }
}

std::vector<SuffixStack::States*> SuffixStack::Holding(Timestamp slice, uint32_t groups) {
  std::vector<States*> holding;
  if (!cut_) return holding;
  if (slice >= pivot_) {
    holding.push_back(&newer_);
  } else {
    for (Suffix& suffix : suffixes_) {
      if (suffix.from <= slice) holding.push_back(&suffix.states);
    }
  }
  for (States* states : holding) Resize(*states, groups);
  return holding;
}

void SuffixStack::Feed(Timestamp slice, const GroupInput& input, const GroupedRows& rows, bool retract,
                       uint32_t groups) {
  for (States* states : Holding(slice, groups)) {
    for (size_t i = 0; i < calls_.size(); ++i) {
      const GroupedRows chosen = filtered_.Of(rows, input.filter(calls_[i]));
      const std::vector<ColumnPtr>& columns = input.inputs(calls_[i]);
      retract ? (*states)[i]->Retract(columns, chosen) : (*states)[i]->Add(columns, chosen);
    }
  }
}

void SuffixStack::Load(Timestamp slice, const std::vector<ColumnPtr>& columns, const GroupedRows& rows,
                       uint32_t groups) {
  for (States* states : Holding(slice, groups)) {
    size_t at = plan_.key_types.size();
    size_t mine = 0;
    for (size_t call = 0; call < plan_.calls.size() && mine < calls_.size(); ++call) {
      const size_t width = plan_.calls[call].StateTypes().size();
      if (calls_[mine] == call) (*states)[mine++]->Merge({columns.data() + at, width}, rows);
      at += width;
    }
  }
}

// What lies behind the pivot belongs before the next one: every group's state is to be put together anew.
void SuffixStack::Cut(Timestamp end, const GroupTable& table) {
  cut_ = true;
  cut_again_ = false;
  pivot_ = end;
  suffixes_.clear();
  newer_ = NewStates(table.keys().slots());
  changed_ = table.keys().Live();
  is_changed_.assign(table.keys().slots(), false);
}

// Walks back from the nearest suffix (or the pivot) to `from`, keeping the states at the bounds of equal
// parts. Few parts mean that slices are merged more often, many that more is copied: as many as cost no more
// to copy than the walk itself.
void SuffixStack::MakeSuffixes(Timestamp from, const HeldSlices& held, uint32_t groups) {
  const Timestamp limit = suffixes_.empty() ? pivot_ : suffixes_.back().from;
  Walk walk;
  for (auto it = held.lower_bound(from); it != held.end() && it->first < limit; ++it) walk.push_back(&*it);
  if (walk.empty()) return;
  const std::vector<uint32_t> all = UpTo(groups);
  if (!suffixes_.empty()) Resize(suffixes_.back().states, groups);
  States running = suffixes_.empty() ? NewStates(groups) : Copy(suffixes_.back().states, all);
  const size_t parts = Parts(walk, groups);
  const size_t stride = (walk.size() + parts - 1) / parts;
  for (size_t left = walk.size(); left-- > 0;) {
    const HeldSlice& slice = walk[left]->second;
    for (size_t i = 0; i < calls_.size(); ++i) {
      running[i]->MergeEarlier(slice.slice->table.states(calls_[i]), slice.pairs());
    }
    if (left != 0 && left % stride == 0) suffixes_.push_back({walk[left]->first, Copy(running, all)});
  }
  suffixes_.push_back({walk[0]->first, std::move(running)});
}

void SuffixStack::Recompute(GroupTable& table) {
  std::erase_if(changed_, [&](uint32_t group) { return !table.keys().Holds(group); });
  const uint32_t groups = table.keys().slots();
  const SlotPairs pairs{static_cast<int64_t>(changed_.size()), changed_.data(), changed_.data()};
  std::vector<States*> parts;
  if (!suffixes_.empty()) parts.push_back(&suffixes_.back().states);
  parts.push_back(&newer_);
  for (States* part : parts) Resize(*part, groups);
  for (size_t i = 0; i < calls_.size(); ++i) {
    Accumulator& states = table.states(calls_[i]);
    states.Assign(*(*parts.front())[i], pairs);
    if (parts.size() > 1) states.MergeFrom(*(*parts.back())[i], pairs);
  }
}

void SuffixStack::Settle(const Window& window, const HeldSlices& held, GroupTable& table) {
  if (cut_again_) Cut(window.end, table);
  if (changed_.empty()) return;
  for (const uint32_t group : changed_) is_changed_[group] = false;
  while (!suffixes_.empty() && suffixes_.back().from < window.start) DropLast();
  if (window.start < pivot_) MakeSuffixes(window.start, held, table.keys().slots());
  Recompute(table);
  changed_.clear();
}

size_t SuffixStack::MemoryBytes() const {
  size_t bytes = changed_.capacity() * 4 + is_changed_.capacity() / 8;
  const auto add = [&](const States& states) {
    for (const auto& accumulator : states) bytes += accumulator->MemoryBytes();
  };
  add(newer_);
  for (const States& states : spare_) add(states);
  for (const Suffix& suffix : suffixes_) add(suffix.states);
  return bytes;
}

}  // namespace streamrun
