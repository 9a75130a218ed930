#include "core/stream/projection.h"

#include <algorithm>

namespace streamrun {

void AddNeeded(const std::vector<ProjectedColumn>& columns, const std::vector<bool>& wanted,
               std::vector<bool>* needed) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const ProjectedColumn& column = columns[i];
    if (!wanted[i] && !column.can_fail()) continue;
    if (column.source >= 0) {
      (*needed)[static_cast<size_t>(column.source)] = true;
    } else {
      for (const int read : column.expression->columns()) (*needed)[static_cast<size_t>(read)] = true;
    }
  }
}

SchemaPtr ProjectedSchema(const std::vector<ProjectedColumn>& columns, const Scope& scope,
                          const Schema& input) {
  std::vector<DataType> types;
  for (const Scope::Relation& relation : scope.relations) {
    for (const Field& field : relation.schema->fields()) types.push_back(field.type);
  }
  std::vector<Field> fields;
  for (const ProjectedColumn& column : columns) {
    fields.push_back({column.name, column.source >= 0 ? types[static_cast<size_t>(column.source)]
                                                      : column.expression->type()});
  }
  auto schema = std::make_shared<Schema>(std::move(fields));
  const auto place = [&columns](int source) {
    for (size_t i = 0; source >= 0 && i < columns.size(); ++i) {
      if (columns[i].source == source) return static_cast<int>(i);
    }
    return -1;
  };
  schema->event_time = place(input.event_time);
  schema->window_start = place(input.window_start);
  schema->window_end = place(input.window_end);
  schema->changes = input.changes;
  return schema;
}

Projection::Projection(std::vector<ProjectedColumn> columns, const std::vector<bool>* wanted, Env* env)
    : columns_(std::move(columns)), wanted_(wanted ? *wanted : std::vector<bool>(columns_.size(), true)) {
  evaluators_.resize(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].expression) evaluators_[i].emplace(columns_[i].expression, env);
  }
}

bool Projection::Skipped(size_t i, const std::vector<ColumnPtr>& columns) const {
  if (columns_[i].can_fail()) return false;
  if (!wanted_[i]) return true;
  const std::vector<int>& read = columns_[i].expression->columns();
  return std::any_of(read.begin(), read.end(), [&](int c) { return !columns[static_cast<size_t>(c)]; });
}

std::vector<ColumnPtr> Projection::Evaluate(const std::vector<ColumnPtr>& columns, int64_t rows,
                                            std::vector<RowFailure>* failures) {
  std::vector<ColumnPtr> results(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].source >= 0) {
      results[i] = columns[static_cast<size_t>(columns_[i].source)];
    } else if (!Skipped(i, columns)) {
      std::vector<RowFailure> failed;
      results[i] = evaluators_[i]->Evaluate(columns, rows, &failed);
      MergeFailures(std::move(failed), failures);
    }
  }
  return results;
}

void MergeFailures(std::vector<RowFailure> more, std::vector<RowFailure>* failures) {
  if (more.empty()) return;
  const auto before = [](const RowFailure& a, const RowFailure& b) { return a.row < b.row; };
  const auto middle = static_cast<std::ptrdiff_t>(failures->size());
  std::move(more.begin(), more.end(), std::back_inserter(*failures));
  // Stable, so that of two entries of a row the older one comes first and is kept.
  std::inplace_merge(failures->begin(), failures->begin() + middle, failures->end(), before);
  failures->erase(std::unique(failures->begin(), failures->end(),
                              [](const RowFailure& a, const RowFailure& b) { return a.row == b.row; }),
                  failures->end());
}

Selection RowsWithout(int64_t rows, const std::vector<RowFailure>& failures) {
  Selection kept;
  kept.reserve(static_cast<size_t>(rows));
  auto failure = failures.begin();
  for (uint32_t row = 0; row < static_cast<uint32_t>(rows); ++row) {
    if (failure != failures.end() && failure->row == row) {
      ++failure;
    } else {
      kept.push_back(row);
    }
  }
  return kept;
}

}  // namespace streamrun
