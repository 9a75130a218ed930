#include <doctest/doctest.h>

#include "connectors/formats/json_text.h"
#include "core/data/text_io.h"
#include "tests/connectors/formats/codec_harness.h"

using namespace streamrun;        // NOLINT
using namespace streamrun::test;  // NOLINT

TEST_CASE("every type is written in its JSON form") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"boolean|t", "true"},
      {"integer|-7", "-7"},
      {"bigint|-9223372036854775808", "-9223372036854775808"},
      {"bigint|0", "0"},
      {"double precision|0.1", "0.1"},
      {"double precision|100000", "100000"},
      {"double precision|1e25", "1e+25"},
      {"double precision|-0", "-0"},
      {"double precision|NaN", "\"NaN\""},
      {"double precision|-Infinity", "\"-Infinity\""},
      {"numeric|12345678901234567890.10", "12345678901234567890.10"},
      {"numeric|NaN", "\"NaN\""},
      {"numeric(10,2)|1.5", "1.50"},
      {"text|a\"b\\c\n\x01\u00e9", "\"a\\\"b\\\\c\\n\\u0001\u00e9\""},
      {"bytea|\\x00ff", "\"\\\\x00ff\""},
      {"date|2024-02-29", "\"2024-02-29\""},
      {"timestamp|2024-01-01 00:00:00.1", "\"2024-01-01 00:00:00.1\""},
      {"timestamp|0044-03-15 12:00:00 BC", "\"0044-03-15 12:00:00 BC\""},
      {"timestamp|infinity", "\"infinity\""},
      {"timestamptz|2024-01-01 00:00:00+02", "\"2023-12-31 22:00:00+00\""},
      {"interval|1 day 02:00:00", "\"1 day 02:00:00\""},
      {"uuid|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
      {"inet|10.0.0.1", "\"10.0.0.1\""},
      {"jsonb|{\"a\": 1}", "{\"a\": 1}"},
      {"bigint[]|{1,NULL,2}", "[1,null,2]"},
      {"text[]|{a,\"b\\\"\"}", "[\"a\",\"b\\\"\"]"},
      {"text|null", "null"},
  };
  for (const auto& pair : cases) {
    const auto& input = pair.first;
    const auto& wanted = pair.second;
    CAPTURE(input);
    const size_t bar = input.find('|');
    CHECK(Encode("json", {{"c", input.substr(0, bar)}}, {{input.substr(bar + 1)}}) ==
          "{\"c\":" + wanted + "}\n");
  }
}

TEST_CASE("records are separated by newlines and their ends are told") {
  std::vector<uint32_t> ends;
  CHECK(Encode("json", {{"a", "bigint"}, {"b\"", "text"}}, {{"1", "22"}, {"x", "null"}}, {}, &ends) ==
        "{\"a\":1,\"b\\\"\":\"x\"}\n{\"a\":22,\"b\\\"\":null}\n");
  CHECK(ends == std::vector<uint32_t>{18, 38});
}

TEST_CASE("long text and long keys grow the output") {
  const std::string key(200, 'k');
  std::vector<std::string> texts;
  std::string wanted;
  for (size_t i = 0; i < 300; ++i) {
    texts.push_back(std::string(i * 37, i % 2 == 0 ? '\n' : 'x'));
    wanted += "{\"" + key + "\":\"";
    for (const char c : texts.back()) wanted += c == '\n' ? std::string("\\n") : std::string(1, c);
    wanted += "\"}\n";
  }
  CHECK(Encode("json", {{key, "text"}}, {texts}) == wanted);
}

TEST_CASE("integers of every length are written as PostgreSQL prints them") {
  std::vector<std::string> values;
  std::string wanted;
  for (int64_t v = 1; v > 0 && v < INT64_MAX / 9; v = v * 7 + 3) {
    for (const int64_t x : {v, -v, v * 3 - 1}) {
      values.push_back(std::to_string(x));
      wanted += "{\"c\":" + values.back() + "}\n";
    }
  }
  for (int64_t p = 10; p > 0 && p < INT64_MAX / 10; p *= 10) {
    for (const int64_t x : {p - 1, p, -p}) {
      values.push_back(std::to_string(x));
      wanted += "{\"c\":" + values.back() + "}\n";
    }
  }
  CHECK(Encode("json", {{"c", "bigint"}}, {values}) == wanted);
}

TEST_CASE("doubles are written as PostgreSQL prints them and read back the same") {
  uint64_t state = 42;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double value;
    if (i % 2 == 0) {
      std::memcpy(&value, &state, 8);
    } else {
      value = static_cast<double>(static_cast<int64_t>(state) >> 20) / 1000.0;
    }
    if (!(value == value) || value - value != 0) continue;
    char text[64];
    std::string wanted;
    PrintDouble(value, wanted);
    CHECK(std::string(text, json::PutDouble(value, text)) == wanted);
  }
}

TEST_CASE("what was written is read back the same") {
  const std::vector<std::pair<std::string, std::string>> columns = {
      {"a", "bigint"}, {"b", "text"}, {"c", "timestamp"}, {"d", "double precision"}, {"e", "numeric"}};
  const std::string text = Encode("json", columns,
                                  {{"1", "null"},
                                   {"x\"\\\n\t\u00e9", ""},
                                   {"2024-01-01 01:02:03.000004", "infinity"},
                                   {"0.1", "NaN"},
                                   {"1.20", "-5"}});
  const Lines out = Decode("json", columns, ChunkOf(text));
  CHECK(out.failures.empty());
  CHECK(out.rows ==
        std::vector<std::string>{"a=1 b=x\"\\\n\t\u00e9 c=2024-01-01 01:02:03.000004 d=0.1 e=1.20",
                                 "a=null b= c=infinity d=NaN e=-5"});
}
