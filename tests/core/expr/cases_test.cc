// Runs cases/*.txt: one expression a line, `EXPRESSION --> RESULT` or `EXPRESSION --> error: MESSAGE`.
//
// A result is the value's text as psql prints it, NULL for null. `error at N:` also checks the byte offset.
// The results are PostgreSQL's, but those of additions_*.txt, which it cannot have, and of departures.txt,
// which adds its answer to ours: `EXPRESSION --> RESULT --pg--> RESULT` (docs/expressions.md has the
// reasons).
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/data/text_io.h"
#include "core/expr/expression.h"
#include "core/expr/function.h"

namespace streamrun {
namespace {

std::string Trim(const std::string& s) {
  const size_t begin = s.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return s.substr(begin, s.find_last_not_of(" \t") - begin + 1);
}

// The outcome of a constant expression, in the form of the case files; `with_place` adds the offset of a
// problem.
std::string Outcome(const std::string& sql, bool with_place) {
  Scope scope;
  ExprProblem problem;
  const auto bound = BindExpression(sql, scope, &problem);
  if (!bound.ok()) {
    return (with_place ? "error at " + std::to_string(problem.offset) + ": " : "error: ") + problem.message;
  }
  Evaluator evaluator(*bound, Env::Default());
  std::vector<RowFailure> failures;
  const ColumnPtr column = evaluator.Evaluate({}, 1, &failures);
  if (!failures.empty()) return "error: " + failures[0].message;
  std::string text;
  PrintValue(*column, 0, text);
  return text;
}

TEST_CASE("expressions give what PostgreSQL gives") {
  const std::filesystem::path folder = std::string(SR_SOURCE_DIR) + "/tests/core/expr/cases";
  size_t count = 0;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream in(path);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      if (line.empty() || line[0] == '#') continue;
      line = line.substr(0, line.rfind(" --pg-->"));
      const size_t arrow = line.rfind(" -->");
      const std::string where = path.filename().string() + ":" + std::to_string(number);
      REQUIRE_MESSAGE(arrow != std::string::npos, where);
      const std::string expected = Trim(line.substr(arrow + 4));
      const std::string got = Trim(Outcome(line.substr(0, arrow), expected.starts_with("error at")));
      CHECK_MESSAGE(got == expected, where << ": " << line.substr(0, arrow));
      ++count;
    }
  }
  CHECK(count >= 3000);
}

TEST_CASE("every entry that can be called has an example, and it is true") {
  size_t count = 0;
  for (const Function& f : AllFunctions()) {
    CHECK_MESSAGE(!f.help.empty(), f.Signature());
    // What only syntax reaches stands in the cases.
    CHECK_MESSAGE((!f.example.empty() || f.has(kNoHelp)), f.Signature() << " has no example");
    if (f.example.empty()) continue;
    const std::string example(f.example);
    const size_t arrow = example.rfind(" -> ");
    REQUIRE_MESSAGE(arrow != std::string::npos, example);
    CHECK_MESSAGE(Outcome(example.substr(0, arrow), false) == example.substr(arrow + 4), example);
    ++count;
  }
  CHECK(count >= 200);
}

}  // namespace
}  // namespace streamrun
