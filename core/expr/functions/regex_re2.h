// Writes a PostgreSQL regular expression in RE2's syntax.
#pragma once

#include <optional>
#include <string>

#include "core/expr/functions/regex_syntax.h"

namespace streamrun {

/// The same language for RE2, or nothing where RE2 has none. `ascii`: for texts of ASCII only (RE2 then reads
/// Latin-1), which keeps large classes small; word edges can be written for those only.
std::optional<std::string> WriteRe2(const RegexSyntax& syntax, bool ascii);

}  // namespace streamrun
