// Segments and chains of them: what goes in comes out, and nothing else does.
#include "runner/checkpoint/segment.h"

#include <cstdlib>
#include <map>
#include <random>
#include <sstream>

#include "core/base/crc32c.h"
#include "tests/core/data/sample_batch.h"
#include "tests/runner/checkpoint/table_rows.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Env* const env = Env::Default();

void Write(const std::string& path, const TableSnapshot& table) {
  SegmentInfo info;
  const Status status = WriteSegment(env, path, table, &info);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  const std::string bytes = *env->ReadFile(path, 1 << 30);
  CHECK(info.bytes == bytes.size());
  CHECK(info.crc == Crc32c(bytes.data(), bytes.size()));
  CHECK(info.whole == table.whole);
}

BatchPtr Removal(const std::vector<Field>& fields, const Rows& rows) {
  return RowsOf(std::make_shared<const Schema>(fields), rows);
}

// Writes the tables as a chain; its live rows.
Result<std::vector<std::string>> Live(const std::vector<TableSnapshot>& tables) {
  const TempDirectory directory;
  std::vector<std::string> paths;
  for (const TableSnapshot& table : tables) {
    paths.push_back(directory / std::to_string(paths.size()));
    Write(paths.back(), table);
  }
  const auto read = [&](const std::vector<std::string>& chain) -> Result<std::vector<std::string>> {
    std::vector<BatchPtr> batches;
    const Status status = ReadChain(env, chain, [&](const TableSnapshot& shape, const BatchPtr& rows) {
      CHECK(shape.name == tables[0].name);
      CHECK(shape.key_columns == tables[0].key_columns);
      CHECK(shape.identity == tables[0].identity);
      CHECK(*rows->schema() == *tables[0].schema);
      CHECK(rows->rows() > 0);
      batches.push_back(rows);
      return Status::Ok();
    });
    if (!status.ok()) return status;
    return Printed(batches);
  };
  auto live = read(paths);
  if (!live.ok()) return live;
  // A compacted chain has the same rows in the same order.
  SegmentInfo info;
  const Status compacted = CompactChain(env, paths, directory / "whole", &info);
  REQUIRE_MESSAGE(compacted.ok(), compacted.ToString());
  CHECK(info.whole);
  CHECK(info.rows == static_cast<int64_t>(live->size()));
  CHECK(*read({directory / "whole"}) == *live);
  return live;
}

TEST_CASE("values of every type survive, nulls and marks of the schema too") {
  const TempDirectory directory;
  for (const int rows : {0, 1, 7, 100}) {
    TableSnapshot table;
    table.name = "t\xff\n\"";
    table.schema = SampleSchema();
    table.key_columns = 2;
    table.identity = {1, 0};
    table.rows = {SampleBatch(rows, 3, false), SampleBatch(rows, 0, false)};
    const std::string path = directory / std::to_string(rows);
    Write(path, table);
    const auto read = ReadSegment(env, path);
    REQUIRE_MESSAGE(read.ok(), read.status().ToString());
    CHECK(read->name == table.name);
    CHECK(*read->schema == *table.schema);
    CHECK(read->key_columns == 2);
    CHECK(read->identity == std::vector<int>{1, 0});
    CHECK(read->whole);
    CHECK(Printed(read->rows) == Printed(table.rows));
  }
}

