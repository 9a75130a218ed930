// What can be said about the raw text of an expression: how long a token is, and what a syntax error may come
// from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace streamrun {

/// Length in bytes of the token that starts at `offset`, at least 1 (0 at the end of the text): what a caret
/// underlines.
size_t TokenLength(std::string_view sql, size_t offset);

/// What a syntax error at `offset` may come from, or nothing: "equality is written with one =".
std::string SyntaxHint(std::string_view sql, size_t offset);

}  // namespace streamrun
