// How findings are shown: to people with the line and a caret, to programs as JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/component/diagnostics.h"

namespace streamrun {

/// Findings in file order (file, line, column), each as
///
///   pipelines/a.yaml:12:12: error: column "prise" does not exist [expr.unknown_column]
///      12 |     where: prise > 10000
///         |            ^~~~~
///     did you mean "price"?
///
/// `text` is the file's content ("" shows no line). `color`: ANSI.
std::string RenderFindings(const std::vector<Finding>& findings, std::string_view text, bool color);
/// A JSON array of {file, line, column, code, severity, message, suggestion}, file order.
std::string RenderFindingsJson(const std::vector<Finding>& findings);

/// `text` with a `*` for every character of a scalar that is marked secret in `root` (read from this text):
/// what to give RenderFindings once the plan has marked secret fields. Lines and columns stay.
std::string MaskSecrets(std::string_view text, const ConfigValue& root);

}  // namespace streamrun
