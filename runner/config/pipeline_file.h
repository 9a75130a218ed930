// A pipeline file as facts: the YAML tree with positions, limits enforced, `${...}` resolved. Nothing is
// interpreted here; runner/plan gives it meaning.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/env.h"
#include "core/component/config_value.h"
#include "core/component/diagnostics.h"

namespace streamrun {

struct PipelineFile {
  std::string path;  // as given by the user; "<stdin>" or a name for text that is no file
  std::string text;  // as read, for showing lines in findings
  ConfigValue root;  // a map
};

struct ReadOptions {
  Env* env = nullptr;
  /// Value of an environment variable, or nothing. Default: the process environment.
  std::function<std::optional<std::string>(const std::string&)> variable;
  /// `--set a.b.c=value`: replaces or adds a scalar after parsing; a list index is a number.
  std::vector<std::pair<std::string, std::string>> overrides;
  /// Give the tree in spite of errors that leave the rest readable (a missing variable, a duplicate key), so
  /// that the plan can find more in the same run. What they concern is marked broken and not reported a
  /// second time; the caller must look at Diagnostics::has_errors() before it runs anything.
  bool keep_going = false;
  /// Receives the text even when nothing is given back, for the lines that findings show. May be null.
  std::string* text = nullptr;
};

/// Reads and resolves a file; nothing after reporting every problem that could be found. Limits (RELIABILITY
/// 7): file 1 MiB, depth 64, 100,000 nodes, scalars 64 KiB, aliases 10,000 nodes when expanded. Variables:
/// see interpolate.h.
std::optional<PipelineFile> ReadPipelineFile(const std::string& path, const ReadOptions& options,
                                             Diagnostics& diagnostics);
std::optional<PipelineFile> ParsePipeline(std::string text, const std::string& name,
                                          const ReadOptions& options, Diagnostics& diagnostics);

/// The tree as YAML with secrets redacted (`echo`), or as one canonical JSON line: what workers receive (with
/// `reveal_secrets`) and what the plan hash covers (without).
std::string PrintYaml(const ConfigValue& root);
std::string PrintCanonicalJson(const ConfigValue& root, bool reveal_secrets);
/// Reads what PrintCanonicalJson wrote (quoting and secrecy of scalars, but no positions, survive).
Result<ConfigValue> ParseCanonicalJson(std::string_view json);

}  // namespace streamrun
