#include <doctest/doctest.h>

#include "tests/connectors/formats/codec_harness.h"

using namespace streamrun;        // NOLINT
using namespace streamrun::test;  // NOLINT
using Texts = std::vector<std::string>;

namespace {

Lines Json(const std::vector<std::pair<std::string, std::string>>& columns, std::string_view text,
           const std::vector<std::pair<std::string, std::string>>& options = {}) {
  return Decode("json", columns, ChunkOf(text), options);
}
/// The single value, or the failure.
std::string One(const std::string& type, const std::string& value) {
  const Lines out = Json({{"c", type}}, "{\"c\":" + value + "}\n");
  return out.failures.empty() ? out.rows.at(0).substr(2) : out.failures[0];
}
/// Code of the failure, or "ok".
std::string CodeOf(const std::string& type, const std::string& value) {
  const std::string one = One(type, value);
  return one[0] == '!' ? one.substr(1, one.find(' ') - 1) : "ok " + one;
}

}  // namespace

TEST_CASE("a record is a row; missing fields are null and extra ones ignored") {
  const Lines out =
      Json({{"a", "bigint"}, {"b", "text"}},
           "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"z\":[1,{\"q\":2}]}\n\n  \n{\"a\":3,\"b\":null}");
  CHECK(out.rows == Texts{"a=1 b=x", "a=null b=y", "a=3 b=null"});
  CHECK(out.failures.empty());
  CHECK(out.batches == 1);
}

TEST_CASE("keys match exactly first, else by the only name that differs in case") {
  CHECK(Json({{"price", "bigint"}}, "{\"Price\":1}\n{\"Price\":1,\"price\":2}\n{\"price\":2,\"PRICE\":1}\n")
            .rows == Texts{"price=1", "price=2", "price=2"});
  CHECK(Json({{"aB", "bigint"}, {"Ab", "bigint"}}, "{\"ab\":1}\n{\"Ab\":2}\n").rows ==
        Texts{"aB=null Ab=null", "aB=null Ab=2"});
}

TEST_CASE("the last of repeated fields counts, as in jsonb") {
  CHECK(Json({{"a", "bigint"}}, "{\"a\":1,\"a\":2}\n{\"a\":\"x\",\"a\":3}\n{\"a\":1,\"a\":null}\n").rows ==
        Texts{"a=2", "a=3", "a=null"});
  CHECK(Json({{"id", "bigint @ u.id"}}, "{\"u\":{\"id\":1},\"u\":{\"x\":2}}\n{\"u\":{\"id\":1},\"u\":7}\n")
            .rows == Texts{"id=null", "id=null"});
}

TEST_CASE("path looks into nested objects") {
  const Lines out = Json({{"id", "bigint @ user.id"}, {"user", "jsonb"}, {"zip", "text @ user.home.zip"}},
                         "{\"user\":{\"id\":5,\"home\":{\"zip\":\"1\"}}}\n{\"user\":3}\n{\"user\":null}\n{}\n"
                         "{\"user\": {\"home\": [ ] , \"id\" : 6 } }\n");
  CHECK(out.rows == Texts{"id=5 user={\"id\":5,\"home\":{\"zip\":\"1\"}} zip=1", "id=null user=3 zip=null",
                          "id=null user=null zip=null", "id=null user=null zip=null",
                          "id=6 user={\"home\": [ ] , \"id\" : 6 } zip=null"});
  CHECK(out.failures.empty());
}

TEST_CASE("keys of nested objects match by case like others") {
  CHECK(Json({{"id", "bigint @ user.id"}, {"n", "bigint"}},
             "{\"User\":{\"ID\":5},\"n\":1}\n{\"User\":{\"ID\":6},\"n\":2}\n{\"user\":{\"id\":7},\"n\":3}\n")
            .rows == Texts{"id=5 n=1", "id=6 n=2", "id=7 n=3"});
}

TEST_CASE("without a schema the record is one jsonb value") {
  CHECK(Json({}, "{\"a\": 1}\n[1, 2] \n42\n\"x\"\nnull\ntru\n").rows ==
        Texts{"value={\"a\": 1}", "value=[1, 2]", "value=42", "value=\"x\"", "value=null"});
  CHECK(Json({}, "tru\n12 13\n\"a\" \"b\"\n1,\n{} {}\n[1]]\n").failures.size() == 6);
}