TEST_CASE("a batch larger than a record is cut, even when one row holds nearly all of it") {
  const TempDirectory directory;
  TableSnapshot table = WindowTable(true, {});
  Rows rows;
  for (int i = 0; i < 200'000; ++i) {
    rows.push_back(
        {i == 150'000 ? std::string(9 << 20, 'x') : "k" + std::to_string(i), std::to_string(i), "1"});
  }
  table.rows.push_back(RowsOf(table.schema, rows));
  Write(directory / "s", table);
  const auto read = ReadSegment(env, directory / "s");
  REQUIRE(read.ok());
  CHECK(read->rows.size() > 4);
  CHECK((Printed(read->rows) == Printed(table.rows)));
}

TEST_CASE("removals of several column subsets come back in order") {
  const TempDirectory directory;
  TableSnapshot table = WindowTable(false, {{"a", "1", "2"}});
  table.removed = {Removal({{"w", TypeId::kBigint}}, {{"5"}, {"6"}}),
                   Removal({{"w", TypeId::kBigint}, {"k", TypeId::kText}}, {{"7", "b"}}),
                   Removal({{"w", TypeId::kBigint}}, {{"8"}}), Removal({}, {{}, {}, {}})};
  Write(directory / "s", table);
  const auto read = ReadSegment(env, directory / "s");
  REQUIRE_MESSAGE(read.ok(), read.status().ToString());
  CHECK(!read->whole);
  REQUIRE(read->removed.size() == 4);
  CHECK(Printed(read->removed) == std::vector<std::string>{"5", "6", "7|b", "8", ""});
  CHECK(read->removed[1]->schema()->field(1).name == "k");
}

TEST_CASE("a later row replaces an earlier one with its identity") {
  CHECK(*Live({WindowTable(true, {{"a", "1", "1"}, {"b", "1", "1"}, {"NULL", "1", "1"}, {"c", "1", "1"}}),
               WindowTable(false, {{"b", "1", "2"}, {"NULL", "1", "2"}}),
               WindowTable(false, {{"b", "1", "3"}, {"b", "2", "3"}})}) ==
        std::vector<std::string>{"a|1|1", "b|1|3", "NULL|1|2", "c|1|1", "b|2|3"});
}

TEST_CASE("a row keeps the place of the first one of its identity, one that was removed between does not") {
  TableSnapshot change = WindowTable(false, {{"b", "1", "2"}, {"d", "1", "1"}, {"e", "1", "1"}});
  change.removed = {Removal({{"k", TypeId::kText}}, {{"b"}})};
  TableSnapshot last =
      WindowTable(false, {{"e", "1", "2"}, {"c", "1", "2"}, {"d", "1", "3"}, {"f", "1", "3"}});
  last.removed = {Removal({{"k", TypeId::kText}}, {{"d"}})};
  CHECK(*Live({WindowTable(true, {{"a", "1", "1"}, {"b", "1", "1"}, {"c", "1", "1"}}), change, last}) ==
        std::vector<std::string>{"a|1|1", "c|1|2", "b|1|2", "e|1|2", "d|1|3", "f|1|3"});
}

TEST_CASE("of several rows of one change with one identity the last counts") {
  TableSnapshot change = WindowTable(false, {{"a", "1", "2"}, {"b", "1", "2"}, {"a", "1", "3"}});
  change.rows.push_back(RowsOf(change.schema, {{"c", "1", "4"}, {"b", "1", "4"}}));
  CHECK(*Live({WindowTable(true, {{"a", "1", "1"}}), change}) ==
        std::vector<std::string>{"a|1|3", "b|1|4", "c|1|4"});
}

TEST_CASE("a removal takes the rows before it, not those of its own segment or behind it") {
  TableSnapshot change = WindowTable(false, {{"a", "5", "2"}});
  change.removed = {Removal({{"w", TypeId::kBigint}}, {{"5"}}),
                    Removal({{"w", TypeId::kBigint}, {"k", TypeId::kText}}, {{"6", "b"}})};
  CHECK(*Live({WindowTable(true, {{"a", "5", "1"}, {"b", "5", "1"}, {"a", "6", "1"}, {"b", "6", "1"}}),
               change, WindowTable(false, {{"b", "5", "3"}})}) ==
        std::vector<std::string>{"a|6|1", "a|5|2", "b|5|3"});
}

TEST_CASE("a removal by other columns than the identity takes no older version that was replaced before") {
  TableSnapshot remove = WindowTable(false, {});
  remove.removed = {Removal({{"n", TypeId::kBigint}}, {{"2"}})};
  // a|1 was 1, became 2 and was removed as such: the 1 does not come back.
  CHECK(*Live({WindowTable(true, {{"a", "1", "1"}, {"b", "1", "1"}}), WindowTable(false, {{"a", "1", "2"}}),
               remove}) == std::vector<std::string>{"b|1|1"});
}

TEST_CASE("a removal without columns empties the table; one of no rows takes nothing") {
  TableSnapshot change = WindowTable(false, {{"a", "5", "2"}});
  change.removed = {Removal({}, {{}})};
  CHECK(*Live({WindowTable(true, {{"a", "5", "1"}, {"b", "5", "1"}}), change}) ==
        std::vector<std::string>{"a|5|2"});
  change.removed = {Removal({{"w", TypeId::kBigint}}, {})};
  CHECK(*Live({WindowTable(true, {{"b", "5", "1"}}), change}) == std::vector<std::string>{"b|5|1", "a|5|2"});
}

TEST_CASE("rows without identity replace nothing") {
  std::vector<TableSnapshot> chain = {WindowTable(true, {{"a", "1", "1"}}),
                                      WindowTable(false, {{"a", "1", "1"}})};
  for (TableSnapshot& table : chain) table.identity.clear();
  CHECK(*Live(chain) == std::vector<std::string>{"a|1|1", "a|1|1"});
}

TEST_CASE("a chain begins at its newest whole segment, and must have one") {
  CHECK(*Live({WindowTable(true, {{"x", "1", "1"}}), WindowTable(true, {{"a", "1", "1"}}),
               WindowTable(false, {{"b", "1", "1"}})}) == std::vector<std::string>{"a|1|1", "b|1|1"});
  const auto broken = Live({WindowTable(false, {{"x", "1", "1"}}), WindowTable(false, {{"a", "1", "1"}})});
  REQUIRE(!broken.ok());
  CHECK(broken.status().code() == Code::kCorruption);
}

TEST_CASE("segments of different tables are no chain") {
  TableSnapshot other = WindowTable(false, {});
  other.name = "others";
  const auto mixed = Live({WindowTable(true, {{"a", "1", "1"}}), other});
  REQUIRE(!mixed.ok());
  CHECK(mixed.status().code() == Code::kCorruption);
}

// The meaning of a chain, row by row.
class Model {
 public:
  void Apply(const TableSnapshot& table) {
    if (table.whole) rows_.clear();
    for (const BatchPtr& batch : table.removed) {
      for (const std::string& gone : Printed(*batch)) {
        std::erase_if(rows_, [&](const auto& row) { return Matches(row.second, *batch->schema(), gone); });
      }
    }
    for (const std::string& row : Printed(table.rows)) rows_[row.substr(0, row.rfind('|'))] = row;
  }
  std::vector<std::string> Sorted() const {
    std::vector<std::string> rows;
    for (const auto& [identity, row] : rows_) rows.push_back(row);
    std::sort(rows.begin(), rows.end());
    return rows;
  }

 private:
  static bool Matches(const std::string& row, const Schema& columns, const std::string& values) {
    std::vector<std::string> cells;
    std::istringstream in(row);
    for (std::string cell; std::getline(in, cell, '|');) cells.push_back(cell);
    std::string of_row;
    for (const Field& field : columns.fields()) {
      if (!of_row.empty()) of_row += '|';
      of_row += cells[field.name == "k" ? 0 : field.name == "w" ? 1 : 2];
    }
    return of_row == values;
  }
  std::map<std::string, std::string> rows_;
};

TEST_CASE("random chains have the rows that the same changes leave one by one") {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](uint32_t n) { return random() % n; };
    const auto row = [&]() -> std::vector<std::string> {
      return {below(9) == 0 ? "NULL" : std::string(1, static_cast<char>('a' + below(6))),
              std::to_string(below(5)), std::to_string(below(4))};
    };
    std::vector<TableSnapshot> chain;
    Model model;
    const uint32_t length = 1 + below(6);
    for (uint32_t i = 0; i < length; ++i) {
      TableSnapshot table = WindowTable(i == 0 || below(10) == 0, {});
      std::map<std::string, std::vector<std::string>> unique;  // a whole segment has each identity once
      for (uint32_t n = below(30); n > 0; --n) {
        const auto r = row();
        unique[r[0] + "|" + r[1]] = r;
        if (!table.whole) table.rows.push_back(RowsOf(table.schema, {r}));
      }
      for (const auto& [identity, r] : unique) {
        if (table.whole) table.rows.push_back(RowsOf(table.schema, {r}));
      }
      for (uint32_t n = table.whole ? 0 : below(4); n > 0; --n) {
        const auto r = row();
        if (below(2) == 0) {
          table.removed.push_back(Removal({{"w", TypeId::kBigint}}, {{r[1]}}));
        } else {
          table.removed.push_back(Removal({{"n", TypeId::kBigint}, {"k", TypeId::kText}}, {{r[2], r[0]}}));
        }
      }
      model.Apply(table);
      chain.push_back(std::move(table));
    }
    auto live = Live(chain);
    REQUIRE_MESSAGE(live.ok(), live.status().ToString());
    std::sort(live->begin(), live->end());
    CHECK(*live == model.Sorted());
  }
}

