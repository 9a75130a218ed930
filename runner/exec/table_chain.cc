#include "runner/exec/table_chain.h"

// Changes are read first, from the newest to the oldest, so that every row of them is looked at once: a row
// is live when no newer one had its identity and no newer removal its values. Both sets are hash tables of
// columns. Then all is given from the oldest to the newest; a row that was replaced is given in its newest
// version where it stood first, so that groups keep the order in which they came up however often they were
// stored. Only changes are held in memory, never the rows of the whole segment at the chain's beginning.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "core/data/key_table.h"
#include "core/data/selection.h"

namespace streamrun {

namespace {

// Values of some columns of the table.
struct ValueSet {
  ValueSet(const Schema& schema, std::vector<int> of)
      : columns(std::move(of)), table(TypesOf(schema, columns)) {}

  static std::vector<DataType> TypesOf(const Schema& schema, const std::vector<int>& columns) {
    std::vector<DataType> types;
    types.reserve(columns.size());
    for (const int column : columns) types.push_back(schema.field(column).type);
    return types;
  }
  static std::vector<ColumnPtr> Pick(const Batch& rows, const std::vector<int>& columns) {
    std::vector<ColumnPtr> picked;
    picked.reserve(columns.size());
    for (const int column : columns) picked.push_back(rows.column(column));
    return picked;
  }

  std::vector<int> columns;
  KeyTable table;
};

class MemoryLink final : public TableLink {
 public:
  explicit MemoryLink(const TableSnapshot& snapshot) : snapshot_(snapshot) {}
  const TableSnapshot& shape() const override { return snapshot_; }
  Result<Item> Next() override {
    const size_t at = next_++;
    const size_t removed = snapshot_.removed.size();
    if (at < removed) return Item{true, snapshot_.removed[at]};
    if (at - removed < snapshot_.rows.size()) return Item{false, snapshot_.rows[at - removed]};
    return Item{};
  }

 private:
  const TableSnapshot& snapshot_;
  size_t next_ = 0;
};

class ChainReader {
 public:
  explicit ChainReader(const TableChain& chain) : chain_(chain) {}

  using Take = TakeTableRows;

  /// Looks at the newest segment; the shape of the table.
  Result<TableSnapshot> Begin() {
    if (chain_.links() == 0) return Status::Internal("a chain without segments");
    SR_ASSIGN_OR_RETURN(newest_, chain_.Open(chain_.links() - 1));
    shape_ = newest_->shape();
    shape_.whole = true;
    if (!shape_.identity.empty()) seen_ = std::make_unique<ValueSet>(*shape_.schema, shape_.identity);
    return shape_;
  }

  Status Read(const Take& take) {
    for (size_t i = chain_.links(); i-- > 0;) {
      std::unique_ptr<TableLink> reader = std::move(newest_);
      if (reader == nullptr) {
        SR_ASSIGN_OR_RETURN(reader, chain_.Open(i));
        SR_RETURN_IF_ERROR(SameTable(reader->shape(), chain_.name(i)));
      }
      if (reader->shape().whole) {
        SR_RETURN_IF_ERROR(GiveWhole(*reader, take));
        return GiveNew(take);
      }
      SR_RETURN_IF_ERROR(ReadChange(*reader));
    }
    return Status::Corruption(chain_.name(0) + " is the beginning of a chain and holds changes only");
  }

 private:
  Status SameTable(const TableSnapshot& other, const std::string& name) const {
    if (other.name == shape_.name && *other.schema == *shape_.schema && other.identity == shape_.identity &&
        other.key_columns == shape_.key_columns) {
      return Status::Ok();
    }
    return Status::Corruption(name + " holds another table than the segments behind it: " + other.name +
                              " (" + other.schema->ToString() + ")");
  }

  // Rows of one change, newest first in changes_.
  struct Change {
    std::vector<BatchPtr> rows;
    std::vector<Selection> unremoved;  // by batch: what no newer removal names
    // By batch, with an identity: by its row the slot in seen_.
    std::vector<std::vector<uint32_t>> slots;
  };
  // Where the newest version of an identity stands.
  struct Newest {
    size_t change = 0;
    size_t batch = 0;
    uint32_t row = 0;
    bool live = false;  // no newer removal names it
    bool given = false;
  };