TEST_CASE("well-formed records survive any broken neighbour") {
  for (const std::string broken : {"{\"a\":1",
                                   "{\"a\":",
                                   "{",
                                   "}",
                                   "nonsense",
                                   "{\"a\":1}}",
                                   "{\"a\":1}{\"a\":2}",
                                   "{\"a\":1} {\"a\":2}",
                                   "\"",
                                   "{\"a\":\"",
                                   "{\"a\":1,}",
                                   "{\"a\" 1}",
                                   "{a:1}",
                                   "{\"a\":01}",
                                   "{\"a\":1.}",
                                   "{\"a\":+1}",
                                   "{\"a\":.5}",
                                   "{\"a\":1e}",
                                   "{\"b\":nul}",
                                   "{\"b\":\"\\x\"}",
                                   "{\"b\":\"\\ud800\"}",
                                   "{\"b\":\"\\udc00\"}",
                                   "{\"b\":\"\t\"}",
                                   "{\"b\":[1,]}",
                                   "{\"b\":[1 2]}",
                                   "{\"b\":{\"c\"}}",
                                   "[{\"a\":1}]",
                                   "{\"b\":\"\xff\"}",
                                   "{\"b\":\"\xc3\"}",
                                   "{\"\xed\xa0\x80\":1}",
                                   "{,\"a\":1}",
                                   "\xef\xbb\xbf{\"a\":9}"}) {
    CAPTURE(broken);
    const Lines out = Json({{"a", "bigint"}}, "{\"a\":1}\n" + broken + "\n{\"a\":2}\n{\"a\":3}\n");
    CHECK(out.rows == Texts{"a=1", "a=2", "a=3"});
    REQUIRE(out.failures.size() == 1);
    CHECK(out.failures[0].find(" @8 ") != std::string::npos);
    CHECK(out.failures[0].find("[" + broken + "]") != std::string::npos);
  }
}

TEST_CASE("one document over two lines fails both lines") {
  const Lines out = Json({{"a", "bigint"}}, "{\"a\":1,\n\"b\":2}\n{\"a\":3}\n");
  CHECK(out.rows == Texts{"a=3"});
  CHECK(out.failures.size() == 2);
}

TEST_CASE("failures name column, wanted type and what was found") {
  CHECK(One("bigint", "\"12\"") ==
        "!json.type @0 column \"c\": wanted bigint, found string \"12\" [{\"c\":\"12\"}]");
  CHECK(One("boolean", "1") == "!json.type @0 column \"c\": wanted boolean, found number 1 [{\"c\":1}]");
  CHECK(One("bigint", "9223372036854775808")
            .starts_with(
                "!json.range @0 column \"c\": number 9223372036854775808 is out of range for type bigint"));
  CHECK(One("timestamp", "\"x\"")
            .starts_with("!json.type @0 column \"c\": invalid input syntax for type timestamp: \"x\""));
  CHECK(One("bigint", "{\"x\":\"" + std::string(100, 'y') + "\"}").find("found object {\"x\":\"yyyy") !=
        std::string::npos);
  CHECK(CodeOf("bigint", "1}{") == "json.syntax");
}

TEST_CASE("integers take numbers without a fraction, within range") {
  for (const auto& pair :
       std::vector<std::pair<std::string, std::string>>{{"0", "ok 0"},
                                                        {"-0", "ok 0"},
                                                        {"7", "ok 7"},
                                                        {"-1", "ok -1"},
                                                        {"12345678", "ok 12345678"},
                                                        {"123456789", "ok 123456789"},
                                                        {"-1234567890123456789", "ok -1234567890123456789"},
                                                        {"9223372036854775807", "ok 9223372036854775807"},
                                                        {"-9223372036854775808", "ok -9223372036854775808"},
                                                        {"9223372036854775808", "json.range"},
                                                        {"-9223372036854775809", "json.range"},
                                                        {"10000000000000000000", "json.range"},
                                                        {"99999999999999999999999", "json.range"},
                                                        {"1.0", "ok 1"},
                                                        {"1e3", "ok 1000"},
                                                        {"12.5e1", "ok 125"},
                                                        {"1200e-2", "ok 12"},
                                                        {"0.0", "ok 0"},
                                                        {"1.5", "json.type"},
                                                        {"1e-1", "json.type"},
                                                        {"1e400", "json.range"},
                                                        {"0e999999999999", "ok 0"},
                                                        {"true", "json.type"},
                                                        {"{}", "json.type"},
                                                        {"00", "json.syntax"},
                                                        {"-", "json.syntax"},
                                                        {"1a", "json.syntax"}}) {
    const auto& value = pair.first;
    const auto& wanted = pair.second;
    CAPTURE(value);
    CHECK(CodeOf("bigint", value) == wanted);
  }
  CHECK(CodeOf("integer", "2147483647") == "ok 2147483647");
  CHECK(CodeOf("integer", "2147483648") == "json.range");
  CHECK(CodeOf("integer", "-2147483648") == "ok -2147483648");
}

