#include "core/component/key_list.h"

#include <algorithm>

namespace streamrun {

std::vector<DataType> KeyList::types() const {
  std::vector<DataType> types;
  for (const ExpressionPtr& key : expressions) types.push_back(key->type());
  return types;
}

bool KeyList::can_fail() const {
  return std::any_of(expressions.begin(), expressions.end(),
                     [](const ExpressionPtr& key) { return key->can_fail(); });
}

bool ReadKeys(const ConfigValue& value, std::string_view field, const Scope& scope, BindContext& context,
              KeyList* out) {
  if (value.is_map()) {
    context.diagnostics().ErrorAt(value, "config.type",
                                  "'" + std::string(field) + "' takes a list of columns",
                                  "write " + std::string(field) + ": [a, b]");
    return false;
  }
  std::vector<ConfigValue> items;
  if (value.is_list()) {
    items = value.items();
  } else if (value.present()) {
    items.push_back(value);
  }
  bool fine = true;
  std::vector<Field> fields;
  for (const ConfigValue& item : items) {
    Sql sql;
    ExpressionPtr key;
    if (ReadSql(item, field, &sql, context.diagnostics())) key = context.Bind(sql, scope);
    if (key && key->is_volatile()) {
      context.diagnostics().ErrorAt(item, "keys.volatile",
                                    "a key must be the same whenever it is computed from the same row",
                                    "compute it in a map before, and name that column here");
      key = nullptr;
    }
    fine &= key != nullptr;
    if (!key) continue;
    const int column = key->column();
    fields.push_back({column < 0 ? sql.text : scope.relations[0].schema->field(column).name, key->type()});
    out->expressions.push_back(std::move(key));
  }
  out->schema = std::make_shared<const Schema>(std::move(fields));
  return fine;
}

}  // namespace streamrun
