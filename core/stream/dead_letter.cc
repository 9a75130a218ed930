#include "core/stream/dead_letter.h"

namespace streamrun {

SchemaPtr DeadLetterSchema() {
  static const SchemaPtr schema = std::make_shared<const Schema>(std::vector<Field>{
      {"node", TypeId::kText},
      {"port", TypeId::kText},
      {"code", TypeId::kText},
      {"message", TypeId::kText},
      {"source", TypeId::kText},
      {"offset", TypeId::kBigint},
      {"event_time", TypeId::kTimestamp},
      {"revision", TypeId::kText},
      {"epoch", TypeId::kBigint},
      {"token", TypeId::kText},
      {"raw", TypeId::kBytea},
      {"row", TypeId::kJsonb},
      {"entry", TypeId::kJsonb},
  });
  return schema;
}

}  // namespace streamrun
