// The top of a pipeline file: its keys, name, settings and shared schemas.
#include <algorithm>
#include <charconv>
#include <thread>

#include "runner/plan/draft.h"

namespace streamrun {

namespace {

bool ValidName(std::string_view name, bool dashes) {
  if (name.empty() || name.size() > 63) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || c == '_';
    const bool later = (c >= '0' && c <= '9') || (dashes && (c == '-' || c == '.'));
    if (!letter && !(i > 0 && later)) return false;
  }
  return true;
}

void ReadName(Draft& draft) {
  const ConfigValue& name = draft.file.root["pipeline"];
  if (!name.present()) {
    draft.diagnostics.Error(draft.file.root.mark(), "config.missing_field", "the pipeline needs a name",
                            "begin the file with `pipeline: some-name`");
    return;
  }
  if (!name.is_scalar() || !ValidName(name.text(), true)) {
    draft.diagnostics.ErrorAt(
        name, "config.name",
        "'pipeline' takes a name of lower-case letters, digits, '_', '-' and '.', at most 63");
    return;
  }
  draft.plan->pipeline = name.text();
}

void ReadParallelism(const ConfigValue& settings, const SettingsConfig& config, Draft& draft) {
  int& parallelism = draft.plan->settings.parallelism;
  if (config.parallelism == "auto") {
    parallelism = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    return;
  }
  int n = 0;
  const std::string& text = config.parallelism;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > 1024) {
    draft.diagnostics.ErrorAt(settings["parallelism"], "config.range",
                              "'parallelism' is a number from 1 to 1024, or auto");
    return;
  }
  parallelism = n;
}

void ReadSettings(Draft& draft) {
  const ConfigValue& settings = draft.file.root["settings"];
  if (!settings.present()) return;
  if (!settings.is_map()) {
    draft.diagnostics.ErrorAt(settings, "config.type", "'settings' takes a mapping");
    return;
  }
  SettingsConfig config;
  ReadFields(settings, SettingsFields(), {}, "'settings'", &config, draft.diagnostics);
  ReadParallelism(settings, config, draft);
  PlanSettings& out = draft.plan->settings;
  out.max_parallelism = static_cast<int>(config.max_parallelism);
  out.delivery = config.delivery;
  out.state_dir = config.state_dir;
  out.max_row = config.max_row;
  out.linger = config.linger;
  out.stop_deadline = config.stop_deadline;
  out.dead_letter_max = config.dead_letter.max_size;
  out.dead_letter_drop_oldest = config.dead_letter.drop_oldest;
  out.checkpoint_interval = config.checkpoint.interval > 0 ? config.checkpoint.interval : kMaxTimestamp;
  out.checkpoint_timeout = config.checkpoint.timeout;
  out.checkpoint_reserve = config.checkpoint.reserve;
  out.worker_memory = config.worker_memory;
  out.on_crash = config.on_crash;
  out.fuse = config.engine.local.fuse;
  draft.delivery_value = settings["delivery"];
  draft.drop_state = settings["drop_state"];
  draft.on_error = config.on_error;
  draft.on_error_written = settings["on_error"].present();
}

}  // namespace

int Draft::Find(std::string_view name) const {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].name.text() == name) return static_cast<int>(i);
  }
  return -1;
}

void ReadTopLevel(Draft& draft) {
  std::vector<std::string_view> known;
  for (const auto& [key, help] : TopLevelKeys()) known.push_back(key);
  for (const auto& [key, value] : draft.file.root.entries()) {
    if (std::find(known.begin(), known.end(), key.text()) == known.end()) {
      draft.diagnostics.ErrorAt(key, "config.unknown_field",
                                "a pipeline file has no key '" + key.text() + "'",
                                DidYouMean(key.text(), known));
    }
  }
  ReadName(draft);
  ReadSettings(draft);
  const ConfigValue& schemas = draft.file.root["schemas"];
  if (schemas.present() && !schemas.is_map() && !schemas.is_null()) {
    draft.diagnostics.ErrorAt(schemas, "config.type", "'schemas' takes a mapping of name: columns");
  }
  for (const auto& [key, value] : schemas.entries()) {
    std::vector<DeclaredColumn> columns;
    ReadColumns(value, key.text(), &columns, draft.diagnostics);
    draft.schemas.emplace_back(key.text(), value);
  }
}

}  // namespace streamrun
