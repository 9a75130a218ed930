#include "runner/config/overrides.h"

#include <charconv>
#include <optional>

#include "runner/config/source_text.h"
#include "runner/config/yaml_reader.h"

namespace streamrun {

namespace {

class Override {
 public:
  Override(const std::string& path, const std::string& text, Diagnostics& diagnostics)
      : path_(path), mark_{"--set " + path}, diagnostics_(diagnostics) {
    value_ = ConfigValue::Scalar(text, !ReadsBackPlain(text), mark_);
  }

  void Apply(ConfigValue* at) {
    if (ValidUtf8Prefix(value_.text()) < value_.text().size() || value_.text().size() > kMaxScalarBytes) {
      return Problem("the value must be UTF-8 text of at most 64 KiB");
    }
    size_t begin = 0;
    while (at != nullptr) {
      const size_t dot = path_.find('.', begin);
      const std::string step = path_.substr(begin, dot == std::string::npos ? dot : dot - begin);
      if (step.empty()) return Problem("a name is missing in the path", "write --set a.b=value");
      at = Child(at, step, path_.substr(0, dot));
      if (dot == std::string::npos) break;
      begin = dot + 1;
    }
    if (at == nullptr) return;
    if (at->is_list() || at->is_map()) {
      return Problem("'" + path_ + "' is " + std::string(at->KindName()) + ", and --set gives single values",
                     "name a value inside it");
    }
    *at = value_;
  }

 private:
  // The place of `step` in `parent`, made when it is missing; null after reporting.
  ConfigValue* Child(ConfigValue* parent, const std::string& step, const std::string& so_far) {
    if (parent->is_list()) return Item(parent, step, so_far);
    if (parent->is_scalar()) {
      Problem("'" + so_far + "' stands below a single value", "only mappings and lists have names inside");
      return nullptr;
    }
    if (!parent->is_map()) *parent = ConfigValue::Map({}, mark_);
    for (auto& [key, value] : parent->mutable_entries()) {
      if (key.text() == step) return &value;
    }
    parent->mutable_entries().emplace_back(ConfigValue::Scalar(step, false, mark_), ConfigValue());
    return &parent->mutable_entries().back().second;
  }

  ConfigValue* Item(ConfigValue* list, const std::string& step, const std::string& so_far) {
    std::vector<ConfigValue>& items = list->mutable_items();
    size_t index = 0;
    const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (error != std::errc() || end != step.data() + step.size() || index > items.size()) {
      Problem("'" + so_far + "' names no item: the list has " + std::to_string(items.size()),
              "use an index from 0 to " + std::to_string(items.size()) + ", the last one appends");
      return nullptr;
    }
    if (index == items.size()) items.emplace_back();
    return &items[index];
  }

  void Problem(std::string message, std::string suggestion = "") {
    diagnostics_.Error(mark_, "config.override", std::move(message), std::move(suggestion));
  }

  const std::string& path_;
  SourceMark mark_;
  ConfigValue value_;
  Diagnostics& diagnostics_;
};

}  // namespace

void ApplyOverrides(ConfigValue* root, const std::vector<std::pair<std::string, std::string>>& overrides,
                    Diagnostics& diagnostics) {
  for (const auto& [path, text] : overrides) Override(path, text, diagnostics).Apply(root);
}

}  // namespace streamrun
