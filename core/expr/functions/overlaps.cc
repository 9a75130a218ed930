// (start, end) OVERLAPS (start, end): do two periods have a moment in common (manual 9.9)? The binder turns
// an interval in the place of an end into start + interval.
#include <optional>
#include <utility>

#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

// A period with its ends in order; one end may be unknown.
struct Period {
  int64_t start = 0;
  std::optional<int64_t> end;
};

std::optional<Period> PeriodOf(std::optional<int64_t> a, std::optional<int64_t> b) {
  if (!a) std::swap(a, b);
  if (!a) return std::nullopt;
  if (b && *a > *b) std::swap(a, b);
  return Period{*a, b};
}

// The standard's rules, in the order that decides what a null end means.
std::optional<bool> Overlap(const Period& a, const Period& b) {
  if (a.start == b.start) {
    if (!a.end || !b.end) return std::nullopt;
    return true;
  }
  const Period& later = a.start > b.start ? a : b;
  const Period& earlier = a.start > b.start ? b : a;
  if (!earlier.end) return std::nullopt;
  if (later.start < *earlier.end) return true;
  if (!later.end) return std::nullopt;
  return false;
}

ColumnPtr Overlaps(KernelCall& call) {
  const auto value = [&](size_t i, int64_t row) -> std::optional<int64_t> {
    const Vector& v = call.arg(i);
    if (v.IsNull(row)) return std::nullopt;
    return v.column->values<int64_t>()[v.at(row)];
  };
  Writer<bool> out(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    const auto a = PeriodOf(value(0, row), value(1, row));
    const auto b = PeriodOf(value(2, row), value(3, row));
    const std::optional<bool> answer = a && b ? Overlap(*a, *b) : std::nullopt;
    if (!answer) return call.Null(row);
    out.Put(row, *answer);
  });
  return out.Finish(call);
}

}  // namespace

void AddOverlaps(FunctionTable& t) {
  using enum Arg;
  for (const Arg type : {kTimestamp, kTimestamptz}) {
    t.push_back({"overlaps",
                 {type, type, type, type},
                 kBoolean,
                 Overlaps,
                 "true when two periods have a moment in common, written (a, b) OVERLAPS (c, d)",
                 type == kTimestamp ? "(timestamp '2024-01-01', timestamp '2024-01-03') OVERLAPS (timestamp "
                                      "'2024-01-02', interval '5 days') -> t"
                                    : "overlaps(timestamptz '2024-01-01 00:00+00', timestamptz '2024-01-02 "
                                      "00:00+00', timestamptz '2024-01-02 00:00+00', timestamptz "
                                      "'2024-01-03 00:00+00') -> f",
                 kTotal | kSeesNulls});
  }
}

}  // namespace streamrun
