#include "core/data/type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <vector>

#include "core/base/suggest.h"

namespace streamrun {

namespace {

struct TypeName {
  std::string_view name;
  TypeId id;
};

// The first name of a type is the one ToString prints; the rest are PostgreSQL's aliases.
constexpr std::array kTypeNames = {
    TypeName{"boolean", TypeId::kBoolean},
    TypeName{"bool", TypeId::kBoolean},
    TypeName{"integer", TypeId::kInteger},
    TypeName{"int", TypeId::kInteger},
    TypeName{"int4", TypeId::kInteger},
    TypeName{"bigint", TypeId::kBigint},
    TypeName{"int8", TypeId::kBigint},
    TypeName{"double precision", TypeId::kDouble},
    TypeName{"double", TypeId::kDouble},
    TypeName{"float8", TypeId::kDouble},
    TypeName{"float", TypeId::kDouble},
    TypeName{"numeric", TypeId::kNumeric},
    TypeName{"decimal", TypeId::kNumeric},
    TypeName{"uuid", TypeId::kUuid},
    TypeName{"inet", TypeId::kInet},
    TypeName{"text", TypeId::kText},
    TypeName{"varchar", TypeId::kText},
    TypeName{"character varying", TypeId::kText},
    TypeName{"bytea", TypeId::kBytea},
    TypeName{"date", TypeId::kDate},
    TypeName{"timestamp", TypeId::kTimestamp},
    TypeName{"timestamp without time zone", TypeId::kTimestamp},
    TypeName{"timestamptz", TypeId::kTimestamptz},
    TypeName{"timestamp with time zone", TypeId::kTimestamptz},
    TypeName{"interval", TypeId::kInterval},
    TypeName{"jsonb", TypeId::kJsonb},
    TypeName{"json", TypeId::kJsonb},
};

std::string Normalised(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c))) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

Status UnknownType(std::string_view text) {
  std::vector<std::string_view> names;
  for (const TypeName& t : kTypeNames) names.push_back(t.name);
  std::string message = "unknown type '" + std::string(text) + "'";
  if (const auto near = Nearest(text, names)) message += "; did you mean '" + std::string(*near) + "'?";
  return Status::InvalidArgument(message);
}

// Reads "(p)" or "(p,s)" behind numeric.
Result<DataType> ParseDecimal(std::string_view text, std::string_view arguments) {
  int values[2] = {0, 0};
  int count = 0;
  const char* p = arguments.data();
  const char* end = p + arguments.size();
  while (count < 2) {
    while (p < end && *p == ' ') ++p;
    const auto [next, error] = std::from_chars(p, end, values[count]);
    if (error != std::errc()) break;
    ++count;
    p = next;
    while (p < end && *p == ' ') ++p;
    if (p < end && *p == ',' && count == 1) {
      ++p;
      continue;
    }
    break;
  }
  if (p != end || count == 0 || values[0] < 1 || values[0] > 38 || values[1] < 0 || values[1] > values[0]) {
    return Status::InvalidArgument(
        "'" + std::string(text) +
        "': numeric takes (precision) or (precision, scale) with 1 <= precision <= 38 "
        "and 0 <= scale <= precision");
  }
  return DataType::Decimal(values[0], values[1]);
}

}  // namespace

DataType DataType::Decimal(int precision, int scale) {
  SR_CHECK(precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision);
  DataType type(TypeId::kDecimal);
  type.precision_ = static_cast<uint8_t>(precision);
  type.scale_ = static_cast<uint8_t>(scale);
  return type;
}

DataType DataType::List(DataType element) {
  DataType type(TypeId::kList);
  type.element_ = std::make_shared<const DataType>(std::move(element));
  return type;
}

Layout DataType::layout() const {
  switch (id_) {
    case TypeId::kBoolean:
      return Layout::kBits;
    case TypeId::kText:
    case TypeId::kBytea:
    case TypeId::kJsonb:
      return Layout::kVarlen;
    case TypeId::kList:
      return Layout::kList;
    default:
      return Layout::kFixed;
  }
}

int DataType::byte_width() const {
  switch (id_) {
    case TypeId::kInteger:
    case TypeId::kDate:
      return 4;
    case TypeId::kBigint:
    case TypeId::kDouble:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return 8;
    case TypeId::kDecimal:
    case TypeId::kInterval:
    case TypeId::kUuid:
      return 16;
    case TypeId::kNumeric:
      return 24;
    case TypeId::kInet:
      return 18;
    default:
      return 0;
  }
}

std::string DataType::ToString() const {
  if (id_ == TypeId::kList) return element_->ToString() + "[]";
  if (id_ == TypeId::kDecimal) {
    return "numeric(" + std::to_string(precision_) + "," + std::to_string(scale_) + ")";
  }
  for (const TypeName& t : kTypeNames) {
    if (t.id == id_) return std::string(t.name);
  }
  return "unknown";
}

Result<DataType> DataType::Parse(std::string_view text) {
  const std::string name = Normalised(text);
  if (name.size() > 2 && name.ends_with("[]")) {
    SR_ASSIGN_OR_RETURN(DataType element, Parse(std::string_view(name).substr(0, name.size() - 2)));
    if (element.id() == TypeId::kList) {
      return Status::InvalidArgument("'" + std::string(text) +
                                     "': a list of lists is not supported; use jsonb");
    }
    return List(element);
  }
  const size_t open = name.find('(');
  std::string_view trimmed = std::string_view(name).substr(0, open);
  while (!trimmed.empty() && trimmed.back() == ' ') trimmed.remove_suffix(1);
  for (const TypeName& t : kTypeNames) {
    if (t.name != trimmed) continue;
    if (open == std::string::npos) return DataType(t.id);
    if (t.id != TypeId::kNumeric || name.back() != ')') break;
    return ParseDecimal(text, std::string_view(name).substr(open + 1, name.size() - open - 2));
  }
  return UnknownType(text);
}

bool operator==(const DataType& a, const DataType& b) {
  if (a.id_ != b.id_ || a.precision_ != b.precision_ || a.scale_ != b.scale_) return false;
  return a.id_ != TypeId::kList || *a.element_ == *b.element_;
}

}  // namespace streamrun
