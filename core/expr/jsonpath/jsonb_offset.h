// Where an object would stand in PostgreSQL's binary form of a value: the id that .keyvalue() shows.
#pragma once

#include <cstdint>
#include <string_view>

namespace streamrun {

/// Bytes from the header of `value` to the header of the container inside it whose text begins at `target`;
/// 0 when it is not inside.
int64_t JsonbOffset(std::string_view value, const char* target);

}  // namespace streamrun
