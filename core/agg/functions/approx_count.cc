// approx_count_distinct: HyperLogLog over the canonical hash of keys.
#include <cmath>

#include "core/agg/functions/families.h"
#include "core/agg/hyperloglog.h"
#include "core/data/row_hash.h"

namespace streamrun {

namespace {

class ApproxCount final : public Accumulator {
 public:
  void Resize(uint32_t slots) override { sketches_.resize(slots); }
  void Clear(uint32_t slot) override { sketches_[slot] = {}; }
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override {
    const Column& column = *args[0];
    HashRows({args[0]}, column.length(), &hashes_);
    for (int64_t i = 0; i < rows.count; ++i) {
      const size_t row = rows.row(i);
      if (!column.IsNull(static_cast<int64_t>(row))) sketches_[rows.slots[i]].Add(hashes_[row]);
    }
  }
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override {
    for (int64_t i = 0; i < rows.count; ++i) {
      sketches_[rows.slots[i]].Merge(HyperLogLog::Load(states[0]->Text(static_cast<int64_t>(rows.row(i)))));
    }
  }
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override {
    ColumnBuilder out{DataType(TypeId::kBytea)};
    for (int64_t i = 0; i < count; ++i) out.AppendText(sketches_[slots[i]].Save());
    return {out.Finish()};
  }
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>*) const override {
    ColumnBuilder out{DataType(TypeId::kBigint)};
    out.Reserve(count);
    for (int64_t i = 0; i < count; ++i) out.Append<int64_t>(std::llround(sketches_[slots[i]].Estimate()));
    return out.Finish();
  }
  size_t MemoryBytes() const override {
    size_t bytes = sketches_.capacity() * sizeof(HyperLogLog) + hashes_.capacity() * sizeof(uint64_t);
    for (const HyperLogLog& sketch : sketches_) bytes += sketch.MemoryBytes();
    return bytes;
  }

 private:
  std::vector<HyperLogLog> sketches_;
  std::vector<uint64_t> hashes_;
};

std::vector<DataType> States(const AggregateTypes&) { return {TypeId::kBytea}; }
Result<std::unique_ptr<Accumulator>> Make(const AggregateTypes&) {
  return std::unique_ptr<Accumulator>(std::make_unique<ApproxCount>());
}

}  // namespace

void AddApproxCountAggregates(AggregateTable& t) {
  t.push_back(
      {{"approx_count_distinct",
        {Arg::kAny},
        Arg::kBigint,
        nullptr,
        "about how many different values there are: exact up to hundreds, beyond that with a standard "
        "error of 1.6 % in 4 KiB a group",
        "approx_count_distinct(x) over 3, 1, 3, NULL -> 2",
        kAddition},
       kIgnoresDistinct,
       States,
       Make});
}

}  // namespace streamrun
