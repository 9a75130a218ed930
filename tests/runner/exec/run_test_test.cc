// `streamrun test` itself: right expectations pass, and every kind of wrong one fails.
#include "runner/harness/run_test.h"

#include <doctest/doctest.h>

#include "tests/runner/planned.h"

namespace streamrun {
namespace {

// Feeds four good rows and one broken record; gives the failure of the test, empty when it passed.
std::string Outcome(const std::string& expectations) {
  const std::string text = R"(pipeline: p
sources:
  a: {connector: file, path: a.jsonl, format: json, schema: {k: bigint}}
  b: {connector: file, path: b.jsonl, format: json, schema: {k: bigint}}
operators:
  f: {operator: filter, input: a, where: 6 / k > 1}
sinks:
  out: {connector: discard, input: f}
  other: {connector: discard, input: b}
tests:
  - name: t
    feed:
      a: [{k: 1}, {k: 9}, {k: 2}, {k: 0}, '{"k": x}']
      b: [{k: 5}]
)" + expectations;
  const Planned planned = PlanText(text);
  Diagnostics diagnostics;
  const std::vector<TestCase> tests = ReadTests(planned.file.root["tests"], *planned.plan, diagnostics);
  REQUIRE_MESSAGE(tests.size() == 1, RenderFindings(diagnostics.findings(), text, false));
  return RunTest(planned.plan, tests[0]).failure;
}

bool Says(const std::string& failure, std::string_view what) {
  return failure.find(what) != std::string::npos;
}

const std::string kErrors = "    errors: [{node: f}, {node: a}]\n";

TEST_CASE("right expectations pass, also for a part of the pipeline that shares no node with the rest") {
  CHECK(Outcome("    expect: {out: [{k: 1}, {k: 2}], other: [{k: 5}]}\n" + kErrors) == "");
  CHECK(Outcome("    unordered: true\n    expect: {out: [{k: 2}, {k: 1}]}\n" + kErrors) == "");
}

TEST_CASE("a wrong, a missing and an unexpected row fail") {
  CHECK(Says(Outcome("    expect: {out: [{k: 1}, {k: 3}]}\n" + kErrors), "row 2"));
  CHECK(Says(Outcome("    expect: {out: [{k: 1}, {k: 2}, {k: 3}]}\n" + kErrors), "no row"));
  CHECK(Says(Outcome("    expect: {out: [{k: 1}]}\n" + kErrors), "unexpected row"));
  CHECK(Says(Outcome("    expect: {other: []}\n" + kErrors), "unexpected row"));
  CHECK(Outcome("    expect: {out: [{k: 2}, {k: 1}]}\n" + kErrors) != "");
  CHECK(Outcome("    expect: {out: [{x: 2}]}\n" + kErrors) != "");
}

TEST_CASE("a dead letter that the test says nothing of fails it") {
  CHECK(Says(Outcome("    expect: {out: [{k: 1}, {k: 2}]}\n"), "a row failed"));
  CHECK(Outcome("    expect: {f.errors: [{node: f}], a.errors: [{node: a}]}\n") == "");
  CHECK(Says(Outcome("    expect: {f.errors: [{node: f}]}\n"), "node a"));
  CHECK(Outcome("    errors: [{node: f}]\n") != "");
}

}  // namespace
}  // namespace streamrun
