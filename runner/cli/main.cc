// streamrun: the command line.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "core/base/failpoint.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/process/worker.h"

namespace streamrun {

namespace {

constexpr char kAbout[] =
    "streamrun runs a stream-processing pipeline that a YAML file describes: sources, operators and sinks, "
    "as a small "
    "family of processes.\n\n"
    "`streamrun pipeline.yaml` is short for `streamrun run pipeline.yaml`.";

constexpr char kFooter[] =
    "Begin with: streamrun validate pipeline.yaml, streamrun test pipeline.yaml, streamrun pipeline.yaml\n"
    "What there is: streamrun list; what a component takes: streamrun describe filter\n"
    "What an expression gives: streamrun eval \"upper('a')\"; functions: streamrun describe functions\n"
    "Every command has --help.";

// Name, process, and whether an error can be put there, one a line.
void ListFailpoints() {
  for (const Failpoint& point : kFailpoints) {
    const bool worker = point.process == FamilyProcess::kWorker;
    std::printf("%s %s%s\n", std::string(point.name).c_str(), worker ? "worker" : "supervisor",
                point.fails ? " error" : "");
  }
  throw CLI::Success();
}

int Main(int argc, char** argv) {
  CLI::App app{kAbout, "streamrun"};
  app.footer(kFooter);
  app.set_version_flag("--version", "streamrun " SR_VERSION);
  app.require_subcommand(1);
  app.add_flag_callback("--list-failpoints", ListFailpoints)->group("");  // hidden: for tests
  CliResult result;
  AddRunCommand(app, result);
  AddValidateCommand(app, result);
  AddTestCommand(app, result);
  AddExplainCommand(app, result);
  AddGraphCommand(app, result);
  AddEchoCommand(app, result);
  AddEvalCommand(app, result);
  AddInferCommand(app, result);
  AddListCommands(app, result);
  AddSchemaCommand(app, result);
  AddAdminCommands(app, result);
  AddSavepointCommand(app, result);
  AddStateCommand(app, result);
  AddDlqCommand(app, result);
  AddCompletionCommand(app, result);

  // A first word that is no subcommand and no option is a pipeline file.
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && !arguments[0].empty() && arguments[0][0] != '-') {
    const std::vector<CLI::App*> commands = app.get_subcommands([](CLI::App*) { return true; });
    const bool known = std::any_of(commands.begin(), commands.end(),
                                   [&](const CLI::App* c) { return c->get_name() == arguments[0]; });
    if (!known) {
      const bool file =
          arguments[0].find_first_of("./") != std::string::npos || Env::Default()->Info(arguments[0]).ok();
      if (!file) {
        std::vector<std::string> names;
        names.reserve(commands.size());
        for (const CLI::App* c : commands) names.push_back(c->get_name());
        std::vector<std::string_view> views(names.begin(), names.end());
        const std::string hint = DidYouMean(arguments[0], views);
        std::fprintf(stderr, "streamrun: '%s' is neither a command nor a file%s%s\n", arguments[0].c_str(),
                     hint.empty() ? "" : "; ", hint.c_str());
        return kExitConfig;
      }
      arguments.insert(arguments.begin(), "run");
    }
  }
  // `streamrun --quiet pipeline.yaml`: options of run without its name.
  static constexpr std::string_view kOwn[] = {"-h", "--help", "--version", "--list-failpoints"};
  if (!arguments.empty() && arguments[0].starts_with("-") &&
      std::find(std::begin(kOwn), std::end(kOwn), arguments[0]) == std::end(kOwn)) {
    arguments.insert(arguments.begin(), "run");
  }
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitFine : kExitConfig;
  }
  return result.exit_code;
}

}  // namespace
}  // namespace streamrun

int main(int argc, char** argv) {
  const bool worker = streamrun::IsWorker(argc, argv);
  const auto self = worker ? streamrun::FamilyProcess::kWorker : streamrun::FamilyProcess::kSupervisor;
  if (const streamrun::Status status = streamrun::ArmFailpointsFromEnvironment(self); !status.ok()) {
    std::fprintf(stderr, "streamrun: %s\n", status.message().c_str());
    return streamrun::kExitConfig;
  }
  if (worker) return streamrun::WorkerMain(argc, argv);
  return streamrun::Main(argc, argv);
}
