// What the schema for editors says of each kind of field. That real files pass a real validator is tested
// with the `schema` command, where all components are linked.
#include "runner/config/json_schema.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace streamrun {
namespace {

struct Inner {
  std::string name;
};
struct Config {
  bool flag = false;
  int64_t rate = 0;
  double ratio = 0.5;
  std::string path;
  Duration wait = 5 * kSecond;
  int64_t size = 1024;
  int mode = 1;
  Sql where;
  std::vector<NamedSql> set;
  std::vector<ConfigValue> list;
  std::vector<ConfigValue::Entry> pairs;
  std::vector<DeclaredColumn> columns;
  Inner inner;
  std::vector<Inner> inners;
};

OperatorDefinition Define() {
  ConfigSpec<Inner> inner;
  inner.Text("name", &Inner::name, "Name.").Required();
  ConfigSpec<Config> spec;
  spec.Bool("flag", &Config::flag, "Flag.");
  spec.Integer("rate", &Config::rate, "Rate.").AtLeast(1).AtMost(9);
  spec.Double("ratio", &Config::ratio, "Ratio.").AtLeast(0);
  spec.Text("path", &Config::path, "Path.").Required().NotEmpty();
  spec.DurationField("wait", &Config::wait, "Wait.");
  spec.Size("size", &Config::size, "Size.");
  spec.OneOf("mode", &Config::mode, {{"one", 1}, {"two", 2}}, "Mode.");
  spec.Expression("where", &Config::where, "Where.");
  spec.ExpressionMap("set", &Config::set, "Set.").NotEmpty();
  spec.TextList("list", &Config::list, "List.");
  spec.TextMap("pairs", &Config::pairs, "Pairs.");
  spec.Columns("columns", &Config::columns, "Columns.");
  spec.Struct("inner", &Config::inner, inner, "Inner.").Shorthand("name");
  spec.StructList("inners", &Config::inners, inner, "Inners.");
  OperatorDefinition d;
  d.name = "probe";
  d.summary = "Probes.";
  d.fields = spec.fields();
  return d;
}

struct Common {
  ConfigValue op, input;
};

nlohmann::json Schema() {
  static const bool added = Registry::Global().Add(Define());
  REQUIRE(added);
  ConfigSpec<Common> common;
  common.Raw("operator", &Common::op, "Which.").Required();
  common.Raw("input", &Common::input, "From where.").Required();
  const JsonSchemaInput input{{{"pipeline", "Name."}, {"operators", "Nodes."}, {"tests", "Tests."}},
                              {},
                              {},
                              {},
                              common.fields(),
                              {},
                              &Registry::Global()};
  return nlohmann::json::parse(PipelineJsonSchema(input));
}

TEST_CASE("the top level is closed and sections carry their help") {
  const nlohmann::json schema = Schema();
  CHECK(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema["additionalProperties"] == false);
  CHECK(schema["properties"].size() == 3);
  CHECK(schema["properties"]["operators"]["description"] == "Nodes.");
}

TEST_CASE("a node's schema follows from the name of its component") {
  const nlohmann::json schema = Schema();
  const nlohmann::json& node = schema["properties"]["operators"]["additionalProperties"];
  CHECK(node["properties"]["operator"]["enum"] == nlohmann::json::array({"probe"}));
  CHECK(node["allOf"][0]["if"]["properties"]["operator"]["const"] == "probe");
  CHECK(node["allOf"][0]["then"]["$ref"] == "#/$defs/operator_probe");
  const nlohmann::json& probe = schema["$defs"]["operator_probe"];
  CHECK(probe["additionalProperties"] == false);
  CHECK(probe["anyOf"][0]["required"] == nlohmann::json::array({"operator", "input", "path"}));
  CHECK(probe["anyOf"][1]["required"] == nlohmann::json::array({"template"}));
}

TEST_CASE("every kind of field has its schema, help and default") {
  const nlohmann::json properties = Schema()["$defs"]["operator_probe"]["properties"];
  const auto is = [&](const char* field, const char* expected) {
    CAPTURE(field);
    CHECK(properties[field] == nlohmann::json::parse(expected));
  };
  is("flag",
     R"({"anyOf":[{"type":"boolean"},{"$ref":"#/$defs/variable"}],"description":"Flag.","default":false})");
  // 0 is outside of its limits: it means "not given" and is no default to show.
  is("rate", R"({"anyOf":[{"type":"integer","minimum":1,"maximum":9},
                          {"type":"string","pattern":"^[+-]?[0-9.eE+-]+$|\\$\\{"}],"description":"Rate."})");
  is("ratio", R"({"anyOf":[{"type":"number","minimum":0.0},
                           {"type":"string","pattern":"^[+-]?[0-9.eE+-]+$|\\$\\{"}],"description":"Ratio.","default":0.5})");
  is("path", R"({"type":["string","number","boolean"],"minLength":1,"description":"Path."})");
  is("wait", R"({"$ref":"#/$defs/duration","description":"Wait.","default":"5s"})");
  is("size", R"({"$ref":"#/$defs/size","description":"Size.","default":"1KiB"})");
  is("mode",
     R"({"anyOf":[{"enum":["one","two"]},{"$ref":"#/$defs/variable"}],"description":"Mode.","default":"one"})");
  is("where", R"({"$ref":"#/$defs/expression","description":"Where."})");
  is("set", R"({"type":"object","minProperties":1,"description":"Set.",
                "additionalProperties":{"anyOf":[{"$ref":"#/$defs/expression"},{"type":"null"}]}})");
  is("list", R"({"anyOf":[{"$ref":"#/$defs/single"},{"type":"array","items":{"$ref":"#/$defs/single"}}],
                 "description":"List."})");
  is("pairs", R"({"type":"object","additionalProperties":{"$ref":"#/$defs/single"},"description":"Pairs."})");
  is("columns", R"({"$ref":"#/$defs/columns","description":"Columns."})");
  const char* object = R"({"type":"object","additionalProperties":false,"required":["name"],
      "properties":{"name":{"type":["string","number","boolean"],"description":"Name."}}})";
  CHECK(properties["inner"]["anyOf"][0]["type"] == nlohmann::json::array({"string", "number", "boolean"}));
  CHECK(properties["inner"]["anyOf"][1] == nlohmann::json::parse(object));
  CHECK(properties["inners"]["items"] == nlohmann::json::parse(object));
}

}  // namespace
}  // namespace streamrun
