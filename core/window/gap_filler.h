// Rows of slots of time, and rows for the slots between that have none.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/data/key_table.h"
#include "core/data/slot_changes.h"
#include "core/data/value.h"
#include "core/window/group_expiry.h"
#include "core/window/kept_state.h"

namespace streamrun {

/// How a value of a slot without rows is made.
struct Fill {
  enum class Kind : uint8_t {
    kNull,
    kLast,      // of the slot before
    kLinear,    // on the line between the slots around the gap; integers are rounded
    kConstant,  // `constant`
  };
  Kind kind = Kind::kNull;
  Value constant;
};

/// Slots are [start, start + every). Rows have the columns start, end, keys, values.
struct GapFillPlan {
  SchemaPtr slots;
  /// The same, or with one more column (boolean) that says whether the row fills a gap.
  SchemaPtr output;
  int keys = 0;
  Duration every = 0;
  /// A key's next slot may begin so far behind the end of its last one for the slots between to be filled.
  Duration max_gap = 0;
  std::vector<Fill> fills;  // by value
  /// What each value is, canonical: state knows it by that.
  std::vector<std::string> texts;

  bool marks_filled() const { return output->size() > slots->size(); }
  StateShape State() const;
};

/// Keeps each key's last slot. Takes one batch after the other, each key's slots in order of time, and gives
/// it in pieces. Not thread-safe. `plan` outlives it.
class GapFiller {
 public:
  explicit GapFiller(const GapFillPlan& plan);

  /// Only when the batch before was given to its end.
  void Take(BatchPtr batch);
  bool has_more() const { return batch_ != nullptr; }
  /// The next piece: at most about `most` rows, those that fill in front of the row that ends their gap.
  BatchPtr Next(int64_t most);

  /// No slot that ends at `end` or before follows: forgets keys whose next slot is behind a gap too long.
  void Forget(Timestamp end);
  /// No row of a slot that ends at this or before follows, given that the slots taken end behind `end`.
  Timestamp FilledUntil(Timestamp end) const;

  int64_t keys() const { return series_.size(); }
  size_t MemoryBytes() const;
  Status Save(const TakeRows& take) const { return SaveSome(series_.Live(), take); }
  Status SaveChanges(const TakeRows& removed, const TakeRows& rows) const;
  /// Keys that got slots, and those that were forgotten.
  SlotChanges& changes() { return changes_; }
  Status Load(const BatchPtr& rows);

 private:
  bool HasGaps() const;
  BatchPtr Whole();
  void AppendRow(uint32_t row, std::vector<ColumnBuilder>* columns);
  void AppendFills(uint32_t row, int64_t count, std::vector<ColumnBuilder>* columns);
  void AppendFilled(size_t value, uint32_t row, int64_t count, ColumnBuilder* column);
  void Remember(uint32_t row);
  void Leave(Timestamp end, int64_t keys);
  int64_t GapBefore(uint32_t row) const;
  void Find(const std::vector<ColumnPtr>& keys, int64_t rows);
  Status SaveSome(const std::vector<uint32_t>& some, const TakeRows& take) const;

  const GapFillPlan& plan_;
  KeyTable series_;
  std::vector<Timestamp> ends_;     // of the last slot, by series; kMinTimestamp: none
  std::vector<SlotColumn> values_;  // of the last slot
  std::map<Timestamp, int64_t> keys_by_end_;
  GroupExpiry expiry_;
  SlotChanges changes_;  // by series

  // The batch under way.
  BatchPtr batch_;
  std::vector<uint32_t> found_;
  uint32_t row_ = 0;
  int64_t filled_ = 0;  // slots of the gap before row_ that were given
};

}  // namespace streamrun