TEST_CASE("other types take what PostgreSQL would") {
  CHECK(CodeOf("double precision", "0.1") == "ok 0.1");
  CHECK(CodeOf("double precision", "1e400") == "json.range");
  CHECK(CodeOf("double precision", "1e-400") == "ok 0");
  CHECK(CodeOf("double precision", "\"NaN\"") == "ok NaN");
  CHECK(CodeOf("double precision", "\"-Infinity\"") == "ok -Infinity");
  CHECK(CodeOf("double precision", "\"1\"") == "json.type");
  CHECK(CodeOf("numeric", "12345678901234567890.120") == "ok 12345678901234567890.120");
  CHECK(CodeOf("numeric(10,2)", "1.005") == "ok 1.01");
  CHECK(CodeOf("text", "\"a\\u00e9\\ud83d\\ude00\\n\\/\"") == "ok a\u00e9\U0001F600\n/");
  CHECK(CodeOf("text", "\"\"") == "ok ");
  CHECK(CodeOf("text", "1.50") == "ok 1.50");
  CHECK(CodeOf("text", "true") == "ok true");
  CHECK(CodeOf("text", "{\"a\": [1]}") == "ok {\"a\": [1]}");
  CHECK(CodeOf("text", "\"\\u0000\"") == "json.type");
  CHECK(CodeOf("jsonb", "\"\\u0000\"") == "json.type");
  CHECK(CodeOf("jsonb", "\"\\\\u0000\"") == "ok \"\\\\u0000\"");
  CHECK(CodeOf("boolean", "false") == "ok f");
  CHECK(CodeOf("date", "\"2024-02-29\"") == "ok 2024-02-29");
  CHECK(CodeOf("timestamp", "\"2024-01-01T00:00:00.1\"") == "ok 2024-01-01 00:00:00.1");
  CHECK(CodeOf("timestamp", "\"2024-01-01 \\u0030\\u0030:00\"") == "ok 2024-01-01 00:00:00");
  CHECK(CodeOf("timestamp", "1704067200") == "json.type");
  CHECK(CodeOf("timestamp % s", "1704067200") == "ok 2024-01-01 00:00:00");
  CHECK(CodeOf("timestamp % ms", "1704067200123") == "ok 2024-01-01 00:00:00.123");
  CHECK(CodeOf("timestamp % s", "1704067200.5") == "ok 2024-01-01 00:00:00.5");
  CHECK(CodeOf("timestamptz % ns", "1704067200123456789") == "ok 2024-01-01 00:00:00.123457+00");
  CHECK(CodeOf("timestamp % ms", "\"1704067200123\"") == "json.type");
  CHECK(CodeOf("uuid", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"") ==
        "ok a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
  CHECK(CodeOf("bytea", "\"\\\\x00ff\"") == "ok \\x00ff");
  CHECK(CodeOf("bigint[]", "[1, 2 ,null,3]") == "ok {1,2,NULL,3}");
  CHECK(CodeOf("bigint[]", "[ ]") == "ok {}");
  CHECK(CodeOf("text[]", "[\"a,b\", \"c\\\"]\", [1,\"]\"]]") == "ok {\"a,b\",\"c\\\"]\",\"[1,\\\"]\\\"]\"}");
  CHECK(CodeOf("bigint[]", "[1,\"x\"]") == "json.type");
  CHECK(CodeOf("bigint[]", "1") == "json.type");
}

TEST_CASE("a value that fails half way through the columns leaves no trace") {
  const Lines out =
      Json({{"t", "text"}, {"l", "bigint[]"}, {"n", "bigint"}, {"a", "bigint"}},
           "{\"t\":\"x\",\"l\":[1],\"n\":null,\"a\":\"bad\"}\n{\"t\":\"y\",\"l\":[2],\"n\":2,\"a\":2}\n");
  CHECK(out.rows == Texts{"t=y l={2} n=2 a=2"});
}

TEST_CASE("missing, extra and wrong are adjustable") {
  const std::string text = "{\"a\":1}\n{}\n{\"a\":\"x\"}\n{\"a\":2,\"b\":3}\n";
  CHECK(Json({{"a", "bigint"}}, text).rows == Texts{"a=1", "a=null", "a=2"});
  CHECK(Json({{"a", "bigint"}}, text, {{"missing", "fail"}}).rows == Texts{"a=1", "a=2"});
  CHECK(Json({{"a", "bigint"}}, text, {{"missing", "fail"}}).failures[0].starts_with("!json.missing @8 "));
  CHECK(Json({{"a", "bigint"}}, text, {{"wrong", "null"}}).rows == Texts{"a=1", "a=null", "a=null", "a=2"});
  CHECK(Json({{"a", "bigint"}}, text, {{"extra", "fail"}}).failures[1].starts_with("!json.extra @21 "));
}

TEST_CASE("nesting is limited to 128") {
  const auto nested = [](int depth) {
    return "{\"b\":" + std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']') + "}\n";
  };
  CHECK(Json({{"a", "bigint"}}, nested(127)).rows.size() == 1);
  CHECK(Json({{"a", "bigint"}}, nested(128)).failures.at(0).starts_with("!json.depth"));
  CHECK(Json({{"a", "bigint"}}, nested(100000)).failures.size() == 1);
}

