#include "runner/config/json_schema.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace streamrun {

namespace {

using Json = nlohmann::ordered_json;

Json Ref(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }
Json AnyOf(std::vector<Json> choices) { return {{"anyOf", Json(std::move(choices))}}; }

// Definitions that every schema uses. A scalar of YAML may be typed by the editor as a number or a boolean.
Json CommonDefinitions() {
  Json d;
  d["variable"] = {
      {"type", "string"}, {"pattern", "\\$\\{"}, {"description", "A value with ${VARIABLE} in it."}};
  d["single"] = {{"type", Json::array({"string", "number", "boolean"})}};
  d["expression"] = {{"type", Json::array({"string", "number", "boolean"})},
                     {"description", "An SQL expression."}};
  d["duration"] = {
      {"description", "A duration with units: 250ms, 10s, 1h30m."},
      {"anyOf", Json::array({{{"type", "string"}, {"pattern", "^ *([0-9.]+ *(w|d|h|m|s|ms|us) *)+$"}},
                             {{"const", 0}},
                             {{"const", "0"}},
                             Ref("variable")})}};
  d["size"] = {
      {"description", "A size with a unit: 64MiB, 10kB."},
      {"anyOf", Json::array({{{"type", "string"}, {"pattern", "^ *[0-9.]+ *(B|[kKMGT]B|[KMGT]iB) *$"}},
                             {{"const", 0}},
                             {{"const", "0"}},
                             Ref("variable")})}};
  const Json column = {
      {"type", "object"},
      {"required", Json::array({"type"})},
      {"additionalProperties", false},
      {"properties",
       {{"type", {{"type", "string"}}},
        {"path", {{"type", "string"}, {"description", "Where a nested format finds it: user.id."}}},
        {"unit",
         {{"enum", Json::array({"s", "ms", "us", "ns"})},
          {"description", "Unit of an integer timestamp."}}}}}};
  d["columns"] = {{"type", "object"}, {"additionalProperties", AnyOf({{{"type", "string"}}, column})}};
  d["node_name"] = {{"type", "string"}, {"pattern", "^[a-z_][a-z0-9_]{0,62}$"}};
  return d;
}

void AddLimits(const FieldSpec& f, Json* schema) {
  const auto limit = [&](double v) {
    return f.kind == FieldKind::kInteger ? Json(static_cast<int64_t>(v)) : Json(v);
  };
  if (std::isfinite(f.at_least)) (*schema)["minimum"] = limit(f.at_least);
  if (std::isfinite(f.at_most)) (*schema)["maximum"] = limit(f.at_most);
}

Json Object(const std::vector<FieldSpec>& fields);

// Values that are not mappings or lists.
Json SingleSchema(const FieldSpec& f) {
  switch (f.kind) {
    case FieldKind::kBoolean:
      return AnyOf({{{"type", "boolean"}}, Ref("variable")});
    case FieldKind::kInteger:
    case FieldKind::kDouble: {
      Json number = {{"type", f.kind == FieldKind::kInteger ? "integer" : "number"}};
      AddLimits(f, &number);
      // The reader also takes a number in quotes.
      return AnyOf({number, {{"type", "string"}, {"pattern", "^[+-]?[0-9.eE+-]+$|\\$\\{"}}});
    }
    case FieldKind::kDuration:
      return Ref("duration");
    case FieldKind::kSize:
      return Ref("size");
    case FieldKind::kOneOf:
      return AnyOf({{{"enum", f.choices}}, Ref("variable")});
    case FieldKind::kExpression:
      return Ref("expression");
    default: {
      Json text = {{"type", Json::array({"string", "number", "boolean"})}};
      if (f.not_empty) text["minLength"] = 1;
      return text;
    }
  }
}

Json FieldValue(const FieldSpec& f) {
  switch (f.kind) {
    case FieldKind::kExpressionMap: {
      Json map = {{"type", "object"},
                  {"additionalProperties", AnyOf({Ref("expression"), {{"type", "null"}}})}};
      if (f.not_empty) map["minProperties"] = 1;
      return map;
    }
    case FieldKind::kTextList: {
      Json list = {{"type", "array"}, {"items", Ref("single")}};
      if (f.not_empty) list["minItems"] = 1;
      return AnyOf({Ref("single"), list});
    }
    case FieldKind::kTextMap: {
      Json map = {{"type", "object"}, {"additionalProperties", Ref("single")}};
      if (f.not_empty) map["minProperties"] = 1;
      return map;
    }
    case FieldKind::kColumns:
      return Ref("columns");
    case FieldKind::kComponent:
      return {{"type", Json::array({"object", "string"})}};
    case FieldKind::kStruct:
    case FieldKind::kStructList: {
      Json item = Object(f.children);
      for (const FieldSpec& child : f.children) {
        if (child.name == f.shorthand) item = AnyOf({SingleSchema(child), item});
      }
      if (f.kind == FieldKind::kStruct) return item;
      Json list = {{"type", "array"}, {"items", item}};
      if (f.not_empty) list["minItems"] = 1;
      return list;
    }
    case FieldKind::kRaw:
      return Json::object();
    default:
      return SingleSchema(f);
  }
}

// Null when there is none to show: a default outside the limits means "not given".
Json Default(const FieldSpec& f) {
  const std::string& text = f.default_text;
  if (f.kind == FieldKind::kBoolean) return text == "true";
  const bool number = f.kind == FieldKind::kInteger || f.kind == FieldKind::kDouble;
  double value = 0;
  if (!number || std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
    return text;
  if (value < f.at_least || value > f.at_most) return nullptr;
  if (f.kind == FieldKind::kInteger) return static_cast<int64_t>(value);
  return value;
}

Json FieldSchema(const FieldSpec& f) {
  Json schema = FieldValue(f);
  if (!f.help.empty()) schema["description"] = f.help;
  if (!f.default_text.empty()) {
    if (Json value = Default(f); !value.is_null()) schema["default"] = std::move(value);
  }
  return schema;
}

void AddFields(const std::vector<FieldSpec>& fields, Json* object) {
  for (const FieldSpec& f : fields) {
    (*object)["properties"][f.name] = FieldSchema(f);
    if (f.required) (*object)["required"].push_back(f.name);
  }
}

// A closed object of these fields.
Json Object(const std::vector<FieldSpec>& fields) {
  Json object = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  AddFields(fields, &object);
  return object;
}

class Generator {
 public:
  explicit Generator(const JsonSchemaInput& input) : input_(input) {}

  Json Generate() {
    definitions_ = CommonDefinitions();
    definitions_["event_time"] = Object(input_.event_time);
    definitions_["format"] = Formats();
    Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"title", "streamrun pipeline"},
                   {"type", "object"},
                   {"additionalProperties", false},
                   {"properties", Json::object()}};
    for (const auto& [name, help] : input_.top_level) {
      Json section = Section(name);
      section["description"] = help;
      schema["properties"][name] = section;
    }
    schema["$defs"] = definitions_;
    return schema;
  }

