// Evaluation over columns: nulls, empty batches, pruned columns, failing rows, what is evaluated for which
// rows.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/expression.h"

namespace streamrun {
namespace {

SchemaPtr TestSchema() {
  return std::make_shared<const Schema>(std::vector<Field>{{"id", TypeId::kBigint},
                                                           {"price", TypeId::kDouble},
                                                           {"name", TypeId::kText},
                                                           {"ok", TypeId::kBoolean},
                                                           {"zero", TypeId::kBigint},
                                                           {"amount", DataType::Decimal(10, 2)},
                                                           {"Mixed", TypeId::kInteger}});
}

// A column from texts; "~" is null.
ColumnPtr ColumnOf(const DataType& type, const std::vector<std::string>& texts) {
  ColumnBuilder builder(type);
  for (const std::string& text : texts) {
    if (text == "~") {
      builder.AppendNull();
    } else {
      REQUIRE(AppendParsed(text, builder).ok());
    }
  }
  return builder.Finish();
}

// Five rows with nulls in every column but the first.
std::vector<ColumnPtr> TestColumns() {
  return {ColumnOf(TypeId::kBigint, {"1", "2", "3", "4", "5"}),
          ColumnOf(TypeId::kDouble, {"1.5", "~", "-2", "0", "1e3"}),
          ColumnOf(TypeId::kText, {"Ada", "", "~", "émile", "bob"}),
          ColumnOf(TypeId::kBoolean, {"t", "f", "~", "t", "f"}),
          ColumnOf(TypeId::kBigint, {"0", "1", "~", "0", "2"}),
          ColumnOf(DataType::Decimal(10, 2), {"1.10", "2.20", "~", "-0.05", "99999999.99"}),
          ColumnOf(TypeId::kInteger, {"10", "~", "30", "40", "50"})};
}

struct Outcome {
  std::string values;    // "1,NULL,3"
  std::string failures;  // "0:22012,3:22012"
};

std::string Print(const Column& column) {
  std::string out;
  for (int64_t row = 0; row < column.length(); ++row) {
    if (row > 0) out += ",";
    PrintValue(column, row, out);
  }
  return out;
}

ExpressionPtr Bind(const std::string& sql) {
  ExprProblem problem;
  auto bound = BindExpression(sql, Scope(TestSchema()), &problem);
  REQUIRE_MESSAGE(bound.ok(), sql << ": " << problem.message);
  return *bound;
}

std::string Failures(const std::vector<RowFailure>& failures) {
  std::string out;
  for (const RowFailure& f : failures) out += (out.empty() ? "" : ",") + std::to_string(f.row) + ":" + f.code;
  return out;
}

Outcome Run(const std::string& sql) {
  Evaluator evaluator(Bind(sql), Env::Default());
  std::vector<RowFailure> failures;
  const ColumnPtr column = evaluator.Evaluate(TestColumns(), 5, &failures);
  REQUIRE(column->length() == 5);
  return {Print(*column), Failures(failures)};
}

std::string Select(const std::string& sql, std::string* failed = nullptr) {
  Evaluator evaluator(Bind(sql), Env::Default());
  std::vector<RowFailure> failures;
  std::string out;
  for (const uint32_t row : evaluator.Select(TestColumns(), 5, &failures)) {
    out += (out.empty() ? "" : ",") + std::to_string(row);
  }
  if (failed) *failed = Failures(failures);
  return out;
}

TEST_CASE("arithmetic and comparison pass nulls on") {
  CHECK(Run("id + 1").values == "2,3,4,5,6");
  CHECK(Run("id * price").values == "1.5,NULL,-6,0,5000");
  CHECK(Run("10 - zero").values == "10,9,NULL,10,8");
  CHECK(Run("amount * 2").values == "2.20,4.40,NULL,-0.10,199999999.98");
  CHECK(Run("price > 1").values == "t,NULL,f,f,t");
  CHECK(Run("1 < price").values == "t,NULL,f,f,t");
  CHECK(Run("id >= zero").values == "t,t,NULL,t,t");
  CHECK(Run("name = 'bob'").values == "f,f,NULL,f,t");
  CHECK(Run("amount > 1.5").values == "f,t,NULL,f,t");
  CHECK(Run("price IS NULL").values == "f,t,f,f,f");
  CHECK(Run("price IS NOT DISTINCT FROM NULL").values == "f,t,f,f,f");
  CHECK(Run("id IS DISTINCT FROM zero").values == "t,t,t,t,t");
}

TEST_CASE("boolean logic is three-valued on columns") {
  CHECK(Run("ok AND price > 0").values == "t,f,f,f,f");
  CHECK(Run("ok OR price > 0").values == "t,NULL,NULL,t,t");
  CHECK(Run("NOT ok").values == "f,t,NULL,f,t");
  CHECK(Run("ok IS NOT TRUE").values == "f,t,t,f,t");
  CHECK(Run("id IN (1, 4, NULL)").values == "t,NULL,NULL,t,NULL");
  CHECK(Run("name NOT IN ('bob', 'Ada')").values == "f,t,NULL,t,f");
  CHECK(Run("id BETWEEN 2 AND 4").values == "f,t,t,t,f");
}

TEST_CASE("text functions and patterns work on columns with nulls, empty and non-ASCII text") {
  CHECK(Run("upper(name)").values == "ADA,,NULL,ÉMILE,BOB");
  CHECK(Run("length(name)").values == "3,0,NULL,5,3");
  CHECK(Run("name || '!'").values == "Ada!,!,NULL,émile!,bob!");
  CHECK(Run("name LIKE '%b%'").values == "f,f,NULL,f,t");
  CHECK(Run("name NOT LIKE '%b%'").values == "t,t,NULL,t,f");
  CHECK(Run("name LIKE 'A%'").values == "t,f,NULL,f,f");
  CHECK(Run("name LIKE '_mile'").values == "f,f,NULL,t,f");
  CHECK(Run("name LIKE name").values == "t,t,NULL,t,t");
  CHECK(Run("name ~ '^[a-z]'").values == "f,f,NULL,f,t");
  CHECK(Run("substring(name from 2 for 2)").values == "da,,NULL,mi,ob");
  CHECK(Run("coalesce(name, id::text)").values == "Ada,,3,émile,bob");
  CHECK(Run("string_to_array(name, 'b')").values == "{Ada},{},NULL,{émile},{\"\",o,\"\"}");
}

TEST_CASE("%text% does not match across the border of two rows") {
  ColumnBuilder builder(TypeId::kText);
  for (const char* text : {"xa", "bx", "ab", "", "aab"}) builder.AppendText(text);
  auto schema = std::make_shared<const Schema>(std::vector<Field>{{"t", TypeId::kText}});
  ExprProblem problem;
  auto bound = BindExpression("t LIKE '%ab%'", Scope(schema), &problem);
  REQUIRE(bound.ok());
  std::vector<RowFailure> failures;
  CHECK(Print(*Evaluator(*bound, Env::Default()).Evaluate({builder.Finish()}, 5, &failures)) == "f,f,t,f,t");
}

TEST_CASE("a failing row is reported once, in order, and is null") {
  CHECK(Run("id / zero").values == "NULL,2,NULL,NULL,2");
  CHECK(Run("id / zero").failures == "0:22012,3:22012");
  CHECK(Run("name::bigint").failures == "0:22P02,1:22P02,3:22P02,4:22P02");
  CHECK(Run("(id / zero) + name::bigint").failures == "0:22012,1:22P02,3:22012,4:22P02");
  CHECK(Run("coalesce(id / zero, 7)").values == "NULL,2,7,NULL,2");
  CHECK(Run("coalesce(id / zero, 7)").failures == "0:22012,3:22012");
  CHECK(Run("id * 9223372036854775807").failures == "1:22003,2:22003,3:22003,4:22003");
  CHECK(Run("(ARRAY[name, '1'])::integer[]").failures == "0:22P02,1:22P02,3:22P02,4:22P02");
}

TEST_CASE("a branch that is not taken does not fail") {
  const Outcome guarded = Run("CASE WHEN zero <> 0 THEN id / zero ELSE -1 END");
  CHECK(guarded.values == "-1,2,-1,-1,2");
  CHECK(guarded.failures.empty());
  CHECK(Run("zero <> 0 AND id / zero = 2").values == "f,t,NULL,f,t");
  CHECK(Run("zero <> 0 AND id / zero = 2").failures.empty());
  CHECK(Run("zero = 0 OR id / zero = 2").failures.empty());
  CHECK(Run("zero = 0 OR id / zero = 2").values == "t,t,NULL,t,t");
  CHECK(Run("coalesce(price, 1 / zero)").failures.empty());
  CHECK(Run("coalesce(zero, id / (id - 3))").failures == "2:22012");
  // The left side comes first: it fails although the right side would decide.
  CHECK(Run("id / zero = 2 AND false").failures == "0:22012,3:22012");
  // Inside a branch a shared operand is evaluated for the branch's rows only.
  CHECK(Run("CASE WHEN zero > 0 THEN (10 / zero) BETWEEN 5 AND 10 END").values == "NULL,t,NULL,NULL,t");
  CHECK(Run("CASE WHEN zero > 0 THEN (10 / zero) BETWEEN 5 AND 10 END").failures.empty());
}

TEST_CASE("an operand that stands twice is known for every row that asks") {
  // The upper bound is first needed for some rows only, then for others.
  CHECK(Run("id BETWEEN SYMMETRIC 3 AND length(coalesce(name, 'four'))").values == "f,t,t,t,f");
  CHECK(Run("id NOT BETWEEN SYMMETRIC 3 AND length(coalesce(name, 'four'))").values == "t,f,f,f,t");
  CHECK(Run("2 BETWEEN SYMMETRIC id AND id + zero").values == "f,t,NULL,f,f");
  CHECK(Run("id + 1 IN (zero, id + 1, 7)").values == "t,t,t,t,t");
}

TEST_CASE("CASE merges branches of every layout") {
  CHECK(Run("CASE WHEN ok THEN name WHEN id = 5 THEN 'five' ELSE 'none' END").values ==
        "Ada,none,none,émile,five");
  CHECK(Run("CASE WHEN ok THEN price END").values == "1.5,NULL,NULL,0,NULL");
  CHECK(Run("CASE WHEN id < 3 THEN ok ELSE NOT ok END").values == "t,f,NULL,f,t");
  CHECK(Run("CASE WHEN ok THEN amount ELSE 0 END").values == "1.10,0,0,-0.05,0");
  CHECK(Run("CASE id WHEN 1 THEN ARRAY[id] WHEN 2 THEN ARRAY[7, 8] END").values ==
        "{1},{7,8},NULL,NULL,NULL");
  CHECK(Run("nullif(zero, 0)").values == "NULL,1,NULL,NULL,2");
  CHECK(Run("greatest(id, zero, 3)").values == "3,3,3,4,5");
}

TEST_CASE("select gives the rows that are true, without nulls and failures") {
  CHECK(Select("price > 0") == "0,4");
  CHECK(Select("ok") == "0,3");
  CHECK(Select("true") == "0,1,2,3,4");
  CHECK(Select("NULL::boolean").empty());
  std::string failed;
  CHECK(Select("id / zero >= 1 OR id = 4", &failed) == "1,4");
  CHECK(failed == "0:22012,3:22012");
}

TEST_CASE("an empty batch gives an empty column") {
  const auto schema = TestSchema();
  std::vector<ColumnPtr> columns;
  for (const Field& field : schema->fields()) columns.push_back(ColumnOf(field.type, {}));
  for (const char* sql : {"id + 1", "upper(name)", "ok AND price > 0", "CASE WHEN ok THEN name ELSE 'x' END",
                          "1", "name LIKE '%b%'", "ARRAY[id]", "id IN (1, 2)", "now()", "id / zero"}) {
    std::vector<RowFailure> failures;
    Evaluator evaluator(Bind(sql), Env::Default());
    CHECK_MESSAGE(evaluator.Evaluate(columns, 0, &failures)->length() == 0, sql);
    CHECK(failures.empty());
  }
  std::vector<RowFailure> failures;
  CHECK(Evaluator(Bind("ok"), Env::Default()).Select(columns, 0, &failures).empty());
}

TEST_CASE("columns that are not read may be pruned") {
  std::vector<ColumnPtr> columns = TestColumns();
  const ExpressionPtr sum = Bind("id + zero");
  CHECK(sum->columns() == std::vector<int>{0, 4});
  for (const int i : {1, 2, 3, 5, 6}) columns[static_cast<size_t>(i)] = nullptr;
  std::vector<RowFailure> failures;
  CHECK(Print(*Evaluator(sum, Env::Default()).Evaluate(columns, 5, &failures)) == "1,3,NULL,4,7");
}

TEST_CASE("a column reference gives the column itself") {
  const std::vector<ColumnPtr> columns = TestColumns();
  const ExpressionPtr name = Bind("name");
  CHECK(name->column() == 2);
  std::vector<RowFailure> failures;
  CHECK(Evaluator(name, Env::Default()).Evaluate(columns, 5, &failures) == columns[2]);
}

TEST_CASE("rows beyond a word behave like the first") {
  ColumnBuilder ids(TypeId::kBigint);
  ColumnBuilder texts(TypeId::kText);
  for (int64_t i = 0; i < 1000; ++i) {
    i % 7 == 0 ? ids.AppendNull() : ids.Append(i);
    texts.AppendText(i % 2 == 0 ? "even" : "odd");
  }
  const std::vector<ColumnPtr> columns{ids.Finish(), texts.Finish()};
  auto schema =
      std::make_shared<const Schema>(std::vector<Field>{{"i", TypeId::kBigint}, {"t", TypeId::kText}});
  ExprProblem problem;
  const auto bound =
      BindExpression("i % 10 = 3 AND t LIKE '%dd%' AND 100 / (i - 13) < 50", Scope(schema), &problem);
  REQUIRE(bound.ok());
  std::vector<RowFailure> failures;
  const Selection rows = Evaluator(*bound, Env::Default()).Select(columns, 1000, &failures);
  size_t expected = 0;
  for (int64_t i = 0; i < 1000; ++i) expected += i % 7 != 0 && i % 10 == 3 && i % 2 == 1 && i != 13;
  CHECK(rows.size() == expected);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].row == 13);
}

TEST_CASE("facts of a bound expression") {
  CHECK(Bind("1 + 1")->constant()->ToText() == "2");
  CHECK_FALSE(Bind("id + 1")->constant().has_value());
  CHECK(Bind("id + 1")->can_fail());
  CHECK_FALSE(Bind("id = 1")->can_fail());
  CHECK(Bind("random()")->is_volatile());
  CHECK_FALSE(Bind("random()")->constant().has_value());
  CHECK(Bind("'x'")->type() == DataType(TypeId::kText));
  CHECK(Bind("CASE WHEN ok THEN amount ELSE amount END")->type() == DataType::Decimal(10, 2));
  CHECK(Bind("id * 0.5")->type() == DataType(TypeId::kDouble));
  CHECK(Bind("amount * 0.5")->type() == DataType(TypeId::kNumeric));
}

}  // namespace
}  // namespace streamrun
