// Two states of one table side by side.
#include <algorithm>
#include <numeric>

#include "core/data/column_builder.h"
#include "core/data/key_table.h"
#include "runner/checkpoint/inspect.h"

namespace streamrun {

namespace {

std::vector<int> AllColumns(const Schema& schema) {
  std::vector<int> columns(static_cast<size_t>(schema.size()));
  std::iota(columns.begin(), columns.end(), 0);
  return columns;
}

// Values of some columns of batches of one schema, as numbers.
class Values {
 public:
  Values(const Schema& schema, std::vector<int> columns)
      : columns_(std::move(columns)), table_(TypesOf(schema, columns_)) {}

  /// Equal values of all batches have equal numbers.
  std::vector<uint32_t> Insert(const Batch& rows) {
    const std::vector<ColumnPtr> keys = Pick(rows);
    std::vector<uint64_t> hashes;
    table_.Hash(keys, rows.rows(), &hashes);
    std::vector<uint32_t> slots(static_cast<size_t>(rows.rows()));
    table_.FindOrInsert(keys, hashes, nullptr, rows.rows(), slots.data());
    return slots;
  }
  size_t size() const { return table_.slots(); }

 private:
  static std::vector<DataType> TypesOf(const Schema& schema, const std::vector<int>& columns) {
    std::vector<DataType> types;
    for (const int column : columns) types.push_back(schema.field(column).type);
    return types;
  }
  std::vector<ColumnPtr> Pick(const Batch& rows) const {
    std::vector<ColumnPtr> picked;
    for (const int column : columns_) picked.push_back(rows.column(column));
    return picked;
  }

