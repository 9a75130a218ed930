// Exact quantiles: percentile_cont, percentile_disc, median; and mode.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/agg/collecting_accumulator.h"
#include "core/agg/functions/families.h"
#include "core/agg/ordered_accumulator.h"
#include "core/agg/value_counts.h"
#include "core/data/text_io.h"
#include "core/expr/compare_values.h"

namespace streamrun {

namespace {

// Of each slot the rows in ascending or descending order.
class SortedRows {
 public:
  SortedRows(const SlotRows& rows, bool descending) : rows_(rows), order_(static_cast<size_t>(rows.rows())) {
    std::iota(order_.begin(), order_.end(), 0u);
    const Column& column = *rows.columns[0];
    const bool doubles = column.type().id() == TypeId::kDouble;
    const auto* values = doubles ? column.values<double>() : nullptr;
    const std::vector<SortKey> keys = {{0, descending, false}};
    for (size_t i = 0; i < rows.ends.size(); ++i) {
      const auto begin = order_.begin() + rows.begin(i);
      const auto end = order_.begin() + rows.ends[i];
      if (doubles) {
        std::sort(begin, end, [&](uint32_t a, uint32_t b) {
          return descending ? LessDouble(values[b], values[a]) : LessDouble(values[a], values[b]);
        });
      } else {
        std::stable_sort(begin, end,
                         [&](uint32_t a, uint32_t b) { return CompareRows(rows.columns, keys, a, b) < 0; });
      }
    }
  }
  /// The row at `place` of the slot's rows.
  int64_t at(size_t slot, int64_t place) const {
    return order_[static_cast<size_t>(rows_.begin(slot) + place)];
  }
  int64_t count(size_t slot) const { return rows_.ends[slot] - rows_.begin(slot); }

 private:
  const SlotRows& rows_;
  std::vector<uint32_t> order_;
};

// One or more shares of the way from the first to the last row.
struct Fractions {
  std::vector<std::optional<double>> values;
  bool list = false;
};

// What stands between two values; PostgreSQL adds the share of the difference to the lower one.
double Between(double low, double high, double share) {
  return low == high ? low : low + share * (high - low);
}
Interval Between(const Interval& low, const Interval& high, double share) {
  const auto part = [&](double v) { return share * v; };
  const double months = part(static_cast<double>(high.months) - low.months);
  // A fraction of a month is 30 days, one of a day 24 hours (interval_mul).
  const double whole_months = std::trunc(months);
  const double days = part(static_cast<double>(high.days) - low.days);
  const double whole_days = std::trunc(days);
  double month_days = std::round((months - whole_months) * 30 * 1e6) / 1e6;
  double seconds = (days - whole_days + month_days - std::trunc(month_days)) * 86400;
  seconds = std::round(seconds * 1e6) / 1e6;
  double more_days = std::trunc(month_days);
  if (std::abs(seconds) >= 86400) {
    const double carried = std::trunc(seconds / 86400);
    more_days += carried;
    seconds -= carried * 86400;
  }
  const double micros = std::rint(part(static_cast<double>(high.micros - low.micros)) + seconds * 1e6);
  return {low.months + static_cast<int32_t>(whole_months),
          low.days + static_cast<int32_t>(whole_days + more_days), low.micros + static_cast<int64_t>(micros)};
}

template <typename T>
void AppendCont(const Column& column, const SortedRows& sorted, size_t slot, double fraction,
                ColumnBuilder& out) {
  const T* values = column.values<T>();
  const double place = fraction * static_cast<double>(sorted.count(slot) - 1);
  const auto low = static_cast<int64_t>(std::floor(place));
  const auto high = static_cast<int64_t>(std::ceil(place));
  const T first = values[sorted.at(slot, low)];
  if (low == high) return out.Append(first);
  out.Append(Between(first, values[sorted.at(slot, high)], place - static_cast<double>(low)));
}

void AppendDisc(const Column& column, const SortedRows& sorted, size_t slot, double fraction,
                ColumnBuilder& out) {
  const auto place = static_cast<int64_t>(std::ceil(fraction * static_cast<double>(sorted.count(slot))));
  out.AppendFrom(column, sorted.at(slot, std::max<int64_t>(place, 1) - 1));
}

// The rows are those of the last argument.
class Quantile final : public CollectingAccumulator {
 public:
  Quantile(const AggregateTypes& types, Fractions fractions, bool continuous)
      : CollectingAccumulator(types, {static_cast<int>(types.args.size()) - 1, {}}),
        fractions_(std::move(fractions)),
        continuous_(continuous) {}

