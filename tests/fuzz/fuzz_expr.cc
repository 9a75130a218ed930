// Parse, bind and evaluate whatever text comes: no crash, no hang, and what comes out is well-formed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/expression.h"
#include "core/expr/utf8.h"

namespace {

using namespace streamrun;

// Columns of every type, each with ordinary values, extremes and a null.
struct Input {
  SchemaPtr schema;
  std::vector<ColumnPtr> columns;
};

Input MakeInput() {
  struct Spec {
    const char* name;
    DataType type;
    const char* values[4];
  };
  const Spec specs[] = {
      {"b", TypeId::kBoolean, {"t", "f", nullptr, "t"}},
      {"i", TypeId::kInteger, {"0", "-2147483648", nullptr, "7"}},
      {"l", TypeId::kBigint, {"1", "9223372036854775807", nullptr, "0"}},
      {"d", TypeId::kDouble, {"0", "NaN", nullptr, "1e308"}},
      {"n", TypeId::kNumeric, {"0.00", "NaN", nullptr, "-12345678901234567890.123"}},
      {"p", DataType::Decimal(10, 2), {"0", "99999999.99", nullptr, "-0.01"}},
      {"t", TypeId::kText, {"", "aébc%_\\", nullptr, "12"}},
      {"s", TypeId::kTimestamp, {"infinity", "1969-12-31 23:59:59.999999", nullptr, "2024-02-29"}},
      {"z", TypeId::kTimestamptz, {"-infinity", "2024-02-29 12:00+00", nullptr, "epoch"}},
      {"y", TypeId::kDate, {"infinity", "0044-03-15 BC", nullptr, "2024-02-29"}},
      {"v", TypeId::kInterval, {"0", "-178000000 years", nullptr, "1 mon -1 day 00:00:01"}},
      {"j", TypeId::kJsonb, {"{\"a\":[1,{\"b\":\"\\u00e9\"}]}", "null", nullptr, "[1,\"x\"]"}},
      {"u",
       TypeId::kUuid,
       {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", nullptr,
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}},
      {"h", TypeId::kInet, {"0.0.0.0/0", "2001:db8::/32", nullptr, "192.168.1.5/24"}},
      {"x", TypeId::kBytea, {"\\x", "\\x00ff5c", nullptr, "\\xc3a9"}},
      {"w",
       TypeId::kInterval,
       {"178956970 years 7 mons", "-2147483648 days", nullptr, "2562047788:00:54.775807"}},
      {"a", DataType::List(TypeId::kText), {"{}", "{a,NULL,\"\"}", nullptr, "{1}"}},
      {"ai", DataType::List(TypeId::kInteger), {"{}", "{2147483647,NULL,-2147483648}", nullptr, "{1,2,3}"}},
      {"al", DataType::List(TypeId::kBigint), {"{}", "{9223372036854775807,NULL}", nullptr, "{1}"}},
      {"ad", DataType::List(TypeId::kDouble), {"{}", "{NaN,-Infinity,NULL}", nullptr, "{0.5}"}},
      {"an", DataType::List(TypeId::kNumeric), {"{}", "{NaN,1.50,NULL}", nullptr, "{0}"}},
      {"ab", DataType::List(TypeId::kBoolean), {"{}", "{t,NULL}", nullptr, "{f}"}},
      {"ay", DataType::List(TypeId::kDate), {"{}", "{infinity,NULL}", nullptr, "{2024-02-29}"}},
      {"aj", DataType::List(TypeId::kJsonb), {"{}", "{1,NULL}", nullptr, "{\"{\\\"a\\\": 1}\"}"}}};
  Input input;
  std::vector<Field> fields;
  for (const Spec& spec : specs) {
    fields.push_back({spec.name, spec.type});
    ColumnBuilder builder(spec.type);
    for (const char* value : spec.values) {
      if (value == nullptr) {
        builder.AppendNull();
      } else if (!AppendParsed(value, builder).ok()) {
        std::abort();
      }
    }
    input.columns.push_back(builder.Finish());
  }
  input.schema = std::make_shared<const Schema>(std::move(fields));
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Input input = MakeInput();
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  ExprProblem problem;
  const auto bound = BindExpression(sql, Scope(input.schema), &problem);
  if (!bound.ok()) {
    if (problem.message.empty() || problem.length == 0 || problem.offset > sql.size()) std::abort();
    return 0;
  }
  // A long text times repeat() is not what is looked for here.
  if (sql.find("repeat") != std::string_view::npos || sql.find("pad") != std::string_view::npos) return 0;
  Evaluator evaluator(*bound, Env::Default());
  std::vector<RowFailure> failures;
  const ColumnPtr column = evaluator.Evaluate(input.columns, 4, &failures);
  if (column->length() != 4 || !(column->type() == (*bound)->type())) std::abort();
  for (size_t i = 0; i < failures.size(); ++i) {
    if (failures[i].row >= 4 || !column->IsNull(failures[i].row)) std::abort();
    if (i > 0 && failures[i].row <= failures[i - 1].row) std::abort();
    if (!(*bound)->can_fail()) std::abort();
  }
  std::string text;
  for (int64_t row = 0; row < 4; ++row) PrintValue(*column, row, text);
  if (FindInvalidUtf8(text) != std::string_view::npos) std::abort();
  return 0;
}
