// State of an operator as named rows: shapes for the plan, and a StateTable out of four functions.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/data/schema.h"
#include "core/data/slot_changes.h"
#include "core/stream/state_table.h"

namespace streamrun {

/// What a StateTable's rows look like: the columns of `key`, then those of `value`.
struct StateShape {
  std::string name;
  SchemaPtr key;
  SchemaPtr value;
  /// Of what the columns mean: state of another version is refused, unless it is one from `oldest` on.
  int version = 1;
  int oldest = 1;
  /// Columns of a row whose values tell it from all others; none: nothing does, and rows are only known
  /// together.
  std::vector<int> identity = {};
  /// Value columns that may come and go from one version of a pipeline to the next: rows that were saved
  /// without them get this value (one row; null: NULL). All others are in every saved row.
  std::map<int, ColumnPtr> open = {};

  SchemaPtr Row() const;
  /// The key and the first `values` value columns tell rows apart.
  void IdentifyByKeyAnd(int values);
  /// Rows that are no more, by their values in some columns.
  BatchPtr Removal(const std::vector<int>& columns, std::vector<ColumnPtr> values, int64_t rows) const;
};

/// A value column whose name a key column has gets "_" behind, and so does an open one whose name one that is
/// always there or one before it has: columns of state are found by name.
StateShape MakeState(std::string name, SchemaPtr key, std::vector<Field> value,
                     std::map<int, ColumnPtr> open = {});

/// Hands out rows that are no more, which `changes` knows by the first columns of the shape's identity.
Status SaveRemoved(const SlotChanges& changes, const StateShape& shape, const TakeRows& removed);

/// `count` columns from `first` on that are NULL in rows that were saved without them: columns of stored
/// rows.
std::map<int, ColumnPtr> OpenColumns(size_t first, size_t count);

class KeptState final : public StateTable {
 public:
  struct Functions {
    std::function<Status(const TakeRows&)> save;
    std::function<Status(const BatchPtr&)> load;
    std::function<int64_t()> keys;
    std::function<size_t()> bytes;
    /// Null: the table is saved as a whole each time.
    std::function<void(int64_t)> track = nullptr;
    std::function<int64_t()> changed = nullptr;
    std::function<Status(const TakeRows&, const TakeRows&)> save_changes = nullptr;
    /// Null: as many as keys.
    std::function<int64_t()> rows = nullptr;
  };

  KeptState(std::string name, Functions functions)
      : name_(std::move(name)), functions_(std::move(functions)) {}

  const std::string& name() const override { return name_; }
  Status Save(const TakeRows& take) const override { return functions_.save(take); }
  Status Load(const BatchPtr& rows) override { return functions_.load(rows); }
  int64_t keys() const override { return functions_.keys(); }
  size_t MemoryBytes() const override { return functions_.bytes(); }
  int64_t rows() const override { return functions_.rows ? functions_.rows() : functions_.keys(); }
  bool tracks_changes() const override { return functions_.track != nullptr; }
  void Track(int64_t most) override { functions_.track(most); }
  int64_t changed() const override { return functions_.changed(); }
  Status SaveChanges(const TakeRows& removed, const TakeRows& rows) const override {
    return functions_.save_changes(removed, rows);
  }

 private:
  std::string name_;
  Functions functions_;
};

/// Calls f(pieces of `slots`), each of at most `most`.
template <typename F>
Status InPieces(const std::vector<uint32_t>& slots, size_t most, F&& f) {
  for (size_t begin = 0; begin < slots.size(); begin += most) {
    const auto end = std::min(slots.size(), begin + most);
    SR_RETURN_IF_ERROR(f(std::vector<uint32_t>(slots.begin() + static_cast<std::ptrdiff_t>(begin),
                                               slots.begin() + static_cast<std::ptrdiff_t>(end))));
  }
  return Status::Ok();
}

}  // namespace streamrun
