// What does not bind, and what it says; casts to a wanted type; splitting join predicates.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/expr/expression.h"
#include "core/expr/token.h"

namespace streamrun {
namespace {

Scope TwoInputs() {
  Scope scope;
  scope.relations.push_back(
      {"bids", std::make_shared<const Schema>(std::vector<Field>{
                   {"auction", TypeId::kBigint}, {"price", TypeId::kBigint}, {"channel", TypeId::kText}})});
  scope.relations.push_back(
      {"items", std::make_shared<const Schema>(std::vector<Field>{
                    {"id", TypeId::kBigint}, {"channel", TypeId::kText}, {"Odd Name", TypeId::kDouble}})});
  return scope;
}

// "offset+length code: message / suggestion"
std::string ProblemOf(const std::string& sql) {
  ExprProblem problem;
  const auto bound = BindExpression(sql, TwoInputs(), &problem);
  if (bound.ok()) return "ok";
  CHECK(bound.status().code() == Code::kInvalidArgument);
  return std::to_string(problem.offset) + "+" + std::to_string(problem.length) + " " + problem.code + ": " +
         problem.message + (problem.suggestion.empty() ? "" : " / " + problem.suggestion);
}

TEST_CASE("names that do not exist are met with the nearest one") {
  CHECK(ProblemOf("auction + prise") ==
        "10+5 expr.unknown_column: column \"prise\" does not exist / did you mean \"price\"?");
  CHECK(ProblemOf("bids.prize > 1") ==
        "0+4 expr.unknown_column: column bids.prize does not exist / did you mean \"price\"?");
  CHECK(ProblemOf("bid.price") ==
        "0+3 expr.unknown_input: missing FROM-clause entry for table \"bid\" / did you mean \"bids\"?");
  CHECK(
      ProblemOf("channel = 'x'") ==
      "0+7 expr.ambiguous_column: column reference \"channel\" is ambiguous / put the input's name in front: "
      "input.channel, or quote the exact column name");
  CHECK(ProblemOf("lowr(bids.channel)") ==
        "0+4 expr.unknown_function: function lowr(text) does not exist / did you mean \"lower\"?");
  CHECK(ProblemOf("price + lower(price)") ==
        "8+5 expr.unknown_function: function lower(bigint) does not exist / there is lower(text)");
  CHECK(ProblemOf("sum(price)") ==
        "0+3 expr.unsupported: aggregate functions are not allowed in expressions: sum / use an aggregate "
        "operator and refer to its result by name");
  CHECK(ProblemOf("count(*)").starts_with("0+5 expr.unsupported: aggregate functions are not allowed"));
}

TEST_CASE("type errors name both types and point at the operator") {
  CHECK(ProblemOf("bids.channel + price") ==
        "13+1 expr.type: operator does not exist: text + bigint / cast the text: (...)::bigint");
  CHECK(ProblemOf("price AND true") ==
        "0+5 expr.type: argument of AND must be type boolean, not type bigint / compare it with something");
  CHECK(ProblemOf("price == 1").find("equality is written with one =") != std::string::npos);
  CHECK(ProblemOf("'é' || price = 'x' AND auction = 'one'") ==
        "34+5 expr.literal: invalid input syntax for type bigint: \"one\"");
}

TEST_CASE("syntax errors carry the place in bytes") {
  CHECK(ProblemOf("price * ") == "8+1 expr.syntax: syntax error at end of input");
  CHECK(ProblemOf("'é' || 'ö' ||") == "15+1 expr.syntax: syntax error at end of input");
  CHECK(ProblemOf("'abc").starts_with("0+4 expr.syntax: unterminated quoted string"));
  CHECK(ProblemOf("'é' || )") == "8+1 expr.syntax: syntax error at or near \")\"");
  CHECK(ProblemOf("order > 1") ==
        "6+1 expr.syntax: syntax error at or near \">\" / a reserved word used as a column name is written "
        "\"order\" in double quotes");
  CHECK(ProblemOf("") == "0+1 expr.syntax: the expression is empty");
  CHECK(ProblemOf(" \n") == "0+1 expr.syntax: the expression is empty");
  CHECK(ProblemOf("'\xff'") == "1+1 expr.syntax: the expression is not valid UTF-8");
}

TEST_CASE("only one scalar expression is taken") {
  for (const char* sql : {"1; DROP TABLE x", "1, 2", "price FROM bids", "1 AS x", "1 WHERE true", "1 LIMIT 1",
                          "1 UNION SELECT 2", "DISTINCT price", "1 ORDER BY 1", "1;"}) {
    const std::string problem = ProblemOf(sql);
    if (std::string(sql) == "1;") continue;  // an empty second statement is nothing
    CHECK_MESSAGE(problem.find("this is not one scalar expression") != std::string::npos,
                  sql << ": " << problem);
  }
  for (const char* sql :
       {"(SELECT 1)", "EXISTS (SELECT 1)", "price IN (SELECT 1)", "*", "bids.*", "$1", "ROW(1, 2)",
        "row_number() OVER ()", "bids.channel COLLATE \"de_DE\"", "user", "x'1f'"}) {
    CHECK_MESSAGE(ProblemOf(sql).find("expr.unsupported") != std::string::npos,
                  sql << ": " << ProblemOf(sql));
  }
}

TEST_CASE("deep nesting and long texts are refused, not fatal") {
  const auto nested = [](const std::string& open, const std::string& core, const std::string& close,
                         size_t depth) {
    std::string out;
    for (size_t i = 0; i < depth; ++i) out += open;
    out += core;
    for (size_t i = 0; i < depth; ++i) out += close;
    return out;
  };
  CHECK(ProblemOf(nested("(", "1", ")", 3000)) == "ok");  // parentheses leave no node
  CHECK(ProblemOf(nested("abs(", "1", ")", 100)) == "ok");
  CHECK(ProblemOf(nested("abs(", "1", ")", 900)).find("nested too deeply") != std::string::npos);
  CHECK(ProblemOf("1" + nested("+1", "", "", 30000)).find("nested too deeply") != std::string::npos);
  CHECK(ProblemOf(nested("NOT ", "true", "", 10000)).find("nested too deeply") != std::string::npos);
  CHECK(ProblemOf(std::string(70000, ' ') + "1").find("longer than") != std::string::npos);
  std::string list = "price IN (0";
  for (int i = 1; i < 5000; ++i) list += "," + std::to_string(i);
  CHECK(ProblemOf(list + ")") == "ok");
}

TEST_CASE("constants that always fail are problems where every row evaluates them") {
  CHECK(ProblemOf("price + 1 / 0") == "10+1 expr.constant: division by zero / every row would fail here");
  CHECK(ProblemOf("1 / 0 = price AND false") ==
        "2+1 expr.constant: division by zero / every row would fail here");
  CHECK(ProblemOf("price > 0 AND 1 / 0 = 1") == "ok");
  CHECK(ProblemOf("CASE WHEN price > 0 THEN 1 / 0 END") == "ok");
  CHECK(ProblemOf("bids.channel ~ '('").find("invalid regular expression") != std::string::npos);
}

TEST_CASE("names: qualified, quoted, folded") {
  CHECK(ProblemOf("items.\"Odd Name\" + 1") == "ok");
  CHECK(ProblemOf("PRICE + Bids.Price") == "ok");
  CHECK(ProblemOf("id = auction AND items.channel = bids.channel") == "ok");
}

TEST_CASE("binding to a type casts as INSERT would and refuses the rest") {
  const auto bind = [](const std::string& sql, const DataType& type) {
    ExprProblem problem;
    const auto bound = BindExpressionAs(sql, TwoInputs(), type, &problem);
    return bound.ok() ? (*bound)->type().ToString() : problem.message;
  };
  CHECK(bind("price", TypeId::kInteger) == "integer");
  CHECK(bind("price", TypeId::kText) == "text");
  CHECK(bind("'2024-01-01'", TypeId::kDate) == "date");
  CHECK(bind("0.5", DataType::Decimal(10, 2)) == "numeric(10,2)");
  CHECK(bind("NULL", TypeId::kInterval) == "interval");
  CHECK(bind("bids.channel", TypeId::kBigint) == "a value of type text does not fit type bigint");
  CHECK(bind("price", TypeId::kBoolean) == "a value of type bigint does not fit type boolean");
}

TEST_CASE("equi-joins split into pairs of sides") {
  const auto split = [](const std::string& sql, size_t* pairs) {
    ExprProblem problem;
    const auto bound = BindExpression(sql, TwoInputs(), &problem);
    REQUIRE_MESSAGE(bound.ok(), problem.message);
    std::vector<ExpressionPtr> left;
    std::vector<ExpressionPtr> right;
    const bool ok = SplitEquiJoin(**bound, TwoInputs(), &left, &right);
    *pairs = left.size();
    for (const ExpressionPtr& e : left) {
      for (const int column : e->columns()) CHECK(column < 3);
    }
    for (const ExpressionPtr& e : right) {
      for (const int column : e->columns()) CHECK(column >= 3);
    }
    return ok;
  };
  size_t pairs = 0;
  CHECK(split("auction = id", &pairs));
  CHECK(pairs == 1);
  CHECK(split("id = auction AND (lower(bids.channel) = items.channel AND price = id + 1)", &pairs));
  CHECK(pairs == 3);
  CHECK_FALSE(split("auction = id AND price > 5", &pairs));
  CHECK_FALSE(split("auction = id OR price = id", &pairs));
  CHECK_FALSE(split("auction = price", &pairs));
  CHECK_FALSE(split("auction = 5", &pairs));
}

TEST_CASE("a token's length covers words, numbers, strings and operators") {
  CHECK(TokenLength("abc + 1", 0) == 3);
  CHECK(TokenLength("a <= 1", 2) == 2);
  CHECK(TokenLength("'it''s' x", 0) == 7);
  CHECK(TokenLength("\"a b\".c", 0) == 5);
  CHECK(TokenLength("1.5 + 2", 0) == 3);
  CHECK(TokenLength("-12", 0) == 3);
  CHECK(TokenLength("f(x)", 1) == 1);
  CHECK(TokenLength("abc", 3) == 0);
}

}  // namespace
}  // namespace streamrun
