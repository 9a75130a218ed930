// Short circuits and common subexpressions: every row must give what its values give alone, whatever stands
// in the other rows of the batch, and fail exactly when it fails alone.
//
// The reference is the same expression with the row's values written in as literals: bound and folded on its
// own, without row sets, shared nodes or a second row.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/evaluate.h"
#include "core/expr/expression.h"
#include "core/expr/node.h"

namespace streamrun {
namespace {

struct Domain {
  const char* name;
  DataType type;
  std::vector<const char*> values;  // null pointer: null
};

const std::vector<Domain>& Domains() {
  static const std::vector<Domain> domains{
      {"a", TypeId::kBigint, {"0", nullptr, "3", "-2", "9223372036854775807"}},
      {"b", TypeId::kBigint, {"1", "0", "4", nullptr}},
      {"t", TypeId::kText, {"12", "", nullptr, "x", "ab"}},
      {"ok", TypeId::kBoolean, {"t", nullptr, "f"}},
      {"l", DataType::List(TypeId::kBigint), {"{1,0,3}", "{}", nullptr, "{NULL,4}"}},
  };
  return domains;
}

// Value number of a column in a row; the strides have no common factor, so all pairs come up.
size_t ValueAt(size_t column, int64_t row) {
  static constexpr uint64_t kMix[] = {7, 11, 13, 17, 19};
  const uint64_t mixed = (static_cast<uint64_t>(row) * kMix[column] + static_cast<uint64_t>(row) / 5 * 3);
  return mixed % Domains()[column].values.size();
}

std::vector<ColumnPtr> ColumnsOf(int64_t rows) {
  std::vector<ColumnPtr> out;
  for (size_t c = 0; c < Domains().size(); ++c) {
    ColumnBuilder builder(Domains()[c].type);
    for (int64_t row = 0; row < rows; ++row) {
      const char* text = Domains()[c].values[ValueAt(c, row)];
      if (text == nullptr) {
        builder.AppendNull();
      } else {
        REQUIRE(AppendParsed(text, builder).ok());
      }
    }
    out.push_back(builder.Finish());
  }
  return out;
}

Scope TheScope() {
  std::vector<Field> fields;
  for (const Domain& d : Domains()) fields.push_back({d.name, d.type});
  return Scope(std::make_shared<const Schema>(std::move(fields)));
}

// The template with {name} replaced by the column, or by the row's value.
std::string Fill(const std::string& sql, const int64_t* row) {
  std::string out;
  for (size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] != '{') {
      out += sql[i];
      continue;
    }
    const size_t end = sql.find('}', i);
    const std::string name = sql.substr(i + 1, end - i - 1);
    for (size_t c = 0; c < Domains().size(); ++c) {
      const Domain& d = Domains()[c];
      if (d.name != name) continue;
      if (row == nullptr) {
        out += name;
        continue;
      }
      const char* text = d.values[ValueAt(c, *row)];
      const std::string literal = text == nullptr ? "NULL" : "'" + std::string(text) + "'";
      out += "(" + literal + "::" + d.type.ToString() + ")";
    }
    i = end;
  }
  return out;
}

std::string Shown(const ColumnPtr& column, int64_t row, const std::vector<RowFailure>& failures) {
  for (const RowFailure& f : failures) {
    if (f.row == row) return "error: " + f.message;
  }
  std::string text;
  PrintValue(*column, row, text);
  return text;
}

// What the row gives on its own; the constant expressions are few, so they are kept.
std::string Alone(const std::string& sql, int64_t row) {
  static std::map<std::string, std::string> known;
  const std::string filled = Fill(sql, &row);
  const auto found = known.find(filled);
  if (found != known.end()) return found->second;
  ExprProblem problem;
  const auto bound = BindExpression(filled, Scope(), &problem);
  std::string result;
  if (!bound.ok()) {
    REQUIRE_MESSAGE(problem.code == "expr.constant", filled << ": " << problem.message);
    result = "error: " + problem.message;
  } else {
    std::vector<RowFailure> failures;
    const ColumnPtr column = Evaluator(*bound, Env::Default()).Evaluate({}, 1, &failures);
    result = Shown(column, 0, failures);
  }
  known.emplace(filled, result);
  return result;
}

