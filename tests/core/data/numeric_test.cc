#include "core/data/numeric.h"

#include "core/data/text_io.h"
#include "tests/core/data/case_table.h"

namespace streamrun {
namespace {

Numeric Read(std::string_view text) {
  const Result<Numeric> value = ParseNumeric(text);
  REQUIRE(value.ok());
  return *value;
}

std::string Text(const Result<Numeric>& value) {
  if (!value.ok()) return "ERROR: " + value.status().message();
  std::string out;
  PrintNumeric(*value, out);
  return out;
}

std::string Compute(const std::vector<std::string>& f) {
  if (f[0] == "from_double") return Text(NumericFromDouble(*ParseDouble(f[1])));
  const Numeric a = Read(f[1]);
  if (f[0] == "round") return Text(NumericRound(a, std::stoi(f[2])));
  if (f[0] == "trunc") return Text(NumericTruncate(a, std::stoi(f[2])));
  if (f[0] == "bigint") {
    const Result<int64_t> value = NumericToInt64(a);
    return value.ok() ? std::to_string(*value) : "ERROR: " + value.status().message();
  }
  if (f[0] == "to_double") {
    std::string out;
    PrintDouble(NumericToDouble(a), out);
    return out;
  }
  const Numeric b = Read(f[2]);
  if (f[0] == "+") return Text(NumericAdd(a, b));
  if (f[0] == "-") return Text(NumericSubtract(a, b));
  if (f[0] == "*") return Text(NumericMultiply(a, b));
  if (f[0] == "/") return Text(NumericDivide(a, b));
  if (f[0] == "%") return Text(NumericModulo(a, b));
  REQUIRE(f[0] == "cmp");
  return std::to_string(NumericCompare(a, b));
}

TEST_CASE("numeric arithmetic gives PostgreSQL 15's value and scale where 38 digits hold it") {
  for (const auto& fields : ReadCases("numeric_cases.tsv")) {
    REQUIRE(fields.size() == 4);
    CAPTURE(fields[0]);
    CAPTURE(fields[1]);
    CAPTURE(fields[2]);
    CHECK(Compute(fields) == fields[3]);
  }
}

TEST_CASE("a result with too many fraction digits is rounded, one with too many whole digits refused") {
  const Numeric large = Read("12345678901234567890123456789012345678");
  CHECK(Text(NumericMultiply(large, Read("10"))) == "ERROR: numeric field overflow");
  CHECK(Text(NumericAdd(Read("99999999999999999999999999999999999999"), Read("1"))) ==
        "ERROR: numeric field overflow");
  CHECK(Text(NumericAdd(large, Read("0.5"))) == "12345678901234567890123456789012345679");
  CHECK(Text(NumericMultiply(Read("1.0000000000000000001"), Read("1.0000000000000000001"))) ==
        "1.0000000000000000002000000000000000000");
  CHECK(Text(NumericDivide(Read("1"), Read("99999999999999999999999999999999999999"))) ==
        "0.00000000000000000000000000000000000001");
  CHECK(Text(NumericDivide(large, Read("0.00000000000000000001"))) == "ERROR: numeric field overflow");
  CHECK(Text(NumericDivide(large, Read("3"))) == "4115226300411522630041152263004115226");
  CHECK(Text(NumericModulo(large, Read("0.7"))) == "0.6");
  CHECK(Text(NumericModulo(Read("0.00000000000000000000000000000000000007"), large)) ==
        "0.00000000000000000000000000000000000007");
  CHECK(Text(NumericRound(Read("99999999999999999999999999999999999999"), -1)) ==
        "ERROR: numeric field overflow");
}

TEST_CASE("a numeric fits a decimal type after rounding, or overflows") {
  const auto decimal = [](std::string_view text, int precision, int scale) {
    const Result<Decimal128> value = NumericToDecimal(Read(text), precision, scale);
    if (!value.ok()) return "ERROR: " + value.status().message();
    std::string out;
    PrintDecimal(*value, scale, out);
    return out;
  };
  CHECK(decimal("1.005", 5, 2) == "1.01");
  CHECK(decimal("-1.005", 5, 2) == "-1.01");
  CHECK(decimal("999.995", 5, 2) == "ERROR: numeric field overflow");
  CHECK(decimal("7", 38, 37) == "7.0000000000000000000000000000000000000");
  CHECK(decimal("10", 38, 37) == "ERROR: numeric field overflow");
  CHECK(decimal("Infinity", 38, 0) == "ERROR: numeric field overflow");
}

TEST_CASE("the hashed form has no trailing zeros") {
  CHECK(Text(NumericNormalised(Read("1.500"))) == "1.5");
  CHECK(Text(NumericNormalised(Read("100"))) == "100");
  CHECK(Text(NumericNormalised(Read("0.000"))) == "0");
  CHECK(Text(NumericNormalised(Read("NaN"))) == "NaN");
}

}  // namespace
}  // namespace streamrun
