// The value of one row of the group: first and last by event time, min_by and max_by.
#include "core/agg/best_of_set.h"
#include "core/agg/compare_stored.h"
#include "core/agg/functions/families.h"
#include "core/data/slot_column.h"

namespace streamrun {

namespace {

// The value of the best row so far and what it was chosen by.
class BestRow final : public Accumulator {
 public:
  BestRow(const AggregateTypes& types, BestRule rule)
      : rule_(rule), values_(types.args[0]), by_(types.args.back()) {}

  void WillNeed(const uint32_t* slots, int64_t count) const override {
    values_.WillNeed(slots, count);
    by_.WillNeed(slots, count);
  }
  void Resize(uint32_t slots) override {
    values_.Resize(slots);
    by_.Resize(slots);
  }
  void Clear(uint32_t slot) override {
    values_.SetNull(slot);
    by_.SetNull(slot);
  }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    AddRows(args, rows, rule_.ties == Ties::kLast);
  }
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override { Add(states, rows); }
  void MergeEarlier(const Accumulator& other, const SlotPairs& pairs) override {
    const auto& earlier = static_cast<const BestRow&>(other);
    const std::vector<uint32_t> from = pairs.sources();
    AddRows(earlier.SaveStates(from.data(), pairs.count), {pairs.count, nullptr, pairs.to},
            rule_.ties == Ties::kFirst);
  }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    return {values_.Gather(slots, count), by_.Gather(slots, count)};
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const override {
    return values_.Gather(slots, count);
  }
  size_t MemoryBytes() const override { return values_.MemoryBytes() + by_.MemoryBytes(); }

 private:
  // `replaces`: a row takes the place of an equal one.
  void AddRows(std::span<const ColumnPtr> args, const GroupedRows& rows, bool replaces) {
    const Column& value = *args[0];
    const Column& by = *args.back();
    for (int64_t i = 0; i < rows.count; ++i) {
      const auto row = static_cast<int64_t>(rows.row(i));
      if (by.IsNull(row) || (rule_.needs_value && value.IsNull(row))) continue;
      const uint32_t slot = rows.slots[i];
      if (!by_.IsNull(slot) && !Better(slot, value, by, row, replaces)) continue;
      values_.Set(slot, value, row);
      by_.Set(slot, by, row);
    }
  }

  bool Better(uint32_t slot, const Column& value, const Column& by, int64_t row, bool replaces) const {
    const int order = CompareStored(by_, slot, by, row);
    if (order != 0) return rule_.largest ? order < 0 : order > 0;
    return rule_.ties == Ties::kLeastValue ? Less(value, row, slot) : replaces;
  }

  // Nulls are the greatest.
  bool Less(const Column& value, int64_t row, uint32_t slot) const {
    if (value.IsNull(row)) return false;
    return values_.IsNull(slot) || CompareStored(values_, slot, value, row) > 0;
  }

  BestRule rule_;
  SlotColumn values_;
  SlotColumn by_;
};

std::vector<DataType> States(const AggregateTypes& types) {
  return types.retracting ? BestOfSet::States(types) : types.args;
}

constexpr BestRule kFirst = {.by = 1, .ties = Ties::kFirst};
constexpr BestRule kLast = {.by = 1, .largest = true, .ties = Ties::kLast};
constexpr BestRule kMinBy = {.by = 1, .needs_value = false};
constexpr BestRule kMaxBy = {.by = 1, .largest = true, .needs_value = false};

template <const BestRule& kRule>
Result<std::unique_ptr<Accumulator>> MakeBest(const AggregateTypes& types) {
  if (types.retracting) return std::unique_ptr<Accumulator>(std::make_unique<BestOfSet>(types, kRule));
  return std::unique_ptr<Accumulator>(std::make_unique<BestRow>(types, kRule));
}

}  // namespace

void AddBestAggregates(AggregateTable& t) {
  const uint32_t flags = kIgnoresDistinct | kRetractsIfTold;
  const auto by_time = [&](std::string_view name, std::string_view help, std::string_view example,
                           auto make) {
    t.push_back({{name, {Arg::kElement}, Arg::kElement, nullptr, help, example, kAddition},
                 flags | kTakesTime,
                 States,
                 make});
  };
  by_time("first",
          "the argument that is not null of the row with the earliest event time, the first that came of "
          "equal ones",
          "first(x) over a @ 2024-01-01 00:00:02, b @ 2024-01-01 00:00:01, c @ 2024-01-01 00:00:01 -> b",
          MakeBest<kFirst>);
  by_time(
      "last",
      "the argument that is not null of the row with the latest event time, the last that came of equal ones",
      "last(x) over a @ 2024-01-01 00:00:02, b @ 2024-01-01 00:00:02, c @ 2024-01-01 00:00:01 -> b",
      MakeBest<kLast>);
  const auto by_key = [&](std::string_view name, std::string_view help, std::string_view example, auto make) {
    t.push_back({{name, {Arg::kElement, Arg::kAny}, Arg::kElement, nullptr, help, example, kAddition},
                 flags,
                 States,
                 make});
  };
  by_key("min_by",
         "the first argument, of the row whose second one is least; of equal ones the least first argument",
         "min_by(x, y) over a | 3, c | 1, b | 1, d | NULL -> b", MakeBest<kMinBy>);
  by_key(
      "max_by",
      "the first argument, of the row whose second one is greatest; of equal ones the least first argument",
      "max_by(x, y) over b | 3, a | 3, c | 1, d | NULL -> a", MakeBest<kMaxBy>);
}

}  // namespace streamrun
