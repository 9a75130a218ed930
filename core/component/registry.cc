#include "core/component/registry.h"

#include <map>
#include <memory>
#include <string>

namespace streamrun {

std::string_view KindName(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource:
      return "source";
    case ComponentKind::kOperator:
      return "operator";
    case ComponentKind::kSink:
      return "sink";
    case ComponentKind::kFormat:
      return "format";
  }
  return "component";
}

struct Registry::Tables {
  std::map<std::string, std::unique_ptr<const OperatorDefinition>, std::less<>> operators;
  std::map<std::string, std::unique_ptr<const SourceDefinition>, std::less<>> sources;
  std::map<std::string, std::unique_ptr<const SinkDefinition>, std::less<>> sinks;
  std::map<std::string, std::unique_ptr<const FormatDefinition>, std::less<>> formats;
};

namespace {

template <typename Map, typename Def>
bool Insert(Map& map, Def definition, ComponentKind kind) {
  definition.kind = kind;
  const std::string name = definition.name;
  SR_CHECK(!name.empty() && !map.contains(name));
  map.emplace(name, std::make_unique<const Def>(std::move(definition)));
  return true;
}

template <typename Map>
auto Lookup(const Map& map, std::string_view name) -> decltype(map.begin()->second.get()) {
  const auto it = map.find(name);
  return it == map.end() ? nullptr : it->second.get();
}

template <typename Map>
void Append(const Map& map, std::vector<const Definition*>& out) {
  for (const auto& [name, definition] : map) out.push_back(definition.get());
}

}  // namespace

Registry::Registry() : tables_(new Tables) {}

Registry& Registry::Global() {
  static Registry* registry =
      new Registry;  // never destroyed: registration order and exit order do not matter
  return *registry;
}

bool Registry::Add(OperatorDefinition d) {
  return Insert(tables_->operators, std::move(d), ComponentKind::kOperator);
}
bool Registry::Add(SourceDefinition d) {
  return Insert(tables_->sources, std::move(d), ComponentKind::kSource);
}
bool Registry::Add(SinkDefinition d) { return Insert(tables_->sinks, std::move(d), ComponentKind::kSink); }
bool Registry::Add(FormatDefinition d) {
  return Insert(tables_->formats, std::move(d), ComponentKind::kFormat);
}

const OperatorDefinition* Registry::FindOperator(std::string_view name) const {
  return Lookup(tables_->operators, name);
}
const SourceDefinition* Registry::FindSource(std::string_view name) const {
  return Lookup(tables_->sources, name);
}
const SinkDefinition* Registry::FindSink(std::string_view name) const { return Lookup(tables_->sinks, name); }
const FormatDefinition* Registry::FindFormat(std::string_view name) const {
  return Lookup(tables_->formats, name);
}

std::vector<const Definition*> Registry::List(ComponentKind kind) const {
  std::vector<const Definition*> out;
  switch (kind) {
    case ComponentKind::kOperator:
      Append(tables_->operators, out);
      break;
    case ComponentKind::kSource:
      Append(tables_->sources, out);
      break;
    case ComponentKind::kSink:
      Append(tables_->sinks, out);
      break;
    case ComponentKind::kFormat:
      Append(tables_->formats, out);
      break;
  }
  return out;
}

std::vector<std::string_view> Registry::Names(ComponentKind kind) const {
  std::vector<std::string_view> names;
  for (const Definition* definition : List(kind)) names.push_back(definition->name);
  return names;
}

}  // namespace streamrun
