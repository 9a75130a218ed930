// sum(double precision) and avg(double precision).
#pragma once

#include "core/agg/double_sum.h"
#include "core/agg/simple_accumulator.h"

namespace streamrun {

/// An overflow on the way is one even if later rows would bring the sum back, as in PostgreSQL.
struct DoubleSum {
  using Value = double;
  struct State {
    TwoDouble sum;
    int64_t rows = 0;
    SpecialCounts specials;
  };
  static void Change(State& s, double value, int64_t by) {
    s.rows += by;
    if (!std::isfinite(value)) return s.specials.Change(value, by);
    s.sum = s.sum + (by < 0 ? -value : value);
  }
  static void Add(State& s, double value) { Change(s, value, 1); }
  static void Retract(State& s, double value) { Change(s, value, -1); }
  static void Merge(State& s, const State& other) {
    s.sum = s.sum + other.sum;
    s.rows += other.rows;
    s.specials.Merge(other.specials);
  }
  static std::vector<DataType> States(const AggregateTypes&) {
    return {TypeId::kDouble, TypeId::kDouble, TypeId::kBigint,
            TypeId::kBigint, TypeId::kBigint, TypeId::kBigint};
  }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].Append(s.sum.hi);
    out[1].Append(s.sum.lo);
    out[2].Append(s.rows);
    out[3].Append(s.specials.nan);
    out[4].Append(s.specials.positive);
    out[5].Append(s.specials.negative);
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    const auto number = [&](size_t i) { return in[i]->values<int64_t>()[row]; };
    return {{in[0]->values<double>()[row], in[1]->values<double>()[row]},
            number(2),
            {number(3), number(4), number(5)}};
  }
  static bool FinishSum(const State& s, double divisor, ColumnBuilder& out, std::string* why) {
    if (s.rows == 0) return out.AppendNull(), true;
    if (s.specials.any()) return out.Append(s.specials.sum()), true;
    const double sum = divisor == 1 ? s.sum.value() : (s.sum / divisor).value();
    // A sum beyond the range leaves infinity or NaN (in its lower half).
    if (!std::isfinite(s.sum.hi)) return *why = "value out of range: overflow", false;
    out.Append(sum);
    return true;
  }
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    return FinishSum(s, 1, out, why);
  }
};

struct DoubleMean : DoubleSum {
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    return FinishSum(s, static_cast<double>(s.rows), out, why);
  }
};

}  // namespace streamrun
