// Small tables, files and printed rows for the tests of checkpoints.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "runner/checkpoint/segment.h"

namespace streamrun {

struct TempDirectory {
  std::string path = "/tmp/srckptXXXXXX";
  TempDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~TempDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
};

/// "NULL" is null; other cells are read as values of their column's type.
inline BatchPtr RowsOf(const SchemaPtr& schema, const std::vector<std::vector<std::string>>& rows) {
  std::vector<ColumnPtr> columns;
  for (int i = 0; i < schema->size(); ++i) {
    ColumnBuilder builder(schema->field(i).type);
    for (const auto& row : rows) {
      const std::string& cell = row[static_cast<size_t>(i)];
      if (cell == "NULL") {
        builder.AppendNull();
      } else if (schema->field(i).type.id() == TypeId::kText) {
        builder.AppendText(cell);
      } else {
        builder.Append<int64_t>(std::stoll(cell));
      }
    }
    columns.push_back(builder.Finish());
  }
  return std::make_shared<const Batch>(schema, static_cast<int64_t>(rows.size()), std::move(columns));
}

/// "1|a|NULL" a row.
inline std::vector<std::string> Printed(const Batch& batch) {
  std::vector<std::string> rows(static_cast<size_t>(batch.rows()));
  for (int i = 0; i < batch.schema()->size(); ++i) {
    for (size_t row = 0; row < rows.size(); ++row) {
      if (i > 0) rows[row] += '|';
      const auto at = static_cast<int64_t>(row);
      if (batch.column(i)->IsNull(at)) {
        rows[row] += "NULL";
      } else {
        PrintValue(*batch.column(i), at, rows[row]);
      }
    }
  }
  return rows;
}

inline std::vector<std::string> Printed(const std::vector<BatchPtr>& batches) {
  std::vector<std::string> all;
  for (const BatchPtr& batch : batches) {
    const auto rows = Printed(*batch);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

/// k text, w bigint, n bigint; identity (k, w).
inline SchemaPtr WindowSchema() {
  return std::make_shared<const Schema>(
      std::vector<Field>{{"k", TypeId::kText}, {"w", TypeId::kBigint}, {"n", TypeId::kBigint}});
}

inline TableSnapshot WindowTable(bool whole, const std::vector<std::vector<std::string>>& rows) {
  TableSnapshot table;
  table.name = "panes";
  table.schema = WindowSchema();
  table.key_columns = 1;
  table.identity = {0, 1};
  table.whole = whole;
  if (!rows.empty()) table.rows.push_back(RowsOf(table.schema, rows));
  return table;
}

}  // namespace streamrun