constexpr const char* kExpressions[] = {
    // The shared quotient is first needed for some rows, then for others, and fails for some.
    "CASE WHEN {ok} THEN 12 / {b} WHEN {a} > 0 THEN 12 / {b} + 1 END",
    "CASE WHEN {b} > 0 THEN 12 / {b} ELSE {a} END + CASE WHEN {b} > 2 THEN 12 / {b} ELSE 0 END",
    "CASE WHEN {b} > 2 THEN 12 / {b} ELSE 0 END + CASE WHEN {b} > 0 THEN 12 / {b} ELSE {a} END",
    "({b} <> 0 AND 12 / {b} > 5) OR ({b} = 0 AND {ok}) OR 12 / {b} = 3",
    "({ok} AND 12 / {b} > 5) OR 12 / {b} > 2",
    "{ok} OR (12 / {b} > 5 AND 12 / {b} < 13)",
    "{ok} AND 12 / {b} > 5 AND NOT (12 / {b} > 5)",
    "coalesce({a}, 12 / {b}, 0) + coalesce(12 / {b}, {a}, 1)",
    "coalesce(nullif(12 / {b}, 3), {a}, 12 / {b})",
    "nullif(nullif(nullif({a} / {b}, 0), 3), {a} / {b} + 1)",
    "({a} / {b}) BETWEEN {b} AND {a} / {b}",
    "({a} / {b}) BETWEEN SYMMETRIC 12 / {b} AND {b}",
    "({a} / {b}) NOT BETWEEN SYMMETRIC 12 / {b} AND {a} / {b} - 1",
    "({a} / {b}) IN ({a} / {b}, 12 / {b})",
    "({a} / {b}) NOT IN (1, 3, NULL, 12 / {b})",
    "({a} / {b}) IN (1, 3, 4)",
    "{a} IN (3, -2, NULL)",
    "{t} NOT IN ('x', '', '12')",
    "({a}, {b}) < ({b}, 12 / {b})",
    "({a}, 12 / {b}) >= ({b}, {a})",
    "({a}, {b}) = (3, 12 / {b})",
    "({a}, {t}) IN ((3, 'x'), (0, '12'))",
    "({a}, {t}) IS NOT NULL",
    "({a}, {t}) IS DISTINCT FROM ({b}, 'x')",
    "{a} + 1 > {b} OR {a} + 1 < {b}",
    "{ok} AND {a} + 1 > {b}",
    "CASE {a} / {b} WHEN 3 THEN 'three' WHEN {a} / {b} THEN 'same' ELSE {t} END",
    "CASE WHEN {t} ~ '^[0-9]+$' THEN {t}::bigint ELSE 0 END + CASE WHEN length({t}) = 2 THEN 1 ELSE 2 END",
    "CASE WHEN {t} = '12' THEN {t}::bigint / {b} WHEN {t} = 'ab' THEN length({t}) / {b} END",
    "{t} = '12' AND {t}::bigint / {b} > 2",
    "{t} <> '12' OR {t}::bigint / {b} > 2",
    "{t}::bigint / {b} > 2 OR {t} = 'x'",
    "upper({t}) || lower({t}) || upper({t})",
    "CASE WHEN {ok} THEN upper({t}) || '1' WHEN {a} > {b} THEN upper({t}) || '2' ELSE upper({t}) END",
    "CASE WHEN {ok} THEN ARRAY[{a}, {b}] ELSE {l} END",
    "CASE WHEN {ok} THEN ARRAY[{a} / {b}] WHEN NOT {ok} THEN ARRAY[{a} / {b}] || {l} END",
    "{a} = ANY ({l})",
    "{a} <> ALL ({l})",
    "{a} < ANY ({l})",
    "{a}::numeric >= ALL ({l})",
    "{a} / {b} = ANY ({l}) OR {a} / {b} = ANY ({l} || {b})",
    "{ok} AND {a} / {b} <> ALL ({l})",
    "12 = ANY (ARRAY[{a}, 12 / {b}])",
    "{t} LIKE ANY (ARRAY['1%', 'x', NULL])",
    "{t} LIKE ALL (ARRAY['%', {t} || '%'])",
    "{t} ~ ANY (ARRAY['^1', '(ab)+', {t}])",
    "concat(VARIADIC {l})",
    "concat_ws('-', VARIADIC {l})",
    "jsonb_build_array(VARIADIC {l})",
    "greatest({a}, 12 / {b}, least(12 / {b}, {b}))",
    "NOT ({ok} AND {b} > 0) AND NOT NOT ({a} > {b})",
    "NOT ({a} = {b} OR {ok}) IS TRUE",
    "true AND {ok} AND ({a} > 0 OR false)",
    "12 / {b} > 0 AND false",
    "12 / {b} > 0 OR true",
    "CASE WHEN false THEN 12 / {b} WHEN {ok} THEN {a} WHEN true THEN {b} ELSE 12 / {b} END",
    "({a} / {b} + {a} / {b}) * ({a} / {b} + {a} / {b})",
    "{a} IS DISTINCT FROM {b} AND {a} / {b} IS DISTINCT FROM {b}",
    "{a} / {b} IS NOT DISTINCT FROM NULL",
    "{l}[{b}] / {b} + coalesce({l}[{b}], {b})",
};

