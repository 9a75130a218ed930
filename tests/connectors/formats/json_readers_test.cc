// The fast reader may only take what the careful one takes, with the same rows: random records, valid and
// damaged, go through both. A third parser judges what is well-formed at all.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "connectors/formats/json_convert.h"
#include "connectors/formats/json_decoder.h"
#include "connectors/formats/json_scan.h"
#include "tests/connectors/formats/codec_harness.h"

using namespace streamrun;        // NOLINT
using namespace streamrun::test;  // NOLINT

namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ >> 33;
  }
  size_t Below(size_t n) { return static_cast<size_t>(Next() % n); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <size_t N>
  const char* Pick(const char* const (&choices)[N]) {
    return choices[Below(N)];
  }

 private:
  uint64_t state_;
};

std::string Blank(Random& random) {
  static const char* const kBlanks[] = {" ", "\t", "  ", "\r"};
  return random.OneIn(12) ? random.Pick(kBlanks) : "";
}

std::string RandomString(Random& random) {
  static const char* const kPieces[] = {"a",
                                        "bc",
                                        "\u00e9",
                                        "\\n",
                                        "\\\"",
                                        "\\\\",
                                        "\\u0041",
                                        "\\ud83d\\ude00",
                                        "\\u00e9",
                                        "{",
                                        "}",
                                        ",",
                                        "a long piece without end in it",
                                        "\U0001F600",
                                        "2024-01-01 00:00:00",
                                        ".5"};
  std::string out = "\"";
  for (size_t n = random.Below(random.OneIn(10) ? 30 : 4); n > 0; --n) out += random.Pick(kPieces);
  return out + "\"";
}

std::string RandomValue(Random& random, int depth) {
  static const char* const kScalars[] = {"null",
                                         "true",
                                         "false",
                                         "0",
                                         "-0",
                                         "7",
                                         "-12",
                                         "12345678",
                                         "123456789",
                                         "1234567890123456789",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "9223372036854775808",
                                         "99999999999999999999",
                                         "1.5",
                                         "1.0",
                                         "1e3",
                                         "-2.5E-3",
                                         "1e400",
                                         "0.1",
                                         "\"2024-01-01 00:00:00.25\"",
                                         "\"2024-01-01T23:59:59\"",
                                         "\"2024-13-01 00:00:00\"",
                                         "\"2024-01-01 24:00:00\"",
                                         "\"2024-01-01 10:00:00.1234567\"",
                                         "\"1999-12-31 23:59:59.999999\"",
                                         "\"2024-01-01 1a:00:00\"",
                                         "\"NaN\"",
                                         "\"\""};
  if (depth < 3 && random.OneIn(6)) {
    std::string out = "[" + Blank(random);
    for (size_t n = random.Below(4), i = 0; i < n; ++i) {
      out += (i > 0 ? "," : "") + Blank(random) + RandomValue(random, depth + 1) + Blank(random);
    }
    return out + "]";
  }
  if (depth < 3 && random.OneIn(6)) {
    static const char* const kInner[] = {"id", "ID", "x", "name", "i\\u0064"};
    std::string out = "{" + Blank(random);
    for (size_t n = random.Below(4), i = 0; i < n; ++i) {
      out += (i > 0 ? "," : "") + Blank(random) + "\"" + random.Pick(kInner) + "\"" + Blank(random) + ":" +
             Blank(random) + RandomValue(random, depth + 1);
    }
    return out + "}";
  }
  return random.OneIn(3) ? RandomString(random) : random.Pick(kScalars);
}

