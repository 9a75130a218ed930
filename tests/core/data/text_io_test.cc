#include "core/data/text_io.h"

#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "core/data/utf8_check.h"
#include "tests/core/data/case_table.h"

namespace streamrun {
namespace {

std::string ReadAndPrint(std::string_view type_name, std::string_view text) {
  const Result<DataType> type = DataType::Parse(type_name);
  REQUIRE(type.ok());
  ColumnBuilder builder(*type);
  const Status status = AppendParsed(text, builder);
  if (!status.ok()) {
    CHECK(builder.length() == 0);
    return "ERROR: " + status.message();
  }
  std::string out;
  PrintValue(*builder.Finish(), 0, out);
  return out;
}

TEST_CASE("every type reads and prints as PostgreSQL 15 does") {
  // The third field is what a PostgreSQL 15.20 server answered (UTF-8, C.UTF-8, time zone UTC, DateStyle
  // ISO).
  for (const auto& fields : ReadCases("text_io_cases.tsv")) {
    REQUIRE(fields.size() == 3);
    CAPTURE(fields[0]);
    CAPTURE(fields[1]);
    CHECK(ReadAndPrint(fields[0], fields[1]) == fields[2]);
  }
}

TEST_CASE("what streamrun does not read as PostgreSQL does has its own sentence") {
  CHECK(ReadAndPrint("numeric", "123456789012345678901234567890123456789") ==
        "ERROR: numeric field overflow");
  CHECK(ReadAndPrint("numeric", "1e38") == "ERROR: numeric field overflow");
  CHECK(ReadAndPrint("numeric", "1e999999999999999999999") == "ERROR: numeric field overflow");
  CHECK(ReadAndPrint("numeric(5,2)", "NaN") == "ERROR: numeric field overflow");
  CHECK(ReadAndPrint("timestamp", "294276-12-31 00:00:00") ==
        "ERROR: timestamp out of range: \"294276-12-31 00:00:00\"");
  CHECK(ReadAndPrint("jsonb", "[1") ==
        "ERROR: invalid input syntax for type json: ',' or ']' is missing at byte 2");
  CHECK(ReadAndPrint("jsonb", "\"\\u0000\"") == "ERROR: unsupported Unicode escape sequence");
  CHECK(ReadAndPrint("jsonb", "\"\\ud83d\"").starts_with("ERROR: invalid input syntax for type json"));
  CHECK(ReadAndPrint("jsonb", "1e5000") == "ERROR: value overflows numeric format");
  CHECK(ReadAndPrint("jsonb", "01").starts_with("ERROR: "));
  CHECK(ReadAndPrint("jsonb", "1 2").starts_with("ERROR: "));
  CHECK(ReadAndPrint("jsonb", "{\"a\" 1}").starts_with("ERROR: "));
  CHECK(ReadAndPrint("jsonb", std::string(600, '[') + std::string(600, ']'))
            .starts_with("ERROR: jsonb is nested"));
}

TEST_CASE("a fraction beyond 38 digits is rounded to those that fit") {
  CHECK(ReadAndPrint("numeric", "0.123456789012345678901234567890123456785") ==
        "0.12345678901234567890123456789012345679");
  CHECK(ReadAndPrint("numeric", "1.99999999999999999999999999999999999996") ==
        "2.0000000000000000000000000000000000000");
  CHECK(ReadAndPrint("numeric", "9.99999999999999999999999999999999999996") ==
        "10.000000000000000000000000000000000000");
  CHECK(ReadAndPrint("numeric", "99999999999999999999999999999999999999.5") ==
        "ERROR: numeric field overflow");
  CHECK(ReadAndPrint("numeric", "1e-60") == "0.00000000000000000000000000000000000000");
}

TEST_CASE("random doubles print in the fewest digits and read back the same") {
  std::mt19937_64 random(42);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, 8);
    if (std::isnan(value) || std::isinf(value)) continue;
    std::string text;
    PrintDouble(value, text);
    const Result<double> back = ParseDouble(text);
    REQUIRE(back.ok());
    CHECK(*back == value);
  }
}

TEST_CASE("the fast timestamp reader takes what the general one takes, with the same result") {
  const char* forms[] = {"2024-01-02 03:04:05",  "2024-02-29T23:59:59",         "2024-01-02 03:04:05.5",
                         "2024-01-02T03:04:05Z", "2024-01-02 03:04:05.123456Z", "1969-12-31 23:59:59.999999",
                         "0001-01-01 00:00:00",  "9999-12-31 23:59:59.9"};
  for (const char* form : forms) {
    CAPTURE(form);
    Timestamp fast;
    REQUIRE(ParseTimestampFast(form, &fast));
    const std::string other = std::string(" ") + form;  // the blank keeps it off the fast path
    Timestamp ignored;
    CHECK(!ParseTimestampFast(other, &ignored));
    const Result<Timestamp> slow = ParseTimestamp(other);
    REQUIRE(slow.ok());
    CHECK(*slow == fast);
  }
}

