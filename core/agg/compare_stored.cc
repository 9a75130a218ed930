#include "core/agg/compare_stored.h"

#include "core/data/numeric.h"
#include "core/expr/compare_values.h"

namespace streamrun {

namespace {

template <typename T>
int Three(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

}  // namespace

int CompareStored(const SlotColumn& stored, uint32_t slot, const Column& column, int64_t row) {
  switch (stored.type().id()) {
    case TypeId::kInteger:
    case TypeId::kDate:
      return Three(stored.values<int32_t>()[slot], column.values<int32_t>()[row]);
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return Three(stored.values<int64_t>()[slot], column.values<int64_t>()[row]);
    case TypeId::kDouble: {
      const double a = stored.values<double>()[slot];
      const double b = column.values<double>()[row];
      return LessDouble(a, b) ? -1 : (LessDouble(b, a) ? 1 : 0);
    }
    case TypeId::kNumeric:
      return NumericCompare(stored.values<Numeric>()[slot], column.values<Numeric>()[row]);
    case TypeId::kText:
    case TypeId::kBytea:
      return stored.Text(slot).compare(column.Text(row));
    default:
      return CompareValues(*stored.Gather(&slot, 1), 0, column, row);
  }
}

int CompareSlots(const SlotColumn& stored, uint32_t a, uint32_t b) {
  switch (stored.type().id()) {
    case TypeId::kInteger:
    case TypeId::kDate:
      return Three(stored.values<int32_t>()[a], stored.values<int32_t>()[b]);
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return Three(stored.values<int64_t>()[a], stored.values<int64_t>()[b]);
    case TypeId::kText:
    case TypeId::kBytea:
      return stored.Text(a).compare(stored.Text(b));
    default:
      return CompareStored(stored, a, *stored.Gather(&b, 1), 0);
  }
}

}  // namespace streamrun
