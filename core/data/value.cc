#include "core/data/value.h"

#include "core/data/text_io.h"

namespace streamrun {

namespace {

struct Appender {
  ColumnBuilder& to;
  void operator()(std::monostate) { to.AppendNull(); }
  void operator()(bool v) { to.AppendBool(v); }
  void operator()(const std::string& v) { to.AppendText(v); }
  void operator()(const std::vector<Value>& elements) {
    for (const Value& element : elements) element.AppendTo(to.child());
    to.CloseList();
  }
  template <typename T>
  void operator()(const T& v) {
    to.Append(v);
  }
};

}  // namespace

Value Value::FromColumn(const Column& column, int64_t row) {
  const DataType& type = column.type();
  if (column.IsNull(row)) return Null(type);
  switch (type.id()) {
    case TypeId::kUnknown:
      return Null(type);
    case TypeId::kBoolean:
      return {type, column.Bool(row)};
    case TypeId::kInteger:
    case TypeId::kDate:
      return {type, column.values<int32_t>()[row]};
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return {type, column.values<int64_t>()[row]};
    case TypeId::kDouble:
      return {type, column.values<double>()[row]};
    case TypeId::kDecimal:
      return {type, column.values<Decimal128>()[row]};
    case TypeId::kNumeric:
      return {type, column.values<Numeric>()[row]};
    case TypeId::kUuid:
      return {type, column.values<Uuid>()[row]};
    case TypeId::kInet:
      return {type, column.values<Inet>()[row]};
    case TypeId::kInterval:
      return {type, column.values<Interval>()[row]};
    case TypeId::kText:
    case TypeId::kBytea:
    case TypeId::kJsonb:
      return {type, std::string(column.Text(row))};
    case TypeId::kList: {
      std::vector<Value> elements;
      const int32_t* offsets = column.values<int32_t>();
      for (int32_t i = offsets[row]; i < offsets[row + 1]; ++i)
        elements.push_back(FromColumn(*column.child(), i));
      return {type, std::move(elements)};
    }
  }
  return Null(type);
}

void Value::AppendTo(ColumnBuilder& builder) const { std::visit(Appender{builder}, data); }

std::string Value::ToText() const {
  if (is_null()) return "NULL";
  ColumnBuilder builder(type);
  AppendTo(builder);
  std::string out;
  PrintValue(*builder.Finish(), 0, out);
  return out;
}

}  // namespace streamrun
