// Text of any column: dispatch by type, and arrays (PostgreSQL manual 8.15.2 and 8.15.6).
#include "core/data/text_io.h"

#include "core/data/json_text.h"
#include "core/data/text_scan.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

Status Malformed(std::string_view text) {
  return Status::InvalidArgument("malformed array literal: \"" + std::string(text) + "\"");
}

class ArrayReader {
 public:
  ArrayReader(std::string_view text, ColumnBuilder& elements)
      : text_(text), rest_(Trim(text)), elements_(elements) {}

  Status Read() {
    if (rest_.size() < 2 || rest_.front() != '{' || rest_.back() != '}') return Malformed(text_);
    rest_.remove_prefix(1);
    Skip();
    if (rest_ == "}") return Status::Ok();
    while (true) {
      SR_RETURN_IF_ERROR(Element());
      Skip();
      if (rest_ == "}") return Status::Ok();
      if (rest_.empty() || rest_.front() != ',') return Malformed(text_);
      rest_.remove_prefix(1);
      Skip();
    }
  }

 private:
  void Skip() {
    while (!rest_.empty() && IsSpace(rest_.front())) rest_.remove_prefix(1);
  }

  Status Element() {
    std::string value;
    if (!rest_.empty() && rest_.front() == '"') {
      if (!Quoted(&value)) return Malformed(text_);
      return AppendParsed(value, elements_);
    }
    bool escaped = false;
    if (!Plain(&value, &escaped)) return Malformed(text_);
    if (!escaped && EqualsFolded(value, "null")) {
      elements_.AppendNull();
      return Status::Ok();
    }
    return AppendParsed(value, elements_);
  }

  bool Quoted(std::string* value) {
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) return false;
      *value += rest_[i];
    }
    return false;
  }

  // Up to the next comma or brace; inner blanks belong to the value, outer ones do not.
  bool Plain(std::string* value, bool* escaped) {
    size_t keep = 0;
    size_t i = 0;
    for (; i < rest_.size() && rest_[i] != ',' && rest_[i] != '}'; ++i) {
      if (rest_[i] == '"' || rest_[i] == '{') return false;
      const bool escape = rest_[i] == '\\';
      if (escape && ++i == rest_.size()) return false;
      *escaped |= escape;
      *value += rest_[i];
      if (escape || !IsSpace(rest_[i])) keep = value->size();
    }
    value->resize(keep);
    rest_.remove_prefix(i);
    return keep > 0;
  }

  std::string_view text_;
  std::string_view rest_;
  ColumnBuilder& elements_;
};

Status AppendList(std::string_view text, ColumnBuilder& builder) {
  ColumnBuilder& elements = builder.child();
  const int64_t before = elements.length();
  const Status status = ArrayReader(text, elements).Read();
  if (!status.ok()) {
    elements.TruncateTo(before);
    return status;
  }
  builder.CloseList();
  return status;
}

template <typename T>
Status AppendResult(const Result<T>& value, ColumnBuilder& builder) {
  if (!value.ok()) return value.status();
  builder.Append<T>(*value);
  return Status::Ok();
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty() || EqualsFolded(text, "null")) return true;
  for (const char c : text) {
    if (IsSpace(c) || c == '"' || c == '\\' || c == '{' || c == '}' || c == ',') return true;
  }
  return false;
}

void PrintList(const Column& column, int64_t row, std::string& out) {
  const int32_t* offsets = column.values<int32_t>();
  const Column& child = *column.child();
  out += '{';
  std::string text;
  for (int32_t i = offsets[row]; i < offsets[row + 1]; ++i) {
    if (i > offsets[row]) out += ',';
    text.clear();
    PrintValue(child, i, text);
    if (child.IsNull(i) || !NeedsQuotes(text)) {
      out += text;
      continue;
    }
    out += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  out += '}';
}

}  // namespace

Status AppendParsed(std::string_view text, ColumnBuilder& builder) {
  const DataType& type = builder.type();
  switch (type.id()) {
    case TypeId::kUnknown:
      break;
    case TypeId::kBoolean: {
      SR_ASSIGN_OR_RETURN(const bool value, ParseBoolean(text));
      builder.AppendBool(value);
      return Status::Ok();
    }
    case TypeId::kInteger:
      return AppendResult(ParseInteger(text), builder);
    case TypeId::kBigint:
      return AppendResult(ParseBigint(text), builder);
    case TypeId::kDouble:
      return AppendResult(ParseDouble(text), builder);
    case TypeId::kDecimal:
      return AppendResult(ParseDecimal(text, type.precision(), type.scale()), builder);
    case TypeId::kNumeric:
      return AppendResult(ParseNumeric(text), builder);
    case TypeId::kUuid:
      return AppendResult(ParseUuid(text), builder);
    case TypeId::kInet:
      return AppendResult(ParseInet(text), builder);
    case TypeId::kDate:
      return AppendResult(ParseDate(text), builder);
    case TypeId::kTimestamp:
      return AppendResult(ParseTimestamp(text), builder);
    case TypeId::kTimestamptz:
      return AppendResult(ParseTimestamptz(text), builder);
    case TypeId::kInterval:
      return AppendResult(ParseInterval(text), builder);
    case TypeId::kText:
      builder.AppendText(text);
      return Status::Ok();
    case TypeId::kBytea: {
      SR_ASSIGN_OR_RETURN(const std::string value, ParseBytea(text));
      builder.AppendText(value);
      return Status::Ok();
    }
    case TypeId::kJsonb:
      SR_RETURN_IF_ERROR(ValidateJson(text));
      builder.AppendText(text);
      return Status::Ok();
    case TypeId::kList:
      return AppendList(text, builder);
  }
  return Status::Internal("a column of unknown type has no text form");
}

void PrintValue(const Column& column, int64_t row, std::string& out) {
  if (column.IsNull(row)) {
    out += "NULL";
    return;
  }
  switch (column.type().id()) {
    case TypeId::kUnknown:
      return;
    case TypeId::kBoolean:
      out += column.Bool(row) ? 't' : 'f';
      return;
    case TypeId::kInteger:
      return PrintBigint(column.values<int32_t>()[row], out);
    case TypeId::kBigint:
      return PrintBigint(column.values<int64_t>()[row], out);
    case TypeId::kDouble:
      return PrintDouble(column.values<double>()[row], out);
    case TypeId::kDecimal:
      return PrintDecimal(column.values<Decimal128>()[row], column.type().scale(), out);
    case TypeId::kNumeric:
      return PrintNumeric(column.values<Numeric>()[row], out);
    case TypeId::kUuid:
      return PrintUuid(column.values<Uuid>()[row], out);
    case TypeId::kInet:
      return PrintInet(column.values<Inet>()[row], out);
    case TypeId::kDate:
      return PrintDate(column.values<int32_t>()[row], out);
    case TypeId::kTimestamp:
      return PrintTimestamp(column.values<int64_t>()[row], out);
    case TypeId::kTimestamptz:
      return PrintTimestamptz(column.values<int64_t>()[row], out);
    case TypeId::kInterval:
      return PrintInterval(column.values<Interval>()[row], out);
    case TypeId::kText:
      out += column.Text(row);
      return;
    case TypeId::kBytea:
      return PrintBytea(column.Text(row), out);
    case TypeId::kJsonb:
      return AppendCanonicalJson(column.Text(row), JsonForm::kPrinted, out);
    case TypeId::kList:
      return PrintList(column, row, out);
  }
}

}  // namespace streamrun
