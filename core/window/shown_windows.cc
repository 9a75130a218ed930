#include "core/window/shown_windows.h"

namespace streamrun {

Changelog& ShownWindows::Of(const Window& window) {
  const auto [it, made] =
      windows_.try_emplace(Key(window.end, window.start), plan_.output, plan_.groups->size());
  if (made) {
    bytes_ += it->second.MemoryBytes();
    it->second.changes().Track(tracks_);
  }
  return it->second;
}

void ShownWindows::Forget(Timestamp end) {
  while (!windows_.empty() && windows_.begin()->first.first <= end) {
    bytes_ -= windows_.begin()->second.MemoryBytes();
    if (tracks_ > 0) gone_.push_back(windows_.begin()->first);
    windows_.erase(windows_.begin());
  }
}

Status ShownWindows::Save(const TakeRows& take) const {
  const SchemaPtr schema = ShownState(plan_).Row();
  for (const auto& [key, shown] : windows_) {
    if (shown.size() > 0) SR_RETURN_IF_ERROR(take(ToShownState(plan_, schema, shown.Save())));
  }
  return Status::Ok();
}

void ShownWindows::Track(int64_t most) {
  tracks_ = most;
  gone_.clear();
  for (auto& entry : windows_) entry.second.changes().Track(most);
}

int64_t ShownWindows::changed() const {
  auto changed = static_cast<int64_t>(gone_.size());
  for (const auto& entry : windows_) changed += entry.second.changes().count();
  return changed;
}

int64_t ShownWindows::rows() const {
  int64_t rows = 0;
  for (const auto& entry : windows_) rows += entry.second.size();
  return rows;
}

Status ShownWindows::SaveChanges(const TakeRows& removed, const TakeRows& rows) const {
  for (const auto& entry : windows_) {
    for (const SlotChanges::Removed& gone : entry.second.changes().removed()) {
      SR_RETURN_IF_ERROR(removed(ShownRemoval(plan_, gone.columns, gone.rows)));
    }
  }
  if (!gone_.empty()) {
    std::vector<int64_t> starts, ends;
    for (const auto& [end, start] : gone_) {
      starts.push_back(start);
      ends.push_back(end);
    }
    const auto of = [&](int field, const std::vector<int64_t>& values) {
      return BigintColumn(values, plan_.output->field(field).type);
    };
    SR_RETURN_IF_ERROR(
        removed(ShownRemoval(plan_, {of(0, starts), of(1, ends)}, static_cast<int64_t>(gone_.size()))));
  }
  const SchemaPtr schema = ShownState(plan_).Row();
  for (const auto& entry : windows_) {
    const BatchPtr changed = entry.second.SaveChanged();
    if (changed->rows() > 0) SR_RETURN_IF_ERROR(rows(ToShownState(plan_, schema, changed)));
  }
  return Status::Ok();
}

Status ShownWindows::Load(const BatchPtr& state) {
  const BatchPtr rows = FromShownState(plan_, state);
  std::map<Key, Selection> by_window;
  for (uint32_t row = 0; row < rows->rows(); ++row) {
    const auto bound = [&](int column) {
      return plan_.windowed() ? rows->column(column)->values<int64_t>()[row] : 0;
    };
    by_window[{bound(1), bound(0)}].push_back(row);
  }
  for (const auto& entry : by_window) {
    const Selection& chosen = entry.second;
    Change({entry.first.second, entry.first.first},
           [&](Changelog& shown) { shown.Load(Take(rows, chosen)); });
  }
  return Status::Ok();
}

}  // namespace streamrun
