// Reading a pipeline file for a command: parse, plan, and show what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/config/pipeline_file.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// Exit codes of the program (DECISIONS 30).
enum ExitCode : int {
  kExitFine = 0,
  kExitRuntime = 1,
  kExitConfig = 2,
  kExitEnvironment = 3,
  kExitStateRefused = 4,
  kExitInterrupted = 130,
};

/// Options every command that reads a pipeline file has.
struct LoadOptions {
  std::vector<std::string> sets;  // "a.b=c"
  std::string env_file;           // KEY=VALUE lines that ${KEY} may use
};

struct Loaded {
  std::optional<PipelineFile> file;
  PlanPtr plan;      // null when the file has errors
  std::string text;  // of the file, also when it cannot be parsed
  Diagnostics diagnostics;
  /// Set when an option itself is wrong; then nothing else is.
  Status usage;
};

/// Reads and plans; reports nothing by itself.
Loaded Load(const std::string& path, const LoadOptions& options);

/// Findings of a loaded file as text for a terminal.
std::string Render(const Loaded& loaded, bool color);

/// Loads, prints findings of a broken file to stderr, and gives null then.
struct LoadedPlan {
  PipelineFile file;
  PlanPtr plan;
};
std::optional<LoadedPlan> LoadOrExplain(const std::string& path, const LoadOptions& options);

/// Standard error or output is a terminal and NO_COLOR is not set (no-color.org).
bool UseColor(int fd);

}  // namespace streamrun
