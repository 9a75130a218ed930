// jsonb and array functions over columns whose every row is another one: paths that vary, chains of ->,
// nulls, rows that fail beside rows that do not.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/expression.h"
#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {
namespace {

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

// The rows' texts; a row that failed as "error: MESSAGE".
std::vector<std::string> Rows(const Column& column, const std::vector<RowFailure>& failures) {
  std::vector<std::string> out;
  for (int64_t row = 0; row < column.length(); ++row) {
    std::string text;
    PrintValue(column, row, text);
    out.push_back(text);
  }
  for (const RowFailure& failure : failures) out[failure.row] = "error: " + failure.message;
  return out;
}

struct Rig {
  SchemaPtr schema =
      std::make_shared<const Schema>(std::vector<Field>{{"j", TypeId::kJsonb},
                                                        {"p", TypeId::kText},
                                                        {"steps", DataType::List(TypeId::kText)},
                                                        {"n", TypeId::kInteger}});
  std::vector<ColumnPtr> columns = {
      ColumnOf(TypeId::kJsonb, {R"({"a": [1, 5]})", R"({"a": {"b": "x"}})", "~", R"([10, {"a": "y"}])", "7"}),
      ColumnOf(TypeId::kText, {"$.a[*] ? (@ > 1)", "$.a.b", "$", "strict $.a", "$ x"}),
      ColumnOf(DataType::List(TypeId::kText), {"{a,1}", "{a,b}", "{a}", "~", "{}"}),
      ColumnOf(TypeId::kInteger, {"1", "0", "0", "-1", "0"})};

  std::vector<std::string> operator()(const std::string& sql) const {
    ExprProblem problem;
    const auto bound = BindExpression(sql, Scope(schema), &problem);
    REQUIRE_MESSAGE(bound.ok(), problem.message);
    Evaluator evaluator(*bound, Env::Default());
    std::vector<RowFailure> failures;
    const ColumnPtr result = evaluator.Evaluate(columns, 5, &failures);
    return Rows(*result, failures);
  }
};

using Texts = std::vector<std::string>;

TEST_CASE("a jsonpath from a column is read for its own row and fails only that") {
  const Rig rig;
  CHECK(rig("jsonb_path_query_array(j, p)") ==
        Texts{"[5]", "[\"x\"]", "NULL", "error: jsonpath member accessor can only be applied to an object",
              "error: syntax error at end of jsonpath input"});
  CHECK(rig("jsonb_path_exists(j, '$.a')") == Texts{"t", "t", "NULL", "t", "f"});
  CHECK(rig("j @? '$.a[*] ? (@ > 1)'") == Texts{"t", "f", "NULL", "f", "f"});
}

TEST_CASE("paths, keys and indexes from columns") {
  const Rig rig;
  CHECK(rig("j #> steps") == Texts{"5", "\"x\"", "NULL", "NULL", "7"});
  CHECK(rig("j -> n") == Texts{"NULL", "NULL", "NULL", "{\"a\": \"y\"}", "7"});
  CHECK(rig("j -> 'a' -> n") == Texts{"5", "NULL", "NULL", "NULL", "NULL"});
  CHECK(rig("j -> 1 ->> 'a'") == Texts{"NULL", "NULL", "NULL", "y", "NULL"});
  CHECK(rig("jsonb_set(j, steps, to_jsonb(n))") ==
        Texts{R"({"a": [1, 1]})", R"({"a": {"b": 0}})", "NULL", "NULL", "error: cannot set path in scalar"});
}

TEST_CASE("a chain of -> in one walk gives what the steps give") {
  const Rig rig;
  const std::vector<ColumnPtr> keys = {ColumnOf(TypeId::kText, {"a"}), ColumnOf(TypeId::kText, {"b"}),
                                       ColumnOf(TypeId::kInteger, {"1"})};
  const auto chain = [&](std::string_view name, const std::vector<ColumnPtr>& steps) {
    const Function& function = *FunctionsNamed(name)[0];
    std::vector<ColumnPtr> constants{nullptr};
    std::vector<Vector> args{{rig.columns[0], false}};
    for (const ColumnPtr& step : steps) {
      constants.push_back(step);
      args.push_back({step, true});
    }
    const auto prepared = function.prepare(constants);
    REQUIRE(prepared.ok());
    const DataType type = TypeOf(function.result);
    std::vector<RowFailure> failures;
    RowSet live{0b11011};  // the third row is null
    KernelCall call(type, prepared->get(), args, 5, live.data(), &failures, Env::Default());
    call.set_validity(rig.columns[0]->validity_buffer());
    const ColumnPtr result = function.kernel(call);
    return Rows(*result, failures);
  };
  CHECK(chain("json_chain", {keys[0], keys[2]}) == rig("j -> 'a' -> 1"));
  CHECK(chain("json_chain_text", {keys[0], keys[1]}) == rig("j -> 'a' ->> 'b'"));
  CHECK(chain("json_chain_text", {keys[2], keys[0]}) == rig("j -> 1 ->> 'a'"));
}

}  // namespace
}  // namespace streamrun
