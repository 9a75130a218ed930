#include "core/expr/compare_values.h"

#include <algorithm>
#include <cstring>

#include "core/data/numeric.h"
#include "core/expr/json_order.h"

namespace streamrun {

namespace {

template <typename T>
int Three(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int CompareLists(const Column& a, int64_t i, const Column& b, int64_t j) {
  const auto* ao = a.values<int32_t>();
  const auto* bo = b.values<int32_t>();
  const int32_t na = ao[i + 1] - ao[i];
  const int32_t nb = bo[j + 1] - bo[j];
  for (int32_t k = 0; k < std::min(na, nb); ++k) {
    const bool null_a = a.child()->IsNull(ao[i] + k);
    const bool null_b = b.child()->IsNull(bo[j] + k);
    if (null_a != null_b) return null_a ? 1 : -1;
    if (null_a) continue;
    if (const int order = CompareValues(*a.child(), ao[i] + k, *b.child(), bo[j] + k); order != 0)
      return order;
  }
  return Three(na, nb);
}

}  // namespace

int CompareInet(const Inet& a, const Inet& b) {
  if (a.family != b.family) return Three(a.family, b.family);
  const int bits = std::min(a.prefix, b.prefix);
  const auto bytes = static_cast<size_t>(bits / 8);
  if (const int order = std::memcmp(a.address, b.address, bytes); order != 0) return order;
  if (bits % 8 != 0) {
    const auto mask = static_cast<uint8_t>(0xff << (8 - bits % 8));
    const int x = a.address[bytes] & mask;
    const int y = b.address[bytes] & mask;
    if (x != y) return Three(x, y);
  }
  if (a.prefix != b.prefix) return Three(a.prefix, b.prefix);
  return std::memcmp(a.address, b.address, sizeof(a.address));
}

int CompareValues(const Column& a, int64_t i, const Column& b, int64_t j) {
  switch (a.type().id()) {
    case TypeId::kBoolean:
      return Three<int>(a.Bool(i), b.Bool(j));
    case TypeId::kInteger:
    case TypeId::kDate:
      return Three(a.values<int32_t>()[i], b.values<int32_t>()[j]);
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return Three(a.values<int64_t>()[i], b.values<int64_t>()[j]);
    case TypeId::kDouble: {
      const double x = a.values<double>()[i];
      const double y = b.values<double>()[j];
      return LessDouble(x, y) ? -1 : (LessDouble(y, x) ? 1 : 0);
    }
    case TypeId::kDecimal:
      return Three(a.values<Decimal128>()[i].value(), b.values<Decimal128>()[j].value());
    case TypeId::kNumeric:
      return NumericCompare(a.values<Numeric>()[i], b.values<Numeric>()[j]);
    case TypeId::kUuid:
      return std::memcmp(&a.values<Uuid>()[i], &b.values<Uuid>()[j], sizeof(Uuid));
    case TypeId::kInet:
      return CompareInet(a.values<Inet>()[i], b.values<Inet>()[j]);
    case TypeId::kInterval:
      return Three(IntervalLength(a.values<Interval>()[i]), IntervalLength(b.values<Interval>()[j]));
    case TypeId::kText:
    case TypeId::kBytea:
    case TypeId::kUnknown:
      return a.Text(i).compare(b.Text(j));
    case TypeId::kJsonb:
      return CompareJson(a.Text(i), b.Text(j));
    case TypeId::kList:
      return CompareLists(a, i, b, j);
  }
  return 0;
}

}  // namespace streamrun
