#include "core/agg/best_of_set.h"

#include <algorithm>

#include "core/agg/compare_stored.h"
#include "core/data/selection.h"

namespace streamrun {

namespace {

// Entries that are gone are left alone while they are few.
constexpr int64_t kFewGone = 1024;

std::vector<DataType> WithSlot(const std::vector<DataType>& types) {
  std::vector<DataType> keys = {TypeId::kInteger};
  keys.insert(keys.end(), types.begin(), types.end());
  return keys;
}

}  // namespace

BestOfSet::BestOfSet(const AggregateTypes& types, BestRule rule) : rule_(rule), rows_(WithSlot(types.args)) {}

std::vector<DataType> BestOfSet::States(const AggregateTypes& types) {
  std::vector<DataType> lists;
  for (const DataType& type : types.args) lists.push_back(ListOf(type));
  lists.push_back(ListOf(TypeId::kBigint));
  return lists;
}

void BestOfSet::Resize(uint32_t slots) { heaps_.resize(slots); }

void BestOfSet::Forget(uint32_t row) {
  entries_[row] = {};
  rows_.Erase(row);
}

void BestOfSet::Clear(uint32_t slot) {
  for (const uint32_t row : heaps_[slot]) {
    if (entries_[row].count <= 0) --gone_;
    Forget(row);
  }
  std::vector<uint32_t>().swap(heaps_[slot]);
}

bool BestOfSet::Worse(uint32_t a, uint32_t b) const {
  const int order = CompareSlots(rows_.key(static_cast<size_t>(rule_.by) + 1), a, b);
  if (order != 0) return rule_.largest ? order < 0 : order > 0;
  if (rule_.ties == Ties::kLeastValue && rule_.by != 0) return Less(b, a);
  const bool later = entries_[a].arrival > entries_[b].arrival;
  return rule_.ties == Ties::kLast ? !later : later;
}

// By argument 0; null is the greatest.
bool BestOfSet::Less(uint32_t a, uint32_t b) const {
  const SlotColumn& values = rows_.key(1);
  if (values.IsNull(a)) return false;
  return values.IsNull(b) || CompareSlots(values, a, b) < 0;
}

GroupedRows BestOfSet::Chosen(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  const GroupedRows valued = rule_.needs_value ? PresentRows(*args[0], rows, &value_scratch_) : rows;
  if (rule_.by == 0) return valued;
  return PresentRows(*args[static_cast<size_t>(rule_.by)], valued, &by_scratch_);
}

void BestOfSet::Add(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  Change(args, Chosen(args, rows), {});
}

void BestOfSet::Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  Change(args, Chosen(args, rows), {.by = -1});
}

void BestOfSet::Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) {
  const FlatRows flat = FromLists(states, rows);
  Change({flat.columns.data(), flat.columns.size() - 1}, flat.grouped(),
         {.counts = flat.columns.back().get()});
}

void BestOfSet::MergeEarlier(const Accumulator& other, const SlotPairs& pairs) {
  const std::vector<uint32_t> from = pairs.sources();
  const FlatRows flat =
      FromLists(other.SaveStates(from.data(), pairs.count), {pairs.count, nullptr, pairs.to});
  Change({flat.columns.data(), flat.columns.size() - 1}, flat.grouped(),
         {.counts = flat.columns.back().get(), .earlier = true});
}

void BestOfSet::Change(std::span<const ColumnPtr> args, const GroupedRows& rows, const Step& step) {
  if (rows.count == 0) return;
  Find(args, rows);
  if (step.earlier) first_arrival_ -= rows.count;
  std::vector<uint32_t> moved;
  for (int64_t i = 0; i < rows.count; ++i) {
    const int64_t earlier = first_arrival_ + i;
    const int64_t by = step.counts != nullptr ? step.counts->values<int64_t>()[rows.row(i)] : step.by;
    const bool moves =
        Count(found_[static_cast<size_t>(i)], rows.slots[i], by, step.earlier ? &earlier : nullptr);
    if (moves) moved.push_back(rows.slots[i]);
  }
  OrderAgain(std::move(moved));
  for (int64_t i = 0; gone_ > 0 && i < rows.count; ++i) DropTop(rows.slots[i]);
  if (gone_ > kFewGone && gone_ * 2 > rows_.size()) DropGone();
}

// found_[i] = the entry of the i-th row.
void BestOfSet::Find(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  BufferBuilder slots;
  slots.Append(rows.slots, static_cast<size_t>(rows.count) * sizeof(uint32_t));
  std::vector<ColumnPtr> keys = {
      std::make_shared<const Column>(DataType(TypeId::kInteger), rows.count, 0, nullptr, slots.Finish())};
  Selection chosen;
  for (int64_t i = 0; i < rows.count; ++i) chosen.push_back(static_cast<uint32_t>(rows.row(i)));
  for (const ColumnPtr& arg : args) keys.push_back(Take(arg, chosen));
  rows_.Hash(keys, rows.count, &hashes_);
  found_.resize(static_cast<size_t>(rows.count));
  rows_.FindOrInsert(keys, hashes_, nullptr, rows.count, found_.data());
  entries_.Resize(rows_.slots());
}

