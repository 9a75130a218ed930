// An accumulator from a plain struct: states of a fixed size, one argument or none.
#pragma once

#include <utility>
#include <vector>

#include "core/agg/accumulator.h"
#include "core/agg/aggregate_function.h"
#include "core/data/column_builder.h"
#include "core/data/slot_array.h"

namespace streamrun {

/// Slots are fetched this many rows ahead: covers a miss to main memory at a few nanoseconds a row.
inline constexpr int64_t kSlotsAhead = 16;

/// Calls f(i, row, slot) for the rows whose argument is present, fetching states ahead.
template <typename State, typename F>
void ForEachPresent(const Column* arg, const GroupedRows& rows, SlotArray<State>& states, F&& f) {
  const uint8_t* validity = arg ? arg->validity() : nullptr;
  for (int64_t i = 0; i < rows.count; ++i) {
    if (i + kSlotsAhead < rows.count) __builtin_prefetch(&states[rows.slots[i + kSlotsAhead]], 1);
    const size_t row = rows.row(i);
    if (validity != nullptr && !GetBit(validity, static_cast<int64_t>(row))) continue;
    f(row, states[rows.slots[i]]);
  }
}

// F gives
//   using Value                                   element type of the argument (of values<Value>()), or void
//   using Second                                  the same of a second argument, where there is one
//   struct State                                  trivially copyable; State{} is empty
//   static void Add(State&, Value[, Second])      Add(State&) without an argument
//   static void Retract(State&, Value)            only where the entry has kRetracts
//   static void Merge(State&, const State&)
//   static void Subtract(State&, const State&)    only where the entry has kSubtracts
//   static std::vector<DataType> States(const AggregateTypes&)
//   static void Save(const State&, std::vector<ColumnBuilder>&)      one value a column
//   static State Load(std::span<const ColumnPtr>, int64_t row)
//   static bool Finish(const State&, ColumnBuilder&, std::string* why)   false: fails for that reason
//                                                                        (SQLSTATE 22003)
template <typename F>
class SimpleAccumulator final : public Accumulator {
 public:
  explicit SimpleAccumulator(AggregateTypes types) : types_(std::move(types)) {}

  void Reserve(uint32_t slots) override { states_.Reserve(slots); }
  void Resize(uint32_t slots) override { states_.Resize(slots); }
  void WillNeed(const uint32_t* slots, int64_t count) const override { states_.WillNeed(slots, count); }
  void Clear(uint32_t slot) override { states_[slot] = {}; }

  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    Each(args, rows, [](auto&&... a) { F::Add(std::forward<decltype(a)>(a)...); });
  }
  void Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    if constexpr (requires { &F::Retract; }) {
      Each(args, rows, [](auto&&... a) { F::Retract(std::forward<decltype(a)>(a)...); });
    } else {
      Accumulator::Retract(args, rows);
    }
  }
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override {
    for (int64_t i = 0; i < rows.count; ++i) {
      F::Merge(states_[rows.slots[i]], F::Load(states, static_cast<int64_t>(rows.row(i))));
    }
  }
  void MergeFrom(const Accumulator& other, const SlotPairs& pairs) override {
    EachPair(other, pairs, [](State& to, const State& from) { F::Merge(to, from); });
  }
  void Assign(const Accumulator& other, const SlotPairs& pairs) override {
    EachPair(other, pairs, [](State& to, const State& from) { to = from; });
  }
  void Subtract(const Accumulator& other, const SlotPairs& pairs) override {
    if constexpr (requires(State & to, const State& from) { F::Subtract(to, from); }) {
      EachPair(other, pairs, [](State& to, const State& from) { F::Subtract(to, from); });
    } else {
      Accumulator::Subtract(other, pairs);
    }
  }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    std::vector<ColumnBuilder> builders;
    for (const DataType& type : F::States(types_)) {
      builders.emplace_back(type);
      builders.back().Reserve(count);
    }
    for (int64_t i = 0; i < count; ++i) F::Save(states_[slots[i]], builders);
    std::vector<ColumnPtr> out;
    out.reserve(builders.size());
    for (ColumnBuilder& builder : builders) out.push_back(builder.Finish());
    return out;
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>* failures) const override {
    ColumnBuilder out(types_.result);
    out.Reserve(count);
    std::string why;
    for (int64_t i = 0; i < count; ++i) {
      if (F::Finish(states_[slots[i]], out, &why)) continue;
      out.AppendNull();
      failures->push_back({static_cast<uint32_t>(i), "22003", why});
    }
    return out.Finish();
  }
  size_t MemoryBytes() const override { return states_.MemoryBytes(); }

 private:
  using State = typename F::State;

  template <typename Do>
  void EachPair(const Accumulator& other, const SlotPairs& pairs, const Do& apply) {
    const SlotArray<State>& theirs = static_cast<const SimpleAccumulator&>(other).states_;
    for (int64_t i = 0; i < pairs.count; ++i) {
      if (i + kSlotsAhead < pairs.count) __builtin_prefetch(&states_[pairs.to[i + kSlotsAhead]], 1);
      apply(states_[pairs.to[i]], theirs[pairs.source(i)]);
    }
  }

  template <typename Do>
  void Each(std::span<const ColumnPtr> args, const GroupedRows& rows, const Do& apply) {
    if constexpr (requires { typename F::Second; }) {
      const Column& second = *args[1];
      const auto* values = args[0]->template values<typename F::Value>();
      const auto* seconds = second.values<typename F::Second>();
      ForEachPresent(args[0].get(), rows, states_, [&](size_t row, State& state) {
        if (!second.IsNull(static_cast<int64_t>(row))) apply(state, values[row], seconds[row]);
      });
    } else if constexpr (std::is_void_v<typename F::Value>) {
      const Column* arg = args.empty() ? nullptr : args[0].get();
      ForEachPresent(arg, rows, states_, [&](size_t, State& state) { apply(state); });
    } else if constexpr (std::is_same_v<typename F::Value, bool>) {
      const Column& arg = *args[0];
      ForEachPresent(&arg, rows, states_,
                     [&](size_t row, State& state) { apply(state, arg.Bool(static_cast<int64_t>(row))); });
    } else {
      const auto* values = args[0]->template values<typename F::Value>();
      ForEachPresent(args[0].get(), rows, states_,
                     [&](size_t row, State& state) { apply(state, values[row]); });
    }
  }

  AggregateTypes types_;
  SlotArray<State> states_;
};

template <typename F>
Result<std::unique_ptr<Accumulator>> MakeSimple(const AggregateTypes& types) {
  return std::unique_ptr<Accumulator>(std::make_unique<SimpleAccumulator<F>>(types));
}

}  // namespace streamrun
