// streamrun status and stop: a running pipeline, over HTTP on its unix socket.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/api/client.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/process/state_directory.h"

namespace streamrun {

namespace {

struct Options {
  std::string pipeline;
  std::string state_dir;
  bool metrics = false;
};

// The pipeline by file, by name or by state directory.
Result<std::string> Socket(const Options& options) {
  if (!options.state_dir.empty()) return FindAdminSocket(options.state_dir);
  std::string name = options.pipeline;
  if (Env::Default()->Info(name).ok()) {
    const std::optional<LoadedPlan> loaded = LoadOrExplain(name, {});
    if (!loaded) return Status::InvalidArgument(name + " is not a pipeline file that can run");
    if (!loaded->plan->settings.state_dir.empty()) return FindAdminSocket(loaded->plan->settings.state_dir);
    name = loaded->plan->pipeline;
  }
  SR_ASSIGN_OR_RETURN(const std::string directory, DefaultStateDirectory(name));
  return FindAdminSocket(directory);
}

int Fail(const Status& status) {
  std::fprintf(stderr, "streamrun: %s\n", status.message().c_str());
  return kExitRuntime;
}

int ShowStatus(const Options& options) {
  Result<std::string> socket = Socket(options);
  if (!socket.ok()) return Fail(socket.status());
  Result<std::string> body = AdminGet(*socket, options.metrics ? "/metrics" : "/status");
  if (!body.ok()) return Fail(body.status());
  std::printf("%s%s", body->c_str(), body->ends_with('\n') ? "" : "\n");
  return kExitFine;
}

int Stop(const Options& options) {
  Result<std::string> socket = Socket(options);
  if (!socket.ok()) return Fail(socket.status());
  if (Status s = AdminPost(*socket, "/stop"); !s.ok()) return Fail(s);
  std::printf("stopping: sources stop, what is under way drains\n");
  return kExitFine;
}

void AddCommon(CLI::App* command, Options& options) {
  command->add_option("pipeline", options.pipeline, "Name of the pipeline, or its file");
  command->add_option("--state-dir", options.state_dir,
                      "State directory of the pipeline, when it is not the default");
}

bool Named(const Options& options) { return !options.pipeline.empty() || !options.state_dir.empty(); }

}  // namespace

void AddAdminCommands(CLI::App& app, CliResult& result) {
  auto status_options = std::make_shared<Options>();
  CLI::App* status =
      app.add_subcommand("status", "Show a running pipeline as JSON: nodes, rows, edges, workers");
  AddCommon(status, *status_options);
  status->add_flag("--metrics", status_options->metrics, "Prometheus text instead");
  status->callback([status_options, &result] {
    if (!Named(*status_options)) throw CLI::RequiredError("pipeline");
    result.exit_code = ShowStatus(*status_options);
  });

  auto stop_options = std::make_shared<Options>();
  CLI::App* stop = app.add_subcommand("stop", "Stop a running pipeline cleanly");
  AddCommon(stop, *stop_options);
  stop->callback([stop_options, &result] {
    if (!Named(*stop_options)) throw CLI::RequiredError("pipeline");
    result.exit_code = Stop(*stop_options);
  });
}

}  // namespace streamrun
