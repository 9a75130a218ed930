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

struct Wrong {
  const char* sql;
  const char* problem;
};

// Offset and length of the token at fault, code, message, suggestion.
constexpr Wrong kWrong[] = {
    {"bids.channel + price",
     "13+1 expr.type: operator does not exist: text + bigint / cast the text: (...)::bigint"},
    {"price + bids.channel",
     "6+1 expr.type: operator does not exist: bigint + text / cast the text: (...)::bigint"},
    {"bids.channel * 2",
     "13+1 expr.type: operator does not exist: text * integer / cast the text: (...)::integer"},
    {"price || true",
     "6+2 expr.type: operator does not exist: bigint || boolean / one side must be text: (...)::text"},
    {"- bids.channel", "0+1 expr.type: operator does not exist: - text / cast the text: (...)::numeric"},
    {"NOT price",
     "4+5 expr.type: argument of NOT must be type boolean, not type bigint / compare it with something"},
    {"price AND true",
     "0+5 expr.type: argument of AND must be type boolean, not type bigint / compare it with something"},
    {"true OR bids.channel",
     "8+4 expr.type: argument of OR must be type boolean, not type text / compare it with something"},
    {"price = bids.channel",
     "6+1 expr.type: operator does not exist: bigint = text / cast the text: (...)::bigint"},
    {"price > true",
     "6+1 expr.type: operator does not exist: bigint > boolean / cast the boolean: (...)::integer"},
    {"price LIKE 'a%'",
     "6+4 expr.type: operator does not exist: bigint ~~ unknown / only text is matched: (...)::text"},
    {"price ~ 'a'",
     "6+1 expr.type: operator does not exist: bigint ~ unknown / only text is matched: (...)::text"},
    {"bids.channel LIKE 5",
     "13+4 expr.type: operator does not exist: text ~~ integer / the pattern must be text"},
    {"price -> 'a'",
     "6+2 expr.type: operator does not exist: bigint -> unknown / the left side must be jsonb: (...)::jsonb"},
    {"bids.channel -> 'a'",
     "13+2 expr.type: operator does not exist: text -> unknown / the left side must be jsonb: (...)::jsonb"},
    {"bids.channel @> 'x'",
     "13+2 expr.type: operator does not exist: text @> unknown / add an explicit cast: (...)::type"},
    {"price ? 'a'",
     "6+1 expr.type: operator does not exist: bigint ? unknown / the left side must be jsonb: (...)::jsonb"},
    {"price IN ('a', 'b')", "10+3 expr.literal: invalid input syntax for type bigint: \"a\""},
    {"price IN (1, bids.channel)",
     "6+2 expr.type: operator does not exist: bigint = text / cast the text: (...)::bigint"},
    {"price BETWEEN 'a' AND 5", "14+3 expr.literal: invalid input syntax for type bigint: \"a\""},
    {"price BETWEEN bids.channel AND 5",
     "6+7 expr.type: operator does not exist: bigint >= text / cast the text: (...)::bigint"},
    {"price = ANY (5)",
     "6+1 expr.type: op ANY/ALL (array) requires array on right side / the right side is of type integer"},
    {"price = ANY (ARRAY['a'])",
     "6+1 expr.type: operator does not exist: bigint = text / cast the text: (...)::bigint"},
    {"price + ANY (ARRAY[1])", "6+1 expr.type: op ANY/ALL (array) requires operator to yield boolean"},
    {"CASE WHEN price THEN 1 END",
     "10+5 expr.type: argument of CASE/WHEN must be type boolean, not type bigint / compare it with "
     "something"},
    {"CASE WHEN price > 1 THEN 1 ELSE 'x' END",
     "32+3 expr.literal: invalid input syntax for type integer: \"x\""},
    {"CASE price WHEN bids.channel THEN 1 END",
     "16+4 expr.type: operator does not exist: bigint = text / cast the text: (...)::bigint"},
    {"coalesce(price, bids.channel)",
     "16+4 expr.type: COALESCE types bigint and text cannot be matched / cast one of them: (...)::bigint"},
    {"greatest(price, true)",
     "16+4 expr.type: GREATEST types bigint and boolean cannot be matched / cast one of them: (...)::bigint"},
    {"nullif(price, bids.channel)",
     "0+6 expr.type: operator does not exist: bigint = text / cast the text: (...)::bigint"},
    {"ARRAY[price, bids.channel]",
     "13+4 expr.type: ARRAY types bigint and text cannot be matched / cast one of them: (...)::bigint"},
    {"ARRAY[]", "0+5 expr.type: cannot determine type of empty array / say its type: '{}'::bigint[]"},
    {"ARRAY[[1]]", "0+5 expr.unsupported: arrays of arrays are not supported / use jsonb"},
    {"price[1]",
     "0+5 expr.type: cannot subscript type bigint because it does not support subscripting / only arrays and "
     "jsonb have elements"},
    {"bids.channel[1]",
     "0+4 expr.type: cannot subscript type text because it does not support subscripting / use "
     "substring(text from 1 for 1)"},
    {"(ARRAY[1,2])[true]", "13+4 expr.type: array subscript must have type integer"},
    {"'12x'::integer", "0+5 expr.literal: invalid input syntax for type integer: \"12x\""},
    {"price::uuid", "0+5 expr.type: cannot cast type bigint to uuid"},
    {"price::date",
     "0+5 expr.type: cannot cast type bigint to date / seconds since 1970 become a time with "
     "to_timestamp(...)"},
    {"price::nosuch",
     "7+6 expr.unknown_type: type \"nosuch\" does not exist / types: boolean, integer, bigint, double "
     "precision, numeric, text, bytea, date, timestamp, timestamptz, interval, jsonb, uuid, inet, and arrays "
     "of them"},
    {"price::smallint", "7+8 expr.unsupported: type smallint is not supported / use integer"},
    {"price::json", "7+4 expr.unsupported: type json is not supported / use jsonb"},
    {"price::numeric(50)",
     "7+7 expr.type: NUMERIC precision 50 must be between 1 and 38 / numeric has at most 38 digits here"},
    {"price::varchar(0)", "7+7 expr.type: length for type varchar must be at least 1"},
    {"price::timestamp",
     "0+5 expr.type: cannot cast type bigint to timestamp without time zone / seconds since 1970 become a "
     "time with to_timestamp(...)"},
    {"integer 'x'", "8+3 expr.literal: invalid input syntax for type integer: \"x\""},
    {"lower(price)",
     "0+5 expr.unknown_function: function lower(bigint) does not exist / there is lower(text)"},
    {"lower(bids.channel, 'x')",
     "0+5 expr.unknown_function: function lower(text, unknown) does not exist / there is lower(text)"},
    {"lower()", "0+5 expr.unknown_function: function lower() does not exist / there is lower(text)"},
    {"lowr(bids.channel)",
     "0+4 expr.unknown_function: function lowr(text) does not exist / did you mean \"lower\"?"},
    {"nvl(price, 0)",
     "0+3 expr.unknown_function: function nvl(bigint, integer) does not exist / use coalesce(a, b)"},
    {"try_cast(price)",
     "0+8 expr.unknown_function: function try_cast(bigint) does not exist / use try_bigint, try_double, "
     "try_numeric, try_boolean, try_date, try_timestamptz, ..."},
    {"datediff(price, 1)",
     "0+8 expr.unknown_function: function datediff(bigint, integer) does not exist / subtract: b::date - "
     "a::date"},
    {"if(price > 1, 2, 3)",
     "0+2 expr.unknown_function: function if(boolean, integer, integer) does not exist / write CASE WHEN "
     "condition THEN a ELSE b END"},
    {"substring(price from 2)",
     "0+9 expr.unknown_function: function pg_catalog.substring(bigint, integer) does not exist / there is "
     "substring(text, integer); substring(text, integer, integer); substring(text, text); substring(text, "
     "text, text); substring(bytea, integer); substring(bytea, integer, integer)"},
    {"extract(year from price)",
     "0+7 expr.unknown_function: function pg_catalog.extract(unknown, bigint) does not exist / there is "
     "extract(text, timestamp); extract(text, timestamptz); extract(text, date); extract(text, interval)"},
    {"to_date(price)",
     "0+7 expr.unknown_function: function to_date(bigint) does not exist / there is to_date(text, text)"},
    {"make_interval(dayz => 1)",
     "0+13 expr.unknown_function: function make_interval(dayz => integer) does not exist / its arguments are "
     "years, months, weeks, days, hours, mins, secs"},
    {"lower(x => 'A')",
     "0+5 expr.unknown_function: function lower(x => unknown) does not exist / its arguments have no names: "
     "write them in their order"},
    {"make_date(2024, 1, day => 1, day => 2)", "36+1 expr.type: argument name \"day\" used more than once"},
    {"concat(VARIADIC price)", "16+5 expr.type: VARIADIC argument must be an array"},
    {"sum(price)",
     "0+3 expr.unsupported: aggregate functions are not allowed in expressions: sum / use an aggregate "
     "operator and refer to its result by name"},
    {"count(*)",
     "0+5 expr.unsupported: aggregate functions are not allowed in expressions: count / use an aggregate "
     "operator and refer to its result by name"},
    {"avg(DISTINCT price)",
     "0+3 expr.unsupported: aggregate functions are not allowed in expressions: avg / use an aggregate "
     "operator and refer to its result by name"},
    {"array_agg(price ORDER BY id)",
     "0+9 expr.unsupported: aggregate functions are not allowed in expressions: array_agg / use an aggregate "
     "operator and refer to its result by name"},
    {"percentile_cont(0.5) WITHIN GROUP (ORDER BY price)",
     "0+15 expr.unsupported: aggregate functions are not allowed in expressions: percentile_cont / use an "
     "aggregate operator and refer to its result by name"},
    {"row_number() OVER ()",
     "0+10 expr.unsupported: window functions are not allowed in expressions / use an aggregate or top "
     "operator"},
    {"lag(price)",
     "0+3 expr.unsupported: window functions are not allowed in expressions: lag / use an aggregate or top "
     "operator"},
    {"unnest(ARRAY[price])",
     "0+6 expr.unsupported: set-returning functions are not allowed in expressions: unnest / use the unnest "
     "operator: one row for every element"},
    {"generate_series(1, price)",
     "0+15 expr.unsupported: set-returning functions are not allowed in expressions: generate_series / use "
     "the unnest operator: one row for every element"},
    {"(SELECT 1)",
     "0+1 expr.unsupported: sub-queries are not allowed in expressions / use an enrich or join operator"},
    {"EXISTS (SELECT 1)",
     "0+6 expr.unsupported: sub-queries are not allowed in expressions / use an enrich or join operator"},
    {"price IN (SELECT 1)",
     "6+2 expr.unsupported: sub-queries are not allowed in expressions / use an enrich or join operator"},
    {"$1 + price",
     "0+2 expr.unsupported: parameters ($1) are not allowed in expressions / values from outside are written "
     "${NAME}"},
    {"*", "0+1 expr.unsupported: \"*\" is not a scalar expression / name one column"},
    {"bids.*", "0+4 expr.unsupported: \"*\" is not a scalar expression / name one column"},
    {"bids.price.x",
     "0+4 expr.unsupported: a column is written as name or input.name / a field inside a jsonb column is "
     "value ->> 'field'"},
    {"nosuch.price",
     "0+6 expr.unknown_input: missing FROM-clause entry for table \"nosuch\" / a field of a jsonb column is "
     "written nosuch ->> 'price'"},
    {"prise", "0+5 expr.unknown_column: column \"prise\" does not exist / did you mean \"price\"?"},
    {"bids.prise", "0+4 expr.unknown_column: column bids.prise does not exist / did you mean \"price\"?"},
    {"channel",
     "0+7 expr.ambiguous_column: column reference \"channel\" is ambiguous / put the input's name in front: "
     "input.channel, or quote the exact column name"},
    {"(price, auction) = (1, 2, 3)", "17+1 expr.type: unequal number of entries in row expressions"},
    {"(price, auction) = 3",
     "17+1 expr.type: operator does not exist: record = integer / compare a row with a row of as many "
     "fields"},
    {"(price, auction) + (1, 2)",
     "17+1 expr.type: row comparison operator must yield type boolean, not type bigint / rows are compared "
     "with = <> < <= > >="},
    {"(price, auction)",
     "0+1 expr.unsupported: rows are not values here / compare rows with rows, or make an object: "
     "jsonb_build_object('name', value)"},
    {"ROW(price)",
     "0+3 expr.unsupported: rows are not values here / compare rows with rows, or make an object: "
     "jsonb_build_object('name', value)"},
    {"bids.channel COLLATE \"de_DE\"",
     "13+7 expr.unsupported: collation \"de_DE\" is not supported / text is compared byte by byte, as with "
     "COLLATE \"C\""},
    {"price COLLATE \"C\"",
     "6+7 expr.type: collations are not supported by type bigint / leave COLLATE out: only text has a "
     "collation"},
    {"current_user",
     "0+12 expr.unsupported: \"current_user\" has no meaning in a stream / a column of that name is written "
     "\"current_user\" in double quotes"},
    {"session_user",
     "0+12 expr.unsupported: \"session_user\" has no meaning in a stream / a column of that name is written "
     "\"session_user\" in double quotes"},
    {"current_time",
     "0+12 expr.unsupported: \"current_time\" has no meaning in a stream / a column of that name is written "
     "\"current_time\" in double quotes"},
    {"x'1f'", "0+1 expr.unsupported: bit strings are not supported / write the number in decimal"},
    {"price IS DOCUMENT", "6+2 expr.unsupported: XML is not supported / use jsonb"},
    {"bids.channel IS TRUE",
     "0+4 expr.type: argument of IS TRUE must be type boolean, not type text / compare it with something"},
    {"price IS UNKNOWN",
     "0+5 expr.type: argument of IS UNKNOWN must be type boolean, not type bigint / compare it with "
     "something"},
    {"(bids.channel).x",
     "1+4 expr.unsupported: only [index] may follow an expression / a field of a jsonb value is value ->> "
     "'field'"},
    {"price IS DISTINCT FROM bids.channel",
     "6+2 expr.type: operator does not exist: bigint = text / cast the text: (...)::bigint"},
    {"(price, 1) OVERLAPS (2, 3)",
     "11+8 expr.unknown_function: function pg_catalog.overlaps(bigint, integer, integer, integer) does not "
     "exist / there is overlaps(timestamp, timestamp, timestamp, timestamp); overlaps(timestamptz, "
     "timestamptz, timestamptz, timestamptz)"},
    {"1 / 0", "2+1 expr.constant: division by zero / every row would fail here"},
    {"1 / 0 = price AND false", "2+1 expr.constant: division by zero / every row would fail here"},
    {"bids.channel SIMILAR TO 5",
     "13+7 expr.unknown_function: function similar_to_escape(integer) does not exist / there is "
     "similar_to_escape(text); similar_to_escape(text, text)"},
    {"price == 1",
     "6+2 expr.type: operator does not exist: bigint == integer / equality is written with one ="},
    {"price && 1", "6+2 expr.type: operator does not exist: bigint && integer / write AND"},
    {"price !", "7+1 expr.syntax: syntax error at end of input"},
    {"!price", "0+1 expr.type: operator does not exist: ! bigint / write NOT"},
    {"price + ", "8+1 expr.syntax: syntax error at end of input"},
    {"(price", "6+1 expr.syntax: syntax error at end of input"},
    {"price)", "5+1 expr.syntax: syntax error at or near \")\""},
    {"'abc", "0+4 expr.syntax: unterminated quoted string at or near \"'abc\""},
    {"\"abc", "0+4 expr.syntax: unterminated quoted identifier at or near \"\"abc\""},
    {"price price",
     "0+1 expr.syntax: this is not one scalar expression / write only the expression: no SELECT, FROM, AS, "
     "comma list or semicolon"},
    {"price = = 1", "8+1 expr.syntax: syntax error at or near \"=\""},
    {"order > 1",
     "6+1 expr.syntax: syntax error at or near \">\" / a reserved word used as a column name is written "
     "\"order\" in double quotes"},
    {"user.price",
     "4+1 expr.syntax: syntax error at or near \".\" / a reserved word used as a column name is written "
     "\"user\" in double quotes"},
    {"price AS x",
     "0+1 expr.syntax: this is not one scalar expression / write only the expression: no SELECT, FROM, AS, "
     "comma list or semicolon"},
    {"price, id",
     "0+1 expr.syntax: this is not one scalar expression / write only the expression: no SELECT, FROM, AS, "
     "comma list or semicolon"},
    {"price FROM bids",
     "0+1 expr.syntax: this is not one scalar expression / write only the expression: no SELECT, FROM, AS, "
     "comma list or semicolon"},
    {"SELECT price",
     "0+6 expr.syntax: syntax error at or near \"SELECT\" / a reserved word used as a column name is written "
     "\"SELECT\" in double quotes"},
    {"price;DROP TABLE bids",
     "0+1 expr.syntax: this is not one scalar expression / write only the expression: no SELECT, FROM, AS, "
     "comma list or semicolon"},
    {"5 % 'x'", "4+3 expr.literal: invalid input syntax for type integer: \"x\""},
    {"'a' + 'b'",
     "4+1 expr.ambiguous: operator is not unique: unknown + unknown / could not choose a best candidate "
     "operator: add an explicit cast"},
    {"bids.channel + bids.channel",
     "13+1 expr.type: operator does not exist: text + text / text is joined with ||"},
    {"now() + 1",
     "6+1 expr.type: operator does not exist: timestamp with time zone + integer / use an interval: interval "
     "'1 day'"},
    {"now() - 'x'", "8+3 expr.literal: invalid input syntax for type timestamp with time zone: \"x\""},
    {"interval '1 day' + 1",
     "17+1 expr.type: operator does not exist: interval + integer / use an interval: interval '1 day'"},
    {"true + 1",
     "5+1 expr.type: operator does not exist: boolean + integer / cast the boolean: (...)::integer"},
    {"bids.channel < 5",
     "13+1 expr.type: operator does not exist: text < integer / cast the text: (...)::integer"},
    {"to_jsonb(price) > 5",
     "16+1 expr.type: operator does not exist: jsonb > integer / take a value out of the jsonb first: (value "
     "->> 'field')::type"},
    {"to_jsonb(price) + 1",
     "16+1 expr.type: operator does not exist: jsonb + integer / take a value out of the jsonb first: (value "
     "->> 'field')::type"},
    {"price::interval",
     "0+5 expr.type: cannot cast type bigint to interval / multiply: ... * interval '1 second'"},
    {"now()::bigint",
     "0+3 expr.type: cannot cast type timestamp with time zone to bigint / use extract(epoch from ...)"},
    {"price::jsonb", "0+5 expr.type: cannot cast type bigint to jsonb / use to_jsonb(...)"},
    {"(price > 1)::double precision",
     "7+1 expr.type: cannot cast type boolean to double precision / go by way of integer: (...)::integer"},
    {"price::boolean", "0+5 expr.type: cannot cast type bigint to boolean / compare it: ... <> 0"},
    {"bids.channel && true", "13+2 expr.type: operator does not exist: text && boolean / write AND"},
    {"now() * 2",
     "6+1 expr.type: operator does not exist: timestamp with time zone * integer / use an interval: interval "
     "'1 day'"},
};