TEST_CASE(
    "a byte order mark is skipped at offset 0 only; CR LF ends lines; the origin is the record's offset") {
  DecodeOptions options;
  options.origin = true;
  const std::string text = "\xef\xbb\xbf{\"a\":1}\r\n\r\n{\"a\":2}\r\n";
  CHECK(Decode("json", {{"a", "bigint"}}, ChunkOf(text), {}, options).rows == Texts{"a=1 @3", "a=2 @14"});
  CHECK(Decode("json", {{"a", "bigint"}}, ChunkOf(text, 100), {}, options).failures.size() == 1);
}

TEST_CASE("unwanted columns stay pruned and their values are still checked for syntax") {
  DecodeOptions options;
  options.wanted = {false, true};
  const Lines out =
      Decode("json", {{"a", "bigint"}, {"b", "bigint"}},
             ChunkOf("{\"a\":\"x\",\"b\":1}\n{\"a\":[1,,2],\"b\":2}\n{\"a\":1.,\"b\":3}\n"), {}, options);
  CHECK(out.rows == Texts{"a=pruned b=1"});
  CHECK(out.failures.size() == 2);
}

TEST_CASE("batches close at max_rows and at max_bytes, and at the end of a chunk") {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += "{\"a\":" + std::to_string(i) + ",\"b\":\"" + std::string(100, 'x') + "\"}\n";
  DecodeOptions options;
  options.max_rows = 30;
  CHECK(Decode("json", {{"a", "bigint"}}, ChunkOf(text), {}, options).batches == 4);
  options.max_rows = 8192;
  options.max_bytes = 1200;
  const Lines out = Decode("json", {{"a", "bigint"}, {"b", "text"}}, ChunkOf(text), {}, options);
  CHECK(out.rows.size() == 100);
  CHECK(out.batches >= 9);
  CHECK(out.batches <= 11);
}

TEST_CASE("framed records are documents of their own and may hold newlines") {
  Chunk chunk = ChunkOf("{\"a\":1}{\"a\":\n2}\n{\"a\":3} {\"a\":4}", 7);
  BufferBuilder ends;
  for (const uint32_t end : {7u, 16u, 31u}) ends.Push(end);
  chunk.record_ends = ends.Finish();
  DecodeOptions options;
  options.origin = true;
  const Lines out = Decode("json", {{"a", "bigint"}}, chunk, {}, options);
  CHECK(out.rows == Texts{"a=1 @7", "a=2 @8"});
  REQUIRE(out.failures.size() == 1);
  CHECK(out.failures[0].starts_with("!json.syntax @9 "));
}

TEST_CASE("paths and units that cannot be are reported") {
  std::string problem;
  CHECK(Bind("json", {{"a", "bigint @ x..y"}}, {}, &problem) == nullptr);
  CHECK(problem == "json.path: path 'x..y' of column 'a' has an empty key");
  CHECK(Bind("json", {{"a", "bigint % ms"}}, {}, &problem) == nullptr);
  CHECK(problem == "schema.unit: column 'a' is bigint: only timestamps have a 'unit'");
}