TEST_CASE("a row of a batch gives what its values give alone") {
  for (const int64_t rows : {0, 1, 2, 63, 64, 65, 1000}) {
    const std::vector<ColumnPtr> columns = ColumnsOf(rows);
    for (const std::string sql : kExpressions) {
      ExprProblem problem;
      const auto bound = BindExpression(Fill(sql, nullptr), TheScope(), &problem);
      REQUIRE_MESSAGE(bound.ok(), sql << ": " << problem.message);
      std::vector<RowFailure> failures;
      const ColumnPtr column = Evaluator(*bound, Env::Default()).Evaluate(columns, rows, &failures);
      REQUIRE(column->length() == rows);
      for (size_t i = 0; i < failures.size(); ++i) {
        if (i > 0) REQUIRE_MESSAGE(failures[i - 1].row < failures[i].row, sql);
        REQUIRE_MESSAGE(column->IsNull(failures[i].row), sql);
        REQUIRE_MESSAGE((*bound)->can_fail(), sql);
      }
      std::map<int64_t, std::string> failed;
      for (const RowFailure& f : failures) failed[f.row] = "error: " + f.message;
      int64_t wrong = 0;
      for (int64_t row = 0; row < rows && wrong == 0; ++row) {
        const auto f = failed.find(row);
        const std::string got = f != failed.end() ? f->second : Shown(column, row, {});
        const std::string expected = Alone(sql, row);
        CHECK_MESSAGE(got == expected, Fill(sql, &row) << " in row " << row << " of " << rows);
        wrong += got != expected;
      }
    }
  }
}

TEST_CASE("select takes the rows whose value alone is true") {
  const std::vector<ColumnPtr> columns = ColumnsOf(1000);
  for (const std::string sql : kExpressions) {
    ExprProblem problem;
    const auto bound = BindExpression(Fill(sql, nullptr), TheScope(), &problem);
    REQUIRE(bound.ok());
    if ((*bound)->type().id() != TypeId::kBoolean) continue;
    std::vector<RowFailure> failures;
    Selection expected;
    for (int64_t row = 0; row < 1000; ++row) {
      if (Alone(sql, row) == "t") expected.push_back(static_cast<uint32_t>(row));
    }
    const Selection got = Evaluator(*bound, Env::Default()).Select(columns, 1000, &failures);
    CHECK_MESSAGE(got == expected, sql);
  }
}

// Distinct nodes of the tree that are not columns or constants.
size_t CountNodes(const ExprNode& node, std::map<const ExprNode*, int>& seen) {
  if (seen[&node]++ > 0) return 0;
  size_t count = node.kind != ExprNode::Kind::kColumn && node.kind != ExprNode::Kind::kConstant ? 1 : 0;
  for (const NodePtr& arg : node.args) count += CountNodes(*arg, seen);
  return count;
}

