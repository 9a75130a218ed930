// approx_top_k: the most frequent values by Space-Saving.
//
// Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams"
// (2005); merging after Agarwal et al., "Mergeable summaries" (2012). Ties are settled by the order in which
// counters came to be, so that the same rows in the same order give the same result.
#include <algorithm>
#include <numeric>

#include "core/agg/functions/families.h"
#include "core/agg/functions/json_values.h"
#include "core/agg/list_states.h"
#include "core/data/key_table.h"
#include "core/data/selection.h"
#include "core/data/slot_array.h"

namespace streamrun {

namespace {

constexpr int32_t kMostValues = 1000;
// Counters for each value asked for, and at least: a count is off by at most rows / counters.
constexpr int32_t kCountersEach = 10;
constexpr int32_t kLeastCounters = 100;

class ApproxTop final : public Accumulator {
 public:
  ApproxTop(const DataType& type, int32_t k)
      : k_(k),
        capacity_(static_cast<size_t>(std::max(k * kCountersEach, kLeastCounters))),
        values_({TypeId::kInteger, type}) {}

  void Resize(uint32_t slots) override { heaps_.resize(slots); }
  void Clear(uint32_t slot) override {
    for (const uint32_t value : heaps_[slot]) values_.Erase(value);
    std::vector<uint32_t>().swap(heaps_[slot]);
  }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    Count(args[0], PresentRows(*args[0], rows, &scratch_), nullptr);
  }
  // A value that one side does not name may have been there as often as that side's least counter says, so
  // that counts may then be too low as well, by at most rows / counters.
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override {
    const FlatRows flat = FromLists(states, rows);
    Count(flat.columns[0], flat.grouped(), flat.columns[1]->values<int64_t>());
  }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    return ToLists(Best(slots, count, capacity_));
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const override;
  size_t MemoryBytes() const override {
    size_t bytes = values_.MemoryBytes() + counters_.MemoryBytes() + heaps_.capacity() * sizeof(heaps_[0]);
    for (const auto& heap : heaps_) bytes += heap.capacity() * sizeof(uint32_t);
    return bytes;
  }

 private:
  struct Counter {
    int64_t count = 0;
    uint64_t arrival = 0;
    uint32_t place = 0;  // in its slot's heap
  };

  void Count(const ColumnPtr& column, const GroupedRows& rows, const int64_t* weights);
  // More rows, or as many and longer there.
  bool Above(uint32_t a, uint32_t b) const {
    if (counters_[a].count != counters_[b].count) return counters_[a].count > counters_[b].count;
    return counters_[a].arrival < counters_[b].arrival;
  }
  void Put(std::vector<uint32_t>& heap, size_t place, uint32_t value) {
    heap[place] = value;
    counters_[value].place = static_cast<uint32_t>(place);
  }
  // The least counter is at the top.
  void SiftDown(std::vector<uint32_t>& heap, size_t place) {
    const uint32_t value = heap[place];
    for (size_t child; (child = 2 * place + 1) < heap.size(); place = child) {
      if (child + 1 < heap.size() && Above(heap[child], heap[child + 1])) ++child;
      if (!Above(value, heap[child])) break;
      Put(heap, place, heap[child]);
    }
    Put(heap, place, value);
  }
  void SiftUp(std::vector<uint32_t>& heap, size_t place) {
    const uint32_t value = heap[place];
    for (; place > 0 && Above(heap[(place - 1) / 2], value); place = (place - 1) / 2) {
      Put(heap, place, heap[(place - 1) / 2]);
    }
    Put(heap, place, value);
  }
  SlotRows Best(const uint32_t* slots, int64_t count, size_t most) const;

