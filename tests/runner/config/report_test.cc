// How findings look.
#include "runner/config/report.h"

#include <doctest/doctest.h>

#include "runner/config/pipeline_file.h"

namespace streamrun {
namespace {

Finding At(int line, int column, int length, std::string message = "bad") {
  return {{"p.yaml", line, column}, length, "a.b", Severity::kError, std::move(message), ""};
}

TEST_CASE("a finding shows place, line, caret and suggestion") {
  Finding finding = At(2, 8, 5, "column \"prise\" does not exist");
  finding.suggestion = "did you mean \"price\"?";
  CHECK(RenderFindings({finding}, "a: 1\nwhere: prise > 10000\n", false) ==
        "p.yaml:2:8: error: column \"prise\" does not exist [a.b]\n"
        "    2 | where: prise > 10000\n"
        "      |        ^~~~~\n"
        "  did you mean \"price\"?\n");
}

TEST_CASE("findings come in the order of the file and repetitions once") {
  Finding warning = At(1, 1, 1, "first");
  warning.severity = Severity::kWarning;
  CHECK(RenderFindings({At(2, 1, 1), At(1, 3, 1), warning, At(2, 1, 1)}, "", false) ==
        "p.yaml:1:1: warning: first [a.b]\n"
        "p.yaml:1:3: error: bad [a.b]\n"
        "p.yaml:2:1: error: bad [a.b]\n");
}

TEST_CASE("tabs show as one blank and carets count cells of wide characters") {
  CHECK(RenderFindings({At(1, 3, 2)}, "\tx\tyz", false) ==
        "p.yaml:1:3: error: bad [a.b]\n    1 |  x yz\n      |   ^~\n");
  CHECK(RenderFindings({At(1, 4, 2)}, "é漢e\u0301字字z", false) ==
        "p.yaml:1:4: error: bad [a.b]\n    1 | é漢e\u0301字字z\n      |     ^~\n");
}

TEST_CASE("a caret behind the end of the line or on an empty one stands there") {
  CHECK(RenderFindings({At(1, 4, 9)}, "abc\n", false) ==
        "p.yaml:1:4: error: bad [a.b]\n    1 | abc\n      |    ^\n");
  CHECK(RenderFindings({At(2, 1, 1)}, "abc\n\n", false) ==
        "p.yaml:2:1: error: bad [a.b]\n    2 |\n      | ^\n");
}

TEST_CASE("characters that would move a terminal's cursor are shown as question marks") {
  CHECK(RenderFindings({At(1, 2, 1)}, "a\x1b[2J\xff\u202e\u0085z", false) ==
        "p.yaml:1:2: error: bad [a.b]\n    1 | a?[2J???z\n      |  ^\n");
}

TEST_CASE("a long line is cut around the caret") {
  const std::string line = std::string(1000, 'a') + "X" + std::string(1000, 'b');
  const std::string out = RenderFindings({At(1, 1001, 500)}, line, false);
  const size_t first = out.find("    1 | ") + 8;
  const size_t second = out.find("      | ") + 8;
  const std::string shown = out.substr(first, out.find('\n', first) - first);
  CHECK(shown.size() == 160);
  CHECK(shown.starts_with("...aaa"));
  CHECK(shown.ends_with("bbb..."));
  CHECK(out.find('^', second) - second == shown.find('X'));
  CHECK(out.size() - second <= 160);
}

TEST_CASE("colours change nothing but colours") {
  Finding finding = At(1, 1, 1);
  finding.suggestion = "do";
  std::string colored = RenderFindings({finding}, "abc", true);
  CHECK(colored.starts_with("\x1b[1mp.yaml:1:1:\x1b[0m \x1b[1;31merror:\x1b[0m bad"));
  for (size_t at = colored.find('\x1b'); at != std::string::npos; at = colored.find('\x1b')) {
    colored.erase(at, colored.find('m', at) - at + 1);
  }
  CHECK(colored == RenderFindings({finding}, "abc", false));
}

TEST_CASE("JSON is an array in file order") {
  Finding warning = At(1, 2, 3, "say \"x\"");
  warning.severity = Severity::kWarning;
  warning.suggestion = "no";
  CHECK(RenderFindingsJson({}) == "[]\n");
  CHECK(RenderFindingsJson({warning}) == R"([
  {
    "file": "p.yaml",
    "line": 1,
    "column": 2,
    "code": "a.b",
    "severity": "warning",
    "message": "say \"x\"",
    "suggestion": "no"
  }
]
)");
}

TEST_CASE("masking hides what stands in the file for a secret and keeps every column") {
  Diagnostics diagnostics;
  ReadOptions options;
  options.variable = [](const std::string&) { return "v"; };
  const std::string text =
      "a: {p: 'pässword', x: 1}\nb: |\n  one\n  two\nc: pre${V}post # no\nd: \"a\\x41b\"\n";
  auto file = ParsePipeline(text, "p.yaml", options, diagnostics);
  REQUIRE(file);
  auto& entries = file->root.mutable_entries();
  entries[0].second.mutable_entries()[0].second.set_secret();
  for (size_t i = 1; i < 3; ++i) entries[i].second.set_secret();
  CHECK(MaskSecrets(file->text, file->root) ==
        "a: {p: **********, x: 1}\nb: |\n  ***\n  ***\nc: ***${V}**** # no\nd: \"a\\x41b\"\n");
  entries[3].second.set_secret();
  CHECK(MaskSecrets(file->text, file->root).find("x41") == std::string::npos);
}

}  // namespace
}  // namespace streamrun