/// Mostly the same keys in the same order with values that fit, so that the fast reader has something to
/// follow.
std::string RandomRecord(Random& random) {
  static const char* const kKeys[] = {"a",     "t", "s",        "d",     "user", "j",
                                      "extra", "A", "a\\u0062", "other", "l"};
  static const char* const kFitting[] = {"12",   "\"2024-01-01 00:00:00.5\"", "\"text\"",
                                         "1.25", "{\"id\":3,\"x\":1}",        "[1,{\"b\":2}]"};
  std::string out = Blank(random) + "{";
  bool first = true;
  for (size_t k = 0; k < 6; ++k) {
    if (random.OneIn(10)) continue;
    const std::string key = random.OneIn(15) ? random.Pick(kKeys) : kKeys[k];
    out += std::string(first ? "" : ",") + Blank(random) + "\"" + key + "\"" + Blank(random) + ":" +
           Blank(random) + (random.OneIn(4) ? RandomValue(random, 0) : std::string(kFitting[k])) +
           Blank(random);
    first = false;
  }
  return out + "}" + Blank(random);
}

std::string Damage(std::string record, Random& random) {
  static const char kBytes[] = "\"\\{}[],:0-.eEtn \x01\xff\xc3\xa9\x7fu/";
  for (size_t n = 1 + random.Below(2); n > 0 && !record.empty(); --n) {
    const size_t at = random.Below(record.size());
    const char byte = kBytes[random.Below(sizeof kBytes - 1)];
    switch (random.Below(4)) {
      case 0:
        record[at] = byte;
        break;
      case 1:
        record.insert(at, 1, byte);
        break;
      case 2:
        record.erase(at, 1 + random.Below(3));
        break;
      default:
        record += record.substr(at);
    }
  }
  return record;
}

std::string RandomText(Random& random) {
  std::string text;
  const bool clean = random.OneIn(2);
  for (size_t n = 1 + random.Below(30); n > 0; --n) {
    std::string record = RandomRecord(random);
    if (!clean && random.OneIn(4)) record = Damage(std::move(record), random);
    if (random.OneIn(20)) record.clear();
    text += record + (random.OneIn(10) ? "\r\n" : "\n");
  }
  if (random.OneIn(3)) text.pop_back();
  return text;
}

json::Plan RandomPlan(Random& random, SchemaPtr* schema) {
  if (random.OneIn(8)) {
    *schema = std::make_shared<const Schema>(std::vector<Field>{{"value", TypeId::kJsonb}});
    return json::Plan::Build({{"value", TypeId::kJsonb, {"value"}, json::kNoUnit}}, {}, {}, true);
  }
  std::vector<json::Column> columns = {{"a", TypeId::kBigint, {"a"}, json::kNoUnit},
                                       {"t", TypeId::kTimestamp, {"t"}, json::kNoUnit},
                                       {"s", TypeId::kText, {"s"}, json::kNoUnit},
                                       {"d", TypeId::kDouble, {"d"}, json::kNoUnit},
                                       {"id", TypeId::kBigint, {"user", "id"}, json::kNoUnit},
                                       {"user", TypeId::kJsonb, {"user"}, json::kNoUnit},
                                       {"ms", TypeId::kTimestamp, {"a"}, 3},
                                       {"n", TypeId::kNumeric, {"d"}, json::kNoUnit},
                                       {"l", *DataType::Parse("text[]"), {"j"}, json::kNoUnit}};
  std::vector<bool> wanted;
  std::vector<Field> fields;
  for (const json::Column& column : columns) {
    wanted.push_back(random.OneIn(2));
    fields.push_back({column.name, column.type});
  }
  *schema = std::make_shared<const Schema>(std::move(fields));
  const json::Policy policy = {random.OneIn(5), random.OneIn(5), random.OneIn(3)};
  return json::Plan::Build(std::move(columns), wanted, policy, false);
}

Lines Read(const json::Plan& plan, const SchemaPtr& schema, const std::vector<Chunk>& chunks,
           json::Readers readers) {
  DecodeOptions options;
  options.schema = schema;
  options.wanted = plan.wanted;
  options.origin = true;
  options.max_rows = 7;
  json::Plan copy = json::Plan::Build(plan.columns, plan.wanted, plan.policy, plan.whole_record);
  const auto decoder = json::MakeDecoder(std::move(copy), options, readers);
  Lines out;
  for (const Chunk& chunk : chunks) Drive(*decoder, chunk, out);
  return out;
}