 protected:
  void Finish(const SlotRows& rows, uint32_t, ColumnBuilder& out, std::vector<RowFailure>*) const override {
    SlotRows values;
    values.columns = {varying().Complete(rows.columns, rows.rows()).back()};
    values.ends = rows.ends;
    const SortedRows sorted(values, types().descending);
    for (size_t slot = 0; slot < rows.ends.size(); ++slot) {
      if (sorted.count(slot) == 0) {
        out.AppendNull();
      } else if (fractions_.list) {
        for (const auto& f : fractions_.values) Append(*values.columns[0], sorted, slot, f, out.child());
        out.CloseList();
      } else {
        Append(*values.columns[0], sorted, slot, fractions_.values[0], out);
      }
    }
  }

 private:
  void Append(const Column& column, const SortedRows& sorted, size_t slot, std::optional<double> fraction,
              ColumnBuilder& out) const {
    if (!fraction) return out.AppendNull();
    if (!continuous_) return AppendDisc(column, sorted, slot, *fraction, out);
    column.type().id() == TypeId::kDouble ? AppendCont<double>(column, sorted, slot, *fraction, out)
                                          : AppendCont<Interval>(column, sorted, slot, *fraction, out);
  }

  Fractions fractions_;
  bool continuous_;
};

Status AddFraction(const Value& value, Fractions* out) {
  if (value.is_null()) {
    out->values.emplace_back();
    return Status::Ok();
  }
  const double fraction = std::get<double>(value.data);
  if (!(fraction >= 0 && fraction <= 1)) {
    std::string text;
    PrintDouble(fraction, text);
    return Status::InvalidArgument("percentile value " + text + " is not between 0 and 1");
  }
  out->values.emplace_back(fraction);
  return Status::Ok();
}

Result<Fractions> ReadFractions(const AggregateTypes& types) {
  if (!types.constants[0]) return Status::InvalidArgument("the fraction of a percentile must be a constant");
  const Value& value = *types.constants[0];
  Fractions fractions;
  fractions.list = types.args[0].id() == TypeId::kList;
  if (!fractions.list || value.is_null()) {
    fractions.list = false;
    const Status status = AddFraction(value, &fractions);
    if (!status.ok()) return status;
    return fractions;
  }
  for (const Value& one : std::get<std::vector<Value>>(value.data)) {
    const Status status = AddFraction(one, &fractions);
    if (!status.ok()) return status;
  }
  return fractions;
}

template <bool kContinuous>
Result<std::unique_ptr<Accumulator>> MakePercentile(const AggregateTypes& types) {
  Result<Fractions> fractions = ReadFractions(types);
  if (!fractions.ok()) return fractions.status();
  return std::unique_ptr<Accumulator>(std::make_unique<Quantile>(types, std::move(*fractions), kContinuous));
}

Result<std::unique_ptr<Accumulator>> MakeMedian(const AggregateTypes& types) {
  return std::unique_ptr<Accumulator>(std::make_unique<Quantile>(types, Fractions{{0.5}, false}, true));
}

std::vector<DataType> States(const AggregateTypes& types) { return CollectingAccumulator::States(types); }

// The most frequent value, the first in order of those that are equally frequent.
class Mode final : public Accumulator {
 public:
  explicit Mode(const AggregateTypes& types)
      : type_(types.args[0]), descending_(types.descending), values_({type_}, types) {}

  static std::vector<DataType> States(const AggregateTypes& types) {
    return {ListOf(types.args[0]), ListOf(TypeId::kBigint)};
  }

