#include <doctest/doctest.h>

#include "tests/connectors/formats/codec_harness.h"

using namespace streamrun;        // NOLINT
using namespace streamrun::test;  // NOLINT
using Texts = std::vector<std::string>;

TEST_CASE("lines become rows of one column") {
  const Lines out = Decode("lines", {}, ChunkOf("a\r\n\nb\xff\n c "));
  CHECK(out.rows == Texts{"line=a", "line= c "});
  CHECK(out.failures == Texts{"!utf8.invalid @4 the record is not valid UTF-8 [b\xff]"});
  CHECK(Decode("lines", {{"raw", "bytea"}}, ChunkOf("b\xff\n")).rows == Texts{"raw=\\x62ff"});
  std::string problem;
  CHECK(Bind("lines", {{"a", "bigint"}}, {}, &problem) == nullptr);
  CHECK(Bind("lines", {{"a", "text"}, {"b", "text"}}, {}, &problem) == nullptr);
}

TEST_CASE("lines are written from any type") {
  CHECK(Encode("lines", {{"a", "text"}}, {{"x", "null", "y z"}}) == "x\n\ny z\n");
  CHECK(Encode("lines", {{"a", "date"}}, {{"2024-01-01"}}) == "2024-01-01\n");
  CHECK(Encode("lines", {{"a", "text"}}, {{"x", "two\nlines", "y"}}) == "x\ny\n");
}

TEST_CASE("named groups become columns, typed when declared") {
  const std::vector<std::pair<std::string, std::string>> pattern = {
      {"pattern", "(?P<at>\\S+ \\S+) (?P<action>\\w+)( (?P<n>\\d+))?"}};
  const std::string text = "2024-01-01 10:00:00 install 5\nnonsense\n2024-01-02 10:00:00 remove\nx y z\n";
  CHECK(Decode("regex", {}, ChunkOf(text), pattern).rows ==
        Texts{"at=2024-01-01 10:00:00 action=install n=5", "at=2024-01-02 10:00:00 action=remove n=null",
              "at=x y action=z n=null"});
  const Lines out = Decode("regex", {{"n", "bigint"}, {"at", "timestamp"}}, ChunkOf(text), pattern);
  CHECK(out.rows == Texts{"n=5 at=2024-01-01 10:00:00", "n=null at=2024-01-02 10:00:00"});
  REQUIRE(out.failures.size() == 2);
  CHECK(out.failures[0] == "!regex.no_match @30 the line does not match the pattern [nonsense]");
  CHECK(
      out.failures[1].starts_with("!regex.type @66 column \"at\": invalid input syntax for type timestamp"));
}

TEST_CASE("patterns that cannot work are reported") {
  std::string problem;
  CHECK(Bind("regex", {}, {{"pattern", "(a"}}, &problem) == nullptr);
  CHECK(problem.starts_with("regex.pattern: the pattern is not valid: missing )"));
  CHECK(Bind("regex", {}, {{"pattern", "(a)"}}, &problem) == nullptr);
  CHECK(problem == "regex.pattern: the pattern has no named group");
  CHECK(Bind("regex", {{"b", "text"}}, {{"pattern", "(?P<a>a)"}}, &problem) == nullptr);
  CHECK(problem == "regex.group: the pattern has no group named 'b'");
}
