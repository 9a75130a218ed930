// JSON Schema (2020-12) of the pipeline file, for editors: completion, hover texts and red lines while
// typing.
//
// It is made of the same field lists that the reader checks against. It is a little more generous than the
// reader where JSON Schema has no words for a rule (SQL, names of nodes), and never stricter on a file that
// is right: a `${...}` may stand for any single value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/component/registry.h"

namespace streamrun {

struct JsonSchemaInput {
  /// Top-level keys and their help, in order.
  std::vector<std::pair<std::string, std::string>> top_level;
  std::vector<FieldSpec> settings;
  std::vector<FieldSpec> event_time;
  /// What every node of a kind takes besides its component's own fields.
  std::vector<FieldSpec> source, op, sink;
  const Registry* registry = nullptr;
};

/// The schema as indented JSON with a line end; the same input gives the same bytes.
std::string PipelineJsonSchema(const JsonSchemaInput& input);

}  // namespace streamrun
