#include "core/window/kept_state.h"

#include <set>

namespace streamrun {

StateShape MakeState(std::string name, SchemaPtr key, std::vector<Field> value) {
  std::set<std::string> names;
  for (const Field& field : key->fields()) names.insert(field.name);
  for (Field& field : value) {
    while (!names.insert(field.name).second) field.name += '_';
  }
  return {std::move(name), std::move(key), std::make_shared<const Schema>(std::move(value))};
}

SchemaPtr StateShape::Row() const {
  std::vector<Field> fields = key->fields();
  fields.insert(fields.end(), value->fields().begin(), value->fields().end());
  return std::make_shared<const Schema>(std::move(fields));
}

}  // namespace streamrun
