// Shell completion scripts, made of the application's own subcommands and options.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace CLI {
class App;
}

namespace streamrun {

/// The script for "bash", "zsh" or "fish" (another name is an error): subcommands, long options, and file
/// names. `words`: what else a subcommand takes, by its name (the components after `describe`).
Result<std::string> CompletionScript(const CLI::App& app, const std::string& shell,
                                     const std::map<std::string, std::vector<std::string>>& words);

}  // namespace streamrun
