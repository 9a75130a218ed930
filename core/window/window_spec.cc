#include "core/window/window_spec.h"

#include <chrono>
#include <numeric>

#include "core/base/env.h"

namespace streamrun {

namespace {

int64_t FloorTo(int64_t time, int64_t unit, int64_t offset) {
  int64_t rest = (time - offset) % unit;
  if (rest < 0) rest += unit;
  return time - rest;
}

}  // namespace

Slices::Slices(const WindowSpec& spec) : spec_(spec) {
  switch (spec.kind) {
    case WindowSpec::Kind::kTumbling:
      slice_ = spec.size;
      break;
    case WindowSpec::Kind::kSliding:
      slice_ = std::gcd(spec.size, spec.step);
      break;
    case WindowSpec::Kind::kCumulative:
      slice_ = spec.step;
      break;
    default:
      SR_CHECK(!"slices of windows that are not of time");
  }
}

Timestamp Slices::ToLocal(Timestamp utc) const {
  return spec_.zone ? utc + spec_.zone->OffsetAt(FloorTo(utc, kSecond, 0) / kSecond) * kSecond : utc;
}

Timestamp Slices::ToUtc(Timestamp local) const {
  return spec_.zone ? local - spec_.zone->OffsetOfLocal(FloorTo(local, kSecond, 0) / kSecond) * kSecond
                    : local;
}

Timestamp Slices::LocalStart(Timestamp local, int windows) const {
  if (spec_.months == 0) return FloorTo(local, spec_.size, spec_.offset) + windows * spec_.size;
  using std::chrono::days;
  using std::chrono::months;
  using std::chrono::sys_days;
  using std::chrono::year_month;
  using std::chrono::year_month_day;
  const Timestamp shifted = local - spec_.offset;
  const year_month_day date{sys_days(days(FloorTo(shifted, kDay, 0) / kDay))};
  // Months are counted from year 0, so that windows of 3 are quarters and of 12 years.
  const int64_t month = int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month()) - 1;
  const int64_t first = FloorTo(month, spec_.months, 0) + int64_t{windows} * spec_.months;
  const int64_t year = FloorTo(first, 12, 0) / 12;
  const year_month at{std::chrono::year(static_cast<int>(year)),
                      std::chrono::month(static_cast<unsigned>(first - year * 12) + 1)};
  return sys_days(at / 1).time_since_epoch().count() * kDay + spec_.offset;
}

Timestamp Slices::CalendarStart(Timestamp time) const { return ToUtc(LocalStart(ToLocal(time), 0)); }
Timestamp Slices::CalendarEnd(Timestamp start) const { return ToUtc(LocalStart(ToLocal(start), 1)); }

Timestamp Slices::Start(Timestamp time) const {
  return calendar() ? CalendarStart(time) : FloorTo(time, slice_, spec_.offset);
}

void Slices::Starts(const int64_t* times, int64_t count, int64_t* starts) const {
  // Rows of a batch are close in time: most lie in the slice of the row before.
  int64_t start = 0;
  int64_t end = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (times[i] < start || times[i] >= end) {
      start = Start(times[i]);
      end = End(start);
    }
    starts[i] = start;
  }
}

Timestamp Slices::End(Timestamp start) const { return calendar() ? CalendarEnd(start) : start + slice_; }

Window Slices::First(Timestamp slice) const {
  switch (spec_.kind) {
    case WindowSpec::Kind::kSliding: {
      // The earliest start from which a window still covers the whole slice.
      const int64_t least = slice + slice_ - spec_.size;
      const int64_t floor = FloorTo(least, spec_.step, spec_.offset);
      const int64_t start = floor < least ? floor + spec_.step : floor;
      return {start, start + spec_.size};
    }
    case WindowSpec::Kind::kCumulative:
      return {FloorTo(slice, spec_.size, spec_.offset), slice + slice_};
    default:
      return {slice, End(slice)};
  }
}

std::optional<Window> Slices::Next(Timestamp slice, const Window& window) const {
  switch (spec_.kind) {
    case WindowSpec::Kind::kSliding:
      if (window.start + spec_.step > slice) return std::nullopt;
      return Window{window.start + spec_.step, window.end + spec_.step};
    case WindowSpec::Kind::kCumulative:
      if (window.end >= window.start + spec_.size) return std::nullopt;
      return Window{window.start, window.end + spec_.step};
    default:
      return std::nullopt;
  }
}

std::optional<Window> Slices::FirstEndingAfter(Timestamp slice, Timestamp end) const {
  Window window = First(slice);
  if (window.end > end) return window;
  if (spec_.step == 0) return std::nullopt;
  const int64_t steps = (end - window.end) / spec_.step + 1;
  window.end += steps * spec_.step;
  if (spec_.kind == WindowSpec::Kind::kSliding) window.start += steps * spec_.step;
  if (window.end > Last(slice).end) return std::nullopt;
  return window;
}

Window Slices::Last(Timestamp slice) const {
  switch (spec_.kind) {
    case WindowSpec::Kind::kSliding: {
      const int64_t start = FloorTo(slice, spec_.step, spec_.offset);
      return {start, start + spec_.size};
    }
    case WindowSpec::Kind::kCumulative: {
      const int64_t start = FloorTo(slice, spec_.size, spec_.offset);
      return {start, start + spec_.size};
    }
    default:
      return First(slice);
  }
}

}  // namespace streamrun
