// Casts: one entry per pair of types, with where it happens by itself. Pairs without a conversion of their
// own go through text, as PostgreSQL's I/O conversions do.
#include <cmath>
#include <limits>

#include "core/base/time.h"
#include "core/data/column_builder.h"
#include "core/data/json_text.h"
#include "core/data/numeric.h"
#include "core/data/text_io.h"
#include "core/expr/dense.h"
#include "core/expr/evaluate.h"
#include "core/expr/function.h"
#include "core/expr/functions/row_status.h"
#include "core/expr/json_scan.h"

namespace streamrun {

namespace {

constexpr bool IsDatetime(TypeId id) {
  return id == TypeId::kDate || id == TypeId::kTimestamp || id == TypeId::kTimestamptz ||
         id == TypeId::kInterval;
}

// --- Numbers ---------------------------------------------------------------------------------------------

template <typename From, typename To>
To Widen(From v) {
  return static_cast<To>(v);
}

int32_t BigintToInteger(Row& row, int64_t v) {
  if (v == static_cast<int32_t>(v)) return static_cast<int32_t>(v);
  row.Fail("22003", "integer out of range");
  return 0;
}

// Rounds half to even, as rint() does for PostgreSQL.
template <typename To>
To DoubleToInt(Row& row, double v) {
  const double rounded = std::nearbyint(v);
  const double low = static_cast<double>(std::numeric_limits<To>::min());
  if (rounded >= low && rounded < -low) return static_cast<To>(rounded);
  row.Fail("22003", sizeof(To) == 4 ? "integer out of range" : "bigint out of range");
  return 0;
}

template <typename From>
Numeric IntToNumeric(From v) {
  return NumericFromInt64(v);
}
Numeric DoubleToNumeric(Row& row, double v) { return ValueOrFail(row, NumericFromDouble(v)); }
double NumericAsDouble(const Numeric& v) { return NumericToDouble(v); }

template <typename To>
To NumericToInt(Row& row, const Numeric& v) {
  const bool integer = sizeof(To) == 4;
  if (v.kind != Numeric::kFinite) {
    const char* what = v.kind == Numeric::kNaN ? "NaN" : "infinity";
    row.Fail("0A000", std::string("cannot convert ") + what + " to " + (integer ? "integer" : "bigint"));
    return 0;
  }
  const auto result = NumericToInt64(v);
  if (result.ok() && *result == static_cast<To>(*result)) return static_cast<To>(*result);
  row.Fail("22003", integer ? "integer out of range" : "bigint out of range");
  return 0;
}

// A numeric(p,s) argument: its scale stands in the column's type.
Numeric DecimalOf(Row& row, const Decimal128& v) {
  return NumericFromDecimal(v, row.call().arg(0).column->type().scale());
}
double DecimalToDouble(Row& row, const Decimal128& v) { return NumericToDouble(DecimalOf(row, v)); }
template <typename To>
To DecimalToInt(Row& row, const Decimal128& v) {
  return NumericToInt<To>(row, DecimalOf(row, v));
}

Decimal128 NumericToDecimalRow(Row& row, const Numeric& v) {
  const DataType& type = row.call().type();
  return ValueOrFail(row, NumericToDecimal(v, type.precision(), type.scale()));
}
template <typename From>
Decimal128 IntToDecimal(Row& row, From v) {
  return NumericToDecimalRow(row, NumericFromInt64(v));
}
Decimal128 DoubleToDecimal(Row& row, double v) {
  const auto numeric = NumericFromDouble(v);
  if (numeric.ok()) return NumericToDecimalRow(row, *numeric);
  return ValueOrFail<Decimal128>(row, numeric.status());
}
Decimal128 DecimalToDecimal(Row& row, const Decimal128& v) {
  return NumericToDecimalRow(row, DecimalOf(row, v));
}

bool IntegerToBoolean(int32_t v) { return v != 0; }
int32_t BooleanToInteger(bool v) { return v ? 1 : 0; }

// --- Dates and times -------------------------------------------------------------------------------------

constexpr int32_t kDateInfinity = std::numeric_limits<int32_t>::max();
constexpr int32_t kDateMinusInfinity = std::numeric_limits<int32_t>::min();

int64_t DateToTimestamp(int32_t days) {
  if (days == kDateInfinity) return kMaxTimestamp;
  if (days == kDateMinusInfinity) return kMinTimestamp;
  return days * kDay;
}
int32_t TimestampToDate(int64_t t) {
  if (t == kMaxTimestamp) return kDateInfinity;
  if (t == kMinTimestamp) return kDateMinusInfinity;
  return static_cast<int32_t>(t / kDay - (t % kDay < 0 ? 1 : 0));
}

// The session's time zone is UTC: the microseconds stay, only the type changes.
ColumnPtr Relabel(KernelCall& call) {
  const Vector& v = call.arg(0);
  if (!v.constant) return call.Finish(v.column->values_buffer(), v.column->data_buffer(), v.column->child());
  const Reader<int64_t> in(v);
  Writer<int64_t> out(call);
  for (int64_t row = 0; row < call.rows(); ++row) out.Put(row, in[row]);
  return out.Finish(call);
}

// --- Through text ----------------------------------------------------------------------------------------

ColumnPtr Print(KernelCall& call) {
  const Vector& v = call.arg(0);
  std::string text;
  return WriteText(call, [&](Row& row, TextSink& out) {
    text.clear();
    PrintValue(*v.column, v.at(row.number()), text);
    out.Append(text);
  });
}

void BooleanToText(Row&, TextSink& out, bool v) { out.Append(v ? "true" : "false"); }

// The cast shows the prefix length always, the output form only when it is not that of a host.
void InetToText(Row&, TextSink& out, const Inet& v) {
  std::string text;
  PrintInet(v, text);
  if (text.find('/') == std::string::npos) text += "/" + std::to_string(v.prefix);
  out.Append(text);
}

ColumnPtr Parse(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  const bool datetime = IsDatetime(call.type().id());
  ColumnBuilder builder(call.type());
  builder.Reserve(call.rows());
  // The builder's own nulls stand for failed rows and for those that are null already.
  int64_t done = 0;
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    for (; done < row; ++done) builder.AppendNull();
    if (const Status status = AppendParsed(texts[row], builder); !status.ok()) {
      call.Fail(row, SqlStateOf(status.message(), datetime), status.message());
      builder.AppendNull();
    }
    ++done;
  });
  for (; done < call.rows(); ++done) builder.AppendNull();
  const ColumnPtr parsed = builder.Finish();
  return call.Finish(parsed->values_buffer(), parsed->data_buffer(), parsed->child());
}

