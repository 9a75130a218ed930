// streamrun run: runs a pipeline file as a family of processes.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/api/server.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/process/run.h"

namespace streamrun {

namespace {

struct Options {
  std::string file;
  LoadOptions load;
  std::string state_dir;
  std::string log_format = "text";
  std::string log_level = "info";
  bool once = false;
  bool quiet = false;
  bool reset_state = false;
  std::string restore;
  bool accept_duplicates = false;
};

int Run(const Options& options) {
  const std::optional<LoadedPlan> loaded = LoadOrExplain(options.file, options.load);
  if (!loaded) return kExitConfig;
  RunOptions run;
  run.state_dir = options.state_dir;
  run.once = options.once;
  run.quiet = options.quiet;
  run.reset_state = options.reset_state;
  run.restore = options.restore;
  run.accept_duplicates = options.accept_duplicates;
  run.log_json = options.log_format == "json";
  run.log_level = ParseLogLevel(options.log_level).value_or(LogLevel::kInfo);
  run.start_admin = StartAdminServer;
  return RunPipeline(loaded->plan, loaded->file, run);
}

}  // namespace

void AddRunCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run a pipeline until its input ends or it is stopped");
  command->add_option("file", options->file, "Pipeline file")->required();
  command->add_option("--set", options->load.sets,
                      "Override a value: path=value, for example settings.parallelism=4");
  command->add_option("--env-file", options->load.env_file, "File of KEY=VALUE lines for ${KEY}");
  command->add_option("--state-dir", options->state_dir, "Directory for state, dead letters and locks");
  command->add_flag("--once", options->once, "End at the present end of inputs that are followed");
  command->add_option("--log-format", options->log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_option("--log-level", options->log_level, "debug, info, warning, error or off")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  CLI::Option* reset = command->add_flag("--reset-state", options->reset_state,
                                         "Forget the checkpoints of earlier runs and begin anew");
  CLI::Option* restore =
      command
          ->add_option("--restore,--from", options->restore,
                       "Go on from this epoch or savepoint instead of the newest checkpoint")
          ->excludes(reset);
  command
      ->add_flag("--accept-duplicates", options->accept_duplicates,
                 "With --restore: rows that sinks have received since then come again")
      ->needs(restore);
  command->add_flag("-q,--quiet", options->quiet, "Neither progress nor closing summary");
  command->footer(
      "Exit codes: 0 the input ended or a stop was clean, 1 failure, 2 the file is wrong, 3 the environment "
      "is (a port "
      "taken, a library missing), 4 saved state is refused, 130 interrupted before a bounded input ended.\n"
      "SIGTERM and SIGINT stop cleanly, and the next run goes on from there; a second one kills at once, and "
      "the next run goes on from the last checkpoint.\n\n"
      "Examples:\n  streamrun pipelines/quickstart.yaml\n  streamrun run pipeline.yaml --set "
      "settings.parallelism=auto --log-format json");
  command->callback([options, &result] { result.exit_code = Run(*options); });
}

}  // namespace streamrun
