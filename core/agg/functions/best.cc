// The value of one row of the group: any_value, first and last by event time, min_by and max_by.
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

  void Resize(uint32_t slots) override {
    values_.Resize(slots);
    by_.Resize(slots);
  }
  void Clear(uint32_t slot) override {
    values_.SetNull(slot);
    by_.SetNull(slot);
  }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    const Column& value = *args[0];
    const Column& by = *args.back();
    for (int64_t i = 0; i < rows.count; ++i) {
      const auto row = static_cast<int64_t>(rows.row(i));
      if (by.IsNull(row) || (rule_.needs_value && value.IsNull(row))) continue;
      const uint32_t slot = rows.slots[i];
      if (!by_.IsNull(slot) && !Better(slot, by, row)) continue;
      values_.Set(slot, value, row);
      by_.Set(slot, by, row);
    }
  }
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override { Add(states, rows); }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    return {values_.Gather(slots, count), by_.Gather(slots, count)};
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const override {
    return values_.Gather(slots, count);
  }
  size_t MemoryBytes() const override { return values_.MemoryBytes() + by_.MemoryBytes(); }

 private:
  bool Better(uint32_t slot, const Column& by, int64_t row) const {
    const int order = CompareStored(by_, slot, by, row);
    if (order == 0) return rule_.last_of_equal;
    return rule_.largest ? order < 0 : order > 0;
  }

  BestRule rule_;
  SlotColumn values_;
  SlotColumn by_;
};

// The first value that came.
class AnyValue final : public Accumulator {
 public:
  explicit AnyValue(const AggregateTypes& types) : values_(types.args[0]) {}

  void Resize(uint32_t slots) override { values_.Resize(slots); }
  void Clear(uint32_t slot) override { values_.SetNull(slot); }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    for (int64_t i = 0; i < rows.count; ++i) {
      if (values_.IsNull(rows.slots[i])) {
        values_.Set(rows.slots[i], *args[0], static_cast<int64_t>(rows.row(i)));
      }
    }
  }
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override { Add(states, rows); }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    return {values_.Gather(slots, count)};
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const override {
    return values_.Gather(slots, count);
  }
  size_t MemoryBytes() const override { return values_.MemoryBytes(); }

 private:
  SlotColumn values_;
};

std::vector<DataType> States(const AggregateTypes& types) {
  return types.retracting ? BestOfSet::States(types) : types.args;
}

constexpr BestRule kAny = {.by = -1};
constexpr BestRule kFirst = {.by = 1};
constexpr BestRule kLast = {.by = 1, .largest = true, .last_of_equal = true};
constexpr BestRule kMinBy = {.by = 1, .needs_value = false};
constexpr BestRule kMaxBy = {.by = 1, .largest = true, .needs_value = false};

Result<std::unique_ptr<Accumulator>> MakeAny(const AggregateTypes& types) {
  if (types.retracting) return std::unique_ptr<Accumulator>(std::make_unique<BestOfSet>(types, kAny));
  return std::unique_ptr<Accumulator>(std::make_unique<AnyValue>(types));
}

template <const BestRule& kRule>
Result<std::unique_ptr<Accumulator>> MakeBest(const AggregateTypes& types) {
  if (types.retracting) return std::unique_ptr<Accumulator>(std::make_unique<BestOfSet>(types, kRule));
  return std::unique_ptr<Accumulator>(std::make_unique<BestRow>(types, kRule));
}

}  // namespace

void AddBestAggregates(AggregateTable& t) {
  const uint32_t flags = kIgnoresDistinct | kRetractsIfTold;
  t.push_back({{"any_value",
                {Arg::kElement},
                Arg::kElement,
                nullptr,
                "one of the arguments that are not null: the first that came",
                "any_value(x) over NULL, 7, 8 -> 7",
                kAddition},
               flags,
               States,
               MakeAny});
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
         "the first argument, of the row whose second one is least; the first that came of equal ones",
         "min_by(x, y) over a | 3, b | 1, c | 1, d | NULL -> b", MakeBest<kMinBy>);
  by_key("max_by",
         "the first argument, of the row whose second one is greatest; the first that came of equal ones",
         "max_by(x, y) over a | 3, b | 3, c | 1, d | NULL -> a", MakeBest<kMaxBy>);
}

}  // namespace streamrun