// A list element by element: the elements' cast runs over the child column; an element that fails fails its
// row.
ColumnPtr CastElements(KernelCall& call) {
  const Vector& v = call.arg(0);
  const DataType& to = call.type().element();
  const Function* cast = FindCast(v.column->type().element().id(), to.id());
  const ColumnPtr lists = Flatten(v, call.rows());
  const Column& child = *lists->child();
  const Vector elements{lists->child(), false};
  std::vector<RowFailure> failures;
  RowSet present;
  if (child.has_nulls()) LoadSet(child.validity(), child.length(), present);
  KernelCall inner(to, nullptr, {&elements, 1}, child.length(), child.has_nulls() ? present.data() : nullptr,
                   &failures, call.env());
  inner.set_validity(child.has_nulls() ? child.validity_buffer() : nullptr);
  ColumnPtr converted = cast->kernel(inner);
  const auto* offsets = lists->values<int32_t>();
  size_t next = 0;  // failures come in ascending order of elements
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    while (next < failures.size() && failures[next].row < static_cast<uint32_t>(offsets[row])) ++next;
    if (next < failures.size() && failures[next].row < static_cast<uint32_t>(offsets[row + 1])) {
      call.Fail(row, failures[next].code, failures[next].message);
    }
  });
  return call.Finish(lists->values_buffer(), nullptr, std::move(converted));
}

// --- jsonb scalars ---------------------------------------------------------------------------------------

// PostgreSQL calls a JSON number "numeric" in these messages only.
void NoJsonCast(Row& row, std::string_view json, std::string_view target) {
  const std::string_view type = JsonTypeOf(json);
  row.Fail("22023", "cannot cast jsonb " + std::string(type == "number" ? "numeric" : type) + " to type " +
                        std::string(target));
}

bool JsonToBoolean(Row& row, std::string_view json) {
  const std::string_view text = TrimJson(json);
  if (text == "true" || text == "false") return text == "true";
  NoJsonCast(row, json, "boolean");
  return false;
}

Numeric JsonNumber(Row& row, std::string_view json, std::string_view target) {
  if (JsonTypeOf(json) == "number") return ValueOrFail(row, ParseNumeric(TrimJson(json)));
  NoJsonCast(row, json, target);
  return {};
}
Numeric JsonToNumeric(Row& row, std::string_view json) { return JsonNumber(row, json, "numeric"); }
template <typename To>
To JsonToInt(Row& row, std::string_view json) {
  const Numeric v = JsonNumber(row, json, sizeof(To) == 4 ? "integer" : "bigint");
  return row.dropped() ? To{} : NumericToInt<To>(row, v);
}
// From the text: jsonb's numbers may have more digits than numeric.
double JsonToDouble(Row& row, std::string_view json) {
  if (JsonTypeOf(json) != "number") {
    NoJsonCast(row, json, "double precision");
    return 0;
  }
  const auto value = ParseDouble(TrimJson(json));
  if (value.ok()) return *value;
  std::string number;
  AppendCanonicalJson(json, JsonForm::kPrinted, number);
  row.Fail("22003", "\"" + number + "\" is out of range for type double precision");
  return 0;
}

