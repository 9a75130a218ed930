// What yaml-cpp's short error messages mean to the person who wrote the file.
#pragma once

#include <string>

#include "core/component/diagnostics.h"
#include "runner/config/source_text.h"

namespace streamrun {

/// Where reading stood when the parser gave up.
struct YamlProblem {
  std::string message;                   // yaml-cpp's
  size_t at = 0;                         // byte where it noticed
  size_t last_end = 0;                   // one past the last scalar it had understood
  size_t open_flow = std::string::npos;  // the innermost `{` or `[` still open
};

/// Reports one finding with code "yaml.syntax" (or "yaml.tab", "yaml.alias").
void ReportYamlProblem(const YamlProblem& problem, const SourceText& source, Diagnostics& diagnostics);

}  // namespace streamrun