size_t NodesOf(const std::string& sql) {
  ExprProblem problem;
  const auto bound = BindExpression(sql, TheScope(), &problem);
  REQUIRE_MESSAGE(bound.ok(), sql << ": " << problem.message);
  std::map<const ExprNode*, int> seen;
  return CountNodes((*bound)->root(), seen);
}

TEST_CASE("equal subexpressions are one node") {
  CHECK(NodesOf("(a + b) * (a + b)") == 2);
  CHECK(NodesOf("(a + 1) * (a + 2)") == 3);
  CHECK(NodesOf("CASE WHEN upper(t) = 'A' THEN 1 WHEN upper(t) = 'B' THEN 2 END") == 4);
  CHECK(NodesOf("upper(t) LIKE 'A%' OR upper(t) LIKE 'A%'") == 3);
  CHECK(NodesOf("t::jsonb -> 'a' = t::jsonb -> 'a'") == 3);
  CHECK(NodesOf("1.0::numeric + a = 1.00::numeric + a") == 4);  // scales differ
  // Two calls of a volatile function are two values.
  CHECK(NodesOf("random() = random()") == 3);
  CHECK(NodesOf("random() BETWEEN 0.2 AND 0.7") == 4);
}

TEST_CASE("boolean simplification") {
  CHECK(NodesOf("NOT (a = b)") == 1);
  CHECK(NodesOf("NOT NOT ok") == 0);
  CHECK(NodesOf("NOT (t LIKE 'a%')") == 1);
  CHECK(NodesOf("NOT (a IN (1, 2))") == 1);
  CHECK(NodesOf("ok AND true") == 0);
  CHECK(NodesOf("ok AND false") == 0);
  CHECK(NodesOf("a > 1 AND (b > 2 AND (ok OR false))") == 3);
  CHECK(NodesOf("1 / b > 1 AND false") == 3);  // a row with b = 0 must fail
  CHECK(NodesOf("CASE WHEN false THEN a WHEN true THEN b ELSE a + 1 END") == 0);
  CHECK(NodesOf("coalesce(NULL, a)") == 0);
  CHECK(NodesOf("coalesce(a, 1, b)") == 1);
  CHECK(NodesOf("a + NULL") == 0);
  CHECK(NodesOf("a IS DISTINCT FROM NULL") == 1);
}

TEST_CASE("no row of a shared subexpression is computed twice") {
  // The row sets of the two uses overlap; the quotient fails for every fourth row.
  for (const std::string sql : {"(ok AND 12 / b > 5) OR 12 / b > 2", "CASE WHEN ok THEN 12 / b END + 12 / b",
                                "CASE WHEN a > 0 THEN 12 / b END + CASE WHEN ok THEN 12 / b END + 12 / b"}) {
    ExprProblem problem;
    const auto bound = BindExpression(sql, TheScope(), &problem);
    REQUIRE(bound.ok());
    const std::vector<ColumnPtr> columns = ColumnsOf(1000);
    std::vector<RowFailure> failures;
    Evaluation evaluation(columns, 1000, &failures, Env::Default());
    evaluation.Evaluate((*bound)->root(), nullptr);
    std::map<uint32_t, int> times;
    for (const RowFailure& f : failures) ++times[f.row];
    CHECK(times.size() == 200);
    for (const auto& row : times) CHECK_MESSAGE(row.second == 1, sql << " in row " << row.first);
  }
}

TEST_CASE("nesting that doubles at every level stays small") {
  std::string sql = "a";
  for (int i = 0; i < 60; ++i) sql = "nullif(" + sql + ", " + std::to_string(i) + ")";
  CHECK(NodesOf(sql) <= 120);
  std::vector<RowFailure> failures;
  ExprProblem problem;
  const auto bound = BindExpression(sql, TheScope(), &problem);
  REQUIRE(bound.ok());
  CHECK(Evaluator(*bound, Env::Default()).Evaluate(ColumnsOf(65), 65, &failures)->length() == 65);
}

}  // namespace
}  // namespace streamrun
