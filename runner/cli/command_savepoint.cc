// streamrun savepoint: a checkpoint of a running pipeline that is kept under a name.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/api/client.h"
#include "runner/checkpoint/inspect.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/cli/pipeline_target.h"
#include "runner/process/state_directory.h"

namespace streamrun {

namespace {

struct Options {
  std::string name;
  PipelineTarget target;
  double timeout = 60;  // seconds
};

// A pipeline that came to its end with this savepoint may be gone before it could say so.
Result<AdminSavepoint> OnDisk(const std::string& directory, const std::string& name, Timestamp asked) {
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint found, OpenCheckpoint(Env::Default(), directory, name));
  if (found.manifest.taken < asked) return Status::NotFound("an older one");
  return AdminSavepoint{found.manifest.epoch, found.directory};
}

Result<AdminSavepoint> Take(const Options& options) {
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  SR_ASSIGN_OR_RETURN(const std::string socket, FindAdminSocket(directory));
  const Timestamp asked = Env::Default()->WallNow();
  auto taken = TakeSavepoint(socket, options.name, static_cast<Duration>(options.timeout * kSecond));
  if (taken.ok() || taken.status().code() != Code::kUnavailable) return taken;
  auto on_disk = OnDisk(directory, options.name, asked);
  if (on_disk.ok()) return on_disk;
  return Status::Unavailable("the pipeline went away before savepoint '" + options.name +
                             "' was there: " + taken.status().message());
}

int Run(const Options& options) {
  const auto taken = Take(options);
  if (!taken.ok()) return FailCommand(taken.status(), kExitRuntime);
  std::printf("savepoint '%s' is epoch %llu: %s\n", options.name.c_str(),
              static_cast<unsigned long long>(taken->epoch), taken->path.c_str());
  return kExitFine;
}

}  // namespace

void AddSavepointCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("savepoint", "Keep a checkpoint of a running pipeline under a name");
  command->add_option("name", options->name, "Its name: a-z, 0-9, _, - and .")->required();
  AddTargetOptions(command, &options->target);
  command->add_option("--timeout", options->timeout, "Seconds to wait for it")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  command->footer(
      "Takes a checkpoint, waits until every sink has committed it, and keeps it; savepoints are never "
      "removed "
      "by themselves.\n`streamrun run FILE --from NAME` goes on from it, also after later checkpoints are "
      "gone.\n\nExample: streamrun savepoint before-upgrade large-orders");
  command->callback([options, &result] { result.exit_code = Run(*options); });
}

}  // namespace streamrun
