// Each cases/NAME.yaml is checked as `validate` checks it; what is printed must equal cases/NAME.txt letter
// by letter. Every finding code that the plan, the harness, the configuration of components and the
// expression binder can give has a case here.
//
// After a deliberate change of wording: SR_UPDATE_CASES=1 build/tests/test_runner_plan rewrites the .txt
// files; read the difference before committing it.
#include <doctest/doctest.h>

#include <cctype>
#include <cstdlib>
#include <set>
#include <string>

#include "core/base/env.h"
#include "runner/config/report.h"
#include "runner/harness/test_case.h"
#include "runner/plan/plan.h"

namespace streamrun {
namespace {

const std::string kRoot = std::string(SR_SOURCE_DIR) + "/";
const std::string kFolder = kRoot + "tests/runner/plan/cases/";

std::string Read(const std::string& path) {
  const auto text = Env::Default()->ReadFile(path, 1 << 22);
  REQUIRE_MESSAGE(text.ok(), path);
  return *text;
}

std::vector<std::string> Names(const std::string& folder, std::string_view ending) {
  const auto names = Env::Default()->List(folder);
  REQUIRE_MESSAGE(names.ok(), folder);
  std::vector<std::string> out;
  for (const std::string& name : *names) {
    if (name.ends_with(ending)) out.push_back(name);
  }
  return out;
}

std::string Run(const std::string& name, const std::string& text) {
  Diagnostics diagnostics;
  ReadOptions options;
  options.env = Env::Default();
  options.variable = [](const std::string&) { return std::optional<std::string>(); };
  const auto file = ParsePipeline(text, name, options, diagnostics);
  PlanPtr plan;
  if (file && !diagnostics.has_errors()) plan = BuildPlan(*file, diagnostics);
  if (plan) ReadTests(file->root["tests"], *plan, diagnostics);
  return RenderFindings(diagnostics.findings(), text, false);
}

TEST_CASE("pipelines give the expected findings") {
  int cases = 0;
  for (const std::string& name : Names(kFolder, ".yaml")) {
    CAPTURE(name);
    ++cases;
    const std::string actual = Run(name, Read(kFolder + name));
    const std::string expected = kFolder + name.substr(0, name.size() - 5) + ".txt";
    if (std::getenv("SR_UPDATE_CASES") != nullptr) {
      REQUIRE(Env::Default()->WriteFileAtomically(expected, actual).ok());
      continue;
    }
    CHECK(actual == Read(expected));
  }
  CHECK(cases > 60);
}

// "plan.cycle" and its like between double quotes.
std::set<std::string> CodesIn(const std::string& text) {
  static const std::set<std::string> kAreas = {"config", "plan", "schema", "expr", "test", "window"};
  std::set<std::string> codes;
  for (size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at + 1)) {
    size_t end = at + 1;
    while (end < text.size() &&
           (std::islower(static_cast<unsigned char>(text[end])) || text[end] == '_' || text[end] == '.'))
      ++end;
    if (end >= text.size() || text[end] != '"') continue;
    const std::string word = text.substr(at + 1, end - at - 1);
    const size_t dot = word.find('.');
    if (dot != std::string::npos && dot + 1 < word.size() && kAreas.contains(word.substr(0, dot)))
      codes.insert(word);
  }
  return codes;
}

TEST_CASE("every finding code has a case") {
  std::set<std::string> codes;
  for (const std::string folder : {"runner/plan/", "runner/harness/", "core/component/", "core/expr/"}) {
    for (const std::string& name : Names(kRoot + folder, ".cc"))
      codes.merge(CodesIn(Read(kRoot + folder + name)));
  }
  CHECK(codes.size() > 45);
  std::string shown;
  for (const std::string& name : Names(kFolder, ".txt")) shown += Read(kFolder + name);
  // No table is read from a connector that wants a table.
  const std::set<std::string> out_of_reach = {"plan.nested_table"};
  for (const std::string& code : codes) {
    CAPTURE(code);
    CHECK((shown.find("[" + code + "]") != std::string::npos) != out_of_reach.contains(code));
  }
}

}  // namespace
}  // namespace streamrun
