// count(*) and count(x).
#include "core/agg/functions/families.h"
#include "core/agg/simple_accumulator.h"

namespace streamrun {

namespace {

struct Count {
  using Value = void;
  struct State {
    int64_t rows = 0;
  };
  static void Add(State& s) { ++s.rows; }
  static void Retract(State& s) { --s.rows; }
  static void Merge(State& s, const State& other) { s.rows += other.rows; }
  static void Subtract(State& s, const State& other) { s.rows -= other.rows; }
  static std::vector<DataType> States(const AggregateTypes&) { return {TypeId::kBigint}; }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) { out[0].Append(s.rows); }
  static State Load(std::span<const ColumnPtr> in, int64_t row) { return {in[0]->values<int64_t>()[row]}; }
  static bool Finish(const State& s, ColumnBuilder& out, std::string*) {
    out.Append(s.rows);
    return true;
  }
};

}  // namespace

void AddCountAggregates(AggregateTable& t) {
  t.push_back({{"count", {}, Arg::kBigint, nullptr, "number of rows: count(*)", "count(*) over 7, NULL -> 2"},
               kRetracts | kSubtracts,
               Count::States,
               MakeSimple<Count>});
  t.push_back({{"count",
                {Arg::kAny},
                Arg::kBigint,
                nullptr,
                "number of rows in which the argument is not null",
                "count(x) over 7, NULL -> 1"},
               kRetracts | kSubtracts,
               Count::States,
               MakeSimple<Count>});
}

}  // namespace streamrun
