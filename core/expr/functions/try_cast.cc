// Casts that do not fail: null where the text is not a value of the type. PostgreSQL 15 has no such thing.
#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

ColumnPtr TryParse(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  ColumnBuilder builder(call.type());
  builder.Reserve(call.rows());
  int64_t done = 0;
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    for (; done < row; ++done) builder.AppendNull();
    if (!AppendParsed(texts[row], builder).ok()) {
      call.Null(row);
      builder.AppendNull();
    }
    ++done;
  });
  for (; done < call.rows(); ++done) builder.AppendNull();
  const ColumnPtr parsed = builder.Finish();
  return call.Finish(parsed->values_buffer(), parsed->data_buffer(), parsed->child());
}

}  // namespace

void AddTryCasts(FunctionTable& t) {
  using enum Arg;
  const auto add = [&](std::string_view name, Arg to, std::string_view help, std::string_view example) {
    t.push_back({name, {kText}, to, TryParse, help, example, kTotal | kAddition});
  };
  add("try_boolean", kBoolean, "the text as boolean, null where it is none", "try_boolean('yes') -> t");
  add("try_integer", kInteger, "the text as integer, null where it is none or out of range",
      "try_integer('12x') -> NULL");
  add("try_bigint", kBigint, "the text as bigint, null where it is none or out of range",
      "try_bigint(' 42 ') -> 42");
  add("try_double", kDouble, "the text as double precision, null where it is none",
      "try_double('1e3') -> 1000");
  add("try_numeric", kNumeric, "the text as numeric, null where it is none", "try_numeric('1.50') -> 1.50");
  add("try_date", kDate, "the text as date, null where it is none", "try_date('2024-02-30') -> NULL");
  add("try_timestamp", kTimestamp, "the text as timestamp, null where it is none",
      "try_timestamp('2024-02-29 12:00') -> 2024-02-29 12:00:00");
  add("try_timestamptz", kTimestamptz, "the text as timestamptz, null where it is none",
      "try_timestamptz('2024-02-29 12:00+02') -> 2024-02-29 10:00:00+00");
  add("try_interval", kInterval, "the text as interval, null where it is none",
      "try_interval('1 day 2 hours') -> 1 day 02:00:00");
  add("try_jsonb", kJsonb, "the text as jsonb, null where it is not JSON", "try_jsonb('{\"a\":') -> NULL");
  add("try_uuid", kUuid, "the text as uuid, null where it is none", "try_uuid('x') -> NULL");
  add("try_inet", kInet, "the text as inet, null where it is none", "try_inet('10.0.0.1') -> 10.0.0.1");
  add("try_bytea", kBytea, "the text as bytea, null where it is none", "try_bytea('\\x00ff') -> \\x00ff");
}

}  // namespace streamrun