/// The same lines as frames.
Chunk Framed(const Chunk& lines) {
  Chunk framed = lines;
  BufferBuilder ends;
  const std::string_view text = lines.bytes->view();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || i + 1 == text.size()) ends.Push(static_cast<uint32_t>(i + 1));
  }
  framed.record_ends = ends.Finish();
  return framed;
}

}  // namespace

TEST_CASE("both readers give the same rows and failures, whatever the records") {
  size_t rows = 0;
  size_t failures = 0;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    Random random(seed);
    SchemaPtr schema;
    const json::Plan plan = RandomPlan(random, &schema);
    std::vector<Chunk> chunks;
    for (int i = 0; i < 3; ++i) chunks.push_back(ChunkOf(RandomText(random), 1000 * i + 1));
    if (random.OneIn(4)) chunks.push_back(Framed(chunks[0]));
    const Lines both = Read(plan, schema, chunks, json::Readers::kBoth);
    const Lines careful = Read(plan, schema, chunks, json::Readers::kCarefulOnly);
    CAPTURE(seed);
    REQUIRE(both.rows == careful.rows);
    REQUIRE(both.failures == careful.failures);
    rows += both.rows.size();
    failures += both.failures.size();
  }
  CHECK(rows > 20000);
  CHECK(failures > 5000);
}

TEST_CASE("what counts as well-formed agrees with another parser") {
  auto schema = std::make_shared<const Schema>(std::vector<Field>{{"value", TypeId::kJsonb}});
  const json::Plan plan =
      json::Plan::Build({{"value", TypeId::kJsonb, {"value"}, json::kNoUnit}}, {false}, {}, true);
  size_t broken = 0;
  for (uint64_t seed = 1; seed <= 20000; ++seed) {
    Random random(seed);
    std::string record = RandomRecord(random);
    if (random.OneIn(2)) record = Damage(std::move(record), random);
    if (record.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (record.find("\xef\xbb\xbf") == 0) continue;  // nlohmann skips a byte order mark
    bool accepted = true;
    try {
      accepted = !nlohmann::json::parse(record).is_discarded();
    } catch (const nlohmann::json::out_of_range&) {
      continue;  // a number beyond double: refused by value, not by form
    } catch (const nlohmann::json::exception&) {
      accepted = false;
    }
    const Lines out = Read(plan, schema, {ChunkOf(record + "\n", 1)}, json::Readers::kBoth);
    CAPTURE(record);
    REQUIRE(out.rows.size() == (accepted ? 1 : 0));
    broken += accepted ? 0 : 1;
  }
  CHECK(broken > 2000);
}

TEST_CASE("integers are read by eight digits at a time as they are by one") {
  for (uint64_t seed = 1; seed <= 20000; ++seed) {
    Random random(seed);
    std::string digits;
    for (size_t n = 1 + random.Below(21); n > 0; --n) digits += static_cast<char>('0' + random.Below(10));
    if (random.OneIn(3)) digits = "-" + digits;
    int64_t wanted = 0;
    const bool fits = json::ScaleNumber(digits, 0, &wanted) != json::Scaled::kOutOfRange;
    const bool plain =
        digits[digits[0] == '-' ? 1 : 0] != '0' || digits.size() == (digits[0] == '-' ? 2u : 1u);
    const std::string text = digits + ",\"x" + std::string(64, ' ');
    int64_t value = 0;
    const char* end = json::ScanInt64(text.data(), &value);
    CAPTURE(digits);
    REQUIRE((end != nullptr) == (fits && plain));
    if (end != nullptr) {
      REQUIRE(end == text.data() + digits.size());
      REQUIRE(value == wanted);
    }
  }
}
