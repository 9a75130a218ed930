// streamrun echo: a pipeline file as it is understood: variables resolved, overrides applied, secrets hidden.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/cli/commands.h"
#include "runner/cli/load.h"

namespace streamrun {

namespace {

struct Options {
  std::string file;
  LoadOptions load;
};

int Echo(const Options& options) {
  const std::optional<LoadedPlan> loaded = LoadOrExplain(options.file, options.load);
  if (!loaded) return kExitConfig;
  std::printf("%s", PrintYaml(loaded->file.root).c_str());
  return kExitFine;
}

}  // namespace

void AddEchoCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("echo", "Print a pipeline file with variables resolved and secrets hidden");
  command->add_option("file", options->file, "Pipeline file")->required();
  command->add_option("--set", options->load.sets, "Override a value: path=value");
  command->add_option("--env-file", options->load.env_file, "File of KEY=VALUE lines for ${KEY}");
  command->callback([options, &result] { result.exit_code = Echo(*options); });
}

}  // namespace streamrun
