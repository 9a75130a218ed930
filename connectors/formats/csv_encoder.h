// Rows -> CSV text (RFC 4180).
#pragma once

#include <memory>

#include "connectors/formats/csv_decoder.h"
#include "core/data/text_io.h"
#include "core/stream/codec.h"

namespace streamrun::csv {

std::unique_ptr<Encoder> MakeEncoder(const Dialect& dialect, const SchemaPtr& schema);

}  // namespace streamrun::csv
