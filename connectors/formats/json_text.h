// Writes values as JSON text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/data/column.h"

namespace streamrun::json {

/// Writes `text` with quotes and escapes; `out` must have room for 6 * size + 18 bytes. At most `readable`
/// bytes from text.data() on may be read (at least the size). Returns the end.
char* PutString(std::string_view text, size_t readable, char* out);

/// Appends `text` with quotes and escapes.
void AppendString(std::string_view text, std::string& out);

/// Appends row `row` of `column` as a JSON value: numbers and booleans as such, jsonb as it is, lists as
/// arrays, null as null, everything else (and NaN and the infinities) as a string in PostgreSQL's output
/// form.
void AppendValue(const Column& column, int64_t row, std::string& out);

/// Shortest text that reads back the same, as PostgreSQL prints it; at most 32 bytes. Not for NaN and
/// infinities.
char* PutDouble(double value, char* out);

}  // namespace streamrun::json
