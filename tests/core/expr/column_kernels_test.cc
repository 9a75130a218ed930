// Kernels that compute whole columns at once give for every row what the same expression gives for that row's
// values alone, which the case files prove against PostgreSQL.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/expression.h"

namespace streamrun {
namespace {

struct TestColumn {
  const char* name;
  const char* type;
  TypeId id;
  std::vector<std::string> values;  // "~" is null
};

// Not a multiple of 64 rows, and more than one word of a bitmap.
constexpr size_t kRows = 150;

const std::vector<TestColumn>& TestColumns() {
  static const std::vector<TestColumn> columns = {
      {"t",
       "timestamp",
       TypeId::kTimestamp,
       {"2024-02-29 23:59:59.999999", "1969-12-31 23:59:59.5", "0001-01-01 00:00:00",
        "4713-01-01 00:00:00 BC", "infinity", "-infinity", "1900-02-28 12:00:00", "2000-02-29 00:00:01",
        "2100-03-01 00:00:00", "294246-12-31 23:59:59.999999", "0044-03-15 12:00:00 BC",
        "1970-01-01 00:00:00", "2023-01-01 07:08:09.123456", "4714-11-24 00:00:00 BC",
        "2024-12-30 00:00:00"}},
      {"a",
       "text",
       TypeId::kText,
       {"", "a", "ab", "abc", "abcdefgh", "abcdefghi", "abcdefghijklmnop", "abcdefghijklmnopq",
        "abcdefghijklmnopr", "abcdefghijklmnopqrstuvwxyz", "abcdefgx", "b", "Äpfel", "äpfel und birnen",
        "xyzabc", "zz%a_b"}},
      {"b",
       "text",
       TypeId::kText,
       {"", "ab", "ab", "b", "abcdefgh", "abcdefgh", "abcdefghijklmnop", "abcdefghijklmnopr",
        "abcdefghijklmnopr", "abcdefghijklmnopqrstuvwxy", "Z", "äpfel", "€"}},
      {"i",
       "bigint",
       TypeId::kBigint,
       {"0", "1", "-1", "7", "9223372036854775807", "-9223372036854775808", "42"}},
      {"j", "bigint", TypeId::kBigint, {"5", "1", "0", "-7", "100"}},
      {"x",
       "double precision",
       TypeId::kDouble,
       {"0", "-0", "1.5", "NaN", "Infinity", "-Infinity", "-2", "1e300"}},
      {"y", "double precision", TypeId::kDouble, {"-0", "NaN", "2", "0", "1.5"}},
      {"n",
       "numeric",
       TypeId::kNumeric,
       {"0", "1.5", "1.50", "-7", "NaN", "Infinity", "-Infinity", "12345678901234567890123456789.5",
        "0.000001"}},
      {"m", "numeric", TypeId::kNumeric, {"1.5", "-0.25", "99999999999999999999999999999", "NaN", "3"}},
  };
  return columns;
}

std::string ValueAt(const TestColumn& c, size_t row, bool nulls) {
  const std::string& value = c.values[row % c.values.size()];
  return nulls && row % 7 == c.values.size() % 7 ? "~" : value;
}

SchemaPtr TestSchema() {
  std::vector<Field> fields;
  for (const TestColumn& c : TestColumns()) fields.push_back({c.name, c.id});
  return std::make_shared<const Schema>(std::move(fields));
}

ColumnPtr Literal(const std::string& value, const char* type) {
  ExprProblem problem;
  const auto bound = BindExpression("'" + value + "'::" + type, Scope(TestSchema()), &problem);
  REQUIRE_MESSAGE(bound.ok(), value << ": " << problem.message);
  std::vector<RowFailure> failures;
  return Evaluator(*bound, Env::Default()).Evaluate({}, 1, &failures);
}

std::vector<ColumnPtr> MakeColumns(bool nulls) {
  std::vector<ColumnPtr> out;
  for (const TestColumn& c : TestColumns()) {
    ColumnBuilder builder{DataType(c.id)};
    for (size_t row = 0; row < kRows; ++row) {
      const std::string value = ValueAt(c, row, nulls);
      if (value == "~") {
        builder.AppendNull();
      } else {
        builder.AppendFrom(*Literal(value, c.type), 0);
      }
    }
    out.push_back(builder.Finish());
  }
  return out;
}

std::string Shown(const ColumnPtr& column, int64_t row, const std::vector<RowFailure>& failures,
                  uint32_t number) {
  for (const RowFailure& f : failures) {
    if (f.row == number) return "error " + f.code + " " + f.message;
  }
  std::string out;
  PrintValue(*column, row, out);
  return out;
}

// $t in the expression is the column t, or its value in a row.
std::string Replaced(const std::string& sql, size_t row, bool literals, bool nulls) {
  std::string out;
  for (size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] != '$') {
      out += sql[i];
      continue;
    }
    ++i;
    for (const TestColumn& c : TestColumns()) {
      if (c.name[0] != sql[i]) continue;
      const std::string value = ValueAt(c, row, nulls);
      out += !literals ? std::string(c.name)
                       : std::string("(") + (value == "~" ? "NULL" : "'" + value + "'") + "::" + c.type + ")";
    }
  }
  return out;
}

// A row's values alone, as constants; a constant that fails is a problem of the expression.
std::string Alone(const std::string& sql, size_t row, bool nulls) {
  ExprProblem problem;
  const auto bound = BindExpression(Replaced(sql, row, true, nulls), Scope(TestSchema()), &problem);
  if (!bound.ok()) return "error " + problem.message;
  Evaluator evaluator(*bound, Env::Default());
  std::vector<RowFailure> failures;
  const ColumnPtr column = evaluator.Evaluate(std::vector<ColumnPtr>(TestColumns().size()), 1, &failures);
  return Shown(column, 0, failures, 0);
}

