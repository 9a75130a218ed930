// Is text valid UTF-8? The gate for bytes that come from outside.
#pragma once

#include <cstddef>
#include <string_view>

namespace streamrun {

/// True for well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, surrogates or values above
/// U+10FFFF).
bool IsValidUtf8(std::string_view text);

/// Offset of the first byte that is not part of valid UTF-8, or npos.
size_t FindInvalidUtf8(std::string_view text);

}  // namespace streamrun
