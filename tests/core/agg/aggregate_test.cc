// The examples of the aggregate table, each in several ways: at once, split and merged, saved and loaded.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/agg/group_table.h"
#include "core/data/column_builder.h"
#include "core/data/text_io.h"

namespace streamrun {
namespace {

// "f(x::type) over 1, 2, NULL -> RESULT": the rows become column x, text unless the call casts it; a bare x
// is an integer when all rows are.
struct Example {
  std::string call;
  std::vector<std::string> rows;
  std::string result;
};

Example Read(std::string_view text) {
  const size_t over = text.find(" over ");
  const size_t arrow = text.rfind(" -> ");
  REQUIRE_MESSAGE((over != std::string_view::npos && arrow != std::string_view::npos), text);
  Example e{std::string(text.substr(0, over)), {}, std::string(text.substr(arrow + 4))};
  std::string_view rows = text.substr(over + 6, arrow - over - 6);
  while (!rows.empty()) {
    const size_t comma = rows.find(", ");
    e.rows.emplace_back(rows.substr(0, comma));
    rows = comma == std::string_view::npos ? std::string_view() : rows.substr(comma + 2);
  }
  return e;
}

BatchPtr RowsOf(const Example& e) {
  DataType type = TypeId::kInteger;
  for (const std::string& row : e.rows) {
    ColumnBuilder probe{DataType(TypeId::kInteger)};
    if (row != "NULL" && !AppendParsed(row, probe).ok()) type = TypeId::kText;
  }
  ColumnBuilder x(type);
  ColumnBuilder n{DataType(TypeId::kInteger)};
  int32_t number = 0;
  for (const std::string& row : e.rows) {
    if (row == "NULL") {
      x.AppendNull();
    } else {
      REQUIRE(AppendParsed(row, x).ok());
    }
    n.Append(++number);
  }
  auto schema = std::make_shared<const Schema>(std::vector<Field>{{"x", type}, {"n", TypeId::kInteger}});
  const auto rows = static_cast<int64_t>(e.rows.size());
  return std::make_shared<const Batch>(schema, rows, std::vector<ColumnPtr>{x.Finish(), n.Finish()});
}

struct Run {
  const std::vector<AggregateCall>& calls;
  GroupTable table{{}, calls};

  void Add(const BatchPtr& batch, bool retract = false) {
    GroupInput input({}, calls, Env::Default());
    std::vector<RowFailure> failures;
    input.Evaluate(batch, table.keys(), &failures);
    REQUIRE(failures.empty());
    std::vector<uint32_t> slots;
    retract ? table.Retract(input, nullptr, batch->rows(), &slots)
            : table.Add(input, nullptr, batch->rows(), &slots);
  }
  std::string Result() {
    std::vector<RowFailure> failures;
    const std::vector<ColumnPtr> columns = table.Results({0}, &failures);
    if (!failures.empty()) return "error: " + failures[0].message;
    std::string text;
    PrintValue(*columns[0], 0, text);
    return text;
  }
};

TEST_CASE("every example of the aggregate table is true however its rows come") {
  for (const AggregateFunction& function : AllAggregates()) {
    CAPTURE(function.signature.Signature());
    CHECK(!function.signature.help.empty());
    const Example example = Read(function.signature.example);
    CAPTURE(function.signature.example);
    const BatchPtr batch = RowsOf(example);
    const Scope scope(batch->schema());
    SelectBinder binder(scope, std::make_shared<const Schema>());
    binder.set_event_time(-1);
    ExprProblem problem;
    const ExpressionPtr bound = binder.Bind(example.call, &problem);
    REQUIRE_MESSAGE(bound != nullptr, problem.message << " " << problem.suggestion);
    const std::vector<AggregateCall>& calls = binder.calls();

    Run whole{calls};
    whole.Add(batch);
    CHECK(whole.Result() == example.result);

    // Row by row, each in a table of its own, joined by way of saved states.
    Run merged{calls};
    for (int64_t row = 0; row < batch->rows(); ++row) {
      Run one{calls};
      one.Add(Slice(batch, row, row + 1));
      const auto saved = one.table.Save({0});
      merged.table.Load(saved, 1);
    }
    CHECK(merged.Result() == example.result);

    // What was added twice and taken back once is as if added once.
    if (function.has(kRetracts)) {
      Run retracted{calls};
      retracted.Add(batch);
      retracted.Add(batch);
      retracted.Add(batch, true);
      CHECK(retracted.Result() == example.result);
    }

    // A cleared slot is empty: the same rows give the same again.
    Run again{calls};
    again.Add(batch);
    again.table.Erase(0);
    again.Add(batch);
    CHECK(again.Result() == example.result);
  }
}

}  // namespace
}  // namespace streamrun