  std::vector<int> columns_;
  KeyTable table_;
};

Result<BatchPtr> ReadWhole(Env* env, const StoredCheckpoint& checkpoint, const TableSnapshot& shape,
                           const std::string& node, const std::string& table) {
  std::vector<BatchPtr> batches;
  SR_RETURN_IF_ERROR(ReadTable(env, checkpoint, node, table, [&](const BatchPtr& rows) {
    batches.push_back(rows);
    return Status::Ok();
  }));
  if (!batches.empty()) return Concat(batches);
  std::vector<ColumnPtr> columns;
  for (const Field& field : shape.schema->fields()) columns.push_back(ColumnBuilder(field.type).Finish());
  return BatchPtr(std::make_shared<const Batch>(shape.schema, 0, std::move(columns)));
}

constexpr uint32_t kNoRow = ~uint32_t{0};

// Rows without identity, as often as they are there. Of those left over, the only one of a key on both sides
// is a change.
void CompareCounts(const Schema& schema, int key_columns, TableDifference* out) {
  Values rows(schema, AllColumns(schema));
  const std::vector<uint32_t> before = rows.Insert(*out->before);
  const std::vector<uint32_t> after = rows.Insert(*out->after);
  std::vector<int64_t> there(rows.size());
  for (const uint32_t value : before) ++there[value];
  for (size_t row = 0; row < after.size(); ++row) {
    if (there[after[row]] > 0) {
      --there[after[row]];
      ++out->equal;
    } else {
      out->added.push_back(static_cast<uint32_t>(row));
    }
  }
  for (size_t row = 0; row < before.size(); ++row) {
    if (there[before[row]] == 0) continue;
    --there[before[row]];
    out->removed.push_back(static_cast<uint32_t>(row));
  }
  if (key_columns == 0) return;
  std::vector<int> columns = AllColumns(schema);
  columns.resize(static_cast<size_t>(key_columns));
  Values keys(schema, columns);
  const std::vector<uint32_t> old_key = keys.Insert(*out->before);
  const std::vector<uint32_t> new_key = keys.Insert(*out->after);
  std::vector<int> old_count(keys.size()), new_count(keys.size());
  std::vector<uint32_t> old_row(keys.size(), kNoRow);
  for (const uint32_t row : out->removed) ++old_count[old_key[row]], old_row[old_key[row]] = row;
  for (const uint32_t row : out->added) ++new_count[new_key[row]];
  const auto pairs = [&](uint32_t key) { return old_count[key] == 1 && new_count[key] == 1; };
  for (const uint32_t row : out->added) {
    if (!pairs(new_key[row])) continue;
    out->changed_before.push_back(old_row[new_key[row]]);
    out->changed_after.push_back(row);
  }
  std::erase_if(out->removed, [&](uint32_t row) { return pairs(old_key[row]); });
  std::erase_if(out->added, [&](uint32_t row) { return pairs(new_key[row]); });
}

void CompareIdentities(const std::vector<int>& identity, TableDifference* out) {
  const Schema& schema = *out->before->schema();
  Values identities(schema, identity);
  Values rows(schema, AllColumns(schema));
  const std::vector<uint32_t> old_identity = identities.Insert(*out->before);
  const std::vector<uint32_t> new_identity = identities.Insert(*out->after);
  const std::vector<uint32_t> old_row = rows.Insert(*out->before);
  const std::vector<uint32_t> new_row = rows.Insert(*out->after);
  std::vector<uint32_t> row_of(identities.size(), kNoRow);
  for (size_t row = 0; row < old_identity.size(); ++row)
    row_of[old_identity[row]] = static_cast<uint32_t>(row);
  std::vector<bool> kept(old_identity.size());
  for (size_t row = 0; row < new_identity.size(); ++row) {
    const uint32_t old = row_of[new_identity[row]];
    if (old == kNoRow) {
      out->added.push_back(static_cast<uint32_t>(row));
      continue;
    }
    kept[old] = true;
    if (old_row[old] == new_row[row]) {
      ++out->equal;
    } else {
      out->changed_before.push_back(old);
      out->changed_after.push_back(static_cast<uint32_t>(row));
    }
  }
  for (size_t row = 0; row < kept.size(); ++row) {
    if (!kept[row]) out->removed.push_back(static_cast<uint32_t>(row));
  }
}

}  // namespace

Result<TableDifference> DiffTables(Env* env, const StoredCheckpoint& before, const StoredCheckpoint& after,
                                   const std::string& node, const std::string& table) {
  SR_ASSIGN_OR_RETURN(const TableSnapshot old_shape, ShapeOfTable(env, before, node, table));
  SR_ASSIGN_OR_RETURN(const TableSnapshot new_shape, ShapeOfTable(env, after, node, table));
  if (*old_shape.schema != *new_shape.schema || old_shape.identity != new_shape.identity) {
    return Status::InvalidArgument("table '" + table + "' of node '" + node + "' is (" +
                                   old_shape.schema->ToString() + ") in " + NameOf(before) + " and (" +
                                   new_shape.schema->ToString() + ") in " + NameOf(after));
  }
  TableDifference difference;
  SR_ASSIGN_OR_RETURN(difference.before, ReadWhole(env, before, old_shape, node, table));
  SR_ASSIGN_OR_RETURN(difference.after, ReadWhole(env, after, new_shape, node, table));
  if (new_shape.identity.empty()) {
    CompareCounts(*new_shape.schema, new_shape.key_columns, &difference);
  } else {
    CompareIdentities(new_shape.identity, &difference);
  }
  return difference;
}

std::optional<int64_t> RepeatedRow(const TableSnapshot& shape, const Batch& rows) {
  if (shape.identity.empty()) return std::nullopt;
  Values identities(*shape.schema, shape.identity);
  const std::vector<uint32_t> numbers = identities.Insert(rows);
  // Nothing is erased: a new identity has the next number.
  uint32_t next = 0;
  for (size_t row = 0; row < numbers.size(); ++row) {
    if (numbers[row] != next) return static_cast<int64_t>(row);
    ++next;
  }
  return std::nullopt;
}

}  // namespace streamrun
