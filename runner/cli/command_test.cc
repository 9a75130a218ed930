// streamrun test: runs the `tests:` of pipeline files.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/config/report.h"
#include "runner/harness/run_test.h"

namespace streamrun {

namespace {

struct Options {
  std::vector<std::string> files;
  LoadOptions load;
  std::string only;
};

int Test(const Options& options) {
  const bool color = UseColor(STDOUT_FILENO);
  const char* green = color ? "\033[32m" : "";
  const char* red = color ? "\033[31m" : "";
  const char* plain = color ? "\033[0m" : "";
  int passed = 0, failed = 0;
  bool broken = false;
  for (const std::string& path : options.files) {
    Loaded loaded = Load(path, options.load);
    if (!loaded.usage.ok()) {
      std::fprintf(stderr, "streamrun: %s\n", loaded.usage.message().c_str());
      return kExitConfig;
    }
    std::vector<TestCase> cases;
    if (loaded.plan) cases = ReadTests(loaded.file->root["tests"], *loaded.plan, loaded.diagnostics);
    if (loaded.diagnostics.has_errors()) {
      std::printf("%s\n", Render(loaded, color).c_str());
      broken = true;
      continue;
    }
    std::printf("%s\n", path.c_str());
    if (cases.empty()) std::printf("  no tests\n");
    for (const TestCase& test : cases) {
      if (!options.only.empty() && test.name.find(options.only) == std::string::npos) continue;
      const TestResult result = RunTest(loaded.plan, test);
      result.failure.empty() ? ++passed : ++failed;
      std::printf("  %s%s%s  %s\n", result.failure.empty() ? green : red,
                  result.failure.empty() ? "ok    " : "FAILED", plain, result.name.c_str());
      if (!result.failure.empty()) std::printf("%s", result.failure.c_str());
      std::fflush(stdout);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return broken ? kExitConfig : failed > 0 ? kExitRuntime : kExitFine;
}

}  // namespace

void AddTestCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("test", "Run the tests of pipeline files");
  command->add_option("files", options->files, "Pipeline files with a `tests:` section")->required();
  command->add_option("--only", options->only, "Run the tests whose name contains this text");
  command->add_option("--set", options->load.sets, "Override a value: path=value");
  command->add_option("--env-file", options->load.env_file, "File of KEY=VALUE lines for ${KEY}");
  command->footer(
      "Each test feeds rows into sources and compares what arrives at sinks and ports. It runs on the real "
      "plan in one "
      "process with its own clock; no connector is opened.\n\nExample: streamrun test "
      "pipelines/quickstart.yaml");
  command->callback([options, &result] { result.exit_code = Test(*options); });
}

}  // namespace streamrun
