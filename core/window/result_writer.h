// Results on their way out: final rows, or changes against what was shown, in batches that wait their turn.
#pragma once

#include <deque>
#include <vector>

#include "core/window/changelog.h"
#include "core/window/result_rows.h"

namespace streamrun {

/// Rows of a result batch, fewer where they are large; callers hand over at most so many groups at once.
inline constexpr size_t kResultRows = 8192;

/// One per operator instance.
class ResultWriter {
 public:
  ResultWriter(const AggregationPlan& plan, Env* env) : rows_(plan, env) {}

  const ResultRows& rows() const { return rows_; }

  /// These groups' results are final and were never shown.
  void Give(const GroupTable& table, const std::vector<uint32_t>& slots, const std::vector<ColumnPtr>& bounds,
            Output& out);
  /// The changes that bring `shown` to what these groups' results are now. `empty`: positions in `slots` of
  /// groups whose rows were all taken back.
  void Show(const GroupTable& table, const std::vector<uint32_t>& slots, const std::vector<ColumnPtr>& bounds,
            Changelog& shown, Output& out, Selection* empty = nullptr);

  void Push(BatchPtr batch);
  bool ready() const { return !ready_.empty(); }
  /// Emits the next batch on the first port.
  void Emit(Output& out);

 private:
  void ShowPiece(const GroupTable& table, const std::vector<uint32_t>& slots,
                 const std::vector<ColumnPtr>& bounds, Changelog& shown, Output& out, Selection* empty);

  ResultRows rows_;
  std::deque<BatchPtr> ready_;
};

}  // namespace streamrun