TEST_CASE("wrong expressions: place, message, way out") {
  for (const Wrong& wrong : kWrong) CHECK(ProblemOf(wrong.sql) == wrong.problem);
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

TEST_CASE("a constant argument that no value fits is refused at its place") {
  CHECK(ProblemOf("extract(yeer from to_timestamp(price))") ==
        "8+4 expr.pattern: unit \"yeer\" not recognized for type timestamp with time zone / did you mean "
        "\"year\"?");
  CHECK(ProblemOf("date_trunc('weekk', to_timestamp(price))") ==
        "11+7 expr.pattern: unit \"weekk\" not recognized for type timestamp with time zone / did you mean "
        "\"week\"?");
  CHECK(ProblemOf("date_part('nothing', to_timestamp(price)::date)") ==
        "10+9 expr.pattern: unit \"nothing\" not recognized for type timestamp without time zone");
  CHECK(ProblemOf("extract(today from to_timestamp(price) - now())") ==
        "8+5 expr.pattern: unit \"today\" not recognized for type interval");
  CHECK(ProblemOf("date_trunc('isodow', to_timestamp(price))")
            .starts_with("11+8 expr.pattern: unit \"isodow\""));
  CHECK(ProblemOf("extract(dow from to_timestamp(price))") == "ok");
  CHECK(ProblemOf("regexp_replace(bids.channel, '(', 'x', 'g')") ==
        "29+3 expr.pattern: invalid regular expression: parentheses () not balanced");
  CHECK(ProblemOf("regexp_replace(bids.channel, 'a', 'x', 'gz')") ==
        "39+4 expr.pattern: invalid regular expression option: \"z\"");
  CHECK(ProblemOf("regexp_like(bids.channel, items.channel, 'g')") ==
        "41+3 expr.pattern: regexp_like() does not support the \"global\" option");
  CHECK(ProblemOf("substring(bids.channel similar 'a' escape '##')") ==
        "42+4 expr.pattern: invalid escape string");
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
