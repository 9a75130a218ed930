#include "core/expr/types.h"

namespace streamrun {

char TypeCategory(TypeId id) {
  switch (id) {
    case TypeId::kUnknown:
      return 'X';
    case TypeId::kBoolean:
      return 'B';
    case TypeId::kInteger:
    case TypeId::kBigint:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kNumeric:
      return 'N';
    case TypeId::kText:
      return 'S';
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return 'D';
    case TypeId::kInterval:
      return 'T';
    case TypeId::kInet:
      return 'I';
    case TypeId::kList:
      return 'A';
    case TypeId::kUuid:
    case TypeId::kBytea:
    case TypeId::kJsonb:
      return 'U';
  }
  return 'U';
}

bool IsPreferred(TypeId id) {
  return id == TypeId::kBoolean || id == TypeId::kDouble || id == TypeId::kText ||
         id == TypeId::kTimestamptz || id == TypeId::kInterval || id == TypeId::kInet;
}

bool ImplicitlyCastable(const DataType& from, const DataType& to) {
  if (from == to || from.id() == TypeId::kUnknown) return true;
  const TypeId a = from.id();
  const TypeId b = to.id();
  if (a == TypeId::kList && b == TypeId::kList) return ImplicitlyCastable(from.element(), to.element());
  if (a == TypeId::kDecimal && b == TypeId::kDecimal) return true;
  if (b == TypeId::kNumeric) return a == TypeId::kInteger || a == TypeId::kBigint || a == TypeId::kDecimal;
  if (b == TypeId::kBigint) return a == TypeId::kInteger;
  if (b == TypeId::kDouble) return from.is_numeric();
  if (b == TypeId::kTimestamp) return a == TypeId::kDate;
  if (b == TypeId::kTimestamptz) return a == TypeId::kDate || a == TypeId::kTimestamp;
  return false;
}

std::string PgName(const DataType& type) {
  switch (type.id()) {
    case TypeId::kTimestamp:
      return "timestamp without time zone";
    case TypeId::kTimestamptz:
      return "timestamp with time zone";
    case TypeId::kDecimal:
      return "numeric";
    case TypeId::kList:
      return PgName(type.element()) + "[]";
    default:
      return type.ToString();
  }
}

}  // namespace streamrun
