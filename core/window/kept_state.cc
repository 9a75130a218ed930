#include "core/window/kept_state.h"

namespace streamrun {

SchemaPtr StateShape::Row() const {
  std::vector<Field> fields = key->fields();
  fields.insert(fields.end(), value->fields().begin(), value->fields().end());
  return std::make_shared<const Schema>(std::move(fields));
}

}  // namespace streamrun
