#include "core/window/kept_state.h"

#include <numeric>
#include <set>

namespace streamrun {

StateShape MakeState(std::string name, SchemaPtr key, std::vector<Field> value,
                     std::map<int, ColumnPtr> open) {
  std::set<std::string> names;
  for (const Field& field : key->fields()) names.insert(field.name);
  for (const bool is_open : {false, true}) {
    for (size_t i = 0; i < value.size(); ++i) {
      if (open.contains(static_cast<int>(i)) != is_open) continue;
      while (!names.insert(value[i].name).second) value[i].name += '_';
    }
  }
  StateShape shape{std::move(name), std::move(key), std::make_shared<const Schema>(std::move(value))};
  shape.open = std::move(open);
  return shape;
}

std::map<int, ColumnPtr> OpenColumns(size_t first, size_t count) {
  std::map<int, ColumnPtr> open;
  for (size_t i = first; i < first + count; ++i) open.emplace(static_cast<int>(i), nullptr);
  return open;
}

void StateShape::IdentifyByKeyAnd(int values) {
  identity.resize(static_cast<size_t>(key->size()) + static_cast<size_t>(values));
  std::iota(identity.begin(), identity.end(), 0);
}

BatchPtr StateShape::Removal(const std::vector<int>& columns, std::vector<ColumnPtr> values,
                             int64_t rows) const {
  const SchemaPtr row = Row();
  std::vector<Field> fields;
  fields.reserve(columns.size());
  for (const int column : columns) fields.push_back(row->field(column));
  return std::make_shared<const Batch>(std::make_shared<const Schema>(std::move(fields)), rows,
                                       std::move(values));
}

Status SaveRemoved(const SlotChanges& changes, const StateShape& shape, const TakeRows& removed) {
  for (const SlotChanges::Removed& gone : changes.removed()) {
    const auto end = shape.identity.begin() + static_cast<std::ptrdiff_t>(gone.columns.size());
    SR_RETURN_IF_ERROR(removed(shape.Removal({shape.identity.begin(), end}, gone.columns, gone.rows)));
  }
  return Status::Ok();
}

SchemaPtr StateShape::Row() const {
  std::vector<Field> fields = key->fields();
  fields.insert(fields.end(), value->fields().begin(), value->fields().end());
  return std::make_shared<const Schema>(std::move(fields));
}

}  // namespace streamrun
