#include "runner/cli/describe.h"

#include <algorithm>
#include <cmath>

namespace streamrun {

namespace {

constexpr ComponentKind kKinds[] = {ComponentKind::kSource, ComponentKind::kOperator, ComponentKind::kSink,
                                    ComponentKind::kFormat};

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string TypeText(const FieldSpec& f) {
  switch (f.kind) {
    case FieldKind::kBoolean:
      return "true or false";
    case FieldKind::kInteger:
      return "whole number";
    case FieldKind::kDouble:
      return "number";
    case FieldKind::kText:
      return "text";
    case FieldKind::kSecret:
      return "secret text";
    case FieldKind::kDuration:
      return "duration";
    case FieldKind::kSize:
      return "size";
    case FieldKind::kOneOf:
      return "one of " + Join(f.choices);
    case FieldKind::kExpression:
      return "SQL expression";
    case FieldKind::kExpressionMap:
      return "name: SQL expression, ...";
    case FieldKind::kTextList:
      return "list, or one value";
    case FieldKind::kTextMap:
      return "name: value, ...";
    case FieldKind::kColumns:
      return "column: type, ...";
    case FieldKind::kComponent:
      return "component";
    case FieldKind::kStruct:
      return f.shorthand.empty() ? "mapping" : "mapping, or its " + f.shorthand + " alone";
    case FieldKind::kStructList:
      return "list of mappings";
    case FieldKind::kRaw:
      return "see help";
  }
  return "";
}

std::string Limit(const FieldSpec& f, double limit) {
  if (f.kind == FieldKind::kDuration) return PrintDuration(static_cast<Duration>(limit));
  if (f.kind == FieldKind::kSize) return PrintSize(static_cast<int64_t>(limit));
  return config_internal::PrintNumber(limit);
}

// "whole number, at least 1, default 4".
std::string Facts(const FieldSpec& f) {
  std::string out = f.kind == FieldKind::kRaw ? "" : TypeText(f);
  const auto add = [&out](const std::string& fact) { out += (out.empty() ? "" : ", ") + fact; };
  if (f.required) add("required");
  if (f.not_empty) add("not empty");
  if (std::isfinite(f.at_least)) add("at least " + Limit(f, f.at_least));
  if (std::isfinite(f.at_most)) add("at most " + Limit(f, f.at_most));
  if (!f.default_text.empty()) add("default " + f.default_text);
  return out;
}

void AppendFields(const std::vector<FieldSpec>& fields, size_t depth, std::string* out) {
  for (const FieldSpec& f : fields) {
    const std::string facts = Facts(f);
    out->append(2 * depth, ' ').append("- `" + f.name + "`");
    if (!facts.empty()) out->append(" (" + facts + ")");
    out->append(": " + f.help + "\n");
    AppendFields(f.children, depth + 1, out);
  }
}

std::string PortText(const PortSpec& port) {
  const std::string unwired = port.role == PortRole::kError  ? " Unwired: dead letters."
                              : port.role == PortRole::kSide ? " Unwired: counted."
                                                             : "";
  return "- `" + port.name + "`: " + port.help + unwired + "\n";
}

void AppendPorts(const Definition& d, std::string* out) {
  if (d.kind != ComponentKind::kOperator) return;
  const auto& ports = static_cast<const OperatorDefinition&>(d).ports;
  if (ports.empty()) return;
  out->append("\n## Ports\n\n");
  for (const PortSpec& port : ports) out->append(PortText(port));
}

std::string Introduction(const Definition& d) {
  std::string out = "# " + d.name + " (" + std::string(KindName(d.kind)) + ")\n\n" + d.summary + "\n";
  if (!d.description.empty()) out += "\n" + d.description + "\n";
  std::string format;
  if (d.kind == ComponentKind::kSource) format = static_cast<const SourceDefinition&>(d).default_format;
  if (d.kind == ComponentKind::kSink) format = static_cast<const SinkDefinition&>(d).default_format;
  if (!format.empty()) out += "\nWithout `format:` it uses " + format + ".\n";
  if (d.kind == ComponentKind::kOperator && static_cast<const OperatorDefinition&>(d).takes_changes) {
    out += "\nTakes changes (rows that update or delete earlier ones).\n";
  }
  return out;
}

}  // namespace

std::string ListComponents(const Registry& registry, std::optional<ComponentKind> only) {
  std::string out;
  for (const ComponentKind kind : kKinds) {
    if (only && *only != kind) continue;
    const std::vector<const Definition*> all = registry.List(kind);
    if (all.empty()) continue;
    size_t width = 0;
    for (const Definition* d : all) width = std::max(width, d->name.size());
    out += (out.empty() ? "" : "\n") + std::string(KindName(kind)) + "s\n";
    for (const Definition* d : all) {
      out += "  " + d->name + std::string(width - d->name.size() + 2, ' ') + d->summary + "\n";
    }
  }
  return out;
}

std::string DescribeComponent(const Definition& definition) {
  std::string out = Introduction(definition);
  if (!definition.fields.empty()) {
    out += "\n## Fields\n\n";
    AppendFields(definition.fields, 0, &out);
  }
  AppendPorts(definition, &out);
  if (!definition.guarantee.empty()) out += "\n## Guarantee\n\n" + definition.guarantee + "\n";
  if (!definition.example.empty()) {
    out += "\n## Example\n\n```yaml\n" + definition.example +
           (definition.example.ends_with('\n') ? "" : "\n") + "```\n";
  }
  return out;
}

}  // namespace streamrun
