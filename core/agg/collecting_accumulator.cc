#include "core/agg/collecting_accumulator.h"

#include <algorithm>
#include <numeric>

#include "core/data/key_table.h"
#include "core/data/selection.h"

namespace streamrun {

namespace {

// Slots whose rows are gathered at a time for results.
constexpr int64_t kSlotsAtOnce = 256;
// Rows taken back that are left alone however few others there are.
constexpr uint32_t kFewTaken = 1024;

std::vector<DataType> Joined(std::vector<DataType> types, const std::vector<DataType>& more) {
  types.insert(types.end(), more.begin(), more.end());
  return types;
}

// The slot's position, then the columns: a key that is equal only within a slot.
std::vector<ColumnPtr> KeysWithin(const SlotRows& rows) {
  BufferBuilder positions;
  positions.Resize(static_cast<size_t>(rows.rows()) * sizeof(int32_t));
  for (size_t i = 0; i < rows.ends.size(); ++i) {
    std::fill(positions.as<int32_t>() + rows.begin(i), positions.as<int32_t>() + rows.ends[i],
              static_cast<int32_t>(i));
  }
  std::vector<ColumnPtr> keys = {std::make_shared<const Column>(DataType(TypeId::kInteger), rows.rows(), 0,
                                                                nullptr, positions.Finish())};
  keys.insert(keys.end(), rows.columns.begin(), rows.columns.end());
  return keys;
}

std::vector<uint32_t> SlotsIn(KeyTable& table, const SlotRows& rows) {
  const std::vector<ColumnPtr> keys = KeysWithin(rows);
  std::vector<uint64_t> hashes;
  table.Hash(keys, rows.rows(), &hashes);
  std::vector<uint32_t> slots(static_cast<size_t>(rows.rows()));
  table.FindOrInsert(keys, hashes, nullptr, rows.rows(), slots.data());
  return slots;
}

// Leaves out the first counts[key] rows of each key; what could not be left out stays in counts.
SlotRows WithoutFirst(const SlotRows& rows, const std::vector<uint32_t>& keys, std::vector<int64_t>& counts) {
  SlotRows left;
  Selection kept;
  for (size_t i = 0; i < rows.ends.size(); ++i) {
    for (int64_t row = rows.begin(i); row < rows.ends[i]; ++row) {
      int64_t& count = counts[keys[static_cast<size_t>(row)]];
      if (count > 0) {
        --count;
      } else {
        kept.push_back(static_cast<uint32_t>(row));
      }
    }
    left.ends.push_back(static_cast<int64_t>(kept.size()));
  }
  for (const ColumnPtr& column : rows.columns) left.columns.push_back(Take(column, kept));
  return left;
}

}  // namespace

CollectingAccumulator::CollectingAccumulator(const AggregateTypes& types, Options options)
    : types_(types),
      varying_(types),
      skip_null_(options.skip_null),
      kept_types_(Joined(varying_.types(), options.more)),
      rows_(kept_types_, KeptWeight(types), types.largest),
      taken_(kept_types_, KeptWeight(types), types.largest) {}

std::vector<DataType> CollectingAccumulator::States(const AggregateTypes& types) { return States(types, {}); }

std::vector<DataType> CollectingAccumulator::States(const AggregateTypes& types,
                                                    const std::vector<DataType>& more) {
  std::vector<DataType> lists;
  for (const DataType& type : Joined(VaryingArgs(types).types(), more)) lists.push_back(ListOf(type));
  return types.retracting ? Joined(lists, lists) : lists;
}

void CollectingAccumulator::Resize(uint32_t slots) {
  slots_ = slots;
  rows_.Resize(slots);
  if (types_.retracting) taken_.Resize(slots);
}

void CollectingAccumulator::Clear(uint32_t slot) {
  rows_.Clear(slot);
  if (types_.retracting) taken_.Clear(slot);
}

std::vector<ColumnPtr> CollectingAccumulator::Kept(std::span<const ColumnPtr> args) const {
  std::vector<ColumnPtr> columns = varying_.Pick(args.first(types_.args.size()));
  for (const ColumnPtr& more : args.subspan(types_.args.size())) columns.push_back(more);
  return columns;
}

GroupedRows CollectingAccumulator::Chosen(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  if (skip_null_ < 0) return rows;
  return PresentRows(*args[static_cast<size_t>(skip_null_)], rows, &scratch_);
}

void CollectingAccumulator::Add(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  rows_.Append(Kept(args), Chosen(args, rows));
  ForgetTakenOfFull(rows);
}

// Of a slot that lacks rows none must be cancelled, or it would seem to be whole again.
void CollectingAccumulator::ForgetTakenOfFull(const GroupedRows& rows) {
  if (taken_.size() == 0) return;
  for (int64_t i = 0; i < rows.count; ++i) {
    if (Full(rows.slots[i])) taken_.Clear(rows.slots[i]);
  }
}

void CollectingAccumulator::Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  if (!types_.retracting) return Accumulator::Retract(args, rows);
  taken_.Append(Kept(args), Chosen(args, rows));
  ForgetTakenOfFull(rows);
  if (taken_.size() > kFewTaken && taken_.size() > rows_.size() / 2) Cancel();
}

