#include <doctest/doctest.h>

#include "tests/connectors/formats/codec_harness.h"

using namespace streamrun;        // NOLINT
using namespace streamrun::test;  // NOLINT
using Texts = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

namespace {

Lines Csv(const Pairs& columns, std::string_view text, const std::string& header, const Pairs& options = {}) {
  Chunk chunk = ChunkOf(text, 100);
  if (!header.empty()) chunk.header = std::make_shared<const std::string>(header);
  return Decode("csv", columns, chunk, options);
}

}  // namespace

TEST_CASE("columns are found by the names of the header") {
  const Lines out = Csv({{"b", "text"}, {"a", "bigint"}}, "1,x,9\r\n\n-2,\"y,\"\"z\"\"\",8", "a,B,other");
  CHECK(out.rows == Texts{"b=x a=1", "b=y,\"z\" a=-2"});
  CHECK(out.failures.empty());
}

TEST_CASE("without a header columns come in order; delimiter, quote and null are adjustable") {
  CHECK(Csv({{"a", "bigint"}, {"b", "text"}, {"c", "text"}}, "1;'x;''';NULL\n;;'NULL'\n", "",
            {{"header", "false"}, {"delimiter", ";"}, {"quote", "'"}, {"null", "NULL"}})
            .rows == Texts{"a=1 b=x;' c=null"});
  CHECK(Csv({{"a", "bigint"}, {"b", "text"}}, "1,\n,\"\"\n", "", {{"header", "false"}}).rows ==
        Texts{"a=1 b=null", "a=null b="});
}

TEST_CASE("quoted cells may hold newlines unless that is turned off") {
  const std::string text = "1,\"x\ny\"\n2,z\n";
  CHECK(Csv({{"a", "bigint"}, {"b", "text"}}, text, "a,b").rows == Texts{"a=1 b=x\ny", "a=2 b=z"});
  const Lines out = Csv({{"a", "bigint"}, {"b", "text"}}, text, "a,b", {{"quoted_newlines", "false"}});
  CHECK(out.rows == Texts{"a=2 b=z"});
  CHECK(out.failures.size() == 2);
  CHECK(Bind("csv", {{"a", "text"}})->traits.splittable == false);
  CHECK(Bind("csv", {{"a", "text"}}, {{"quoted_newlines", "false"}})->traits.splittable);
}

TEST_CASE("well-formed records survive any broken neighbour") {
  for (const auto& pair : Pairs{{"x,2", "csv.type"},
                                {"1", "csv.columns"},
                                {"1,2,3", "csv.columns"},
                                {"1,\"2\"x", "csv.quote"},
                                {"1,\"2", "csv.quote"},
                                {"1,\xff", "utf8.invalid"},
                                {"99999999999999999999,2", "csv.type"}}) {
    const auto& broken = pair.first;
    const auto& code = pair.second;
    CAPTURE(broken);
    const Lines out = Csv({{"a", "bigint"}, {"b", "text"}}, "1,x\n" + broken + "\n2,y\n", "a,b");
    CHECK(out.rows == Texts{"a=1 b=x", "a=2 b=y"});
    REQUIRE(out.failures.size() == 1);
    CHECK(out.failures[0].starts_with("!" + code + " @104 "));
    CHECK(out.failures[0].ends_with("[" + broken + "]"));
  }
}

TEST_CASE("a declared column that the header lacks fails every record by name") {
  const Lines out = Csv({{"a", "bigint"}, {"b", "text"}}, "1,2\n", "a,x");
  CHECK(out.failures == Texts{"!csv.header @100 the header has no column \"b\" [1,2]"});
}

TEST_CASE("cells are read in PostgreSQL's form of their type") {
  const Lines out =
      Csv({{"a", "boolean"}, {"b", "timestamp"}, {"c", "numeric"}, {"d", "bigint"}, {"e", "bigint[]"}},
          "yes,2024-01-01 10:00:00.25,1.50,123456789012,\"{1,2}\"\n"
          "f,2024-01-01T23:59:59,NaN,-7, {} \nt,infinity,1, 42 ,{}\n",
          "a,b,c,d,e");
  CHECK(out.rows == Texts{"a=t b=2024-01-01 10:00:00.25 c=1.50 d=123456789012 e={1,2}",
                          "a=f b=2024-01-01 23:59:59 c=NaN d=-7 e={}", "a=t b=infinity c=1 d=42 e={}"});
  CHECK(out.failures.empty());
}

TEST_CASE("cells are quoted where they must be") {
  CHECK(Encode("csv", {{"a", "bigint"}, {"b,", "text"}, {"c", "timestamp"}},
               {{"1", "null", "-3"},
                {"x", "a,\"b\"\n", ""},
                {"2024-01-01 00:00:00.1", "null", "2024-01-01 00:00:00"}}) ==
        "a,\"b,\",c\n1,x,2024-01-01 00:00:00.1\n,\"a,\"\"b\"\"\n\",\n-3,\"\",2024-01-01 00:00:00\n");
  CHECK(Encode("csv", {{"a", "bigint"}, {"b", "boolean"}}, {{"-1"}, {"t"}},
               {{"header", "false"}, {"delimiter", "-"}}) == "\"-1\"-true\n");
}

TEST_CASE("what was written is read back the same, null and empty text apart") {
  const Pairs columns = {{"a", "text"}, {"b", "double precision"}, {"c", "jsonb"}};
  const std::string text = Encode("csv", columns,
                                  {{"x\r", "null", "", "\"", " s "},
                                   {"1.5", "NaN", "null", "-0", "1e300"},
                                   {"{\"a\": 1}", "null", "[]", "\"\"", "1"}});
  const size_t line = text.find('\n');
  const Lines out = Csv(columns, text.substr(line + 1), text.substr(0, line));
  CHECK(out.failures.empty());
  CHECK(out.rows == Texts{"a=x\r b=1.5 c={\"a\": 1}", "a=null b=NaN c=null", "a= b=null c=[]",
                          "a=\" b=-0 c=\"\"", "a= s  b=1e+300 c=1"});
  const std::string single = Encode("csv", {{"a", "bigint"}}, {{"1", "null", "2"}});
  CHECK(Csv({{"a", "bigint"}}, single.substr(2), "a").rows == Texts{"a=1", "a=null", "a=2"});
}

TEST_CASE("a csv source needs a schema and characters that can be told apart") {
  std::string problem;
  CHECK(Bind("csv", {}, {}, &problem) == nullptr);
  CHECK(problem.starts_with("schema.required"));
  CHECK(Bind("csv", {{"a", "text"}}, {{"delimiter", "ab"}}, &problem) == nullptr);
  CHECK(problem.starts_with("csv.character"));
  CHECK(Bind("csv", {{"a", "text"}}, {{"delimiter", "\""}}, &problem) == nullptr);
  CHECK(Bind("csv", {{"a", "text"}}, {{"null", "a,b"}}, &problem) == nullptr);
  CHECK(problem.starts_with("csv.null"));
}
