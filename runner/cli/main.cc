// streamrun: the command line.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/cli/commands.h"
#include "runner/cli/load.h"

namespace streamrun {

int Main(int argc, char** argv) {
  CLI::App app{"streamrun runs a pipeline that a YAML file describes.", "streamrun"};
  CliResult result;
  AddValidateCommand(app, result);
  AddTestCommand(app, result);
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitFine : kExitConfig;
  }
  return result.exit_code;
}

}  // namespace streamrun

int main(int argc, char** argv) { return streamrun::Main(argc, argv); }
