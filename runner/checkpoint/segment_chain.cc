// Chains of segments: which rows are live.
//
// Read from the newest segment to the oldest, so that every row is looked at once: a row is live when no
// newer one had its identity and no newer removal its values. Both sets are hash tables of columns; only
// changes are put into them, never the rows of the whole segment at the chain's beginning.
#include <algorithm>
#include <memory>

#include "core/data/key_table.h"
#include "core/data/selection.h"
#include "runner/checkpoint/segment_format.h"

namespace streamrun {

namespace {

using segment_format::Reader;

// Values of some columns of the table.
struct ValueSet {
  ValueSet(const Schema& schema, std::vector<int> of)
      : columns(std::move(of)), table(TypesOf(schema, columns)) {}

  static std::vector<DataType> TypesOf(const Schema& schema, const std::vector<int>& columns) {
    std::vector<DataType> types;
    for (const int column : columns) types.push_back(schema.field(column).type);
    return types;
  }
  static std::vector<ColumnPtr> Pick(const Batch& rows, const std::vector<int>& columns) {
    std::vector<ColumnPtr> picked;
    for (const int column : columns) picked.push_back(rows.column(column));
    return picked;
  }

  std::vector<int> columns;
  KeyTable table;
};

class ChainReader {
 public:
  ChainReader(Env* env, const std::vector<std::string>& paths) : env_(env), paths_(paths) {}

  using Take = std::function<Status(const TableSnapshot& shape, const BatchPtr& rows)>;

  /// Looks at the newest segment; the shape of the table.
  Result<TableSnapshot> Begin() {
    if (paths_.empty()) return Status::Internal("a chain without segments");
    SR_ASSIGN_OR_RETURN(newest_, Reader::Open(env_, paths_.back()));
    shape_ = newest_->shape();
    shape_.whole = true;
    if (!shape_.identity.empty()) seen_ = std::make_unique<ValueSet>(*shape_.schema, shape_.identity);
    return shape_;
  }

  Status Read(const Take& take) {
    for (size_t i = paths_.size(); i-- > 0;) {
      std::unique_ptr<Reader> reader = std::move(newest_);
      if (reader == nullptr) {
        SR_ASSIGN_OR_RETURN(reader, Reader::Open(env_, paths_[i]));
        SR_RETURN_IF_ERROR(SameTable(reader->shape(), paths_[i]));
      }
      if (reader->shape().whole) return ReadWhole(*reader, take);
      SR_RETURN_IF_ERROR(ReadChange(*reader, take));
    }
    return Status::Corruption(paths_.front() + " is the beginning of a chain and holds changes only");
  }

 private:
  Status SameTable(const TableSnapshot& other, const std::string& path) const {
    if (other.name == shape_.name && *other.schema == *shape_.schema && other.identity == shape_.identity &&
        other.key_columns == shape_.key_columns) {
      return Status::Ok();
    }
    return Status::Corruption(path + " holds another table than the segments behind it: " + other.name +
                              " (" + other.schema->ToString() + ")");
  }

  // A stream: nothing is behind these rows, so they need not be remembered.
  Status ReadWhole(Reader& reader, const Take& take) {
    for (;;) {
      SR_ASSIGN_OR_RETURN(const Reader::Item item, reader.Next());
      if (item.batch == nullptr) return Status::Ok();
      Selection live = Unremoved(*item.batch);
      if (seen_ != nullptr && seen_->table.size() > 0) Unseen(*item.batch, &live);
      SR_RETURN_IF_ERROR(Give(item.batch, live, take));
    }
  }

  // Read to its end first: of several rows with one identity the last counts.
  Status ReadChange(Reader& reader, const Take& take) {
    std::vector<BatchPtr> removed;
    std::vector<BatchPtr> rows;
    for (;;) {
      SR_ASSIGN_OR_RETURN(Reader::Item item, reader.Next());
      if (item.batch == nullptr) break;
      (item.removed ? removed : rows).push_back(std::move(item.batch));
    }
    std::vector<Selection> live(rows.size());
    for (size_t i = rows.size(); i-- > 0;) live[i] = NewestOf(*rows[i]);
    for (size_t i = 0; i < rows.size(); ++i) SR_RETURN_IF_ERROR(Give(rows[i], live[i], take));
    for (const BatchPtr& batch : removed) SR_RETURN_IF_ERROR(Remember(*batch));
    return Status::Ok();
  }

  // Rows that no newer removal names.
  Selection Unremoved(const Batch& rows) {
    Selection live(static_cast<size_t>(rows.rows()));
    for (size_t i = 0; i < live.size(); ++i) live[i] = static_cast<uint32_t>(i);
    for (const ValueSet& set : removed_) Keep(set, rows, &live);
    return live;
  }

  void Unseen(const Batch& rows, Selection* live) { Keep(*seen_, rows, live); }

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

  // Rows of a change that are live; all of its identities are seen afterwards. Goes from the last row to the
  // first.
  Selection NewestOf(const Batch& rows) {
    Selection live = Unremoved(rows);
    if (seen_ == nullptr) return live;
    const auto count = static_cast<size_t>(rows.rows());
    Selection backward(count);
    for (size_t i = 0; i < count; ++i) backward[i] = static_cast<uint32_t>(count - 1 - i);
    const std::vector<ColumnPtr> columns = ValueSet::Pick(rows, seen_->columns);
    seen_->table.Hash(columns, rows.rows(), &hashes_);
    slots_.resize(count);
    uint32_t next = seen_->table.slots();
    seen_->table.FindOrInsert(columns, hashes_, backward.data(), rows.rows(), slots_.data());
    // Nothing is ever erased, so a new identity has the next slot.
    std::vector<bool> newest(count);
    for (size_t i = 0; i < count; ++i) {
      newest[backward[i]] = slots_[i] == next;
      next += slots_[i] == next;
    }
    std::erase_if(live, [&](uint32_t row) { return !newest[row]; });
    return live;
  }

  Status Remember(const Batch& batch) {
    SR_ASSIGN_OR_RETURN(std::vector<int> columns,
                        segment_format::ColumnsNamed(*shape_.schema, *batch.schema()));
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

  Env* env_;
  const std::vector<std::string>& paths_;
  std::unique_ptr<Reader> newest_;
  TableSnapshot shape_;
  std::unique_ptr<ValueSet> seen_;  // null: rows without identity, which replace nothing
  std::vector<ValueSet> removed_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;
};

}  // namespace

Status ReadChain(Env* env, const std::vector<std::string>& paths,
                 const std::function<Status(const TableSnapshot& shape, const BatchPtr& rows)>& take) {
  ChainReader chain(env, paths);
  SR_RETURN_IF_ERROR(chain.Begin().status());
  return chain.Read(take);
}

Status CompactChain(Env* env, const std::vector<std::string>& paths, const std::string& to,
                    SegmentInfo* info) {
  ChainReader chain(env, paths);
  SR_ASSIGN_OR_RETURN(const TableSnapshot shape, chain.Begin());
  SR_ASSIGN_OR_RETURN(auto writer, segment_format::Writer::Create(env, to, shape));
  SR_RETURN_IF_ERROR(
      chain.Read([&](const TableSnapshot&, const BatchPtr& rows) { return writer->AddRows(rows); }));
  return writer->Finish(info);
}

}  // namespace streamrun
