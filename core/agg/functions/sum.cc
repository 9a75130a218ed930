// sum and avg with PostgreSQL's result types: of integers exact, of numeric with its scale.
#include "core/agg/functions/families.h"
#include "core/agg/functions/sum_double.h"
#include "core/agg/simple_accumulator.h"
#include "core/data/numeric.h"

namespace streamrun {

namespace {

// --- integers: an exact sum of 128 bits

template <typename T>
struct IntegerSum {
  using Value = T;
  struct State {
    uint64_t low = 0;
    int64_t high = 0;
    int64_t rows = 0;
    Int128 sum() const { return (Int128{high} << 64) | low; }
    void set(Int128 v) {
      low = static_cast<uint64_t>(v);
      high = static_cast<int64_t>(v >> 64);
    }
  };
  static void Add(State& s, T value) {
    s.set(s.sum() + value);
    ++s.rows;
  }
  static void Retract(State& s, T value) {
    s.set(s.sum() - value);
    --s.rows;
  }
  static void Merge(State& s, const State& other) {
    s.set(s.sum() + other.sum());
    s.rows += other.rows;
  }
  static void Subtract(State& s, const State& other) {
    s.set(s.sum() - other.sum());
    s.rows -= other.rows;
  }
  static std::vector<DataType> States(const AggregateTypes&) {
    return {DataType::Decimal(kNumericDigits, 0), TypeId::kBigint};
  }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].Append(Decimal128::Of(s.sum()));
    out[1].Append(s.rows);
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    State s;
    s.set(in[0]->values<Decimal128>()[row].value());
    s.rows = in[1]->values<int64_t>()[row];
    return s;
  }
};

template <typename T>
struct SumToBigint : IntegerSum<T> {
  using State = typename IntegerSum<T>::State;
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    if (s.rows == 0) return out.AppendNull(), true;
    const Int128 sum = s.sum();
    if (sum != static_cast<int64_t>(sum)) return *why = "bigint out of range", false;
    out.Append(static_cast<int64_t>(sum));
    return true;
  }
};

template <typename T>
struct SumToNumeric : IntegerSum<T> {
  using State = typename IntegerSum<T>::State;
  static bool Finish(const State& s, ColumnBuilder& out, std::string*) {
    if (s.rows == 0) return out.AppendNull(), true;
    out.Append(Numeric::Of(s.sum(), 0));
    return true;
  }
};

bool AppendQuotient(const Numeric& sum, int64_t rows, ColumnBuilder& out, std::string* why) {
  const Result<Numeric> mean = NumericDivide(sum, NumericFromInt64(rows));
  if (!mean.ok()) return *why = mean.status().message(), false;
  out.Append(*mean);
  return true;
}

template <typename T>
struct IntegerMean : IntegerSum<T> {
  using State = typename IntegerSum<T>::State;
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    if (s.rows == 0) return out.AppendNull(), true;
    return AppendQuotient(Numeric::Of(s.sum(), 0), s.rows, out, why);
  }
};

// --- numeric: coefficients at the largest scale so far

