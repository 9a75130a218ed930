// width_bucket: the number of the histogram bucket that a value falls in (PostgreSQL manual 9.3).
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/data/numeric_math.h"
#include "core/expr/compare_values.h"
#include "core/expr/function.h"
#include "core/expr/functions/row_status.h"

namespace streamrun {

namespace {

constexpr std::string_view kBadBucket = "2201G";  // invalid_argument_for_width_bucket_function

int32_t Refuse(Row& row, std::string_view message) {
  row.Fail(kBadBucket, std::string(message));
  return 0;
}

// The bucket above the last one.
int32_t Beyond(Row& row, int32_t count) {
  int32_t bucket;
  if (!__builtin_add_overflow(count, 1, &bucket)) return bucket;
  row.Fail("22003", "integer out of range");
  return 0;
}

// The bucket of `part` of a whole that is divided into `count`, in the order of operations of PostgreSQL 15
// (a quotient that rounds to the whole gives one bucket more); where that leaves the range of double
// precision, in one that does not.
int32_t Inside(double part, double whole, int32_t count) {
  double bucket = count * part / whole;
  if (!std::isfinite(bucket)) bucket = count * (part / whole);
  constexpr double kMost = std::numeric_limits<int32_t>::max();
  return bucket + 1 >= kMost ? std::numeric_limits<int32_t>::max() : static_cast<int32_t>(bucket + 1);
}

int32_t BucketDouble(Row& row, double v, double low, double high, int32_t count) {
  if (count <= 0) return Refuse(row, "count must be greater than zero");
  if (std::isnan(v) || std::isnan(low) || std::isnan(high)) {
    return Refuse(row, "operand, lower bound, and upper bound cannot be NaN");
  }
  if (std::isinf(low) || std::isinf(high)) return Refuse(row, "lower and upper bounds must be finite");
  if (low == high) return Refuse(row, "lower bound cannot equal upper bound");
  const bool rising = low < high;
  if (rising ? v < low : v > low) return 0;
  if (rising ? v >= high : v <= high) return Beyond(row, count);
  const double whole = rising ? high - low : low - high;
  if (!std::isinf(whole)) return Inside(rising ? v - low : low - v, whole, count);
  return rising ? Inside(v / 2 - low / 2, high / 2 - low / 2, count)
                : Inside(low / 2 - v / 2, low / 2 - high / 2, count);
}

int32_t BucketNumeric(Row& row, const Numeric& v, const Numeric& low, const Numeric& high, int32_t count) {
  if (count <= 0) return Refuse(row, "count must be greater than zero");
  const auto is_nan = [](const Numeric& n) { return n.kind == Numeric::kNaN; };
  if (is_nan(v) || is_nan(low) || is_nan(high)) {
    return Refuse(row, "operand, lower bound, and upper bound cannot be NaN");
  }
  if (low.kind != Numeric::kFinite || high.kind != Numeric::kFinite) {
    return Refuse(row, "lower and upper bounds must be finite");
  }
  const int order = NumericCompare(high, low);
  if (order == 0) return Refuse(row, "lower bound cannot equal upper bound");
  if (NumericCompare(v, low) * order < 0) return 0;
  if (NumericCompare(v, high) * order >= 0) return Beyond(row, count);
  const int64_t bucket = NumericBucket(v, low, high, count);
  return static_cast<int32_t>(std::min<int64_t>(bucket, std::numeric_limits<int32_t>::max()));
}

// How many of the ascending thresholds are at or below the value, by bisection.
ColumnPtr BucketOf(KernelCall& call) {
  const Vector& values = call.arg(0);
  const Reader<ListView> lists(call.arg(1));
  Writer<int32_t> out(call);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    const ListView list = lists[r];
    for (int32_t i = list.begin; i < list.end; ++i) {
      if (!list.child->IsNull(i)) continue;
      row.Fail("22004", "thresholds array must not contain NULLs");
      return;
    }
    int32_t left = list.begin;
    int32_t right = list.end;
    while (left < right) {
      const int32_t middle = left + (right - left) / 2;
      if (CompareValues(*values.column, values.at(r), *list.child, middle) < 0) {
        right = middle;
      } else {
        left = middle + 1;
      }
    }
    out.Put(r, left - list.begin);
  });
  return out.Finish(call);
}

}  // namespace

void AddWidthBucket(FunctionTable& t) {
  using enum Arg;
  t.push_back({"width_bucket",
               {kDouble, kDouble, kDouble, kInteger},
               kInteger,
               Rows<BucketDouble>,
               "bucket of a value among equal ones between two bounds; 0 below, one more above",
               "width_bucket(5.35, 0.024, 10.06, 5) -> 3"});
  t.push_back({"width_bucket",
               {kNumeric, kNumeric, kNumeric, kInteger},
               kInteger,
               Rows<BucketNumeric>,
               "bucket of a value among equal ones between two bounds; 0 below, one more above",
               "width_bucket(5.35::numeric, 0.024, 10.06, 5) -> 3"});
  t.push_back({"width_bucket",
               {kElement, kElements},
               kInteger,
               BucketOf,
               "bucket of a value among those that ascending lower bounds give; 0 below the first",
               "width_bucket(7, array[1, 5, 10]) -> 2"});
}

}  // namespace streamrun
