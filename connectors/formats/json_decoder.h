// Puts the two readers of the json format together into a Decoder.
#pragma once

#include <memory>

#include "connectors/formats/json_plan.h"
#include "core/stream/codec.h"

namespace streamrun::json {

/// `paths`: which reader may be used, so that tests can compare them.
enum class Readers : uint8_t { kBoth, kCarefulOnly };

std::unique_ptr<Decoder> MakeDecoder(Plan plan, const DecodeOptions& options,
                                     Readers readers = Readers::kBoth);

}  // namespace streamrun::json
