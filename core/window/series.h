// Operators over time series: for each row of a key, in order of event time, something of the samples before
// it.
//
// Rows wait until the watermark has passed them, so that results do not depend on the order in which they
// came.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/expr/expression.h"
#include "core/stream/operator.h"
#include "core/window/kept_state.h"
#include "core/window/sample_queues.h"

namespace streamrun {

/// Rows of many series in order of time; those without a value are no samples.
struct SeriesRows {
  const std::vector<uint32_t>& slots;
  const std::vector<int64_t>& times;
  const Column& values;  // double
};

/// What is computed. Its memory of a series is the samples in its queue; anything else must follow from them.
class SeriesFunction {
 public:
  virtual ~SeriesFunction() = default;
  /// One value for each row and result column.
  virtual void Compute(const SeriesRows& rows, std::span<ColumnBuilder> results) = 0;
  virtual void Resize(uint32_t slots) { queues.Resize(slots); }
  virtual void Clear(uint32_t slot) { queues.Clear(slot); }
  /// A sample from a checkpoint, oldest first.
  virtual void Restore(uint32_t slot, const Sample& sample) { queues.Push(slot, sample); }

  SampleQueues queues;
};

/// Loops over the rows for a `Function` with `void Next(slot, time, value, double* results)`; a result that
/// there is none of is NaN and becomes null. Samples older than `ttl` (0: none) before a row are forgotten, a
/// value that is null or not finite is no sample.
template <typename Function>
class SeriesLoop : public SeriesFunction {
 public:
  explicit SeriesLoop(Duration ttl) : ttl_(ttl) {}

  void Compute(const SeriesRows& rows, std::span<ColumnBuilder> results) final {
    auto& function = static_cast<Function&>(*this);
    const double* values = rows.values.values<double>();
    double found[Function::kResults];
    for (size_t i = 0; i < rows.slots.size(); ++i) {
      for (double& result : found) result = std::numeric_limits<double>::quiet_NaN();
      if (!rows.values.IsNull(static_cast<int64_t>(i)) && std::isfinite(values[i])) {
        const uint32_t slot = rows.slots[i];
        if (ttl_ > 0 && !queues.empty(slot) && queues.last(slot).time < rows.times[i] - ttl_)
          function.Clear(slot);
        function.Next(slot, rows.times[i], values[i], found);
      }
      for (size_t r = 0; r < results.size(); ++r) {
        std::isnan(found[r]) ? results[r].AppendNull() : results[r].Append(found[r]);
      }
    }
  }

 private:
  Duration ttl_;
};

struct SeriesPlan {
  SchemaPtr input;
  int time_column = -1;
  Duration time_bias = 0;
  std::vector<ExpressionPtr> keys;
  std::vector<DataType> key_types;
  SchemaPtr key_schema;
  ExpressionPtr value;  // double
  /// Series without a sample for this long are forgotten; 0: never.
  Duration ttl = 0;
  std::function<std::unique_ptr<SeriesFunction>()> make;
  /// Columns of the input, then the results (double).
  SchemaPtr output;
  SchemaPtr late;
};
using SeriesPlanPtr = std::shared_ptr<const SeriesPlan>;

/// Ports: results, late rows.
std::unique_ptr<Operator> MakeSeriesOperator(SeriesPlanPtr plan);

/// All shapes that it keeps.
std::vector<StateShape> SeriesStates(const SeriesPlan& plan);

}  // namespace streamrun
