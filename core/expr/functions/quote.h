// SQL identifiers and literals as text.
#pragma once

#include <string_view>

#include "core/expr/kernel.h"

namespace streamrun {

/// As an SQL identifier: in double quotes where needed.
void AppendIdentifier(TextSink& out, std::string_view name);
/// As an SQL string literal, E'...' where it has a backslash.
void AppendLiteral(TextSink& out, std::string_view text);
/// An upper limit of what either appends.
inline size_t QuotedSize(std::string_view text) { return text.size() * 2 + 3; }

}  // namespace streamrun
