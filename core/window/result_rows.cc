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

ColumnPtr Integers(const DataType& type, const std::vector<int64_t>& numbers) {
  BufferBuilder values;
  values.Append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * 8);
  return std::make_shared<const Column>(type, static_cast<int64_t>(numbers.size()), 0, nullptr,
                                        values.Finish());
}

// Failures of chosen rows, by their place among the chosen ones.
std::vector<RowFailure> OfRows(const std::vector<RowFailure>& failures, const Selection& rows) {
  std::vector<RowFailure> out;
  for (const RowFailure& failure : failures) {
    const auto at = std::lower_bound(rows.begin(), rows.end(), failure.row);
    if (at == rows.end() || *at != failure.row) continue;
    out.push_back(failure);
    out.back().row = static_cast<uint32_t>(at - rows.begin());
  }
  return out;
}

// Rows in `passed` without those that failed.
Selection WithoutFailed(const Selection& passed, const std::vector<RowFailure>& failures) {
  Selection good;
  auto failed = failures.begin();
  for (const uint32_t row : passed) {
    while (failed != failures.end() && failed->row < row) ++failed;
    if (failed == failures.end() || failed->row != row) good.push_back(row);
  }
  return good;
}

Selection AllRows(int64_t rows) {
  Selection all(static_cast<size_t>(rows));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint32_t>(i);
  return all;
}

}  // namespace

ResultRows::ResultRows(const AggregationPlan& plan, Env* env) : plan_(plan) {
  for (const ExpressionPtr& e : plan.select) select_.emplace_back(e, env);
  if (plan.having) having_.emplace(plan.having, env);
}

std::vector<ColumnPtr> ResultRows::Bounds(const Window& window, int64_t rows) const {
  if (!plan_.windowed()) return {};
  return {Repeated(plan_.groups->field(0).type, window.start, rows),
          Repeated(plan_.groups->field(1).type, window.end, rows)};
}

std::vector<ColumnPtr> ResultRows::Bounds(const std::vector<int64_t>& starts,
                                          const std::vector<int64_t>& ends) const {
  return {Integers(plan_.groups->field(0).type, starts), Integers(plan_.groups->field(1).type, ends)};
}

std::vector<ColumnPtr> ResultRows::Keys(const GroupTable& table, const std::vector<uint32_t>& slots,
                                        const std::vector<ColumnPtr>& bounds) const {
  std::vector<ColumnPtr> keys = bounds;
  for (size_t i = 0; i < plan_.key_types.size(); ++i) {
    keys.push_back(table.keys().key(i).Gather(slots.data(), static_cast<int64_t>(slots.size())));
  }
  return keys;
}

Selection ResultRows::WithRows(const ColumnPtr& counts, Selection* empty) const {
  Selection there;
  const int64_t* values = counts->values<int64_t>();
  for (uint32_t i = 0; i < counts->length(); ++i) {
    if (values[i] > 0) {
      there.push_back(i);
    } else if (values[i] == 0 && empty != nullptr) {
      empty->push_back(i);
    }
  }
  return there;
}

BatchPtr ResultRows::Build(const GroupTable& table, const std::vector<uint32_t>& slots,
                           const std::vector<ColumnPtr>& bounds, Output& out, Selection* kept,
                           Selection* empty) {
  std::vector<RowFailure> failures;
  std::vector<ColumnPtr> groups = table.Results(slots, &failures);
  const auto extra = static_cast<std::ptrdiff_t>(plan_.key_types.size());
  groups.erase(groups.begin() + extra,
               groups.begin() + static_cast<std::ptrdiff_t>(table.keys().key_columns()));
  groups.insert(groups.begin(), bounds.begin(), bounds.end());
  const auto named = static_cast<std::ptrdiff_t>(plan_.groups->size());
  auto rows = static_cast<int64_t>(slots.size());
  Selection there;
  if (plan_.row_count >= 0) {
    there = WithRows(groups[static_cast<size_t>(named + plan_.row_count)], empty);
    if (there.size() < slots.size()) {
      for (ColumnPtr& column : groups) column = Take(column, there);
      failures = OfRows(failures, there);
      rows = static_cast<int64_t>(there.size());
    }
  }
  std::vector<ColumnPtr> columns(groups.begin(), groups.begin() + named);
  Selection passed = having_ ? having_->Select(groups, rows, &failures) : AllRows(rows);
  for (Evaluator& e : select_) columns.push_back(e.Evaluate(groups, rows, &failures));
  if (!failures.empty()) {
    SortFailures(failures);
    passed = WithoutFailed(passed, failures);
    const std::vector<ColumnPtr> keys(groups.begin(), groups.begin() + named);
    out.FailResult(std::make_shared<const Batch>(plan_.groups, rows, keys), std::move(failures));
  }
  auto batch = std::make_shared<const Batch>(plan_.output, rows, std::move(columns));
  BatchPtr result = Take(BatchPtr(batch), passed);
  if (kept != nullptr) {
    if (static_cast<size_t>(rows) < slots.size()) {
      for (uint32_t& row : passed) row = there[row];
    }
    *kept = std::move(passed);
  }
  return result;
}

}  // namespace streamrun