void AddNumberCasts(FunctionTable& t) {
  using enum Arg;
  constexpr uint32_t kImplicit = kImplicitCast | kAssignCast | kNoHelp;
  constexpr uint32_t kAssign = kAssignCast | kNoHelp;
  const auto add = [&](Arg from, Arg to, Kernel kernel, uint32_t flags) {
    t.push_back({"cast", {from}, to, kernel, "conversion", "", flags});
  };
  add(kInteger, kBigint, DenseUnaryLoop<int64_t, int32_t, Widen<int32_t, int64_t>>, kImplicit | kTotal);
  add(kInteger, kDouble, DenseUnaryLoop<double, int32_t, Widen<int32_t, double>>, kImplicit | kTotal);
  add(kInteger, kNumeric, Rows<IntToNumeric<int32_t>>, kImplicit | kTotal);
  add(kInteger, kDecimal, Rows<IntToDecimal<int32_t>>, kAssign);
  add(kBigint, kInteger, Rows<BigintToInteger>, kAssign);
  add(kBigint, kDouble, DenseUnaryLoop<double, int64_t, Widen<int64_t, double>>, kImplicit | kTotal);
  add(kBigint, kNumeric, Rows<IntToNumeric<int64_t>>, kImplicit | kTotal);
  add(kBigint, kDecimal, Rows<IntToDecimal<int64_t>>, kAssign);
  add(kDouble, kInteger, Rows<DoubleToInt<int32_t>>, kAssign);
  add(kDouble, kBigint, Rows<DoubleToInt<int64_t>>, kAssign);
  add(kDouble, kNumeric, Rows<DoubleToNumeric>, kAssign);
  add(kDouble, kDecimal, Rows<DoubleToDecimal>, kAssign);
  add(kNumeric, kInteger, Rows<NumericToInt<int32_t>>, kAssign);
  add(kNumeric, kBigint, Rows<NumericToInt<int64_t>>, kAssign);
  add(kNumeric, kDouble, Rows<NumericAsDouble>, kImplicit | kTotal);
  add(kNumeric, kDecimal, Rows<NumericToDecimalRow>, kImplicit);
  add(kDecimal, kInteger, Rows<DecimalToInt<int32_t>>, kAssign);
  add(kDecimal, kBigint, Rows<DecimalToInt<int64_t>>, kAssign);
  add(kDecimal, kDouble, Rows<DecimalToDouble>, kImplicit | kTotal);
  add(kDecimal, kNumeric, Rows<DecimalOf>, kImplicit | kTotal);
  add(kDecimal, kDecimal, Rows<DecimalToDecimal>, kImplicit);
  add(kInteger, kBoolean, Rows<IntegerToBoolean>, kTotal | kNoHelp);
  add(kBoolean, kInteger, Rows<BooleanToInteger>, kTotal | kNoHelp);
}

void AddOtherCasts(FunctionTable& t) {
  using enum Arg;
  constexpr uint32_t kImplicit = kImplicitCast | kAssignCast | kNoHelp | kTotal;
  constexpr uint32_t kAssign = kAssignCast | kNoHelp | kTotal;
  const auto add = [&](Arg from, Arg to, Kernel kernel, uint32_t flags) {
    t.push_back({"cast", {from}, to, kernel, "conversion", "", flags});
  };
  add(kDate, kTimestamp, Rows<DateToTimestamp>, kImplicit);
  add(kDate, kTimestamptz, Rows<DateToTimestamp>, kImplicit);
  add(kTimestamp, kDate, Rows<TimestampToDate>, kAssign);
  add(kTimestamp, kTimestamptz, Relabel, kImplicit);
  add(kTimestamptz, kDate, Rows<TimestampToDate>, kAssign);
  add(kTimestamptz, kTimestamp, Relabel, kAssign);
  add(kJsonb, kBoolean, Rows<JsonToBoolean>, kNoHelp);
  add(kJsonb, kInteger, Rows<JsonToInt<int32_t>>, kNoHelp);
  add(kJsonb, kBigint, Rows<JsonToInt<int64_t>>, kNoHelp);
  add(kJsonb, kDouble, Rows<JsonToDouble>, kNoHelp);
  add(kJsonb, kNumeric, Rows<JsonToNumeric>, kNoHelp);
  for (const Arg from : {kInteger, kBigint, kDouble, kDecimal, kNumeric, kUuid, kBytea, kDate, kTimestamp,
                         kTimestamptz, kInterval, kJsonb, kList}) {
    add(from, kText, Print, kAssign);
  }
  add(kBoolean, kText, Rows<BooleanToText>, kAssign);
  add(kInet, kText, Rows<InetToText>, kAssign);
  for (const Arg to : {kBoolean, kInteger, kBigint, kDouble, kDecimal, kNumeric, kUuid, kInet, kBytea, kDate,
                       kTimestamp, kTimestamptz, kInterval, kJsonb, kList}) {
    add(kText, to, Parse, kNoHelp);
  }
  add(kList, kList, CastElements, kAssignCast | kNoHelp);
  t.push_back({"output", {kAny}, kText, Print, "output text", "", kTotal | kNoHelp});
}

}  // namespace

void AddCasts(FunctionTable& t) {
  AddNumberCasts(t);
  AddOtherCasts(t);
}

}  // namespace streamrun
