// approx_percentile and approx_median: t-digests.
#include "core/agg/functions/families.h"
#include "core/agg/tdigest.h"
#include "core/data/text_io.h"

namespace streamrun {

namespace {

class ApproxQuantile final : public Accumulator {
 public:
  explicit ApproxQuantile(std::optional<double> fraction) : fraction_(fraction) {}

  void Resize(uint32_t slots) override { digests_.resize(slots); }
  void Clear(uint32_t slot) override { digests_[slot] = {}; }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    const Column& column = *args[0];
    const auto* values = column.values<double>();
    for (int64_t i = 0; i < rows.count; ++i) {
      const size_t row = rows.row(i);
      if (!column.IsNull(static_cast<int64_t>(row))) digests_[rows.slots[i]].Add(values[row]);
    }
  }
  // States: means and weights, the first two means being the least and the greatest value (weight 0).
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override {
    const auto* offsets = states[0]->values<int32_t>();
    const auto* means = states[0]->child()->values<double>();
    const auto* weights = states[1]->child()->values<double>();
    for (int64_t i = 0; i < rows.count; ++i) {
      const size_t row = rows.row(i);
      TDigest& digest = digests_[rows.slots[i]];
      if (offsets[row + 1] - offsets[row] < 3) continue;
      digest.SetBounds(means[offsets[row]], means[offsets[row] + 1]);
      for (int32_t at = offsets[row] + 2; at < offsets[row + 1]; ++at) {
        digest.AddCentroid({means[at], weights[at]});
      }
    }
  }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    ColumnBuilder means(DataType::List(TypeId::kDouble));
    ColumnBuilder weights(DataType::List(TypeId::kDouble));
    const auto put = [&](double mean, double weight) {
      means.child().Append(mean);
      weights.child().Append(weight);
    };
    for (int64_t i = 0; i < count; ++i) {
      const TDigest& digest = digests_[slots[i]];
      if (digest.count() > 0) {
        put(digest.least(), 0);
        put(digest.greatest(), 0);
      }
      for (const TDigest::Centroid& c : digest.Centroids()) put(c.mean, c.weight);
      means.CloseList();
      weights.CloseList();
    }
    return {means.Finish(), weights.Finish()};
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const override {
    ColumnBuilder out{DataType(TypeId::kDouble)};
    out.Reserve(count);
    for (int64_t i = 0; i < count; ++i) {
      const TDigest& digest = digests_[slots[i]];
      digest.count() > 0 && fraction_ ? out.Append(digest.Quantile(*fraction_)) : out.AppendNull();
    }
    return out.Finish();
  }
  size_t MemoryBytes() const override {
    size_t bytes = digests_.capacity() * sizeof(TDigest);
    for (const TDigest& digest : digests_) bytes += digest.MemoryBytes();
    return bytes;
  }

 private:
  std::optional<double> fraction_;
  std::vector<TDigest> digests_;
};

std::vector<DataType> States(const AggregateTypes&) {
  return {DataType::List(TypeId::kDouble), DataType::List(TypeId::kDouble)};
}

Result<std::unique_ptr<Accumulator>> Make(const AggregateTypes& types) {
  std::optional<double> fraction = 0.5;
  if (types.args.size() > 1) {
    const std::optional<Value>& constant = types.constants[1];
    if (!constant) return Status::InvalidArgument("the fraction of approx_percentile must be a constant");
    fraction.reset();
    if (!constant->is_null()) fraction = std::get<double>(constant->data);
  }
  if (fraction && !(*fraction >= 0 && *fraction <= 1)) {
    std::string text;
    PrintDouble(*fraction, text);
    return Status::InvalidArgument("percentile value " + text + " is not between 0 and 1");
  }
  return std::unique_ptr<Accumulator>(std::make_unique<ApproxQuantile>(fraction));
}

}  // namespace

void AddApproxQuantileAggregates(AggregateTable& t) {
  t.push_back(
      {{"approx_percentile",
        {Arg::kDouble, Arg::kDouble},
        Arg::kDouble,
        nullptr,
        "about what percentile_cont gives, in at most 12 KiB a group: exact for up to 100 values, beyond "
        "that within 0.6 % of the rows, at the 99th percentile within 0.1 %",
        "approx_percentile(x, 0.75) over 1, 2, 3, 10, NULL -> 4.75",
        kAddition},
       kNoFlags,
       States,
       Make});
  t.push_back({{"approx_median",
                {Arg::kDouble},
                Arg::kDouble,
                nullptr,
                "the same as approx_percentile(x, 0.5)",
                "approx_median(x) over 1, 2, 10 -> 2",
                kAddition},
               kNoFlags,
               States,
               Make});
}

}  // namespace streamrun
