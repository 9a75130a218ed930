// streamrun schema: the JSON Schema of pipeline files.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/config/json_schema.h"
#include "runner/plan/fields.h"

namespace streamrun {

void AddSchemaCommand(CLI::App& app, CliResult& result) {
  CLI::App* command = app.add_subcommand("schema", "Print the JSON Schema of pipeline files, for editors");
  command->footer(
      "Editors with a YAML language server use it with this line at the top of a pipeline file:\n"
      "  # yaml-language-server: $schema=schemas/pipeline.schema.json");
  command->callback([&result] {
    JsonSchemaInput input;
    input.top_level = TopLevelKeys();
    input.settings = SettingsFields();
    input.event_time = EventTimeFields();
    input.source = NodeFields(ComponentKind::kSource);
    input.op = NodeFields(ComponentKind::kOperator);
    input.sink = NodeFields(ComponentKind::kSink);
    input.registry = &Registry::Global();
    std::printf("%s", PipelineJsonSchema(input).c_str());
    result.exit_code = kExitFine;
  });
}

}  // namespace streamrun
