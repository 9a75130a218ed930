#include "core/window/result_rows.h"

#include <algorithm>

namespace streamrun {

namespace {

ColumnPtr Repeated(const DataType& type, Timestamp value, int64_t rows) {
  BufferBuilder values;
  values.Resize(static_cast<size_t>(rows) * 8);
  std::fill_n(values.as<int64_t>(), rows, value);
  return std::make_shared<const Column>(type, rows, 0, nullptr, values.Finish());
}

// Ascending, the first failure of each row.
void SortFailures(std::vector<RowFailure>& failures) {
  std::stable_sort(failures.begin(), failures.end(),
                   [](const RowFailure& a, const RowFailure& b) { return a.row < b.row; });
  failures.erase(std::unique(failures.begin(), failures.end(),
                             [](const RowFailure& a, const RowFailure& b) { return a.row == b.row; }),
                 failures.end());
}

}  // namespace

ResultRows::ResultRows(const AggregationPlan& plan, Env* env) : plan_(plan) {
  for (const ExpressionPtr& e : plan.select) select_.emplace_back(e, env);
  if (plan.having) having_.emplace(plan.having, env);
}

std::vector<ColumnPtr> ResultRows::GroupColumns(const GroupTable& table, const std::vector<uint32_t>& slots,
                                                const Window& window,
                                                std::vector<RowFailure>* failures) const {
  const auto rows = static_cast<int64_t>(slots.size());
  std::vector<ColumnPtr> columns;
  if (plan_.windowed()) {
    columns.push_back(Repeated(plan_.groups->field(0).type, window.start, rows));
    columns.push_back(Repeated(plan_.groups->field(1).type, window.end, rows));
  }
  for (ColumnPtr& column : table.Results(slots, failures)) columns.push_back(std::move(column));
  return columns;
}

BatchPtr ResultRows::Build(const GroupTable& table, const std::vector<uint32_t>& slots, const Window& window,
                           Output& out, Selection* kept) {
  const auto rows = static_cast<int64_t>(slots.size());
  std::vector<RowFailure> failures;
  const std::vector<ColumnPtr> groups = GroupColumns(table, slots, window, &failures);
  const auto named = static_cast<std::ptrdiff_t>(plan_.groups->size());
  std::vector<ColumnPtr> columns(groups.begin(), groups.begin() + named);
  Selection passed;
  if (having_) passed = having_->Select(groups, rows, &failures);
  for (Evaluator& e : select_) columns.push_back(e.Evaluate(groups, rows, &failures));
  if (!failures.empty()) {
    SortFailures(failures);
    Selection good;
    size_t next = 0;
    for (uint32_t row = 0; row < rows; ++row) {
      const bool failed = next < failures.size() && failures[next].row == row;
      next += failed ? 1 : 0;
      if (!failed && (!having_ || std::binary_search(passed.begin(), passed.end(), row))) good.push_back(row);
    }
    passed = std::move(good);
    const std::vector<ColumnPtr> keys(groups.begin(), groups.begin() + named);
    out.FailResult(std::make_shared<const Batch>(plan_.groups, rows, keys), std::move(failures));
  } else if (!having_) {
    passed.resize(static_cast<size_t>(rows));
    for (size_t i = 0; i < passed.size(); ++i) passed[i] = static_cast<uint32_t>(i);
  }
  auto batch = std::make_shared<const Batch>(plan_.output, rows, std::move(columns));
  BatchPtr result = Take(BatchPtr(batch), passed);
  if (kept) *kept = std::move(passed);
  return result;
}

}  // namespace streamrun
