// A JSON array cut into the texts of its elements, without parsing them.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/data/column_builder.h"

namespace streamrun {

enum class JsonKind : uint8_t { kArray, kObject, kNull, kScalar };

/// What a JSON text is, by its first character. `text` is valid JSON, blanks around it allowed.
JsonKind KindOfJson(std::string_view text);

/// Appends each element of the array `text` (valid JSON) to a builder of jsonb, without the blanks around it.
void AppendJsonElements(std::string_view text, ColumnBuilder& elements);

}  // namespace streamrun
