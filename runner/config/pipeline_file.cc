#include "runner/config/pipeline_file.h"

#include <cstdlib>

#include "runner/config/interpolate.h"
#include "runner/config/overrides.h"
#include "runner/config/source_text.h"
#include "runner/config/yaml_reader.h"

namespace streamrun {

namespace {

std::optional<std::string> ProcessVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace

std::optional<PipelineFile> ReadPipelineFile(const std::string& path, const ReadOptions& options,
                                             Diagnostics& diagnostics) {
  Env* env = options.env != nullptr ? options.env : Env::Default();
  Result<std::string> text = env->ReadFile(path, kMaxFileBytes);
  if (!text.ok()) {
    const bool large = text.status().code() == Code::kResourceExhausted;
    diagnostics.Error({path}, large ? "yaml.limit" : "config.file",
                      large ? "a pipeline file may have at most 1 MiB" : text.status().message());
    return std::nullopt;
  }
  return ParsePipeline(std::move(*text), path, options, diagnostics);
}

std::optional<PipelineFile> ParsePipeline(std::string text, const std::string& name,
                                          const ReadOptions& options, Diagnostics& diagnostics) {
  const int before = diagnostics.errors();
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  if (options.text != nullptr) *options.text = text;
  std::optional<ConfigValue> root = ReadYaml(SourceText(name, text), diagnostics);
  if (!root) return std::nullopt;
  ApplyOverrides(&*root, options.overrides, diagnostics);
  Interpolate(&*root, options.variable ? options.variable : ProcessVariable,
              options.env != nullptr ? options.env : Env::Default(), diagnostics);
  if (diagnostics.errors() > before && !options.keep_going) return std::nullopt;
  return PipelineFile{name, std::move(text), std::move(*root)};
}

}  // namespace streamrun