struct NumericSum {
  using Value = Numeric;
  struct State {
    Numeric sum;
    int64_t rows = 0;
    // A sum beyond 38 digits is an error of the group whatever follows; specials (NaN, infinity) are counted
    // so that they can be retracted.
    int64_t specials[3] = {0, 0, 0};
    bool overflow = false;
  };
  static void AddFinite(State& s, const Numeric& value, bool negate) {
    Int128 sum;
    if (value.scale == s.sum.scale) {
      const bool out = negate ? __builtin_sub_overflow(s.sum.coefficient(), value.coefficient(), &sum)
                              : __builtin_add_overflow(s.sum.coefficient(), value.coefficient(), &sum);
      if (!out && sum < PowerOfTen(kNumericDigits) && sum > -PowerOfTen(kNumericDigits)) {
        s.sum = Numeric::Of(sum, value.scale);
        return;
      }
    }
    const Result<Numeric> result = NumericAdd(s.sum, negate ? NumericNegate(value) : value);
    if (result.ok()) {
      s.sum = *result;
    } else {
      s.overflow = true;
    }
  }
  static void Change(State& s, const Numeric& value, int64_t by) {
    s.rows += by;
    if (value.kind == Numeric::kFinite) return AddFinite(s, value, by < 0);
    s.specials[value.kind - 1] += by;
  }
  static void Add(State& s, const Numeric& value) { Change(s, value, 1); }
  static void Retract(State& s, const Numeric& value) { Change(s, value, -1); }
  static void Merge(State& s, const State& other) {
    AddFinite(s, other.sum, false);
    s.rows += other.rows;
    for (int i = 0; i < 3; ++i) s.specials[i] += other.specials[i];
    s.overflow |= other.overflow;
  }
  static std::vector<DataType> States(const AggregateTypes&) {
    return {TypeId::kNumeric, TypeId::kBigint, TypeId::kBigint,
            TypeId::kBigint,  TypeId::kBigint, TypeId::kBoolean};
  }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].Append(s.sum);
    out[1].Append(s.rows);
    for (size_t i = 0; i < 3; ++i) out[2 + i].Append(s.specials[i]);
    out[5].AppendBool(s.overflow);
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    State s;
    s.sum = in[0]->values<Numeric>()[row];
    s.rows = in[1]->values<int64_t>()[row];
    for (size_t i = 0; i < 3; ++i) s.specials[i] = in[2 + i]->values<int64_t>()[row];
    s.overflow = in[5]->Bool(row);
    return s;
  }
  // NaN wins; infinities of both signs give NaN.
  static Numeric Total(const State& s) {
    const bool positive = s.specials[Numeric::kPositiveInfinity - 1] > 0;
    const bool negative = s.specials[Numeric::kNegativeInfinity - 1] > 0;
    if (s.specials[Numeric::kNaN - 1] > 0 || (positive && negative)) return NumericNaN();
    if (positive || negative) return NumericInfinity(negative);
    return s.sum;
  }
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    if (s.rows == 0) return out.AppendNull(), true;
    const Numeric total = Total(s);
    if (s.overflow && total.kind == Numeric::kFinite) return *why = NumericOverflow().message(), false;
    out.Append(total);
    return true;
  }
};

struct NumericMean : NumericSum {
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    if (s.rows == 0) return out.AppendNull(), true;
    const Numeric total = Total(s);
    if (s.overflow && total.kind == Numeric::kFinite) return *why = NumericOverflow().message(), false;
    return AppendQuotient(total, s.rows, out, why);
  }
};

// --- interval: the three parts on their own

struct IntervalSum {
  using Value = Interval;
  struct State {
    int64_t months = 0;
    int64_t days = 0;
    int64_t micros = 0;
    int64_t rows = 0;
    bool overflow = false;
  };
  static void Change(State& s, const Interval& v, int sign) {
    s.months += sign * v.months;
    s.days += sign * v.days;
    const bool out = sign > 0 ? __builtin_add_overflow(s.micros, v.micros, &s.micros)
                              : __builtin_sub_overflow(s.micros, v.micros, &s.micros);
    s.overflow |= out;
    s.rows += sign;
  }
  static void Add(State& s, const Interval& v) { Change(s, v, 1); }
  static void Retract(State& s, const Interval& v) { Change(s, v, -1); }
  static void Merge(State& s, const State& other) {
    s.months += other.months;
    s.days += other.days;
    s.overflow |= other.overflow | __builtin_add_overflow(s.micros, other.micros, &s.micros);
    s.rows += other.rows;
  }
  static std::vector<DataType> States(const AggregateTypes&) {
    return {TypeId::kBigint, TypeId::kBigint, TypeId::kBigint, TypeId::kBigint, TypeId::kBoolean};
  }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].Append(s.months);
    out[1].Append(s.days);
    out[2].Append(s.micros);
    out[3].Append(s.rows);
    out[4].AppendBool(s.overflow);
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    State s;
    s.months = in[0]->values<int64_t>()[row];
    s.days = in[1]->values<int64_t>()[row];
    s.micros = in[2]->values<int64_t>()[row];
    s.rows = in[3]->values<int64_t>()[row];
    s.overflow = in[4]->Bool(row);
    return s;
  }
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    if (s.rows == 0) return out.AppendNull(), true;
    if (s.overflow || s.months != static_cast<int32_t>(s.months) || s.days != static_cast<int32_t>(s.days)) {
      return *why = "interval out of range", false;
    }
    out.Append(Interval{static_cast<int32_t>(s.months), static_cast<int32_t>(s.days), s.micros});
    return true;
  }
};