TEST_CASE("every flipped bit and every missing or added byte is corruption that names the file") {
  const TempDirectory directory;
  TableSnapshot table = WindowTable(false, {{"a", "1", "2"}, {"b", "NULL", "3"}});
  table.removed = {Removal({{"w", TypeId::kBigint}}, {{"5"}})};
  Write(directory / "s", table);
  const std::string good = *env->ReadFile(directory / "s", 1 << 20);
  CrashEnv memory;  // thousands of files without a disk
  const std::string path = "/bad";
  const auto check = [&](const std::string& bytes) {
    REQUIRE(memory.WriteFileAtomically(path, bytes).ok());
    const auto read = ReadSegment(&memory, path);
    REQUIRE(!read.ok());
    // A flipped bit of the version may name a newer one.
    CHECK((read.status().code() == Code::kCorruption || read.status().code() == Code::kUnsupported));
    CHECK(read.status().message().find(path) == 0);
  };
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    check(bytes);
  }
  for (size_t length = 0; length < good.size(); length += 1 + length % 7) check(good.substr(0, length));
  check(good + std::string(1, '\0'));
  check(good + good.substr(8));
}

TEST_CASE("a newer format is refused by its number") {
  const TempDirectory directory;
  Write(directory / "s", WindowTable(true, {{"a", "1", "2"}}));
  std::string bytes = *env->ReadFile(directory / "s", 1 << 20);
  bytes[4] = 2;
  REQUIRE(env->WriteFileAtomically(directory / "s", bytes).ok());
  const auto read = ReadSegment(env, directory / "s");
  REQUIRE(!read.ok());
  CHECK(read.status().code() == Code::kUnsupported);
  CHECK(read.status().message() == (directory / "s") + " has format version 2, this streamrun reads up to 1");
}

