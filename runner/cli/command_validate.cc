// streamrun validate: every problem of every file, in one run.
#include <glob.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "runner/checkpoint/inspect.h"
#include "runner/checkpoint/stored_state.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/config/report.h"
#include "runner/exec/state_fit.h"
#include "runner/harness/test_case.h"
#include "runner/process/state_directory.h"

namespace streamrun {

namespace {

struct Options {
  std::vector<std::string> paths;
  LoadOptions load;
  bool json = false;
  bool strict = false;
  bool against_state = false;
  std::string state_dir;  // empty: the pipeline's own
};

bool IsPipelineName(const std::string& name) { return name.ends_with(".yaml") || name.ends_with(".yml"); }

// Files of a directory and below; a file stands for itself; a pattern for what it matches.
Status Expand(const std::string& path, std::vector<std::string>* out) {
  Env* env = Env::Default();
  Result<FileInfo> info = env->Info(path);
  if (info.ok() && info->is_directory) {
    SR_ASSIGN_OR_RETURN(const std::vector<std::string> names, env->List(path));
    const std::string within = path + (path.ends_with('/') ? "" : "/");
    for (const std::string& name : names) {
      const std::string child = within + name;
      Result<FileInfo> child_info = env->Info(child);
      if (child_info.ok() && child_info->is_directory) SR_RETURN_IF_ERROR(Expand(child, out));
      if (child_info.ok() && !child_info->is_directory && IsPipelineName(name)) out->push_back(child);
    }
    return Status::Ok();
  }
  if (info.ok() || path.find_first_of("*?[") == std::string::npos) {
    out->push_back(path);
    return Status::Ok();
  }
  glob_t found{};
  const int result = ::glob(path.c_str(), 0, nullptr, &found);
  for (size_t i = 0; result == 0 && i < found.gl_pathc; ++i) out->emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  return result == 0 ? Status::Ok() : Status::NotFound("nothing matches " + path);
}

// Would a start go on with what the last run left? Prints what the start would say.
Status CheckAgainstState(const Plan& plan, const std::string& state_dir) {
  std::string directory = state_dir.empty() ? plan.settings.state_dir : state_dir;
  if (directory.empty()) {
    SR_ASSIGN_OR_RETURN(directory, DefaultStateDirectory(plan.pipeline));
  }
  Env* env = Env::Default();
  if (!env->Info(directory + "/CURRENT").ok()) {
    std::printf("%s: no saved state\n", directory.c_str());
    return Status::Ok();
  }
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint current, OpenCheckpoint(env, directory, ""));
  SR_RETURN_IF_ERROR(FitKeyGroups(plan, current.manifest.key_groups));
  SR_ASSIGN_OR_RETURN(const auto state, OpenStoredState(env, current.directory, plan.hash));
  SR_ASSIGN_OR_RETURN(const std::vector<StateNote> notes, FitPlan(plan, *state));
  std::printf("%s: the pipeline goes on with its saved state (epoch %llu)\n", directory.c_str(),
              static_cast<unsigned long long>(current.manifest.epoch));
  for (const StateNote& note : notes)
    std::printf("  %s%s\n", note.lost ? "warning: " : "", note.text.c_str());
  return Status::Ok();
}

int Validate(const Options& options) {
  std::vector<std::string> files;
  for (const std::string& path : options.paths) {
    if (Status s = Expand(path, &files); !s.ok()) {
      std::fprintf(stderr, "streamrun: %s\n", s.message().c_str());
      return kExitConfig;
    }
  }
  std::vector<Finding> all;
  int errors = 0, warnings = 0, broken = 0;
  bool refused = false;
  for (const std::string& path : files) {
    Loaded loaded = Load(path, options.load);
    if (!loaded.usage.ok()) {
      std::fprintf(stderr, "streamrun: %s\n", loaded.usage.message().c_str());
      return kExitConfig;
    }
    if (loaded.plan) ReadTests(loaded.file->root["tests"], *loaded.plan, loaded.diagnostics);
    if (loaded.plan && options.against_state) {
      if (const Status fits = CheckAgainstState(*loaded.plan, options.state_dir); !fits.ok()) {
        std::fprintf(stderr, "streamrun: %s: %s\n", path.c_str(), fits.message().c_str());
        refused = true;
      }
    }
    const std::vector<Finding>& findings = loaded.diagnostics.findings();
    errors += loaded.diagnostics.errors();
    warnings += static_cast<int>(findings.size()) - loaded.diagnostics.errors();
    broken += loaded.diagnostics.has_errors();
    if (options.json) {
      all.insert(all.end(), findings.begin(), findings.end());
    } else if (!findings.empty()) {
      std::printf("%s\n", Render(loaded, UseColor(STDOUT_FILENO)).c_str());
    }
  }
  if (options.json) {
    std::printf("%s\n", RenderFindingsJson(all).c_str());
  } else {
    const auto plural = [](int n) { return n == 1 ? "" : "s"; };
    std::printf("%zu file%s checked: ", files.size(), plural(static_cast<int>(files.size())));
    errors == 0 ? std::printf("no errors")
                : std::printf("%d error%s in %d file%s", errors, plural(errors), broken, plural(broken));
    warnings == 0 ? std::printf("\n") : std::printf(", %d warning%s\n", warnings, plural(warnings));
  }
  if (errors > 0 || (options.strict && warnings > 0)) return kExitConfig;
  return refused ? kExitStateRefused : kExitFine;
}

}  // namespace

void AddValidateCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("validate", "Check pipeline files and report every problem at once");
  command->add_option("paths", options->paths, "Files, directories (searched for *.yaml) or patterns")
      ->required();
  command->add_flag("--json", options->json, "Print findings as a JSON array");
  command->add_flag("--strict", options->strict, "Warnings fail too");
  CLI::Option* against =
      command->add_flag("--against-state", options->against_state,
                        "Say what a start would do with the saved state, or why it would refuse it");
  command->add_option("--state-dir", options->state_dir, "State directory, when it is not the default")
      ->needs(against);
  command->add_option("--set", options->load.sets,
                      "Override a value: path=value, for example settings.parallelism=4");
  command->add_option("--env-file", options->load.env_file, "File of KEY=VALUE lines for ${KEY}");
  command->footer(
      "Exit code 0 when every file is fine, 2 when one has an error, 4 when saved state would be "
      "refused.\n\nExample: streamrun validate --strict "
      "pipelines/");
  command->callback([options, &result] { result.exit_code = Validate(*options); });
}

}  // namespace streamrun
