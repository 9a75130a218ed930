// Arrays: order and totals of the elements. PostgreSQL 15 has none of these without a sub-query; array_sort
// and array_reverse are PostgreSQL 18's.
#include <algorithm>
#include <numeric>

#include "core/data/numeric.h"
#include "core/expr/compare_values.h"
#include "core/expr/function.h"
#include "core/expr/functions/lists.h"
#include "core/expr/functions/row_status.h"

namespace streamrun {

namespace {

// Nulls are equal to each other and above everything, as ORDER BY has it.
int CompareElements(const Column& child, int32_t a, int32_t b) {
  if (child.IsNull(a) || child.IsNull(b)) {
    return static_cast<int>(child.IsNull(a)) - static_cast<int>(child.IsNull(b));
  }
  return CompareValues(child, a, child, b);
}

// The elements' places in ascending order, equal ones in the order of the array.
void SortedPlaces(const ListView& list, std::vector<int32_t>& places) {
  places.resize(static_cast<size_t>(list.size()));
  std::iota(places.begin(), places.end(), list.begin);
  std::stable_sort(places.begin(), places.end(),
                   [&](int32_t a, int32_t b) { return CompareElements(*list.child, a, b) < 0; });
}

ColumnPtr Sort(KernelCall& call) {
  const Reader<ListView> lists(call.arg(0));
  std::vector<int32_t> places;
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const ListView list = lists[row.number()];
    SortedPlaces(list, places);
    if (call.arg_count() > 1 && Reader<bool>(call.arg(1))[row.number()]) {
      std::reverse(places.begin(), places.end());
    }
    for (const int32_t i : places) child.AppendFrom(*list.child, i);
  });
}

ColumnPtr Reverse(KernelCall& call) {
  const Reader<ListView> lists(call.arg(0));
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const ListView list = lists[row.number()];
    for (int32_t i = list.end; i-- > list.begin;) child.AppendFrom(*list.child, i);
  });
}

ColumnPtr Distinct(KernelCall& call) {
  const Reader<ListView> lists(call.arg(0));
  std::vector<int32_t> places;
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const ListView list = lists[row.number()];
    SortedPlaces(list, places);
    const auto same = [&](int32_t a, int32_t b) { return CompareElements(*list.child, a, b) == 0; };
    places.erase(std::unique(places.begin(), places.end(), same), places.end());
    // The first of equal elements stays, at its place.
    std::sort(places.begin(), places.end());
    for (const int32_t i : places) child.AppendFrom(*list.child, i);
  });
}

template <bool kMax>
ColumnPtr Extreme(KernelCall& call) {
  const Reader<ListView> lists(call.arg(0));
  return WriteValues(call, [&](Row& row, ColumnBuilder& out) {
    const ListView list = lists[row.number()];
    int32_t best = -1;
    for (int32_t i = list.begin; i < list.end; ++i) {
      if (list.child->IsNull(i)) continue;
      const int order = best < 0 ? 0 : CompareValues(*list.child, i, *list.child, best);
      if (best < 0 || (kMax ? order > 0 : order < 0)) best = i;
    }
    if (best < 0) return row.Null();
    out.AppendFrom(*list.child, best);
  });
}

// Calls f with every element that is not null; returns how many there are.
template <typename T, typename F>
int64_t ForEachValue(const ListView& list, F f) {
  int64_t count = 0;
  for (int32_t i = list.begin; i < list.end; ++i) {
    if (list.child->IsNull(i)) continue;
    f(list.child->values<T>()[i]);
    ++count;
  }
  return count;
}