  // Read to its end first: of several rows with one identity the last counts.
  Status ReadChange(TableLink& reader) {
    std::vector<BatchPtr> removed;
    Change change;
    for (;;) {
      SR_ASSIGN_OR_RETURN(TableLink::Item item, reader.Next());
      if (item.batch == nullptr) break;
      (item.removed ? removed : change.rows).push_back(std::move(item.batch));
    }
    for (const BatchPtr& rows : change.rows) change.unremoved.push_back(Unremoved(*rows));
    change.slots.resize(change.rows.size());
    for (size_t i = change.rows.size(); seen_ != nullptr && i-- > 0;) {
      See(*change.rows[i], change.unremoved[i], i, &change.slots[i]);
    }
    changes_.push_back(std::move(change));
    for (const BatchPtr& batch : removed) SR_RETURN_IF_ERROR(Remember(*batch));
    return Status::Ok();
  }

  // Puts the identities of a change's rows into seen_, from the last row to the first.
  void See(const Batch& rows, const Selection& unremoved, size_t batch, std::vector<uint32_t>* slots) {
    const auto count = static_cast<size_t>(rows.rows());
    Selection backward(count);
    for (size_t i = 0; i < count; ++i) backward[i] = static_cast<uint32_t>(count - 1 - i);
    const std::vector<ColumnPtr> columns = ValueSet::Pick(rows, seen_->columns);
    seen_->table.Hash(columns, rows.rows(), &hashes_);
    slots_.resize(count);
    seen_->table.FindOrInsert(columns, hashes_, backward.data(), rows.rows(), slots_.data());
    std::vector<bool> live(count);
    for (const uint32_t row : unremoved) live[row] = true;
    slots->resize(count);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t row = backward[i];
      (*slots)[row] = slots_[i];
      // Nothing is ever erased, so a new identity has the next slot.
      if (slots_[i] == versions_.size()) versions_.push_back({changes_.size(), batch, row, live[row]});
    }
  }

  // A stream: nothing is behind these rows, so they need not be remembered.
  Status GiveWhole(TableLink& reader, const Take& take) {
    for (;;) {
      SR_ASSIGN_OR_RETURN(const TableLink::Item item, reader.Next());
      if (item.batch == nullptr) return Status::Ok();
      const Selection live = Unremoved(*item.batch);
      if (seen_ == nullptr || versions_.empty()) {
        SR_RETURN_IF_ERROR(Give(item.batch, live, take));
        continue;
      }
      FindSeen(*item.batch, live);
      SR_RETURN_IF_ERROR(GiveNewest(item.batch, live, slots_, take));
    }
  }

  void FindSeen(const Batch& rows, const Selection& some) {
    const std::vector<ColumnPtr> columns = ValueSet::Pick(rows, seen_->columns);
    seen_->table.Hash(columns, rows.rows(), &hashes_);
    slots_.resize(some.size());
    seen_->table.Find(columns, hashes_, some.data(), static_cast<int64_t>(some.size()), slots_.data());
  }

  // Rows that only changes have.
  Status GiveNew(const Take& take) {
    for (size_t c = changes_.size(); c-- > 0;) {
      const Change& change = changes_[c];
      for (size_t b = 0; b < change.rows.size(); ++b) {
        if (seen_ == nullptr) {
          SR_RETURN_IF_ERROR(Give(change.rows[b], change.unremoved[b], take));
          continue;
        }
        std::vector<uint32_t> slots;
        for (const uint32_t row : change.unremoved[b]) slots.push_back(change.slots[b][row]);
        SR_RETURN_IF_ERROR(GiveNewest(change.rows[b], change.unremoved[b], slots, take));
      }
    }
    return Status::Ok();
  }

  // Some rows of a batch in their newest versions, those left out that were given before. slots[i]: of the
  // identity of some[i], kNone: it has one version only.
  Status GiveNewest(const BatchPtr& rows, const Selection& some, const std::vector<uint32_t>& slots,
                    const Take& take) {
    std::vector<BatchPtr> sources{rows};
    std::vector<Selection> chosen(1);                   // by source
    std::vector<std::pair<size_t, uint32_t>> order;     // source, and which of its chosen rows
    std::map<std::pair<size_t, size_t>, size_t> known;  // change and batch: source
    for (size_t i = 0; i < some.size(); ++i) {
      size_t source = 0;
      uint32_t row = some[i];
      if (slots[i] != KeyTable::kNone) {
        Newest& newest = versions_[slots[i]];
        if (!newest.live || newest.given) continue;
        newest.given = true;
        row = newest.row;
        const auto [it, fresh] = known.try_emplace({newest.change, newest.batch}, sources.size());
        if (fresh) {
          sources.push_back(changes_[newest.change].rows[newest.batch]);
          chosen.emplace_back();
        }
        source = it->second;
      }
      order.emplace_back(source, static_cast<uint32_t>(chosen[source].size()));
      chosen[source].push_back(row);
    }
    return GiveMixed(sources, chosen, order, take);
  }

