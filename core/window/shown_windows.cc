#include "core/window/shown_windows.h"

namespace streamrun {

Changelog& ShownWindows::Of(const Window& window) {
  const auto [it, made] =
      windows_.try_emplace(Key(window.end, window.start), plan_.output, plan_.groups->size());
  if (made) bytes_ += it->second.MemoryBytes();
  return it->second;
}

void ShownWindows::Forget(Timestamp end) {
  while (!windows_.empty() && windows_.begin()->first.first <= end) {
    bytes_ -= windows_.begin()->second.MemoryBytes();
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