// Is its place in the heap another one now? A row that was gone and comes again is as new: it may have been
// forgotten meanwhile (DropTop, a restart).
bool BestOfSet::Count(uint32_t row, uint32_t slot, int64_t by, const int64_t* earlier) {
  Entry& entry = entries_[row];
  const bool was_known = entry.known;
  const bool was_gone = was_known && entry.count <= 0;
  const bool arrives = !was_known || entry.count == 0 || earlier != nullptr;
  entry.count += by;
  gone_ += (entry.count <= 0 ? 1 : 0) - (was_gone ? 1 : 0);
  if (!arrives) return false;
  entry.known = true;
  entry.arrival = earlier != nullptr ? *earlier : ++last_arrival_;
  if (was_known) return rule_.ties != Ties::kLeastValue;
  std::vector<uint32_t>& heap = heaps_[slot];
  heap.push_back(row);
  std::push_heap(heap.begin(), heap.end(), [this](uint32_t a, uint32_t b) { return Worse(a, b); });
  return false;
}

void BestOfSet::OrderAgain(std::vector<uint32_t> slots) {
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  for (const uint32_t slot : slots) {
    std::vector<uint32_t>& heap = heaps_[slot];
    std::make_heap(heap.begin(), heap.end(), [this](uint32_t a, uint32_t b) { return Worse(a, b); });
  }
}

// Rows that were taken back before they came (count below zero) must be remembered, so they stay in the heap
// as long as they are not at the top; there they are put behind all others.
void BestOfSet::DropTop(uint32_t slot) {
  const auto worse = [this](uint32_t a, uint32_t b) { return Worse(a, b); };
  std::vector<uint32_t>& heap = heaps_[slot];
  std::vector<uint32_t> owed;
  while (!heap.empty() && entries_[heap.front()].count <= 0) {
    std::pop_heap(heap.begin(), heap.end(), worse);
    const uint32_t row = heap.back();
    heap.pop_back();
    if (entries_[row].count < 0) {
      owed.push_back(row);
      continue;
    }
    --gone_;
    Forget(row);
  }
  for (const uint32_t row : owed) {
    heap.push_back(row);
    std::push_heap(heap.begin(), heap.end(), worse);
  }
}

void BestOfSet::DropGone() {
  const auto worse = [this](uint32_t a, uint32_t b) { return Worse(a, b); };
  for (std::vector<uint32_t>& heap : heaps_) {
    std::erase_if(heap, [&](uint32_t row) {
      if (entries_[row].count != 0) return false;
      --gone_;
      Forget(row);
      return true;
    });
    std::make_heap(heap.begin(), heap.end(), worse);
  }
}

std::vector<ColumnPtr> BestOfSet::SaveStates(const uint32_t* slots, int64_t count) const {
  SlotRows out;
  std::vector<uint32_t> rows;
  BufferBuilder counts;
  for (int64_t i = 0; i < count; ++i) {
    const auto begin = static_cast<std::ptrdiff_t>(rows.size());
    for (const uint32_t row : heaps_[slots[i]]) {
      if (entries_[row].count != 0) rows.push_back(row);
    }
    // In the order in which they came, which settles ties again when they are loaded.
    std::sort(rows.begin() + begin, rows.end(),
              [this](uint32_t a, uint32_t b) { return entries_[a].arrival < entries_[b].arrival; });
    out.ends.push_back(static_cast<int64_t>(rows.size()));
  }
  for (const uint32_t row : rows) counts.Push(entries_[row].count);
  const auto total = static_cast<int64_t>(rows.size());
  for (size_t i = 1; i < rows_.key_columns(); ++i) {
    out.columns.push_back(rows_.key(i).Gather(rows.data(), total));
  }
  out.columns.push_back(
      std::make_shared<const Column>(DataType(TypeId::kBigint), total, 0, nullptr, counts.Finish()));
  return ToLists(out);
}

// Where the top is a row that is owed, the best is looked for among all.
uint32_t BestOfSet::Best(uint32_t slot) const {
  const std::vector<uint32_t>& heap = heaps_[slot];
  if (heap.empty() || entries_[heap.front()].count > 0) return heap.empty() ? KeyTable::kNone : heap.front();
  uint32_t best = KeyTable::kNone;
  for (const uint32_t row : heap) {
    if (entries_[row].count > 0 && (best == KeyTable::kNone || Worse(best, row))) best = row;
  }
  return best;
}

ColumnPtr BestOfSet::Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const {
  std::vector<uint32_t> found;
  std::vector<bool> present;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t best = Best(slots[i]);
    present.push_back(best != KeyTable::kNone);
    if (present.back()) found.push_back(best);
  }
  ColumnPtr values = rows_.key(1).Gather(found.data(), static_cast<int64_t>(found.size()));
  if (values->length() == count) return values;
  ColumnBuilder out(values->type());
  out.Reserve(count);
  int64_t at = 0;
  for (const bool there : present) there ? out.AppendFrom(*values, at++) : out.AppendNull();
  return out.Finish();
}

size_t BestOfSet::MemoryBytes() const {
  size_t bytes =
      rows_.MemoryBytes() + entries_.MemoryBytes() + heaps_.capacity() * sizeof(std::vector<uint32_t>);
  for (const auto& heap : heaps_) bytes += heap.capacity() * sizeof(uint32_t);
  return bytes;
}

}  // namespace streamrun