 private:
  Json Section(const std::string& name) {
    if (name == "pipeline") return {{"type", "string"}};
    if (name == "settings") return Object(input_.settings);
    if (name == "schemas") return {{"type", "object"}, {"additionalProperties", Ref("columns")}};
    if (name == "sources") return Nodes(ComponentKind::kSource, "connector", input_.source);
    if (name == "operators") return Nodes(ComponentKind::kOperator, "operator", input_.op);
    if (name == "sinks") return Nodes(ComponentKind::kSink, "connector", input_.sink);
    if (name == "tests") return Tests();
    return {{"type", "object"}};
  }

  static Json Tests() {
    const Json rows = {{"type", "object"}, {"additionalProperties", {{"type", "array"}}}};
    const Json test = {{"type", "object"},
                       {"required", Json::array({"name"})},
                       {"additionalProperties", false},
                       {"properties",
                        {{"name", {{"type", "string"}}},
                         {"feed", rows},
                         {"expect", rows},
                         {"unordered", {{"type", "boolean"}}},
                         {"errors", {{"type", "array"}}}}}};
    return {{"type", "array"}, {"items", test}};
  }

  // One definition per component; which one applies follows from the key that names it. A node that takes
  // over a template may leave out anything, so only its own keys are looked at.
  Json Nodes(ComponentKind kind, const std::string& naming_key, const std::vector<FieldSpec>& common) {
    Json names = Json::array();
    Json cases = Json::array();
    for (const Definition* component : input_.registry->List(kind)) {
      const std::string definition = std::string(KindName(kind)) + "_" + component->name;
      definitions_[definition] = Node(*component, naming_key, common);
      names.push_back(component->name);
      cases.push_back({{"if",
                        {{"required", Json::array({naming_key})},
                         {"properties", {{naming_key, {{"const", component->name}}}}}}},
                       {"then", Ref(definition)}});
    }
    Json node = {{"type", "object"},
                 {"properties", {{naming_key, {{"enum", names}}}}},
                 {"anyOf", Json::array({{{"required", Json::array({naming_key})}},
                                        {{"required", Json::array({"template"})}}})}};
    if (!cases.empty()) node["allOf"] = cases;
    return {{"type", "object"}, {"propertyNames", Ref("node_name")}, {"additionalProperties", node}};
  }

  Json Node(const Definition& component, const std::string& naming_key,
            const std::vector<FieldSpec>& common) {
    Json whole = Object(common);
    AddFields(component.fields, &whole);
    whole["description"] = component.summary;
    whole["properties"][naming_key] = {{"const", component.name}, {"description", component.summary}};
    whole["properties"]["template"] = {{"type", "string"}, {"description", "Name of one of `templates:`."}};
    for (const FieldSpec& f : common) {
      if (f.kind == FieldKind::kRaw && f.name != naming_key) {
        whole["properties"][f.name] = Grammar(f.name);
        whole["properties"][f.name]["description"] = f.help;
      }
    }
    // With a template, what is required may stand there.
    if (whole.contains("required")) {
      const Json required = whole["required"];
      whole.erase("required");
      whole["anyOf"] = Json::array({{{"required", required}}, {{"required", Json::array({"template"})}}});
    }
    return whole;
  }

  // The common fields with a grammar of their own (docs: the pipeline file).
  static Json Grammar(const std::string& name) {
    if (name == "input") {
      return AnyOf(
          {{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 1}}});
    }
    if (name == "format") return Ref("format");
    if (name == "schema") return AnyOf({{{"type", "string"}}, Ref("columns")});
    if (name == "event_time") return AnyOf({{{"type", "string"}}, Ref("event_time")});
    return Json::object();
  }

  Json Formats() {
    Json names = Json::array();
    Json objects = Json::array();
    for (const Definition* format : input_.registry->List(ComponentKind::kFormat)) {
      Json object = Object(format->fields);
      object["description"] = format->summary;
      object["properties"]["type"] = {{"const", format->name}, {"description", format->summary}};
      object["required"].push_back("type");
      names.push_back(format->name);
      objects.push_back(object);
    }
    Json choices = Json::array({{{"enum", names}}, Ref("variable")});
    for (Json& object : objects) choices.push_back(std::move(object));
    return {{"anyOf", choices}};
  }

  const JsonSchemaInput& input_;
  Json definitions_;
};

}  // namespace

std::string PipelineJsonSchema(const JsonSchemaInput& input) {
  return Generator(input).Generate().dump(2) + "\n";
}

}  // namespace streamrun
