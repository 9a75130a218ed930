// What type modifiers do to a value: timestamp(0), interval day to minute, numeric(3,-2). Reached by the
// syntax of casts only. Also pg_typeof.
#include "core/data/numeric.h"
#include "core/expr/function.h"
#include "core/expr/functions/row_status.h"
#include "core/expr/interval_fields.h"
#include "core/expr/kernel.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

// Ties are rounded away from 2000-01-01, where PostgreSQL counts from.
constexpr int64_t kEpoch2000 = 946'684'800'000'000;

int64_t TimestampModifier(Row& row, int64_t t, int32_t precision) {
  if (t == kMaxTimestamp || t == kMinTimestamp || precision >= 6) return t;
  int64_t unit = 1;
  for (int i = precision; i < 6; ++i) unit *= 10;
  int64_t since = 0;
  if (__builtin_sub_overflow(t, kEpoch2000, &since)) return t;
  if (__builtin_add_overflow(since, since >= 0 ? unit / 2 : -(unit / 2), &since) ||
      __builtin_add_overflow(since - since % unit, kEpoch2000, &since)) {
    row.Fail("22008", "timestamp out of range");
    return 0;
  }
  return since;
}

Interval IntervalModifier(Row& row, const Interval& v, int32_t fields, int32_t precision) {
  Interval cut = v;
  if (!CutInterval(fields, precision, &cut)) row.Fail("22015", "interval field value out of range");
  return cut;
}

// numeric(p,s) where the scale is negative or exceeds the precision: such values have no column type, they
// stay bare.
Numeric NumericModifier(Row& row, const Numeric& v, int32_t precision, int32_t scale) {
  if (v.kind == Numeric::kNaN) return v;
  if (v.kind != Numeric::kFinite) {
    row.Fail("22003", "numeric field overflow");
    return v;
  }
  const auto rounded = NumericRound(v, scale);
  if (!rounded.ok()) return ValueOrFail(row, rounded);
  // |value| < 10^(precision - scale)
  const int whole = precision - scale;
  Int128 coefficient = rounded->coefficient();
  if (coefficient < 0) coefficient = -coefficient;
  Int128 bound = 1;
  const int digits = whole + rounded->scale;
  for (int i = 0; i < digits && bound <= coefficient; ++i) bound *= 10;
  if (coefficient != 0 && (digits < 0 || coefficient >= bound)) row.Fail("22003", "numeric field overflow");
  return *rounded;
}

ColumnPtr TypeName(KernelCall& call) {
  const std::string name = PgName(call.arg(0).column->type());
  return WriteText(call, [&](Row&, TextSink& out) { out.Append(name); });
}

}  // namespace

void AddCastModifiers(FunctionTable& t) {
  using enum Arg;
  t.push_back({"timestamp_modifier",
               {kTimestamp, kInteger},
               kTimestamp,
               Rows<TimestampModifier>,
               "rounded to digits of seconds",
               "",
               kNoHelp});
  t.push_back({"timestamp_modifier",
               {kTimestamptz, kInteger},
               kTimestamptz,
               Rows<TimestampModifier>,
               "rounded to digits of seconds",
               "",
               kNoHelp});
  t.push_back({"interval_modifier",
               {kInterval, kInteger, kInteger},
               kInterval,
               Rows<IntervalModifier>,
               "cut to fields and digits of seconds",
               "",
               kNoHelp});
  t.push_back({"numeric_modifier",
               {kNumeric, kInteger, kInteger},
               kNumeric,
               Rows<NumericModifier>,
               "rounded to a scale, within a precision",
               "",
               kNoHelp});
  t.push_back({"pg_typeof",
               {kAny},
               kText,
               TypeName,
               "the name of the argument's type",
               "pg_typeof(1 + 2.5::numeric) -> numeric",
               kTotal | kSeesNulls});
}

}  // namespace streamrun
