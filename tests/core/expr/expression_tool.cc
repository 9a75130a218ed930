// The C++ half of conformance.py: what the function table holds, and what expressions give here.
//
//   expression_tool functions          the table as one JSON array
//   expression_tool evaluate COLUMNS   reads one expression a line from standard input and answers each with
//                                      one line of JSON over the rows of COLUMNS, a JSON file
//                                      [{"name":, "type":, "values": [text or null, ...]}, ...]
//   expression_tool evaluate           the same over one row without columns
//
// An answer is {"type":, "rows": [text | null | {"code":, "message":}, ...]} or, when the expression does not
// bind, {"problem": {"code":, "message":}}.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/expression.h"
#include "core/expr/function.h"

namespace streamrun {
namespace {

using Json = nlohmann::ordered_json;

std::string ArgWord(Arg arg) {
  switch (arg) {
    case Arg::kDecimal:
      return "decimal";
    case Arg::kList:
      return "list";
    case Arg::kAny:
      return "anything";
    case Arg::kElement:
      return "element";
    case Arg::kElements:
      return "elements";
    case Arg::kCastText:
      return "cast to text";
    case Arg::kOutput:
      return "output";
    default:
      return std::string(ArgName(arg));
  }
}

Json Entry(const Function& f, std::string_view family) {
  Json args = Json::array();
  for (const Arg arg : f.args) args.push_back(ArgWord(arg));
  return {{"name", f.name},
          {"args", args},
          {"result", ArgWord(f.result)},
          {"family", family},
          {"signature", f.Signature()},
          {"example", f.example},
          {"operator", f.is_operator()},
          {"variadic", f.has(kVariadic)},
          {"volatile", f.has(kVolatile)},
          {"addition", f.has(kAddition)},
          {"syntax", f.has(kNoHelp)}};
}

int Functions() {
  Json out = Json::array();
  for (const FunctionFamily& family : FunctionFamilies()) {
    for (const Function& f : family.functions) out.push_back(Entry(f, family.title));
  }
  std::cout << out.dump() << "\n";
  return 0;
}

struct Table {
  Scope scope;
  std::vector<ColumnPtr> columns;
  int64_t rows = 1;
};

bool ReadTable(const char* path, Table* table) {
  std::ifstream in(path);
  const Json document = Json::parse(in, nullptr, false);
  if (!document.is_array() || document.empty()) {
    std::cerr << path << " holds no columns\n";
    return false;
  }
  std::vector<Field> fields;
  for (const Json& column : document) {
    const Result<DataType> type = DataType::Parse(column["type"].get<std::string>());
    if (!type.ok()) {
      std::cerr << type.status().message() << "\n";
      return false;
    }
    ColumnBuilder builder(*type);
    for (const Json& value : column["values"]) {
      if (value.is_null()) {
        builder.AppendNull();
      } else if (Status s = AppendParsed(value.get<std::string>(), builder); !s.ok()) {
        std::cerr << s.message() << "\n";
        return false;
      }
    }
    fields.push_back({column["name"].get<std::string>(), *type});
    table->columns.push_back(builder.Finish());
  }
  table->rows = table->columns[0]->length();
  table->scope = Scope(std::make_shared<const Schema>(std::move(fields)));
  return true;
}

Json Answer(const std::string& sql, const Table& table) {
  ExprProblem problem;
  const auto bound = BindExpression(sql, table.scope, &problem);
  if (!bound.ok()) return {{"problem", {{"code", problem.code}, {"message", problem.message}}}};
  Evaluator evaluator(*bound, Env::Default());
  std::vector<RowFailure> failures;
  const ColumnPtr column = evaluator.Evaluate(table.columns, table.rows, &failures);
  Json rows = Json::array();
  size_t next = 0;
  for (int64_t row = 0; row < table.rows; ++row) {
    if (next < failures.size() && failures[next].row == row) {
      rows.push_back({{"code", failures[next].code}, {"message", failures[next].message}});
      ++next;
    } else if (column->IsNull(row)) {
      rows.push_back(nullptr);
    } else {
      std::string text;
      PrintValue(*column, row, text);
      rows.push_back(text);
    }
  }
  return {{"type", (*bound)->type().ToString()}, {"rows", rows}};
}

int Evaluate(const char* path) {
  Table table;
  if (path != nullptr && !ReadTable(path, &table)) return 1;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << Answer(line, table).dump(-1, ' ', false, Json::error_handler_t::replace) << "\n"
              << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace streamrun

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "functions" && argc == 2) return streamrun::Functions();
  if (command == "evaluate" && argc <= 3) return streamrun::Evaluate(argc == 3 ? argv[2] : nullptr);
  std::cerr << "usage: expression_tool functions | evaluate [COLUMNS]\n";
  return 2;
}
