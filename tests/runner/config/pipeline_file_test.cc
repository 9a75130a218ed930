// Limits, variables, secrets, overrides and printing of pipeline files.
#include "runner/config/pipeline_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "runner/config/report.h"

namespace streamrun {
namespace {

struct Outcome {
  std::optional<PipelineFile> file;
  Diagnostics diagnostics;

  // "code line:column" of every finding.
  std::string Findings() const {
    std::string out;
    for (const Finding& f : diagnostics.findings()) {
      out += (out.empty() ? "" : ", ") + f.code + " " + std::to_string(f.mark.line) + ":" +
             std::to_string(f.mark.column);
    }
    return out;
  }
};

ReadOptions NoVariables() {
  ReadOptions options;
  options.variable = [](const std::string&) { return std::nullopt; };
  return options;
}

Outcome Parse(std::string text, const ReadOptions& options = NoVariables()) {
  Outcome outcome;
  outcome.file = ParsePipeline(std::move(text), "t.yaml", options, outcome.diagnostics);
  return outcome;
}

std::string Repeat(std::string_view text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

bool Equal(const ConfigValue& a, const ConfigValue& b) {
  if (a.kind() != b.kind() || a.text() != b.text() || a.quoted() != b.quoted() || a.secret() != b.secret())
    return false;
  const auto entry = [](const ConfigValue::Entry& x, const ConfigValue::Entry& y) {
    return x.first.text() == y.first.text() && Equal(x.second, y.second);
  };
  return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(), Equal) &&
         std::equal(a.entries().begin(), a.entries().end(), b.entries().begin(), b.entries().end(), entry);
}

// A file in a fresh directory that goes away with it.
class TemporaryFile {
 public:
  TemporaryFile(std::string_view content, mode_t mode) {
    char name[] = "/tmp/streamrun_config_XXXXXX";
    const int fd = ::mkstemp(name);
    REQUIRE(fd >= 0);
    REQUIRE(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    REQUIRE(::fchmod(fd, mode) == 0);
    ::close(fd);
    path_ = name;
  }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_CASE("a file of 1 MiB is read and one byte more is refused") {
  const std::string head = "pipeline: a\n#";
  CHECK(Parse(head + std::string((1 << 20) - head.size(), 'x')).file);
  CHECK(Parse(head + std::string((1 << 20) + 1 - head.size(), 'x')).Findings() == "yaml.limit 0:0");
}

TEST_CASE("nesting of 64 levels is read and 65 are refused in any style") {
  CHECK(Parse("a: " + Repeat("[", 63) + Repeat("]", 63)).file);
  CHECK(Parse("a: " + Repeat("[", 64) + Repeat("]", 64)).Findings() == "yaml.limit 1:67");
  std::string block;
  for (int i = 0; i < 63; ++i) block += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  CHECK(Parse(block + std::string(63, ' ') + "b: 1\n").file);
  CHECK(Parse(block + std::string(63, ' ') + "b:\n" + std::string(64, ' ') + "c: 1\n").Findings() ==
        "yaml.limit 65:65");
  // Aliases add their own levels.
  CHECK(
      Parse("a: &a " + Repeat("[", 40) + Repeat("]", 40) + "\nb: " + Repeat("[", 23) + "*a" + Repeat("]", 23))
          .file);
  CHECK(
      Parse("a: &a " + Repeat("[", 40) + Repeat("]", 40) + "\nb: " + Repeat("[", 24) + "*a" + Repeat("]", 24))
          .Findings() == "yaml.limit 2:28");
}

TEST_CASE("100000 values are read and one more is refused") {
  // The root, its key and the list are three.
  CHECK(Parse("a: [" + Repeat("b,", 99'997) + "]").file);
  CHECK(Parse("a: [" + Repeat("b,", 99'998) + "]").Findings() == "yaml.limit 1:199999");
}

TEST_CASE("a scalar of 64 KiB is read and one byte more is refused") {
  CHECK(Parse("a: " + std::string(64 << 10, 'x')).file);
  CHECK(Parse("a: " + std::string((64 << 10) + 1, 'x')).Findings() == "yaml.limit 1:4");
  CHECK(Parse("a: |\n  " + std::string((64 << 10) + 1, 'x')).Findings() == "yaml.limit 1:4");
}

TEST_CASE("aliases are counted with what they stand for") {
  const std::string hundred = "a: &a [" + Repeat("x,", 99) + "]\n";  // 100 values
  CHECK(Parse(hundred + "b: [" + Repeat("*a,", 100) + "]").file);
  CHECK(Parse(hundred + "b: [" + Repeat("*a,", 101) + "]").Findings() == "yaml.limit 2:305");
  // Ten anchors, each ten times the one before, would be 10^10 values.
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i <= 9; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + Repeat(alias + ",", 10) + "]\n";
  }
  const Outcome outcome = Parse(laughs);
  CHECK(!outcome.file);
  CHECK(outcome.diagnostics.findings().at(0).code == "yaml.limit");
}

TEST_CASE("a long single line is placed in linear time") {
  // Quadratic counting of columns would take minutes here.
  std::string text = "a: [" + Repeat("\"\\x41\\x42\\x43\",", 60'000) + "]";
  REQUIRE(text.size() < (1 << 20));
  const Outcome outcome = Parse(text);
  REQUIRE(outcome.file);
  CHECK(outcome.file->root["a"].items().back().At(1).column == 5 + 59'999 * 15 + 5);
}

TEST_CASE("keep_going gives the tree and silences what is broken already") {
  ReadOptions options = NoVariables();
  options.keep_going = true;
  const Outcome outcome = Parse("a: ${X}\nb: 1\nb: 2\nc: {t: f(a, b)}\n", options);
  REQUIRE(outcome.file);
  CHECK(outcome.Findings() == "yaml.flow_sql 4:8, yaml.duplicate_key 3:1, config.variable_missing 1:4");
  Diagnostics later;
  const ConfigValue& root = outcome.file->root;
  later.ErrorAt(root["a"], "x", "x");
  later.ErrorAt(root["c"], "x", "x");
  later.ErrorAt(root["c"].entries()[1].first, "x", "x");
  CHECK(later.findings().empty());
  CHECK(later.errors() == 3);
  later.ErrorAt(root["b"], "x", "x");
  CHECK(later.findings().size() == 1);
}

TEST_CASE("a lone variable may be read as a number with and without quotes") {
  ReadOptions options;
  options.variable = [](const std::string&) { return "8"; };
  const Outcome outcome = Parse("a: ${N}\nb: \"${N}\"\nc: '${N}${N}'", options);
  REQUIRE(outcome.file);
  CHECK(!outcome.file->root["a"].quoted());
  CHECK(!outcome.file->root["b"].quoted());
  CHECK(outcome.file->root["c"].quoted());
  CHECK(outcome.file->root["c"].text() == "88");
}

TEST_CASE("the value of a variable can be neither structure nor null nor a variable") {
  for (const std::string value :
       {"a: b", "[1]", "null", "~", "", "x\ny: 1", "# no", "${N}", "*a", "${file:/etc/passwd}"}) {
    CAPTURE(value);
    ReadOptions options;
    options.variable = [&](const std::string&) { return value; };
    const Outcome outcome = Parse("a: ${N}", options);
    REQUIRE(outcome.file);
    CHECK(outcome.file->root["a"].is_scalar());
    CHECK(outcome.file->root["a"].text() == value);
    const Outcome again = Parse(PrintYaml(outcome.file->root));
    REQUIRE(again.file);
    CHECK(Equal(again.file->root, outcome.file->root));
  }
}

TEST_CASE("places around a variable stay right and places inside it are its reference") {
  ReadOptions options;
  options.variable = [](const std::string&) { return "long value"; };
  const Outcome outcome = Parse("a: x ${N} é y\nb: |\n  one\n  two ${N} z\n", options);
  REQUIRE(outcome.file);
  const ConfigValue& a = outcome.file->root["a"];
  REQUIRE(a.text() == "x long value é y");
  CHECK(a.At(0).column == 4);
  CHECK(a.At(2).column == 6);
  CHECK(a.At(9).column == 6);
  CHECK(a.At(a.text().find("é")).column == 11);
  CHECK(a.At(a.text().find("y")).column == 13);
  const ConfigValue& b = outcome.file->root["b"];
  CHECK(b.At(b.text().find("z")).line == 4);
  CHECK(b.At(b.text().find("z")).column == 12);
}

TEST_CASE("a variable may not make a value larger than 64 KiB nor hold bytes that are no text") {
  ReadOptions options;
  options.variable = [](const std::string& name) {
    return name == "BIG" ? std::string(40 << 10, 'x') : "\xff";
  };
  CHECK(Parse("a: ${BIG}${BIG}", options).Findings() == "config.variable 1:4");
  CHECK(Parse("a: x${RAW}", options).Findings() == "config.variable 1:5");
}

TEST_CASE("a secret file gives its content without the last line end and is never printed") {
  const TemporaryFile secret("hunter2\n", 0600);
  const Outcome outcome = Parse("a: user:${file:" + secret.path() + "}@host\n");
  REQUIRE(outcome.file);
  const ConfigValue& a = outcome.file->root["a"];
  CHECK(a.text() == "user:hunter2@host");
  CHECK(a.secret());
  CHECK(PrintYaml(outcome.file->root) == "a: '***'\n");
  CHECK(PrintCanonicalJson(outcome.file->root, false) == R"({"a":"*=***"})");
  CHECK(PrintCanonicalJson(outcome.file->root, true) == R"({"a":"*=user:hunter2@host"})");
}

TEST_CASE("a secret file that others can read, that is too large or no file is refused") {
  for (const mode_t mode : {0640, 0604, 0610}) {
    const TemporaryFile open("x", mode);
    const Outcome outcome = Parse("a: ${file:" + open.path() + "}");
    REQUIRE(outcome.Findings() == "config.secret_file 1:4");
    CHECK(outcome.diagnostics.findings()[0].message.find("chmod 600 " + open.path()) != std::string::npos);
  }
  const TemporaryFile large(std::string((64 << 10) + 1, 'x'), 0600);
  CHECK(Parse("a: ${file:" + large.path() + "}").Findings() == "config.secret_file 1:4");
  CHECK(Parse("a: ${file:/tmp}").Findings() == "config.secret_file 1:4");
  CHECK(Parse("a: ${file:/dev/zero}").Findings() == "config.secret_file 1:4");
}

TEST_CASE("an override replaces, adds and appends single values") {
  ReadOptions options = NoVariables();
  options.overrides = {{"a.b", "2"},       {"a.new.deep", "x"}, {"list.0.c", "y"},
                       {"list.1", "null"}, {"v", "${RAW}"},     {"n", "1"}};
  const Outcome outcome = Parse("a: {b: 1}\nlist: [{c: x}]\nv: ${MISSING}\nn:\n", options);
  REQUIRE(outcome.file);
  CHECK(PrintYaml(outcome.file->root) ==
        "a:\n  b: 2\n  new:\n    deep: x\nlist:\n  - c: y\n  - 'null'\nv: \\${RAW}\nn: 1\n");
}

TEST_CASE("an override that fits nowhere is refused with its path") {
  const auto refuse = [](const std::string& path) {
    ReadOptions options = NoVariables();
    options.overrides = {{path, "x"}};
    const Outcome outcome = Parse("a: {b: 1}\nlist: [x]\n", options);
    CHECK(!outcome.file);
    REQUIRE(outcome.diagnostics.findings().size() == 1);
    return RenderFindings(outcome.diagnostics.findings(), "a: b", false);
  };
  CHECK(refuse("a.b.c") ==
        "--set a.b.c: error: 'a.b.c' stands below a single value [config.override]\n"
        "  only mappings and lists have names inside\n");
  CHECK(refuse("a") ==
        "--set a: error: 'a' is a mapping, and --set gives single values [config.override]\n"
        "  name a value inside it\n");
  CHECK(refuse("list.2") ==
        "--set list.2: error: 'list.2' names no item: the list has 1 [config.override]\n"
        "  use an index from 0 to 1, the last one appends\n");
  CHECK(refuse("a..b") ==
        "--set a..b: error: a name is missing in the path [config.override]\n  write --set a.b=value\n");
}

TEST_CASE("canonical JSON keeps order, quoting, null and secrecy") {
  Outcome outcome = Parse("z: 1\na: '1'\nm: {y: ~, x: [\"q\\n\\x01\", {}, []]}\n'\"k\"': =x\n");
  REQUIRE(outcome.file);
  outcome.file->root.mutable_entries()[1].second.set_secret();
  const std::string json = PrintCanonicalJson(outcome.file->root, true);
  CHECK(json == R"({"z":"=1","a":"*'1","m":{"y":null,"x":["'q\u000a\u0001",{},[]]},"\"k\"":"==x"})");
  const Result<ConfigValue> back = ParseCanonicalJson(json);
  REQUIRE(back.ok());
  CHECK(Equal(*back, outcome.file->root));
}

TEST_CASE("what is no canonical JSON is refused with the reason") {
  const auto reason = [](std::string_view json) { return ParseCanonicalJson(json).status().message(); };
  CHECK(reason("{\"a\":1}") ==
        "the canonical pipeline cannot be read: a number stands where a value should be");
  CHECK(reason("{\"a\":true}") ==
        "the canonical pipeline cannot be read: a boolean stands where a value should be");
  CHECK(reason("{\"a\":\"x\"}") == "the canonical pipeline cannot be read: a value has no kind mark");
  CHECK(reason("{\"a\":\"*\"}") == "the canonical pipeline cannot be read: a value has no kind mark");
  CHECK(reason("{\"a\"") == "the canonical pipeline cannot be read: it is not JSON at byte 5");
  CHECK(reason(Repeat("[", 100) + Repeat("]", 100)) ==
        "the canonical pipeline cannot be read: it is nested too deep");
}

TEST_CASE("every case file that reads prints as YAML that reads back equal") {
  Env* env = Env::Default();
  const std::string folder = std::string(SR_SOURCE_DIR) + "/tests/runner/config/cases/";
  const auto names = env->List(folder);
  REQUIRE(names.ok());
  int read = 0;
  for (const std::string& name : *names) {
    if (!name.ends_with(".yaml")) continue;
    CAPTURE(name);
    const Outcome first = Parse(*env->ReadFile(folder + name, 1 << 22));
    if (!first.file) continue;
    ++read;
    const std::string printed = PrintYaml(first.file->root);
    const Outcome second = Parse(printed);
    REQUIRE(second.file);
    CHECK(Equal(first.file->root, second.file->root));
    CHECK(PrintYaml(second.file->root) == printed);
    const Result<ConfigValue> json = ParseCanonicalJson(PrintCanonicalJson(first.file->root, true));
    REQUIRE(json.ok());
    CHECK(Equal(*json, first.file->root));
  }
  CHECK(read > 8);
}

TEST_CASE("a file that cannot be read is a finding of its own") {
  Diagnostics diagnostics;
  CHECK(!ReadPipelineFile("/nonexistent/p.yaml", NoVariables(), diagnostics));
  CHECK(RenderFindings(diagnostics.findings(), "", false) ==
        "/nonexistent/p.yaml: error: cannot open /nonexistent/p.yaml: No such file or directory "
        "[config.file]\n");
}

}  // namespace
}  // namespace streamrun