void CollectingAccumulator::Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) {
  const size_t width = kept_types_.size();
  const FlatRows added = FromLists(states.first(width), rows);
  rows_.Append(added.columns, added.grouped());
  if (!types_.retracting) return;
  const FlatRows taken = FromLists(states.subspan(width), rows);
  taken_.Append(taken.columns, taken.grouped());
  ForgetTakenOfFull(rows);
}

SlotRows CollectingAccumulator::Remaining(const uint32_t* slots, int64_t count, SlotRows* owed) const {
  SlotRows rows = rows_.Gather(slots, count);
  if (taken_.size() == 0) {
    if (owed != nullptr) *owed = taken_.Gather(slots, types_.retracting ? count : 0);
    return rows;
  }
  SlotRows taken = taken_.Gather(slots, count);
  if (taken.rows() == 0) {
    if (owed != nullptr) *owed = std::move(taken);
    return rows;
  }
  KeyTable table(Joined({TypeId::kInteger}, kept_types_));
  const std::vector<uint32_t> taken_keys = SlotsIn(table, taken);
  const std::vector<uint32_t> row_keys = SlotsIn(table, rows);
  std::vector<int64_t> counts(table.slots(), 0);
  for (const uint32_t key : taken_keys) ++counts[key];
  std::vector<int64_t> had = counts;
  SlotRows left = WithoutFirst(rows, row_keys, counts);
  if (owed != nullptr) {
    for (size_t key = 0; key < had.size(); ++key) had[key] -= counts[key];
    *owed = WithoutFirst(taken, taken_keys, had);
  }
  return left;
}

void CollectingAccumulator::Cancel() {
  std::vector<uint32_t> all(slots_);
  std::iota(all.begin(), all.end(), 0u);
  SlotRows owed;
  const SlotRows left = Remaining(all.data(), slots_, &owed);
  const auto refill = [&](const SlotRows& rows) {
    RowLists lists(kept_types_, KeptWeight(types_), types_.largest);
    lists.Resize(slots_);
    std::vector<uint32_t> slots;
    for (size_t i = 0; i < rows.ends.size(); ++i) {
      slots.insert(slots.end(), static_cast<size_t>(rows.ends[i] - rows.begin(i)), static_cast<uint32_t>(i));
    }
    lists.Append(rows.columns, {rows.rows(), nullptr, slots.data()});
    return lists;
  };
  rows_ = refill(left);
  taken_ = refill(owed);
}

std::vector<ColumnPtr> CollectingAccumulator::SaveStates(const uint32_t* slots, int64_t count) const {
  SlotRows owed;
  std::vector<ColumnPtr> states = ToLists(Remaining(slots, count, &owed));
  if (!types_.retracting) return states;
  for (ColumnPtr& list : ToLists(owed)) states.push_back(std::move(list));
  return states;
}

ColumnPtr CollectingAccumulator::Results(const uint32_t* slots, int64_t count,
                                         std::vector<RowFailure>* failures) const {
  ColumnBuilder out(types_.result);
  out.Reserve(count);
  for (int64_t first = 0; first < count;) {
    if (Full(slots[first])) {
      out.AppendNull();
      failures->push_back(TooLarge(static_cast<uint32_t>(first++)));
      continue;
    }
    int64_t end = first + 1;
    while (end < std::min(count, first + kSlotsAtOnce) && !Full(slots[end])) ++end;
    Finish(Remaining(slots + first, end - first, nullptr), static_cast<uint32_t>(first), out, failures);
    first = end;
  }
  return out.Finish();
}

int64_t CollectingAccumulator::Fitting(const uint32_t* slots, int64_t count) const {
  return FittingSlots(slots, count, types_.largest, [&](uint32_t slot) {
    return rows_.weight(slot) + (types_.retracting ? taken_.weight(slot) : 0);
  });
}

size_t CollectingAccumulator::MemoryBytes() const { return rows_.MemoryBytes() + taken_.MemoryBytes(); }

}  // namespace streamrun
