#include "core/window/row_dealer.h"

#include "core/window/row_times.h"

namespace streamrun {

namespace {

// The one slice of an aggregate without windows.
constexpr Timestamp kEverything = 0;

bool TakesBack(ChangeKind kind) { return kind == ChangeKind::kUpdateBefore || kind == ChangeKind::kDelete; }

}  // namespace

RowDealer::RowDealer(const AggregationPlan& plan) : plan_(plan) {
  if (plan.window.by_time()) windows_.emplace(plan.window);
}

void RowDealer::ReadTimes(const Batch& batch, Timestamp now, std::vector<RowFailure>* failures) {
  if (!windows_) return;
  if (plan_.window.processing_time) {
    times_.assign(static_cast<size_t>(batch.rows()), now);
  } else {
    ReadRowTimes(*batch.column(plan_.time_column), plan_.time_bias, &times_, failures);
  }
}

const std::map<Timestamp, RowDealer::Rows>& RowDealer::Deal(const BatchPtr& batch,
                                                            const std::vector<RowFailure>& failures,
                                                            Timestamp closed_end, Timestamp watermark,
                                                            Output& out) {
  dealt_.clear();
  Selection late;
  const auto rows = static_cast<uint32_t>(batch->rows());
  if (windows_) {
    starts_.resize(rows);
    windows_->Starts(times_.data(), rows, starts_.data());
  }
  size_t next = 0;
  Rows* last = nullptr;  // null: late
  Timestamp last_start = 0;
  bool first = true;
  for (uint32_t row = 0; row < rows; ++row) {
    if (next < failures.size() && failures[next].row == row) {
      ++next;
      continue;
    }
    const Timestamp start = windows_ ? starts_[row] : kEverything;
    if (first || start != last_start) {
      first = false;
      last_start = start;
      last = windows_ && windows_->Last(start).end <= closed_end ? nullptr : &dealt_[start];
    }
    if (last == nullptr) {
      late.push_back(row);
    } else {
      (TakesBack(batch->change(row)) ? last->taken_back : last->added).push_back(row);
    }
  }
  out.Count(Fate::kAbsorbed,
            static_cast<int64_t>(rows) - static_cast<int64_t>(late.size() + failures.size()));
  GiveLate(batch, late, times_, watermark, plan_.late, out);
  return dealt_;
}

}  // namespace streamrun
