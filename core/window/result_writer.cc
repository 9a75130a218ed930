#include "core/window/result_writer.h"

#include <algorithm>

namespace streamrun {

void ResultWriter::Give(const GroupTable& table, const std::vector<uint32_t>& slots,
                        const std::vector<ColumnPtr>& bounds, Output& out) {
  Push(rows_.Build(table, slots, bounds, out));
}

void ResultWriter::Show(const GroupTable& table, const std::vector<uint32_t>& slots,
                        const std::vector<ColumnPtr>& bounds, Changelog& shown, Output& out,
                        Selection* empty) {
  Selection kept;
  Push(shown.Update(rows_.Build(table, slots, bounds, out, &kept, empty)));
  if (kept.size() == slots.size()) return;
  // Groups without a row now: `having` refuses them, they failed, or their rows were taken back.
  Selection gone;
  for (uint32_t i = 0; i < slots.size(); ++i) {
    if (!std::binary_search(kept.begin(), kept.end(), i)) gone.push_back(i);
  }
  std::vector<ColumnPtr> keys;
  for (const ColumnPtr& column : rows_.Keys(table, slots, bounds)) {
    keys.push_back(streamrun::Take(column, gone));
  }
  Push(shown.Delete(keys, static_cast<int64_t>(gone.size())));
}

void ResultWriter::Push(BatchPtr batch) {
  if (batch != nullptr && batch->rows() > 0) ready_.push_back(std::move(batch));
}

void ResultWriter::Emit(Output& out) {
  out.Emit(Output::kOk, std::move(ready_.front()));
  ready_.pop_front();
}

}  // namespace streamrun
