// A table out of a chain of snapshots: a whole one, then what changed, one after the other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "runner/exec/snapshot.h"

namespace streamrun {

/// One snapshot of a table, wherever it lies, read from its beginning to its end.
class TableLink {
 public:
  virtual ~TableLink() = default;
  /// All but the rows.
  virtual const TableSnapshot& shape() const = 0;
  struct Item {
    bool removed = false;
    BatchPtr batch;  // null at the end
  };
  /// Removals first, then rows.
  virtual Result<Item> Next() = 0;
};

/// The links of a chain, oldest first.
class TableChain {
 public:
  virtual ~TableChain() = default;
  virtual size_t links() const = 0;
  /// For messages.
  virtual std::string name(size_t link) const = 0;
  virtual Result<std::unique_ptr<TableLink>> Open(size_t link) const = 0;
};

/// A chain in memory.
class MemoryChain final : public TableChain {
 public:
  /// Puts a snapshot behind the others; a whole one takes their place.
  void Add(TableSnapshot snapshot);
  size_t links() const override { return snapshots_.size(); }
  std::string name(size_t link) const override { return "snapshot " + std::to_string(link); }
  Result<std::unique_ptr<TableLink>> Open(size_t link) const override;

 private:
  std::vector<TableSnapshot> snapshots_;
};

using TakeTableRows = std::function<Status(const TableSnapshot& shape, const BatchPtr& rows)>;

/// The live rows of a chain: later rows replace earlier ones with the same identity, removed ones are gone.
/// Each batch has the table's schema. A row stands where the first one of its identity stood, so that rows
/// keep their order however often they are stored. Holds changes in memory, not the whole link at the
/// beginning. kCorruption: the links do not belong together.
Status ReadTableChain(const TableChain& chain, const TakeTableRows& take);

/// Numbers of the table's columns with the names and types of `subset`, in its order.
Result<std::vector<int>> ColumnsNamed(const Schema& table, const Schema& subset);

/// All but the rows of what ReadTableChain gives.
Result<TableSnapshot> ShapeOfChain(const TableChain& chain);

}  // namespace streamrun
