// streamrun completion: a script that completes commands, options and component names in a shell.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/component/registry.h"
#include "runner/cli/commands.h"
#include "runner/cli/completion.h"
#include "runner/cli/describe_functions.h"
#include "runner/cli/load.h"

namespace streamrun {

void AddCompletionCommand(CLI::App& app, CliResult& result) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print a completion script for a shell");
  command->add_option("shell", *shell, "bash, zsh or fish")->required();
  command->footer(
      "bash: source <(streamrun completion bash)\nzsh:  streamrun completion zsh > "
      "\"${fpath[1]}/_streamrun\"\n"
      "fish: streamrun completion fish > ~/.config/fish/completions/streamrun.fish");
  command->callback([shell, &app, &result] {
    std::map<std::string, std::vector<std::string>> words;
    for (const ComponentKind kind :
         {ComponentKind::kSource, ComponentKind::kOperator, ComponentKind::kSink, ComponentKind::kFormat}) {
      for (const std::string_view name : Registry::Global().Names(kind)) words["describe"].emplace_back(name);
    }
    words["describe"].emplace_back("functions");
    for (std::string& name : FunctionWords()) words["describe"].push_back(std::move(name));
    words["list"] = {"sources", "operators", "sinks", "formats"};
    Result<std::string> script = CompletionScript(app, *shell, words);
    if (!script.ok()) {
      std::fprintf(stderr, "streamrun: %s\n", script.status().message().c_str());
      result.exit_code = kExitConfig;
      return;
    }
    std::printf("%s", script->c_str());
  });
}

}  // namespace streamrun
