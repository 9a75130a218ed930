#include "core/data/row_hash.h"

#include <xxhash.h>

#include <map>

#include "core/data/text_io.h"
#include "doctest/doctest.h"
#include "tests/core/data/sample_batch.h"

namespace streamrun {
namespace {

ColumnPtr OneValue(std::string_view type_name, std::string_view text) {
  ColumnBuilder builder(*DataType::Parse(type_name));
  if (text == "NULL") {
    builder.AppendNull();
  } else {
    REQUIRE(AppendParsed(text, builder).ok());
  }
  return builder.Finish();
}

std::string KeyHex(const std::vector<ColumnPtr>& keys) {
  std::string bytes, out;
  AppendKeyBytes(keys, 0, bytes);
  PrintBytea(bytes, out);
  return out.substr(2);
}

uint64_t HashOf(const std::vector<ColumnPtr>& keys) {
  std::vector<uint64_t> hashes;
  HashRows(keys, 1, &hashes);
  return hashes[0];
}

struct Golden {
  const char* type;
  const char* text;
  const char* bytes;
  uint64_t hash;
};

// The vectors of docs/formats/keys.md: a change here breaks every checkpoint.
constexpr Golden kGolden[] = {
#include "tests/core/data/row_hash_golden.inc"
};

TEST_CASE("single keys have the documented bytes and hashes") {
  for (const Golden& g : kGolden) {
    CAPTURE(g.type);
    CAPTURE(g.text);
    const ColumnPtr column = OneValue(g.type, g.text);
    CHECK(KeyHex({column}) == g.bytes);
    CHECK(HashOf({column}) == g.hash);
  }
}

TEST_CASE("a key of several columns frames each value") {
  const std::vector<ColumnPtr> keys = {OneValue("bigint", "7"), OneValue("text", "ab"),
                                       OneValue("text", "NULL"), OneValue("integer", "NULL")};
  CHECK(KeyHex(keys) ==
        "01070000000000000002000000"
        "6162"
        "ffffffff"
        "00");
  CHECK(HashOf(keys) == 0xa2bae373c1f373b8);
}

TEST_CASE("no columns at all is one key") { CHECK(HashOf({}) == 0x2d06800538d394c2); }

TEST_CASE("values that compare equal hash equal") {
  const auto same = [](const char* type, const char* a, const char* b) {
    CAPTURE(type);
    CAPTURE(a);
    CHECK(HashOf({OneValue(type, a)}) == HashOf({OneValue(type, b)}));
    CHECK(HashOf({OneValue(type, a), OneValue("text", "x")}) ==
          HashOf({OneValue(type, b), OneValue("text", "x")}));
  };
  same("double", "0", "-0");
  same("double", "NaN", "nan");
  same("numeric", "1.50", "1.5");
  same("numeric", "0.00", "0");
  same("interval", "1 mon", "30 days");
  same("interval", "1 day", "24:00:00");
  same("jsonb", "{\"a\": 1.0, \"b\": \"\\u0041\"}", "{\"b\":\"A\",\"a\":1}");
  same("jsonb", "1e2", "100.00");
  same("numeric[]", "{1.0,2}", "{1,2.00}");
  same("timestamptz", "2024-01-01 02:00:00+02", "2024-01-01 00:00:00Z");
}

TEST_CASE("different keys have different bytes") {
  const auto differ = [](const std::vector<ColumnPtr>& a, const std::vector<ColumnPtr>& b) {
    CHECK(KeyHex(a) != KeyHex(b));
  };
  differ({OneValue("text", "")}, {OneValue("text", "NULL")});
  differ({OneValue("bytea", "")}, {OneValue("bytea", "NULL")});
  differ({OneValue("bytea", "\\xff")}, {OneValue("bytea", "NULL")});
  differ({OneValue("bytea", "\\x00")}, {OneValue("bytea", "NULL")});
  differ({OneValue("text[]", "{}")}, {OneValue("text[]", "NULL")});
  differ({OneValue("text[]", "{NULL}")}, {OneValue("text[]", "{\"\"}")});
  differ({OneValue("text[]", "{a,b}")}, {OneValue("text[]", "{ab}")});
  differ({OneValue("text", "a"), OneValue("text", "bc")}, {OneValue("text", "ab"), OneValue("text", "c")});
  differ({OneValue("numeric", "NaN")}, {OneValue("numeric", "0")});
}

TEST_CASE("hashes are XXH3-64 of the key bytes, for every type, alone and together") {
  for (const int nulls : {0, 3}) {
    const BatchPtr batch = SampleBatch(600, nulls, false);
    const auto check = [&](const std::vector<ColumnPtr>& keys) {
      std::vector<uint64_t> hashes;
      HashRows(keys, batch->rows(), &hashes);
      REQUIRE(hashes.size() == 600);
      std::string bytes;
      for (int64_t row = 0; row < batch->rows(); ++row) {
        bytes.clear();
        AppendKeyBytes(keys, row, bytes);
        CHECK(hashes[static_cast<size_t>(row)] == XXH3_64bits(bytes.data(), bytes.size()));
      }
    };
    for (const ColumnPtr& column : batch->columns()) {
      CAPTURE(column->type().ToString());
      check({column});
      check({column, batch->column(8)});
    }
    check(batch->columns());
  }
}

}  // namespace
}  // namespace streamrun