int64_t SumIntegers(Row& row, ListView list) {
  int64_t sum = 0;
  if (ForEachValue<int32_t>(list, [&](int32_t v) { sum += v; }) == 0) row.Null();
  return sum;
}
double SumDoubles(Row& row, ListView list) {
  double sum = 0;
  if (ForEachValue<double>(list, [&](double v) { sum += v; }) == 0) row.Null();
  return sum;
}
double AverageDoubles(Row& row, ListView list) {
  double sum = 0;
  const int64_t count = ForEachValue<double>(list, [&](double v) { sum += v; });
  if (count == 0) row.Null();
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

Numeric AsNumeric(int32_t v) { return NumericFromInt64(v); }
Numeric AsNumeric(int64_t v) { return NumericFromInt64(v); }
Numeric AsNumeric(const Numeric& v) { return v; }

template <typename T, bool kAverage>
Numeric Total(Row& row, ListView list) {
  Result<Numeric> sum = NumericFromInt64(0);
  const int64_t count = ForEachValue<T>(list, [&](const T& v) {
    if (sum.ok()) sum = NumericAdd(*sum, AsNumeric(v));
  });
  if (count == 0) {
    row.Null();
    return {};
  }
  if (kAverage && sum.ok()) sum = NumericDivide(*sum, NumericFromInt64(count));
  return ValueOrFail(row, std::move(sum));
}

void AddTotals(FunctionTable& t) {
  using enum Arg;
  const auto add = [&](std::string_view name, Arg list, Arg result, Kernel kernel, std::string_view help,
                       std::string_view example, uint32_t flags) {
    t.push_back({name, {list}, result, kernel, help, example, flags | kAddition});
  };
  constexpr std::string_view kSum = "sum of the elements that are not null";
  constexpr std::string_view kAverage = "average of the elements that are not null";
  add("array_sum", kIntegerList, kBigint, Rows<SumIntegers>, kSum, "array_sum(ARRAY[1, 2]) -> 3", kTotal);
  add("array_sum", kBigintList, kNumeric, Rows<Total<int64_t, false>>, kSum,
      "array_sum(ARRAY[9223372036854775807, 1]) -> 9223372036854775808", kPartial);
  add("array_sum", kNumericList, kNumeric, Rows<Total<Numeric, false>>, kSum,
      "array_sum('{1.5,2.25}'::numeric[]) -> 3.75", kPartial);
  add("array_sum", kDoubleList, kDouble, Rows<SumDoubles>, kSum, "array_sum(ARRAY[0.5, 0.25]) -> 0.75",
      kTotal);
  add("array_avg", kIntegerList, kNumeric, Rows<Total<int32_t, true>>, kAverage,
      "array_avg(ARRAY[1, 2]) -> 1.5000000000000000", kPartial);
  add("array_avg", kBigintList, kNumeric, Rows<Total<int64_t, true>>, kAverage,
      "array_avg('{1,2}'::bigint[]) -> 1.5000000000000000", kPartial);
  add("array_avg", kNumericList, kNumeric, Rows<Total<Numeric, true>>, kAverage,
      "array_avg('{1.5,2.5}'::numeric[]) -> 2.0000000000000000", kPartial);
  add("array_avg", kDoubleList, kDouble, Rows<AverageDoubles>, kAverage, "array_avg(ARRAY[0.5, 1.0]) -> 0.75",
      kTotal);
}

}  // namespace

void AddArrayOrder(FunctionTable& t) {
  using enum Arg;
  t.push_back({"array_sort",
               {kElements},
               kElements,
               Sort,
               "the elements in ascending order, nulls last",
               "array_sort(ARRAY[3, NULL, 1]) -> {1,3,NULL}",
               kTotal | kAddition});
  t.push_back({"array_sort",
               {kElements, kBoolean},
               kElements,
               Sort,
               "the same; in descending order, nulls first, when the last argument is true",
               "array_sort(ARRAY[3, NULL, 1], true) -> {NULL,3,1}",
               kTotal | kAddition});
  t.push_back({"array_reverse",
               {kElements},
               kElements,
               Reverse,
               "the elements from the last to the first",
               "array_reverse(ARRAY[1, 2, 3]) -> {3,2,1}",
               kTotal | kAddition});
  t.push_back({"array_distinct",
               {kElements},
               kElements,
               Distinct,
               "the first of equal elements each",
               "array_distinct(ARRAY[2, 1, 2]) -> {2,1}",
               kTotal | kAddition});
  t.push_back({"array_min",
               {kElements},
               kElement,
               Extreme<false>,
               "the smallest element that is not null",
               "array_min(ARRAY[3, NULL, 1]) -> 1",
               kTotal | kAddition});
  t.push_back({"array_max",
               {kElements},
               kElement,
               Extreme<true>,
               "the largest element that is not null",
               "array_max(ARRAY[3, NULL, 1]) -> 3",
               kTotal | kAddition});
  AddTotals(t);
}

}  // namespace streamrun