TEST_CASE("what cannot be stored is refused, and no file is replaced") {
  const TempDirectory directory;
  SegmentInfo info;
  const TableSnapshot table = WindowTable(true, {{"a", "1", "2"}});
  Write(directory / "s", table);
  CHECK(WriteSegment(env, directory / "s", table, &info).code() == Code::kAlreadyExists);

  TableSnapshot wrong = table;
  wrong.identity = {3};
  CHECK(WriteSegment(env, directory / "a", wrong, &info).code() == Code::kInternal);
  wrong = table;
  wrong.rows = {std::make_shared<const Batch>(table.schema, 1, std::vector<ColumnPtr>(3))};
  CHECK(WriteSegment(env, directory / "b", wrong, &info).code() == Code::kInternal);
  wrong = table;
  wrong.removed = {Removal({{"w", TypeId::kBigint}}, {{"5"}})};
  CHECK(WriteSegment(env, directory / "c", wrong, &info).code() == Code::kInternal);
  wrong.whole = false;
  wrong.removed = {Removal({{"w", TypeId::kText}}, {{"5"}})};
  CHECK(WriteSegment(env, directory / "d", wrong, &info).code() == Code::kInternal);
  CHECK(ReadSegment(env, directory / "none").status().code() == Code::kNotFound);
}

// The bytes of the ```hex block of a page.
std::string HexBlock(const std::string& page) {
  const size_t begin = page.find("```hex\n");
  REQUIRE(begin != std::string::npos);
  const size_t end = page.find("```", begin + 7);
  std::string bytes;
  for (size_t at = begin + 7; at + 1 < end; at += 3) {
    bytes.push_back(static_cast<char>(std::stoi(page.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

TEST_CASE("the documented bytes are what the example is written as, and are read") {
  const TempDirectory directory;
  TableSnapshot table;
  table.name = "t";
  table.schema = std::make_shared<const Schema>(std::vector<Field>{{"k", TypeId::kBigint}});
  table.key_columns = 1;
  table.identity = {0};
  table.rows = {RowsOf(table.schema, {{"7"}})};
  Write(directory / "s", table);
  const std::string written = *env->ReadFile(directory / "s", 1 << 20);
  const auto page = env->ReadFile(SR_SOURCE_DIR "/docs/formats/checkpoint.md", 1 << 20);
  REQUIRE(page.ok());
  if (const char* path = std::getenv("SR_WRITE_EXAMPLE"))
    REQUIRE(env->WriteFileAtomically(path, written).ok());
  const std::string documented = HexBlock(*page);
  CHECK((written == documented));
  REQUIRE(env->WriteFileAtomically(directory / "d", documented).ok());
  const auto read = ReadSegment(env, directory / "d");
  REQUIRE_MESSAGE(read.ok(), read.status().ToString());
  CHECK(Printed(read->rows) == std::vector<std::string>{"7"});
}

}  // namespace
}  // namespace streamrun