void CheckRows(const std::string& sql, bool nulls) {
  ExprProblem problem;
  const auto bound = BindExpression(Replaced(sql, 0, false, nulls), Scope(TestSchema()), &problem);
  REQUIRE_MESSAGE(bound.ok(), sql << ": " << problem.message);
  Evaluator evaluator(*bound, Env::Default());
  std::vector<RowFailure> failures;
  const ColumnPtr column = evaluator.Evaluate(MakeColumns(nulls), kRows, &failures);
  for (size_t row = 0; row < kRows; ++row) {
    const std::string whole = Shown(column, static_cast<int64_t>(row), failures, static_cast<uint32_t>(row));
    const std::string alone = Alone(sql, row, nulls);
    const bool same = whole == alone || (whole.starts_with("error") && alone.starts_with("error") &&
                                         whole.ends_with(alone.substr(alone.rfind(' '))));
    CHECK_MESSAGE(same, Replaced(sql, row, true, nulls) << " in a column: " << whole << ", alone: " << alone);
  }
}

void CheckAll(const std::vector<std::string>& expressions) {
  for (const std::string& sql : expressions) {
    CheckRows(sql, false);
    CheckRows(sql, true);
  }
}

TEST_CASE("columns of times are cut and taken apart like single ones") {
  for (const char* unit : {"microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month",
                           "quarter", "year", "decade", "century", "millennium"}) {
    CheckAll({std::string("date_trunc('") + unit + "', $t)"});
  }
  for (const char* field : {"second", "minute", "hour", "day", "month", "quarter", "year", "dow", "doy",
                            "epoch", "isodow", "week", "milliseconds", "julian"}) {
    CheckAll({std::string("extract(") + field + " from $t)", std::string("date_part('") + field + "', $t)"});
  }
}

TEST_CASE("columns of texts compare like single ones") {
  for (const char* op : {"=", "<>", "<", "<=", ">", ">="}) {
    CheckAll({std::string("$a ") + op + " $b", std::string("$a ") + op + " 'ab'",
              std::string("'abcdefgh' ") + op + " $a", std::string("$a ") + op + " 'abcdefghijklmnopq'",
              std::string("$a ") + op + " ''"});
  }
}

TEST_CASE("columns of numbers compare and compute like single ones") {
  for (const char* op : {"=", "<>", "<", "<=", ">", ">="}) {
    CheckAll(
        {std::string("$n ") + op + " $m", std::string("$x ") + op + " $y", std::string("$i ") + op + " $j"});
  }
  CheckAll({"$n + $m", "$n - $m", "$n * $m", "$i + $j", "$i * $j", "greatest($i, $j, 3)", "least($i, $j)",
            "greatest($x, $y)", "least($x, 0, $y)", "greatest($a, $b)", "least($n, $m)"});
}

TEST_CASE("columns match patterns and lists like single values") {
  CheckAll({"$a LIKE 'ab%'",
            "$a LIKE '%bc'",
            "$a LIKE 'a%c'",
            "$a LIKE '%fghijklmnop%'",
            "$a LIKE 'abcdefghijklmnopq%'",
            "$a LIKE '%abcdefghijklmnop'",
            "$a NOT LIKE 'a%h'",
            "$a LIKE 'ab_%'",
            "$a LIKE '_pfel%'",
            "$a ILIKE 'Ä%EN'",
            "$a LIKE '%'",
            "$a LIKE ''",
            "$a LIKE 'zz\\%a\\__'",
            "$a LIKE 'aba%ab'",
            "$a LIKE $b",
            "$a ILIKE '%C'",
            "$a IN ('ab', 'abcdefghijklmnopr', '')",
            "$a NOT IN ('a', 'äpfel und birnen', NULL)",
            "$i IN (1, 7, -1)",
            "$i NOT IN (1, 7, -1)",
            "$i IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 42)",
            "$i NOT IN (0, NULL)",
            "$x IN (0, 1.5, 'NaN')",
            "$n IN (1.5, 'NaN', 7)",
            "position('b' in $a)",
            "position('fel' in $a)",
            "strpos($a, '')",
            "strpos($a, 'abcde')",
            "strpos($a, $b)"});
}

TEST_CASE("CASE and coalesce over texts take each row's own") {
  CheckAll({"CASE WHEN $i > 0 THEN $a ELSE $b END", "CASE WHEN $i > 5 THEN 'high' WHEN $i < 0 THEN $a END",
            "coalesce($a, $b, '-')", "coalesce($b, $a)",
            "CASE WHEN $j > 0 THEN 'a text of more than sixteen bytes' ELSE '' END",
            "CASE WHEN $i = $j THEN $n ELSE $m END", "CASE WHEN $x > $y THEN $x WHEN $i > 0 THEN $y END"});
}

TEST_CASE("a merged column of texts that grows over 2 GiB fails the rows that do not fit") {
  ExprProblem problem;
  const std::string sql = "CASE WHEN j > -100 THEN repeat('x', 100000000) ELSE a END";
  const auto bound = BindExpression(sql, Scope(TestSchema()), &problem);
  REQUIRE(bound.ok());
  Evaluator evaluator(*bound, Env::Default());
  std::vector<RowFailure> failures;
  const ColumnPtr column = evaluator.Evaluate(MakeColumns(false), 25, &failures);
  REQUIRE(failures.size() == 4);
  CHECK(failures[0].row == 21);
  CHECK(failures[0].code == "54000");
  CHECK(column->IsNull(21));
  CHECK(column->Text(20).size() == 100000000);
}

}  // namespace
}  // namespace streamrun
