// The subcommands: each adds itself to the application and puts its exit code where main finds it.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace streamrun {

/// Set by the callback of the subcommand that was chosen.
struct CliResult {
  int exit_code = 0;
};

void AddRunCommand(CLI::App& app, CliResult& result);
void AddValidateCommand(CLI::App& app, CliResult& result);
void AddTestCommand(CLI::App& app, CliResult& result);
void AddListCommands(CLI::App& app, CliResult& result);  // list, describe
void AddEvalCommand(CLI::App& app, CliResult& result);
void AddInferCommand(CLI::App& app, CliResult& result);
void AddGraphCommand(CLI::App& app, CliResult& result);
void AddExplainCommand(CLI::App& app, CliResult& result);
void AddSchemaCommand(CLI::App& app, CliResult& result);
void AddEchoCommand(CLI::App& app, CliResult& result);
void AddAdminCommands(CLI::App& app, CliResult& result);  // status, stop
void AddSavepointCommand(CLI::App& app, CliResult& result);
void AddStateCommand(CLI::App& app, CliResult& result);
void AddDlqCommand(CLI::App& app, CliResult& result);
void AddCompletionCommand(CLI::App& app, CliResult& result);

}  // namespace streamrun
