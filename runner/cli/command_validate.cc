// streamrun validate: every problem of every file, in one run.
#include <glob.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/config/report.h"
#include "runner/harness/test_case.h"

namespace streamrun {

namespace {

struct Options {
  std::vector<std::string> paths;
  LoadOptions load;
  bool json = false;
  bool strict = false;
};

bool IsPipelineName(const std::string& name) { return name.ends_with(".yaml") || name.ends_with(".yml"); }

// Files of a directory and below; a file stands for itself; a pattern for what it matches.
Status Expand(const std::string& path, std::vector<std::string>* out) {
  Env* env = Env::Default();
  Result<FileInfo> info = env->Info(path);
  if (info.ok() && info->is_directory) {
    SR_ASSIGN_OR_RETURN(const std::vector<std::string> names, env->List(path));
    for (const std::string& name : names) {
      const std::string child = path + (path.ends_with('/') ? "" : "/") + name;
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
  for (const std::string& path : files) {
    Loaded loaded = Load(path, options.load);
    if (!loaded.usage.ok()) {
      std::fprintf(stderr, "streamrun: %s\n", loaded.usage.message().c_str());
      return kExitConfig;
    }
    if (loaded.plan) ReadTests(loaded.file->root["tests"], *loaded.plan, loaded.diagnostics);
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
  return errors > 0 || (options.strict && warnings > 0) ? kExitConfig : kExitFine;
}

}  // namespace

void AddValidateCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("validate", "Check pipeline files and report every problem at once");
  command->add_option("paths", options->paths, "Files, directories (searched for *.yaml) or patterns")
      ->required();
  command->add_flag("--json", options->json, "Print findings as a JSON array");
  command->add_flag("--strict", options->strict, "Warnings fail too");
  command->add_option("--set", options->load.sets,
                      "Override a value: path=value, for example settings.parallelism=4");
  command->add_option("--env-file", options->load.env_file, "File of KEY=VALUE lines for ${KEY}");
  command->footer(
      "Exit code 0 when every file is fine, 2 when one has an error.\n\nExample: streamrun validate --strict "
      "pipelines/");
  command->callback([options, &result] { result.exit_code = Validate(*options); });
}

}  // namespace streamrun
