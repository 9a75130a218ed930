// histogram(x, low, high, buckets): how many values lie in each of a number of equal ranges.
#include <algorithm>
#include <cmath>

#include "core/agg/functions/families.h"
#include "core/agg/list_states.h"
#include "core/data/slot_array.h"

namespace streamrun {

namespace {

constexpr int32_t kMostBuckets = 10'000;

struct Ranges {
  double low = 0;
  double high = 0;
  int32_t buckets = 0;
};

// Counts of all slots one after another: those below, those of each range, those at or above the end.
class Histogram final : public Accumulator {
 public:
  explicit Histogram(Ranges ranges) : ranges_(ranges), width_(static_cast<size_t>(ranges.buckets) + 2) {}

  void Resize(uint32_t slots) override { counts_.Resize(slots * width_); }
  void Clear(uint32_t slot) override { std::fill_n(Counts(slot), width_, 0); }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override { Change(args, rows, 1); }
  void Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) override { Change(args, rows, -1); }
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override {
    const auto* values = states[0]->child()->values<int64_t>();
    const auto* offsets = states[0]->values<int32_t>();
    for (int64_t i = 0; i < rows.count; ++i) {
      const int64_t* from = values + offsets[rows.row(i)];
      int64_t* to = Counts(rows.slots[i]);
      for (size_t k = 0; k < width_; ++k) to[k] += from[k];
    }
  }
  void MergeFrom(const Accumulator& other, const SlotPairs& pairs) override { Join(other, pairs, 1); }
  void Subtract(const Accumulator& other, const SlotPairs& pairs) override { Join(other, pairs, -1); }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    return {Lists(slots, count)};
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const override {
    return Lists(slots, count);
  }
  size_t MemoryBytes() const override { return counts_.MemoryBytes(); }

 private:
  int64_t* Counts(uint32_t slot) { return counts_.data() + slot * width_; }
  void Join(const Accumulator& other, const SlotPairs& pairs, int64_t by) {
    const int64_t* theirs = static_cast<const Histogram&>(other).counts_.data();
    for (int64_t i = 0; i < pairs.count; ++i) {
      const int64_t* from = theirs + pairs.source(i) * width_;
      int64_t* to = Counts(pairs.to[i]);
      for (size_t k = 0; k < width_; ++k) to[k] += by * from[k];
    }
  }
  void Change(std::span<const ColumnPtr> args, const GroupedRows& rows, int64_t by) {
    const Column& column = *args[0];
    const auto* values = column.values<double>();
    for (int64_t i = 0; i < rows.count; ++i) {
      const size_t row = rows.row(i);
      if (!column.IsNull(static_cast<int64_t>(row))) Counts(rows.slots[i])[Bucket(values[row])] += by;
    }
  }
  // NaN is above everything, as in sorting.
  size_t Bucket(double v) const {
    if (v < ranges_.low) return 0;
    if (!(v < ranges_.high)) return width_ - 1;
    const double share = (v - ranges_.low) / (ranges_.high - ranges_.low);
    const auto bucket = static_cast<size_t>(share * ranges_.buckets) + 1;
    return std::min(bucket, width_ - 2);
  }
  ColumnPtr Lists(const uint32_t* slots, int64_t count) const {
    BufferBuilder values;
    SlotRows rows;
    for (int64_t i = 0; i < count; ++i) {
      values.Append(counts_.data() + slots[i] * width_, width_ * sizeof(int64_t));
      rows.ends.push_back((i + 1) * static_cast<int64_t>(width_));
    }
    rows.columns.push_back(
        std::make_shared<const Column>(DataType(TypeId::kBigint), rows.rows(), 0, nullptr, values.Finish()));
    return ToLists(rows)[0];
  }

  Ranges ranges_;
  size_t width_;
  SlotArray<int64_t> counts_;
};

Result<std::unique_ptr<Accumulator>> Make(const AggregateTypes& types) {
  for (size_t i = 1; i < 4; ++i) {
    if (!types.constants[i] || types.constants[i]->is_null()) {
      return Status::InvalidArgument("histogram needs constants for low, high and buckets");
    }
  }
  const Ranges ranges = {std::get<double>(types.constants[1]->data),
                         std::get<double>(types.constants[2]->data),
                         std::get<int32_t>(types.constants[3]->data)};
  if (!(ranges.low < ranges.high) || !std::isfinite(ranges.high - ranges.low)) {
    return Status::InvalidArgument("histogram needs a low that is below its high, both finite");
  }
  if (ranges.buckets < 1 || ranges.buckets > kMostBuckets) {
    return Status::InvalidArgument("histogram takes 1 to 10000 buckets");
  }
  return std::unique_ptr<Accumulator>(std::make_unique<Histogram>(ranges));
}

std::vector<DataType> States(const AggregateTypes&) { return {DataType::List(TypeId::kBigint)}; }

}  // namespace

void AddHistogramAggregates(AggregateTable& t) {
  t.push_back(
      {{"histogram",
        {Arg::kDouble, Arg::kDouble, Arg::kDouble, Arg::kInteger},
        Arg::kBigintList,
        nullptr,
        "numbers of values below low, in each of that many equal ranges of low..high, and from high on",
        "histogram(x, 0, 10, 2) over -1, 0, 4.9, 5, 10, NULL -> {1,2,1,1}",
        kAddition},
       kRetracts | kSubtracts,
       States,
       Make});
}

}  // namespace streamrun
