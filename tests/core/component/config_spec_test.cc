// What the reader of component fields accepts, and every sentence it can say.
#include "core/component/config_spec.h"

#include <doctest/doctest.h>

#include <string>

namespace streamrun {
namespace {

ConfigValue Plain(std::string text) { return ConfigValue::Scalar(std::move(text), false, {"t", 1, 1}); }
ConfigValue Quoted(std::string text) { return ConfigValue::Scalar(std::move(text), true, {"t", 1, 1}); }
ConfigValue Map(std::vector<std::pair<std::string, ConfigValue>> entries) {
  std::vector<ConfigValue::Entry> out;
  for (auto& [key, value] : entries) out.emplace_back(Plain(key), std::move(value));
  return ConfigValue::Map(std::move(out), {"t", 1, 1});
}
ConfigValue List(std::vector<ConfigValue> items) { return ConfigValue::List(std::move(items), {"t", 1, 1}); }
ConfigValue Null() { return ConfigValue::Null({"t", 1, 1}); }

// "code: message (suggestion)" of every finding.
std::string Said(const Diagnostics& d) {
  std::string out;
  for (const Finding& f : d.findings()) {
    out += (out.empty() ? "" : "; ") + f.code + ": " + f.message;
    if (!f.suggestion.empty()) out += " (" + f.suggestion + ")";
  }
  return out;
}

enum class Mode { kFirst, kAll };
struct Inner {
  std::string name;
  int64_t count = 3;
  std::string password;
};
struct Config {
  bool flag = true;
  int64_t number = 7;
  double ratio = 0.5;
  std::string text = "x";
  std::string secret;
  Duration wait = 90 * kMinute;
  int64_t size = 64 << 20;
  Mode mode = Mode::kAll;
  Sql where;
  std::vector<NamedSql> set;
  std::vector<ConfigValue> list;
  std::vector<ConfigValue::Entry> pairs;
  std::vector<DeclaredColumn> columns;
  NestedComponent nested;
  Inner inner;
  std::vector<Inner> inners;
  ConfigValue raw;
};

ConfigSpec<Config> Spec() {
  ConfigSpec<Inner> inner;
  inner.Text("name", &Inner::name, "Its name.").Required();
  inner.Integer("count", &Inner::count, "How many.");
  inner.Secret("password", &Inner::password, "Word.");
  ConfigSpec<Config> spec;
  spec.Bool("flag", &Config::flag, "A flag.");
  spec.Integer("number", &Config::number, "A number.").AtLeast(1).AtMost(2'000'000);
  spec.Double("ratio", &Config::ratio, "A ratio.").AtLeast(0).AtMost(1);
  spec.Text("text", &Config::text, "A text.").NotEmpty();
  spec.Secret("secret", &Config::secret, "A secret.").NotEmpty();
  spec.DurationField("wait", &Config::wait, "A wait.").AtLeast(kSecond);
  spec.Size("size", &Config::size, "A size.").AtMost(1 << 30);
  spec.OneOf("mode", &Config::mode, {{"first", Mode::kFirst}, {"all", Mode::kAll}}, "A mode.");
  spec.Expression("where", &Config::where, "A condition.");
  spec.ExpressionMap("set", &Config::set, "Expressions.").NotEmpty();
  spec.TextList("list", &Config::list, "A list.").NotEmpty();
  spec.TextMap("pairs", &Config::pairs, "Pairs.").NotEmpty();
  spec.Columns("columns", &Config::columns, "Columns.");
  spec.Component("nested", &Config::nested, "A component.");
  spec.Struct("inner", &Config::inner, inner, "A struct.").Shorthand("name");
  spec.StructList("inners", &Config::inners, inner, "Structs.").Shorthand("name").NotEmpty();
  spec.Raw("raw", &Config::raw, "Anything.");
  return spec;
}

// Reads one field and gives what was said.
std::string Read(const std::string& name, ConfigValue value, Config* config = nullptr) {
  static const ConfigSpec<Config> spec = Spec();
  Config own;
  Diagnostics d;
  const bool fine = ReadFields(Map({{name, std::move(value)}}), spec.fields(), {"operator"}, "operator 'x'",
                               config ? config : &own, d);
  CHECK(fine == !d.has_errors());
  return Said(d);
}

TEST_CASE("booleans are true and false as YAML 1.2 writes them") {
  Config config;
  for (const char* text : {"false", "False", "FALSE"}) {
    config.flag = true;
    CHECK(Read("flag", Plain(text), &config) == "");
    CHECK(!config.flag);
  }
  CHECK(Read("flag", Plain("True"), &config) == "");
  CHECK(config.flag);
  CHECK(Read("flag", Plain("yes")) == "config.type: 'flag' takes true or false, not 'yes' (write true)");
  CHECK(Read("flag", Plain("off")) == "config.type: 'flag' takes true or false, not 'off' (write false)");
  CHECK(Read("flag", Quoted("true")) ==
        "config.type: 'flag' takes true or false, not 'true' (remove the quotes)");
  CHECK(Read("flag", List({})) == "config.type: 'flag' takes true or false, not a list");
}

TEST_CASE("whole numbers") {
  Config config;
  CHECK(Read("number", Plain("+42"), &config) == "");
  CHECK(config.number == 42);
  CHECK(Read("number", Plain("2000000"), &config) == "");
  CHECK(Read("number", Plain("1.5")) == "config.type: 'number' takes a whole number, not '1.5'");
  CHECK(Read("number", Plain("")) == "config.type: 'number' takes a whole number, not ''");
  CHECK(Read("number", Plain("+-1")) == "config.type: 'number' takes a whole number, not '+-1'");
  CHECK(Read("number", Plain("1_000")) ==
        "config.type: 'number' takes a whole number, not '1_000' (write the digits without separators)");
  CHECK(Read("number", Plain("99999999999999999999")) == "config.range: 'number' is too large");
  CHECK(Read("number", Plain("-99999999999999999999")) == "config.range: 'number' is too small");
  CHECK(Read("number", Plain("0")) == "config.range: 'number' must be at least 1");
  CHECK(Read("number", Plain("2000001")) == "config.range: 'number' must be at most 2000000");
}

TEST_CASE("numbers with a fraction") {
  Config config;
  CHECK(Read("ratio", Plain("2.5e-1"), &config) == "");
  CHECK(config.ratio == 0.25);
  CHECK(Read("ratio", Plain("nan")) == "config.type: 'ratio' takes a number, not 'nan'");
  CHECK(Read("ratio", Plain("1.5")) == "config.range: 'ratio' must be at most 1");
}

TEST_CASE("text, and what is none") {
  Config config;
  CHECK(Read("text", Plain("5"), &config) == "");
  CHECK(config.text == "5");
  CHECK(Read("text", Plain("")) == "config.empty: 'text' must not be empty");
  CHECK(Read("text", Map({})) == "config.type: 'text' takes text, not a mapping");
  CHECK(Read("text", Null()) == "config.empty: 'text' has no value (write a value or leave the line out)");
}

TEST_CASE("durations") {
  Config config;
  const auto read = [&](const std::string& text) {
    CHECK(Read("wait", Plain(text), &config) == "");
    return config.wait;
  };
  CHECK(read("1h30m") == 90 * kMinute);
  CHECK(read("1.5h") == 90 * kMinute);
  CHECK(read("2 d 1ms") == 2 * kDay + kMillisecond);
  CHECK(read("1w ") == 7 * kDay);
  CHECK(Read("wait", Plain("0")) == "config.range: 'wait' must be at least 1s");
  CHECK(Read("wait", Plain("10")) == "config.unit: 'wait' needs a unit (write 10s or another unit)");
  CHECK(Read("wait", Plain("5min")) ==
        "config.unit: 'wait' has the unknown unit 'min' (the units are w, d, h, m, s, ms, us)");
  for (const char* text : {"", " ", "s", "-5s", "inf", "nan", "nans", "5s!", "1 000s"}) {
    CAPTURE(text);
    const std::string said = Read("wait", Plain(text));
    CHECK(said.find("'wait'") != std::string::npos);
  }
  CHECK(Read("wait", Plain("-5s")) ==
        "config.type: 'wait' takes a duration, not '-5s' (write for example 10s, 250ms or 1h30m)");
  CHECK(Read("wait", List({})) ==
        "config.type: 'wait' takes a duration, not a list (write for example 10s, 250ms or 1h30m)");
  CHECK(Read("wait", Plain("999999999w")) == "config.range: 'wait' is too large");
}

TEST_CASE("sizes") {
  Config config;
  CHECK(Read("size", Plain("1.5 MiB"), &config) == "");
  CHECK(config.size == 3 << 19);
  CHECK(Read("size", Plain("10kB"), &config) == "");
  CHECK(config.size == 10'000);
  CHECK(Read("size", Plain("64M")) ==
        "config.unit: 'size' has the unknown unit 'M' (the units are B, KiB, MiB, GiB, TiB, kB, KB, MB, GB, "
        "TB)");
  CHECK(Read("size", Plain("64")) == "config.unit: 'size' needs a unit (write 64B or another unit)");
  CHECK(Read("size", Plain("1MiB 2B")) ==
        "config.type: 'size' takes a size, not '1MiB 2B' (write for example 64MiB or 10kB)");
  CHECK(Read("size", Plain("2GiB")) == "config.range: 'size' must be at most 1GiB");
}

TEST_CASE("choices") {
  Config config;
  CHECK(Read("mode", Plain("first"), &config) == "");
  CHECK(config.mode == Mode::kFirst);
  CHECK(Read("mode", Plain("frist")) ==
        "config.choice: 'mode' is one of first, all, not 'frist' (did you mean 'first'?)");
  CHECK(Read("mode", List({})) == "config.type: 'mode' takes text, not a list");
}

TEST_CASE("expressions and mappings of them") {
  Config config;
  CHECK(Read("where", Plain("a > 1"), &config) == "");
  CHECK(config.where.text == "a > 1");
  CHECK(Read("where", Map({})) ==
        "config.type: 'where' takes an SQL expression, not a mapping (put the expression in quotes: YAML "
        "reads ': ' and "
        "', ' inside { } as structure)");
  CHECK(Read("set", Map({{"b", Plain("a + 1")}, {"say \"x\"", Null()}}), &config) == "");
  REQUIRE(config.set.size() == 2);
  CHECK(config.set[0].expression.text == "a + 1");
  CHECK(config.set[1].expression.text == "\"say \"\"x\"\"\"");
  CHECK(Read("set", Plain("x")) == "config.type: 'set' takes a mapping of name: expression, not 'x'");
  CHECK(Read("set", Map({{"b", List({})}})) == "config.type: 'b' takes an SQL expression, not a list");
  CHECK(Read("set", Map({})) == "config.empty: 'set' must not be empty");
}

TEST_CASE("lists and mappings of single values") {
  Config config;
  CHECK(Read("list", Plain("one"), &config) == "");
  CHECK(config.list.size() == 1);
  CHECK(Read("list", List({})) == "config.empty: 'list' must not be empty");
  CHECK(Read("list", Map({})) == "config.type: 'list' takes a list, not a mapping");
  CHECK(Read("list", List({Plain("a"), Null()})) ==
        "config.type: 'list' takes a list of single values, not nothing");
  CHECK(Read("pairs", Map({{"a", Plain("1")}}), &config) == "");
  CHECK(config.pairs.size() == 1);
  CHECK(Read("pairs", Map({})) == "config.empty: 'pairs' must not be empty");
  CHECK(Read("pairs", List({})) == "config.type: 'pairs' takes a mapping, not a list");
  CHECK(Read("pairs", Map({{"a", Map({})}})) == "config.type: 'a' takes a single value, not a mapping");
}

TEST_CASE("columns") {
  Config config;
  const ConfigValue at =
      Map({{"type", Plain("timestamp")}, {"path", Plain("meta.at")}, {"unit", Plain("ms")}});
  CHECK(Read("columns", Map({{"price", Plain("bigint")}, {"at", at}}), &config) == "");
  REQUIRE(config.columns.size() == 2);
  CHECK(config.columns[1].path == "meta.at");
  CHECK(config.columns[1].unit == "ms");
  CHECK(Read("columns", List({})) == "config.type: 'columns' takes a mapping of column: type, not a list");
  CHECK(Read("columns", Map({{"price", Null()}})) ==
        "config.missing_field: column 'price' needs a type (write for example price: bigint)");
  CHECK(Read("columns", Map({{"price", Map({{"path", Plain("x")}})}})) ==
        "config.missing_field: column 'price' needs a type (write for example price: bigint)");
  CHECK(Read("columns", Map({{"", Plain("text")}})) == "config.empty: a column needs a name");
  CHECK(Read("columns", Map({{"p", Map({{"type", Plain("text")}, {"pth", Plain("x")}})}})) ==
        "config.unknown_field: a column has no field 'pth' (did you mean 'path'?)");
  CHECK(Read("columns", Map({{"p", Map({{"type", Plain("timestamp")}, {"unit", Plain("min")}})}})) ==
        "config.choice: 'unit' is one of s, ms, us, ns, not 'min'");
  CHECK(Read("columns", Map({{"p", Plain("bigit")}})).starts_with("schema.type: "));
}

TEST_CASE("structs and their shorthand") {
  Config config;
  CHECK(Read("inner", Plain("n"), &config) == "");
  CHECK(config.inner.name == "n");
  CHECK(config.inner.count == 3);
  CHECK(Read("inner", Map({{"cout", Plain("1")}})) ==
        "config.unknown_field: 'inner' has no field 'cout' (did you mean 'count'?); "
        "config.missing_field: 'inner' needs 'name' (Its name.)");
  CHECK(Read("inner", List({})) == "config.type: 'inner' takes a mapping, not a list");
  CHECK(Read("inners", List({Plain("a"), Map({{"name", Plain("b")}})}), &config) == "");
  CHECK(config.inners.size() == 2);
  CHECK(Read("inners", List({})) == "config.empty: 'inners' must not be empty");
  CHECK(Read("inners", Plain("a")) == "config.type: 'inners' takes a list, not 'a'");
}

TEST_CASE("an unknown field is reported with the nearest name, keys of others are left alone") {
  CHECK(Read("operator", Plain("x")) == "");
  CHECK(Read("were", Plain("x")) ==
        "config.unknown_field: operator 'x' has no field 'were' (did you mean 'where'?)");
  CHECK(Read("zzzzzz", Plain("x")) == "config.unknown_field: operator 'x' has no field 'zzzzzz'");
}

TEST_CASE("the default of a field is what a fresh config holds") {
  const ConfigSpec<Config> spec = Spec();
  for (const FieldSpec& f : spec.fields()) {
    if (f.name == "flag") CHECK(f.default_text == "true");
    if (f.name == "number") CHECK(f.default_text == "7");
    if (f.name == "ratio") CHECK(f.default_text == "0.5");
    if (f.name == "wait") CHECK(f.default_text == "1h30m");
    if (f.name == "size") CHECK(f.default_text == "64MiB");
    if (f.name == "mode") CHECK(f.default_text == "all");
  }
}

TEST_CASE("durations and sizes read back as they print") {
  for (const Duration d :
       {Duration{0}, Duration{1}, 999 * kMillisecond + 1, kSecond, 90 * kMinute, 15 * kDay + 1}) {
    Duration back = -1;
    Diagnostics diagnostics;
    REQUIRE(ReadDuration(Plain(PrintDuration(d)), "d", &back, diagnostics));
    CHECK(back == d);
  }
  for (const int64_t size :
       {int64_t{0}, int64_t{1000}, int64_t{1} << 10, int64_t{3} << 29, (int64_t{1} << 40) + 1}) {
    int64_t back = -1;
    Diagnostics diagnostics;
    REQUIRE(ReadSize(Plain(PrintSize(size)), "s", &back, diagnostics));
    CHECK(back == size);
  }
  CHECK(PrintDuration(-kSecond) == "-1s");
  CHECK(PrintSize(1000) == "1000B");
}

TEST_CASE("a secret's text is in no message, and its values can be marked in the tree") {
  ConfigValue hidden = Plain("hunter2");
  hidden.set_secret();
  for (const char* field : {"flag", "number", "ratio", "wait", "size", "mode", "inners", "columns", "set"}) {
    CAPTURE(field);
    const std::string said = Read(field, hidden);
    CHECK(said != "");
    CHECK(said.find("hunter2") == std::string::npos);
  }
  CHECK(Read("number", hidden) == "config.type: 'number' takes a whole number, not this secret");

  ConfigValue tree = Map({{"secret", Plain("a")},
                          {"text", Plain("b")},
                          {"inner", Map({{"password", Plain("c")}, {"name", Plain("d")}})},
                          {"inners", List({Map({{"password", Plain("e")}})})}});
  MarkSecrets(Spec().fields(), &tree);
  CHECK(tree["secret"].secret());
  CHECK(!tree["text"].secret());
  CHECK(tree["inner"]["password"].secret());
  CHECK(!tree["inner"]["name"].secret());
  CHECK(tree["inners"].items()[0]["password"].secret());

  ConfigSpec<Config> maps;
  maps.TextMap("headers", &Config::pairs, "What requests carry.");
  maps.TextMap("pairs", &Config::pairs, "Pairs.");
  ConfigValue both = Map({{"headers", Map({{"X-Key", Plain("f")}})}, {"pairs", Map({{"a", Plain("g")}})}});
  MarkSecrets(maps.fields(), &both);
  CHECK(both["headers"]["X-Key"].secret());
  CHECK(!both["pairs"]["a"].secret());
}

TEST_CASE("a place inside a scalar follows its segments") {
  ConfigValue value = ConfigValue::Scalar("aé\nb${", false, {"t", 1, 1});
  CHECK(value.At(3).column == 1);
  value.set_segments({{0, 2, 5, true}, {4, 3, 7, true}, {5, 9, 9, false}});
  CHECK(value.At(0).line == 2);
  CHECK(value.At(1).column == 6);
  CHECK(value.At(3).column == 7);
  CHECK(value.At(4).line == 3);
  CHECK(value.At(4).column == 7);
  CHECK(value.At(6).column == 9);
}

}  // namespace
}  // namespace streamrun
