// The encoder of a file sink whose path has columns: the format's, and around each record where it goes. It
// runs where the rows are made, so a row that cannot name a file fails there as one that the format refuses.
#pragma once

#include <memory>
#include <string>

#include "core/stream/codec.h"

namespace streamrun {

/// `input`: what is encoded; `record_schema`: the columns of it that records have. All columns in `path` are
/// columns of `input` whose types can name files.
std::unique_ptr<Encoder> MakeRoutedEncoder(std::unique_ptr<Encoder> format, const std::string& path,
                                           const SchemaPtr& input, const std::string& null_name,
                                           const SchemaPtr& record_schema);

}  // namespace streamrun
