#include "core/window/result_writer.h"

#include <algorithm>

namespace streamrun {

namespace {

// Calls f(slots, bounds, place of the first among all) with groups that fit into one batch at a time.
template <typename F>
void EachPiece(const GroupTable& table, const std::vector<uint32_t>& slots,
               const std::vector<ColumnPtr>& bounds, const F& f) {
  for (size_t begin = 0; begin < slots.size();) {
    const auto rest = static_cast<int64_t>(slots.size() - begin);
    const int64_t count = table.Fitting(slots.data() + begin, rest);
    if (count == static_cast<int64_t>(slots.size())) return f(slots, bounds, 0);
    Selection places;
    for (int64_t i = 0; i < count; ++i)
      places.push_back(static_cast<uint32_t>(begin + static_cast<size_t>(i)));
    std::vector<uint32_t> some;
    for (const uint32_t place : places) some.push_back(slots[place]);
    std::vector<ColumnPtr> some_bounds;
    for (const ColumnPtr& column : bounds) some_bounds.push_back(Take(column, places));
    f(some, some_bounds, places[0]);
    begin += places.size();
  }
}

}  // namespace

void ResultWriter::Give(const GroupTable& table, const std::vector<uint32_t>& slots,
                        const std::vector<ColumnPtr>& bounds, Output& out) {
  EachPiece(table, slots, bounds, [&](const auto& some, const auto& some_bounds, uint32_t) {
    Push(rows_.Build(table, some, some_bounds, out));
  });
}

void ResultWriter::Show(const GroupTable& table, const std::vector<uint32_t>& slots,
                        const std::vector<ColumnPtr>& bounds, Changelog& shown, Output& out,
                        Selection* empty) {
  EachPiece(table, slots, bounds, [&](const auto& some, const auto& some_bounds, uint32_t first) {
    Selection without;
    ShowPiece(table, some, some_bounds, shown, out, empty ? &without : nullptr);
    for (const uint32_t place : without) empty->push_back(first + place);
  });
}

void ResultWriter::ShowPiece(const GroupTable& table, const std::vector<uint32_t>& slots,
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
