// Rows -> JSON lines.
#pragma once

#include <memory>

#include "core/stream/codec.h"

namespace streamrun::json {

std::unique_ptr<Encoder> MakeEncoder(const SchemaPtr& schema);

}  // namespace streamrun::json
