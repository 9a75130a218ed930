// min and max of every ordered type.
#include "core/agg/best_of_set.h"
#include "core/agg/compare_stored.h"
#include "core/agg/functions/families.h"
#include "core/agg/simple_accumulator.h"
#include "core/data/slot_column.h"

namespace streamrun {

namespace {

// Integers and times: one word and a flag.
template <typename T, bool kMax>
struct IntegerExtreme {
  using Value = T;
  struct State {
    T value = 0;
    bool present = false;
  };
  static void Add(State& s, T value) {
    if (!s.present || (kMax ? value > s.value : value < s.value)) s = {value, true};
  }
  static void Merge(State& s, const State& other) {
    if (other.present) Add(s, other.value);
  }
  static std::vector<DataType> States(const AggregateTypes& types) { return {types.result}; }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    s.present ? out[0].Append(s.value) : out[0].AppendNull();
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    if (in[0]->IsNull(row)) return {};
    return {in[0]->values<T>()[row], true};
  }
  static bool Finish(const State& s, ColumnBuilder& out, std::string*) {
    s.present ? out.Append(s.value) : out.AppendNull();
    return true;
  }
};

std::vector<DataType> ExtremeStates(const AggregateTypes& types) {
  return types.retracting ? BestOfSet::States(types) : std::vector<DataType>{types.result};
}

// Any type with an order: the value itself by slot.
template <bool kMax>
class ValueExtreme final : public Accumulator {
 public:
  explicit ValueExtreme(const AggregateTypes& types) : values_(types.result) {}

  void Resize(uint32_t slots) override { values_.Resize(slots); }
  void WillNeed(const uint32_t* slots, int64_t count) const override { values_.WillNeed(slots, count); }
  void Clear(uint32_t slot) override { values_.SetNull(slot); }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    const Column& column = *args[0];
    for (int64_t i = 0; i < rows.count; ++i) {
      const auto row = static_cast<int64_t>(rows.row(i));
      if (column.IsNull(row)) continue;
      const uint32_t slot = rows.slots[i];
      if (!values_.IsNull(slot)) {
        const int order = CompareStored(values_, slot, column, row);
        if (kMax ? order >= 0 : order <= 0) continue;
      }
      values_.Set(slot, column, row);
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

template <bool kMax>
Result<std::unique_ptr<Accumulator>> MakeExtreme(const AggregateTypes& types) {
  if (types.retracting) {
    const BestRule rule = {.by = 0, .largest = kMax};
    return std::unique_ptr<Accumulator>(std::make_unique<BestOfSet>(types, rule));
  }
  switch (types.result.id()) {
    case TypeId::kInteger:
    case TypeId::kDate:
      return MakeSimple<IntegerExtreme<int32_t, kMax>>(types);
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return MakeSimple<IntegerExtreme<int64_t, kMax>>(types);
    default:
      return std::unique_ptr<Accumulator>(std::make_unique<ValueExtreme<kMax>>(types));
  }
}

}  // namespace

void AddExtremeAggregates(AggregateTable& t) {
  // Which value must depend on neither the order of rows nor where they were: restored windows and other
  // numbers of workers give the same.
  t.push_back({{"any_value",
                {Arg::kElement},
                Arg::kElement,
                nullptr,
                "one of the arguments that are not null: the least",
                "any_value(x) over NULL, 8, 7 -> 7",
                kAddition},
               kIgnoresDistinct | kRetractsIfTold,
               ExtremeStates,
               MakeExtreme<false>});
  t.push_back({{"min",
                {Arg::kElement},
                Arg::kElement,
                nullptr,
                "least of the arguments that are not null",
                "min(x) over 3, 1, NULL -> 1"},
               kIgnoresDistinct | kRetractsIfTold,
               ExtremeStates,
               MakeExtreme<false>});
  t.push_back({{"max",
                {Arg::kElement},
                Arg::kElement,
                nullptr,
                "greatest of the arguments that are not null",
                "max(x) over 3, 1, NULL -> 3"},
               kIgnoresDistinct | kRetractsIfTold,
               ExtremeStates,
               MakeExtreme<true>});
}

}  // namespace streamrun