  void Resize(uint32_t slots) override { values_.Resize(slots); }
  void Clear(uint32_t slot) override { values_.Clear(slot); }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override { Change(args, rows, 1); }
  void Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) override { Change(args, rows, -1); }
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override {
    const FlatRows flat = FromLists(states, rows);
    values_.Change({flat.columns[0]}, flat.grouped(), 1, flat.columns[1].get(), nullptr);
  }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    return ToLists(values_.Gather(slots, count, true));
  }
  int64_t Fitting(const uint32_t* slots, int64_t count) const override {
    return values_.Fitting(slots, count);
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>* failures) const override {
    const SlotRows rows = values_.Gather(slots, count, false);
    const auto* counts = rows.columns[1]->values<int64_t>();
    const std::vector<SortKey> keys = {{0, descending_, false}};
    ColumnBuilder out(type_);
    for (size_t i = 0; i < rows.ends.size(); ++i) {
      if (values_.Full(slots[i])) {
        out.AppendNull();
        failures->push_back(TooLarge(static_cast<uint32_t>(i)));
        continue;
      }
      int64_t best = -1;
      for (int64_t row = rows.begin(i); row < rows.ends[i]; ++row) {
        const bool better = best < 0 || counts[row] > counts[best] ||
                            (counts[row] == counts[best] && CompareRows(rows.columns, keys, row, best) < 0);
        if (better) best = row;
      }
      best < 0 ? out.AppendNull() : out.AppendFrom(*rows.columns[0], best);
    }
    return out.Finish();
  }
  size_t MemoryBytes() const override { return values_.MemoryBytes(); }

 private:
  void Change(std::span<const ColumnPtr> args, const GroupedRows& rows, int64_t by) {
    values_.Change({args[0]}, PresentRows(*args[0], rows, &scratch_), by, nullptr, nullptr);
  }

  DataType type_;
  bool descending_;
  ValueCounts values_;
  RowScratch scratch_;
};

Result<std::unique_ptr<Accumulator>> MakeMode(const AggregateTypes& types) {
  return std::unique_ptr<Accumulator>(std::make_unique<Mode>(types));
}

}  // namespace

void AddQuantileAggregates(AggregateTable& t) {
  const uint32_t flags = kWithinGroup | kRetractsIfTold;
  const auto add = [&](std::string_view name, std::vector<Arg> args, Arg result, std::string_view help,
                       std::string_view example, auto make) {
    t.push_back({{name, std::move(args), result, nullptr, help, example}, flags, States, make});
  };
  const std::string_view cont = "the value that lies at that fraction of the ordered values, interpolated";
  add("percentile_cont", {Arg::kDouble, Arg::kDouble}, Arg::kDouble, cont,
      "percentile_cont(0.25) WITHIN GROUP (ORDER BY x) over 4, 1, 2, NULL -> 1.5", MakePercentile<true>);
  add("percentile_cont", {Arg::kDouble, Arg::kInterval}, Arg::kInterval, cont,
      "percentile_cont(0.5) WITHIN GROUP (ORDER BY x::interval) over 1 day, 2 hours -> 13:00:00",
      MakePercentile<true>);
  add("percentile_cont", {Arg::kDoubleList, Arg::kDouble}, Arg::kDoubleList, "one for each fraction",
      "percentile_cont(ARRAY[0.5, 1]) WITHIN GROUP (ORDER BY x) over 4, 1 -> {2.5,4}", MakePercentile<true>);
  const std::string_view disc = "the first of the ordered values at or behind that fraction of them";
  add("percentile_disc", {Arg::kDouble, Arg::kElement}, Arg::kElement, disc,
      "percentile_disc(0.5) WITHIN GROUP (ORDER BY x DESC) over c, a, b, d -> c", MakePercentile<false>);
  add("percentile_disc", {Arg::kDoubleList, Arg::kElement}, Arg::kElements, "one for each fraction",
      "percentile_disc(ARRAY[0, 0.5, NULL]) WITHIN GROUP (ORDER BY x) over 3, 1, 2 -> {1,2,NULL}",
      MakePercentile<false>);
  const std::string_view median =
      "the middle of the ordered values, or half way between the two in the middle";
  t.push_back({{"median",
                {Arg::kDouble},
                Arg::kDouble,
                nullptr,
                median,
                "median(x) over 4, 1, 2, NULL -> 2",
                kAddition},
               kRetractsIfTold,
               States,
               MakeMedian});
  t.push_back({{"median",
                {Arg::kInterval},
                Arg::kInterval,
                nullptr,
                median,
                "median(x::interval) over 1 hour, 2 hours -> 01:30:00",
                kAddition},
               kRetractsIfTold,
               States,
               MakeMedian});
  t.push_back({{"mode",
                {Arg::kElement},
                Arg::kElement,
                nullptr,
                "the most frequent value; of several the first in order",
                "mode() WITHIN GROUP (ORDER BY x) over 2, 1, 1, 2, 3 -> 1"},
               kWithinGroup | kRetracts,
               Mode::States,
               MakeMode});
}

}  // namespace streamrun
