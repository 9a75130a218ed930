// Each cases/NAME.yaml is read as `validate` reads it; what is printed must equal cases/NAME.txt letter by
// letter: the findings, then "---" and the tree as `echo` prints it when there is one.
//
// After a deliberate change of wording: SR_UPDATE_CASES=1 build/tests/test_runner_config rewrites the .txt
// files; read the difference before committing it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "core/base/env.h"
#include "runner/config/pipeline_file.h"
#include "runner/config/report.h"

namespace streamrun {
namespace {

const std::string kFolder = std::string(SR_SOURCE_DIR) + "/tests/runner/config/cases/";

std::string Run(const std::string& name, const std::string& text) {
  const std::map<std::string, std::string> variables = {{"WHO", "world"},
                                                        {"EMPTY", ""},
                                                        {"COUNT", "8"},
                                                        {"NULL_WORD", "null"},
                                                        {"TRICKY", "a: [b, ${WHO}]\n- c"}};
  ReadOptions options;
  options.variable = [&](const std::string& v) -> std::optional<std::string> {
    const auto found = variables.find(v);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  Diagnostics diagnostics;
  const auto file = ParsePipeline(text, name, options, diagnostics);
  std::string out = RenderFindings(diagnostics.findings(), text, false);
  if (file) out += "---\n" + PrintYaml(file->root);
  return out;
}

TEST_CASE("pipeline files give the expected findings or tree") {
  Env* env = Env::Default();
  const auto names = env->List(kFolder);
  REQUIRE(names.ok());
  int cases = 0;
  for (const std::string& name : *names) {
    if (!name.ends_with(".yaml")) continue;
    CAPTURE(name);
    ++cases;
    const auto text = env->ReadFile(kFolder + name, 1 << 22);
    REQUIRE(text.ok());
    const std::string expected_path = kFolder + name.substr(0, name.size() - 5) + ".txt";
    const std::string actual = Run(name, *text);
    if (std::getenv("SR_UPDATE_CASES") != nullptr) {
      REQUIRE(env->WriteFileAtomically(expected_path, actual).ok());
      continue;
    }
    const auto expected = env->ReadFile(expected_path, 1 << 22);
    REQUIRE(expected.ok());
    CHECK(actual == *expected);
  }
  CHECK(cases > 40);
}

}  // namespace
}  // namespace streamrun