  int32_t k_;
  size_t capacity_;
  KeyTable values_;  // the slot, then the value
  SlotArray<Counter> counters_;
  std::vector<std::vector<uint32_t>> heaps_;
  uint64_t arrivals_ = 0;
  RowScratch scratch_;
  std::vector<uint64_t> hashes_;
};

void ApproxTop::Count(const ColumnPtr& column, const GroupedRows& rows, const int64_t* weights) {
  if (rows.count == 0) return;
  BufferBuilder slots;
  slots.Append(rows.slots, static_cast<size_t>(rows.count) * sizeof(uint32_t));
  Selection chosen;
  for (int64_t i = 0; i < rows.count; ++i) chosen.push_back(static_cast<uint32_t>(rows.row(i)));
  const std::vector<ColumnPtr> keys = {
      std::make_shared<const Column>(DataType(TypeId::kInteger), rows.count, 0, nullptr, slots.Finish()),
      Take(column, chosen)};
  values_.Hash(keys, rows.count, &hashes_);
  for (int64_t i = 0; i < rows.count; ++i) {
    std::vector<uint32_t>& heap = heaps_[rows.slots[i]];
    const int64_t weight = weights != nullptr ? weights[rows.row(i)] : 1;
    const auto row = static_cast<uint32_t>(i);
    uint32_t value;
    values_.Find(keys, hashes_, &row, 1, &value);
    if (value != KeyTable::kNone) {
      counters_[value].count += weight;
      SiftDown(heap, counters_[value].place);
      continue;
    }
    // A new value takes over the least counter with its count.
    const bool full = heap.size() >= capacity_;
    const int64_t before = full ? counters_[heap[0]].count : 0;
    if (full) values_.Erase(heap[0]);
    values_.FindOrInsert(keys, hashes_, &row, 1, &value);
    counters_.Resize(values_.slots());
    counters_[value] = {before + weight, ++arrivals_, 0};
    if (full) {
      Put(heap, 0, value);
      SiftDown(heap, 0);
    } else {
      heap.push_back(value);
      SiftUp(heap, heap.size() - 1);
    }
  }
}

SlotRows ApproxTop::Best(const uint32_t* slots, int64_t count, size_t most) const {
  SlotRows out;
  std::vector<uint32_t> values;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<uint32_t> sorted = heaps_[slots[i]];
    std::sort(sorted.begin(), sorted.end(), [this](uint32_t a, uint32_t b) { return Above(a, b); });
    if (sorted.size() > most) sorted.resize(most);
    values.insert(values.end(), sorted.begin(), sorted.end());
    out.ends.push_back(static_cast<int64_t>(values.size()));
  }
  const auto rows = static_cast<int64_t>(values.size());
  BufferBuilder counts;
  for (const uint32_t value : values) counts.Push(counters_[value].count);
  out.columns = {
      values_.key(1).Gather(values.data(), rows),
      std::make_shared<const Column>(DataType(TypeId::kBigint), rows, 0, nullptr, counts.Finish())};
  return out;
}

ColumnPtr ApproxTop::Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const {
  const SlotRows best = Best(slots, count, static_cast<size_t>(k_));
  const ColumnPtr values = ToJsonb(best.columns[0]);
  const auto* counts = best.columns[1]->values<int64_t>();
  ColumnBuilder out{DataType(TypeId::kJsonb)};
  std::string json;
  for (size_t i = 0; i < best.ends.size(); ++i) {
    json = "[";
    for (int64_t row = best.begin(i); row < best.ends[i]; ++row) {
      if (row > best.begin(i)) json += ", ";
      json += "{\"count\": " + std::to_string(counts[row]) + ", \"value\": ";
      json += values->Text(row);
      json += '}';
    }
    json += ']';
    best.begin(i) == best.ends[i] ? out.AppendNull() : out.AppendText(json);
  }
  return out.Finish();
}

std::vector<DataType> States(const AggregateTypes& types) {
  return {ListOf(types.args[0]), ListOf(TypeId::kBigint)};
}

Result<std::unique_ptr<Accumulator>> Make(const AggregateTypes& types) {
  const std::optional<Value>& k = types.constants[1];
  if (!k || k->is_null() || std::get<int32_t>(k->data) < 1 || std::get<int32_t>(k->data) > kMostValues) {
    return Status::InvalidArgument("approx_top_k takes a constant number of values, 1 to 1000");
  }
  return std::unique_ptr<Accumulator>(std::make_unique<ApproxTop>(types.args[0], std::get<int32_t>(k->data)));
}

}  // namespace

void AddApproxTopAggregates(AggregateTable& t) {
  t.push_back(
      {{"approx_top_k",
        {Arg::kAny, Arg::kInteger},
        Arg::kJsonb,
        nullptr,
        "the k most frequent values with their counts, exact while there are at most 10 k (at least 100) "
        "different ones; beyond that a count may be off by rows / (10 k)",
        "approx_top_k(x, 2) over a, b, c, b, c, b -> [{\"count\": 3, \"value\": \"b\"}, {\"count\": 2, "
        "\"value\": \"c\"}]",
        kAddition},
       kNoFlags,
       States,
       Make});
}

}  // namespace streamrun
