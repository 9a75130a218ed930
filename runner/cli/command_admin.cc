// streamrun status and stop: a running pipeline, over HTTP on its unix socket.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/api/client.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/cli/pipeline_target.h"
#include "runner/process/state_directory.h"

namespace streamrun {

namespace {

struct Options {
  PipelineTarget target;
  bool metrics = false;
};

Result<std::string> Socket(const Options& options) {
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  return FindAdminSocket(directory);
}

int Fail(const Status& status) { return FailCommand(status, kExitRuntime); }

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
  if (const auto answer = AdminPost(*socket, "/stop"); !answer.ok()) return Fail(answer.status());
  std::printf("stopping: sources stop, what is under way drains\n");
  return kExitFine;
}

}  // namespace

void AddAdminCommands(CLI::App& app, CliResult& result) {
  auto status_options = std::make_shared<Options>();
  CLI::App* status =
      app.add_subcommand("status", "Show a running pipeline as JSON: nodes, rows, edges, workers");
  AddTargetOptions(status, &status_options->target);
  status->add_flag("--metrics", status_options->metrics, "Prometheus text instead");
  status->callback([status_options, &result] { result.exit_code = ShowStatus(*status_options); });

  auto stop_options = std::make_shared<Options>();
  CLI::App* stop = app.add_subcommand("stop", "Stop a running pipeline cleanly");
  AddTargetOptions(stop, &stop_options->target);
  stop->callback([stop_options, &result] { result.exit_code = Stop(*stop_options); });
}

}  // namespace streamrun
