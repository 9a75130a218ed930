#include "core/data/key_table.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"

namespace streamrun {
namespace {

ColumnPtr Parse(const DataType& type, const std::vector<const char*>& values) {
  ColumnBuilder builder(type);
  for (const char* value : values) {
    if (value == nullptr) {
      builder.AppendNull();
    } else {
      REQUIRE(AppendParsed(value, builder).ok());
    }
  }
  return builder.Finish();
}

std::vector<uint32_t> Insert(KeyTable& table, const std::vector<ColumnPtr>& keys, int64_t rows) {
  std::vector<uint64_t> hashes;
  table.Hash(keys, rows, &hashes);
  std::vector<uint32_t> slots(static_cast<size_t>(rows));
  table.FindOrInsert(keys, hashes, nullptr, rows, slots.data());
  return slots;
}

std::vector<uint32_t> Find(const KeyTable& table, const std::vector<ColumnPtr>& keys, int64_t rows) {
  std::vector<uint64_t> hashes;
  table.Hash(keys, rows, &hashes);
  std::vector<uint32_t> slots(static_cast<size_t>(rows));
  table.Find(keys, hashes, nullptr, rows, slots.data());
  return slots;
}

TEST_CASE("equal keys get one slot whatever they look like") {
  using Slots = std::vector<uint32_t>;
  struct Case {
    DataType type;
    std::vector<const char*> values;
    Slots slots;
  };
  const Case cases[] = {
      {TypeId::kBigint, {"5", "-1", nullptr, "5", nullptr, "0"}, {0, 1, 2, 0, 2, 3}},
      {TypeId::kInteger, {"5", "-1", nullptr, "5", nullptr, "0"}, {0, 1, 2, 0, 2, 3}},
      {TypeId::kBoolean, {"t", "f", nullptr, "t", "f"}, {0, 1, 2, 0, 1}},
      {TypeId::kDouble, {"0", "-0", "NaN", "NaN", "1"}, {0, 0, 1, 1, 2}},
      {TypeId::kNumeric, {"1.0", "1.00", "1", "10"}, {0, 0, 0, 1}},
      {TypeId::kInterval, {"1 month", "30 days", "720:00:00", "1 day"}, {0, 0, 0, 1}},
      {TypeId::kText,
       {"", "a", nullptr, "", "a longer text than twelve", "a longer text than twelvf"},
       {0, 1, 2, 0, 3, 4}},
      {TypeId::kJsonb, {"{\"a\":1,\"b\":2}", "{\"b\": 2, \"a\": 1}", "[1]", "[1.0]"}, {0, 0, 1, 1}},
      {DataType::List(TypeId::kText), {"{a,NULL}", "{a,NULL}", "{}"}, {0, 0, 1}},
      {TypeId::kUuid,
       {"00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"},
       {0, 0}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.type.ToString());
    KeyTable table({c.type});
    const ColumnPtr column = Parse(c.type, c.values);
    const auto rows = static_cast<int64_t>(c.values.size());
    CHECK(Insert(table, {column}, rows) == c.slots);
    CHECK(Find(table, {column}, rows) == c.slots);
  }
}

TEST_CASE("a table without key columns has one key") {
  KeyTable table({});
  CHECK(Insert(table, {}, 3) == std::vector<uint32_t>{0, 0, 0});
  CHECK(table.size() == 1);
}

TEST_CASE("keys of several columns are equal when all are") {
  KeyTable table({TypeId::kText, TypeId::kBigint});
  const std::vector<ColumnPtr> keys{Parse(TypeId::kText, {"a", "a", "b", nullptr, "a"}),
                                    Parse(TypeId::kBigint, {"1", "2", "1", nullptr, "1"})};
  CHECK(Insert(table, keys, 5) == std::vector<uint32_t>{0, 1, 2, 3, 0});
  CHECK(table.key(0).Text(2) == "b");
  CHECK(table.key(1).IsNull(3));
}

TEST_CASE("inserting, finding and erasing agree with a map") {
  std::mt19937 random(7);
  for (const TypeId type : {TypeId::kBigint, TypeId::kText}) {
    KeyTable table({type});
    std::map<int64_t, uint32_t> expected;
    for (int step = 0; step < 300; ++step) {
      ColumnBuilder builder(type);
      std::vector<int64_t> values;
      for (int i = 0; i < 200; ++i) {
        values.push_back(static_cast<int64_t>(random() % 5000));
        if (type == TypeId::kBigint) {
          builder.Append<int64_t>(values.back());
        } else {
          builder.AppendText("key number " + std::to_string(values.back()));
        }
      }
      const ColumnPtr column = builder.Finish();
      const std::vector<uint32_t> found = Find(table, {column}, 200);
      for (size_t i = 0; i < values.size(); ++i) {
        const auto known = expected.find(values[i]);
        REQUIRE(found[i] == (known == expected.end() ? KeyTable::kNone : known->second));
      }
      const std::vector<uint32_t> slots = Insert(table, {column}, 200);
      for (size_t i = 0; i < values.size(); ++i) expected.emplace(values[i], slots[i]);
      for (size_t i = 0; i < values.size(); ++i) REQUIRE(expected[values[i]] == slots[i]);
      for (int i = 0; i < 80 && !expected.empty(); ++i) {
        auto victim = expected.lower_bound(static_cast<int64_t>(random() % 5000));
        if (victim == expected.end()) continue;
        table.Erase(victim->second);
        expected.erase(victim);
      }
      REQUIRE(table.size() == expected.size());
      REQUIRE(table.Live().size() == expected.size());
    }
  }
}

TEST_CASE("texts that are replaced again and again take bounded memory") {
  SlotColumn column(TypeId::kText);
  column.Resize(10);
  for (int i = 0; i < 100'000; ++i) {
    column.PutText(static_cast<uint32_t>(i % 10),
                   "text that is longer than a cell, number " + std::to_string(i));
  }
  CHECK(column.MemoryBytes() < 400'000);
  CHECK(column.Text(3) == "text that is longer than a cell, number 99993");
}

}  // namespace
}  // namespace streamrun
