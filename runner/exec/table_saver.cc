#include "runner/exec/table_saver.h"

#include <algorithm>

namespace streamrun {

namespace {

// Hands rows on into a list, by way of the file if there is one.
TakeRows Into(SpilledBatches* file, std::vector<BatchPtr>* list, int64_t* rows) {
  return [file, list, rows](const BatchPtr& batch) -> Status {
    if (batch->rows() == 0) return Status::Ok();
    *rows += batch->rows();
    list->push_back(batch);
    if (file != nullptr) {
      SR_ASSIGN_OR_RETURN(list->back(), file->Move(batch));
    }
    return Status::Ok();
  };
}

}  // namespace

TableSaver::TableSaver(StateTable* table, const StateDeclaration& declaration, bool keyed,
                       const ChangesPolicy& policy)
    : table_(table),
      declaration_(declaration),
      key_columns_(keyed ? declaration.key->size() : 0),
      policy_(policy) {}

Result<TableSnapshot> TableSaver::Save(uint64_t epoch, SpilledBatches* file) {
  TableSnapshot out;
  out.name = table_->name();
  out.schema = declaration_.Row();
  out.version = declaration_.version;
  out.key_columns = key_columns_;
  out.identity = declaration_.identity;
  SR_RETURN_IF_ERROR(SaysWhole() ? SaveWhole(file, &out) : SaveChanges(file, &out));
  since_ = epoch;
  rests_ = std::max(0, rests_ - 1);
  Track();
  return out;
}

// A row without a key of its own, as of an aggregate of everything, is saved as a whole.
void TableSaver::Track() {
  const bool track = policy_.allowed && table_->tracks_changes() && !declaration_.identity.empty() &&
                     rows_ >= policy_.from_rows && rests_ == 0;
  const double most = policy_.most * static_cast<double>(std::max<int64_t>(rows_, 1));
  const auto rows = track ? std::max<int64_t>(static_cast<int64_t>(most), 1) : 0;
  if (rows > 0 || most_ > 0) table_->Track(rows);
  most_ = rows;
}

bool TableSaver::SaysWhole() {
  if (most_ == 0 || since_ == 0) return true;
  if (table_->changed() <= most_) return false;
  rests_ = policy_.rest;
  return true;
}

Status TableSaver::SaveWhole(SpilledBatches* file, TableSnapshot* out) {
  rows_ = 0;
  return table_->Save(Into(file, &out->rows, &rows_));
}

Status TableSaver::SaveChanges(SpilledBatches* file, TableSnapshot* out) {
  out->whole = false;
  out->since = since_;
  int64_t removed = 0;
  int64_t changed = 0;
  rows_ = table_->rows();
  return table_->SaveChanges(Into(file, &out->removed, &removed), Into(file, &out->rows, &changed));
}

}  // namespace streamrun