  Status GiveMixed(const std::vector<BatchPtr>& sources, const std::vector<Selection>& chosen,
                   const std::vector<std::pair<size_t, uint32_t>>& order, const Take& take) const {
    if (order.empty()) return Status::Ok();
    std::vector<BatchPtr> parts;
    std::vector<uint32_t> first(sources.size());  // by source: its first row in all parts together
    uint32_t rows = 0;
    for (size_t i = 0; i < sources.size(); ++i) {
      first[i] = rows;
      if (chosen[i].empty()) continue;
      rows += static_cast<uint32_t>(chosen[i].size());
      parts.push_back(streamrun::Take(sources[i], chosen[i]));
    }
    if (parts.size() == 1) return take(shape_, parts[0]);
    Selection mixed;
    for (const auto& [source, at] : order) mixed.push_back(first[source] + at);
    return take(shape_, streamrun::Take(Concat(parts), mixed));
  }

  // Rows that no newer removal names.
  Selection Unremoved(const Batch& rows) {
    Selection live(static_cast<size_t>(rows.rows()));
    for (size_t i = 0; i < live.size(); ++i) live[i] = static_cast<uint32_t>(i);
    for (const ValueSet& set : removed_) Keep(set, rows, &live);
    return live;
  }

  // Leaves the rows whose values are not in the set.
  void Keep(const ValueSet& set, const Batch& rows, Selection* live) {
    if (live->empty()) return;
    const std::vector<ColumnPtr> columns = ValueSet::Pick(rows, set.columns);
    set.table.Hash(columns, rows.rows(), &hashes_);
    slots_.resize(live->size());
    set.table.Find(columns, hashes_, live->data(), static_cast<int64_t>(live->size()), slots_.data());
    size_t kept = 0;
    for (size_t i = 0; i < live->size(); ++i) {
      (*live)[kept] = (*live)[i];
      kept += slots_[i] == KeyTable::kNone;
    }
    live->resize(kept);
  }

  Status Remember(const Batch& batch) {
    SR_ASSIGN_OR_RETURN(std::vector<int> columns, ColumnsNamed(*shape_.schema, *batch.schema()));
    auto set = std::find_if(removed_.begin(), removed_.end(),
                            [&](const ValueSet& known) { return known.columns == columns; });
    if (set == removed_.end()) set = removed_.emplace(set, *shape_.schema, std::move(columns));
    set->table.Hash(batch.columns(), batch.rows(), &hashes_);
    slots_.resize(static_cast<size_t>(batch.rows()));
    set->table.FindOrInsert(batch.columns(), hashes_, nullptr, batch.rows(), slots_.data());
    return Status::Ok();
  }

  Status Give(const BatchPtr& rows, const Selection& live, const Take& take) const {
    if (live.empty()) return Status::Ok();
    return take(shape_, streamrun::Take(rows, live));
  }

  const TableChain& chain_;
  std::unique_ptr<TableLink> newest_;
  TableSnapshot shape_;
  std::unique_ptr<ValueSet> seen_;  // null: rows without identity, which replace nothing
  std::vector<Newest> versions_;    // by slot in seen_
  std::vector<Change> changes_;     // newest first
  std::vector<ValueSet> removed_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;
};

}  // namespace

Result<std::vector<int>> ColumnsNamed(const Schema& table, const Schema& subset) {
  std::vector<int> columns;
  for (const Field& wanted : subset.fields()) {
    const auto found = std::find(table.fields().begin(), table.fields().end(), wanted);
    if (found == table.fields().end()) {
      return Status::Corruption("the table has no column " + wanted.name + " " + wanted.type.ToString());
    }
    columns.push_back(static_cast<int>(found - table.fields().begin()));
  }
  return columns;
}

void MemoryChain::Add(TableSnapshot snapshot) {
  if (snapshot.whole) snapshots_.clear();
  snapshots_.push_back(std::move(snapshot));
}

Result<std::unique_ptr<TableLink>> MemoryChain::Open(size_t link) const {
  return std::unique_ptr<TableLink>(std::make_unique<MemoryLink>(snapshots_[link]));
}

Status ReadTableChain(const TableChain& chain, const TakeTableRows& take) {
  ChainReader reader(chain);
  SR_RETURN_IF_ERROR(reader.Begin().status());
  return reader.Read(take);
}

Result<TableSnapshot> ShapeOfChain(const TableChain& chain) { return ChainReader(chain).Begin(); }

}  // namespace streamrun