TEST_CASE("the fast timestamp reader leaves everything unusual alone") {
  const char* forms[] = {"",
                         "2024-01-02",
                         "2024-01-02 03:04:0",
                         "2024-13-02 03:04:05",
                         "2024-00-02 03:04:05",
                         "2024-02-30 03:04:05",
                         "2023-02-29 03:04:05",
                         "1900-02-29 03:04:05",
                         "0000-01-01 00:00:00",
                         "2024-01-02 24:00:00",
                         "2024-01-02 03:60:05",
                         "2024-01-02 03:04:60",
                         "2024-01-02x03:04:05",
                         "2024/01/02 03:04:05",
                         "2024-01-02 03.04.05",
                         "2024-01-02 03:04:05.",
                         "2024-01-02 03:04:05.1234567",
                         "2024-01-02 03:04:05+02",
                         "2024-01-02 03:04:05ZZ",
                         "2024-01-02 03:04:05.1Z ",
                         "2024-01-02 0:004:05",
                         "2024-01-02 0a:04:05",
                         "202:-01-02 03:04:05",
                         "20/4-01-02 03:04:05",
                         "2024-01-:2 03:04:05"};
  for (const char* form : forms) {
    CAPTURE(form);
    Timestamp value;
    CHECK(!ParseTimestampFast(form, &value));
  }
}

TEST_CASE("a wrong date does not poison the day that the fast reader keeps") {
  Timestamp first, again;
  REQUIRE(ParseTimestampFast("2024-01-02 00:00:00", &first));
  CHECK(!ParseTimestampFast("2024-01-99 00:00:00", &again));
  CHECK(!ParseTimestampFast("2024-01-99 00:00:00", &again));
  REQUIRE(ParseTimestampFast("2024-01-02 00:00:00", &again));
  CHECK(first == again);
}

TEST_CASE("timestamps print and read back over the whole range") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    // 4685 BC to 286883 AD.
    const auto value =
        static_cast<Timestamp>(random() % 9'200'000'000'000'000'000u) - 210'000'000'000'000'000;
    std::string text;
    PrintTimestamp(value, text);
    const Result<Timestamp> back = ParseTimestamp(text);
    CAPTURE(text);
    REQUIRE(back.ok());
    CHECK(*back == value);
  }
}

TEST_CASE("every 64-bit value prints within the room that PrintTimestampTo promises") {
  for (const Timestamp value :
       {std::numeric_limits<Timestamp>::max() - 1, std::numeric_limits<Timestamp>::min() + 1, Timestamp{0},
        Timestamp{-1}, kMaxTimestamp, kMinTimestamp}) {
    char text[40];
    std::memset(text, '#', sizeof text);
    const char* end = PrintTimestampTo(value, text);
    CHECK(end - text <= 32);
    CHECK(text[32] == '#');
  }
}

TEST_CASE("the calendar counts every day of four centuries without a gap") {
  int64_t days = DaysFromCivil(1799, 12, 31);
  for (int64_t i = 0; i < 146097; ++i) {
    ++days;
    int64_t year;
    int month, day;
    CivilFromDays(days, &year, &month, &day);
    REQUIRE(DaysFromCivil(year, month, day) == days);
  }
  CHECK(DaysFromCivil(1970, 1, 1) == 0);
  CHECK(DaysFromCivil(2000, 3, 1) == 11017);
}

TEST_CASE("a failed array leaves the elements before it alone") {
  ColumnBuilder builder(DataType::List(TypeId::kBigint));
  REQUIRE(AppendParsed("{1,2}", builder).ok());
  CHECK(!AppendParsed("{3,4,x}", builder).ok());
  REQUIRE(AppendParsed("{5}", builder).ok());
  const ColumnPtr column = builder.Finish();
  REQUIRE(column->length() == 2);
  std::string out;
  PrintValue(*column, 0, out);
  PrintValue(*column, 1, out);
  CHECK(out == "{1,2}{5}");
}

TEST_CASE("whole numbers of every length print all their digits") {
  std::mt19937_64 random(11);
  int64_t power = 1;
  for (int digits = 1; digits <= 19; ++digits) {
    for (const int64_t value : {power, power - 1, power + 1, static_cast<int64_t>(random() >> 1) % power}) {
      for (const int64_t sign : {1, -1}) {
        std::string text;
        PrintBigint(sign * value, text);
        CHECK(text == std::to_string(sign * value));
      }
    }
    if (digits < 19) power *= 10;
  }
}

TEST_CASE("raw printers write what the string printers append") {
  char text[64];
  CHECK(std::string(text, PrintBigintTo(std::numeric_limits<int64_t>::min(), text)) ==
        "-9223372036854775808");
  CHECK(std::string(text, PrintDoubleTo(-1.2345678901234568e-300, text)) == "-1.2345678901234568e-300");
  CHECK(std::string(text, PrintDecimalTo(-Int128{5}, 38, text)) ==
        "-0.00000000000000000000000000000000000005");
  CHECK(std::string(text, PrintDecimalTo(Int128{10'000'000'000'000'000} * 10'000'000'000'000'000, 0, text)) ==
        "100000000000000000000000000000000");
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  CHECK(IsValidUtf8(""));
  CHECK(IsValidUtf8("plain ascii that is longer than sixteen bytes"));
  CHECK(IsValidUtf8("0123456789abcdef\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 tail of ascii text"));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xff", "abc\xc3("}) {
    CHECK(!IsValidUtf8(bad));
    CHECK(!IsValidUtf8(std::string("0123456789abcdef0123") + bad));
  }
}

}  // namespace
}  // namespace streamrun
