#include "runner/cli/load.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "runner/config/report.h"
#include "runner/plan/secrets.h"

namespace streamrun {

namespace {

// KEY=VALUE lines; blank lines and lines that begin with # are passed over; quotes around a value are taken
// off.
Result<std::map<std::string, std::string>> ReadEnvFile(const std::string& path) {
  std::map<std::string, std::string> variables;
  if (path.empty()) return variables;
  SR_ASSIGN_OR_RETURN(const std::string text, Env::Default()->ReadFile(path, 1 << 20));
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with("export ")) line.erase(0, 7);
    if (line.empty() || line[0] == '#') continue;
    const size_t equals = line.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Status::InvalidArgument(path + ":" + std::to_string(number) +
                                     ": a line of an env file is KEY=VALUE");
    }
    std::string value = line.substr(equals + 1);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    variables[line.substr(0, equals)] = std::move(value);
  }
  return variables;
}

}  // namespace

Loaded Load(const std::string& path, const LoadOptions& options) {
  Loaded loaded;
  ReadOptions read;
  read.env = Env::Default();
  Result<std::map<std::string, std::string>> variables = ReadEnvFile(options.env_file);
  if (!variables.ok()) {
    loaded.usage = variables.status();
    return loaded;
  }
  read.variable = [variables = *variables](const std::string& name) -> std::optional<std::string> {
    if (const auto it = variables.find(name); it != variables.end()) return it->second;
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  for (const std::string& set : options.sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      loaded.usage = Status::InvalidArgument(
          "--set takes path=value, for example --set settings.parallelism=4, not '" + set + "'");
      return loaded;
    }
    read.overrides.emplace_back(set.substr(0, equals), set.substr(equals + 1));
  }
  read.keep_going = true;  // what the plan finds is reported in the same run
  read.text = &loaded.text;
  loaded.file = ReadPipelineFile(path, read, loaded.diagnostics);
  if (loaded.file) MarkSecretFields(&loaded.file->root);
  if (loaded.file) loaded.plan = BuildPlan(*loaded.file, loaded.diagnostics);
  if (loaded.diagnostics.has_errors()) loaded.plan = nullptr;
  return loaded;
}

std::string Render(const Loaded& loaded, bool color) {
  const std::string text = loaded.file ? MaskSecrets(loaded.text, loaded.file->root) : loaded.text;
  return RenderFindings(loaded.diagnostics.findings(), text, color);
}

std::optional<LoadedPlan> LoadOrExplain(const std::string& path, const LoadOptions& options) {
  Loaded loaded = Load(path, options);
  if (!loaded.usage.ok()) {
    std::fprintf(stderr, "streamrun: %s\n", loaded.usage.message().c_str());
    return std::nullopt;
  }
  if (!loaded.plan) {
    const int errors = loaded.diagnostics.errors();
    std::fprintf(stderr, "%s\nstreamrun: %s has %d error%s; nothing was started\n",
                 Render(loaded, UseColor(STDERR_FILENO)).c_str(), path.c_str(), errors,
                 errors == 1 ? "" : "s");
    return std::nullopt;
  }
  return LoadedPlan{std::move(*loaded.file), loaded.plan};
}

bool UseColor(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && ::isatty(fd) != 0;
}

}  // namespace streamrun