Function Signature(std::string_view name, Arg arg, Arg result, std::string_view help,
                   std::string_view example) {
  return {name, {arg}, result, nullptr, help, example};
}

}  // namespace

void AddSumAggregates(AggregateTable& t) {
  // Sums of numeric keep the largest scale and an overflow, those of double precision are rounded, those of
  // interval keep an overflow: only integers are as if a state that is taken out had never been in.
  const uint32_t exact = kRetracts | kSubtracts;
  const std::string_view sum = "sum of the arguments that are not null; null when there is none";
  const auto add_sum = [&](Arg arg, Arg result, uint32_t flags, auto states, auto make,
                           std::string_view example) {
    t.push_back({Signature("sum", arg, result, sum, example), flags, states, make});
  };
  add_sum(Arg::kInteger, Arg::kBigint, exact, IntegerSum<int32_t>::States, MakeSimple<SumToBigint<int32_t>>,
          "sum(x) over 1, 2, NULL -> 3");
  add_sum(Arg::kBigint, Arg::kNumeric, exact, IntegerSum<int64_t>::States, MakeSimple<SumToNumeric<int64_t>>,
          "sum(x::bigint) over 9223372036854775807, 1 -> 9223372036854775808");
  add_sum(Arg::kDouble, Arg::kDouble, kRetracts, DoubleSum::States, MakeSimple<DoubleSum>,
          "sum(x::double precision) over 1.5, 2 -> 3.5");
  add_sum(Arg::kNumeric, Arg::kNumeric, kRetracts, NumericSum::States, MakeSimple<NumericSum>,
          "sum(x::numeric) over 1.50, 2.5 -> 4.00");
  add_sum(Arg::kInterval, Arg::kInterval, kRetracts, IntervalSum::States, MakeSimple<IntervalSum>,
          "sum(x::interval) over 1 day, 2 hours -> 1 day 02:00:00");

  const std::string_view avg = "arithmetic mean of the arguments that are not null; null when there is none";
  const auto add_avg = [&](Arg arg, Arg result, uint32_t flags, auto states, auto make,
                           std::string_view example) {
    t.push_back({Signature("avg", arg, result, avg, example), flags, states, make});
  };
  add_avg(Arg::kInteger, Arg::kNumeric, exact, IntegerSum<int32_t>::States, MakeSimple<IntegerMean<int32_t>>,
          "avg(x) over 1, 2, NULL -> 1.5000000000000000");
  add_avg(Arg::kBigint, Arg::kNumeric, exact, IntegerSum<int64_t>::States, MakeSimple<IntegerMean<int64_t>>,
          "avg(x::bigint) over 1, 2 -> 1.5000000000000000");
  add_avg(Arg::kDouble, Arg::kDouble, kRetracts, DoubleSum::States, MakeSimple<DoubleMean>,
          "avg(x::double precision) over 1, 2 -> 1.5");
  add_avg(Arg::kNumeric, Arg::kNumeric, kRetracts, NumericSum::States, MakeSimple<NumericMean>,
          "avg(x::numeric) over 1.5, 2 -> 1.7500000000000000");
}

}  // namespace streamrun
