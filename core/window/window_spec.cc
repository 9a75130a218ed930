#include "core/window/window_spec.h"

#include <algorithm>
#include <numeric>

#include "core/base/env.h"

namespace streamrun {

namespace {

int64_t FloorTo(int64_t time, int64_t unit, int64_t offset) {
  int64_t rest = (time - offset) % unit;
  if (rest < 0) rest += unit;
  return time - rest;
}

// Far beyond every event time, see ReadRowTimes.
constexpr int64_t kBeyond = int64_t{3} << 61;

// Days since 1970-01-01 of the first day of a month, counted from January of year 0, and the month of a day:
// the proleptic Gregorian calendar, for all years. (Hinnant, "chrono-Compatible Low-Level Date Algorithms";
// std::chrono::year ends at 32767.)
int64_t FirstDayOfMonth(int64_t month_number) {
  const int64_t month = month_number - FloorTo(month_number, 12, 0) + 1;
  const int64_t year = FloorTo(month_number, 12, 0) / 12 - (month <= 2 ? 1 : 0);
  const int64_t era = FloorTo(year, 400, 0) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

int64_t MonthOfDay(int64_t day) {
  const int64_t shifted = day + 719'468;
  const int64_t era = FloorTo(shifted, 146'097, 0) / 146'097;
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t from_march = (5 * day_of_year + 2) / 153;
  return (era * 400 + year_of_era) * 12 + from_march + 2;
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
  if (!spec_.zone) return local;
  const int64_t seconds = FloorTo(local, kSecond, 0) / kSecond;
  const int64_t offset = spec_.zone->OffsetOfLocal(seconds);
  const int64_t day_before = spec_.zone->OffsetAt(seconds - offset - kDay / kSecond);
  const bool twice = day_before > offset && spec_.zone->OffsetAt(seconds - day_before) == day_before;
  return local - (twice ? day_before : offset) * kSecond;
}

Timestamp Slices::LocalStart(Timestamp local, int windows) const {
  if (spec_.months == 0) return FloorTo(local, spec_.size, spec_.offset) + windows * spec_.size;
  // Months are counted from year 0, so that windows of 3 are quarters and of 12 years.
  const int64_t month = MonthOfDay(FloorTo(local - spec_.offset, kDay, 0) / kDay);
  const int64_t first = FloorTo(month, spec_.months, 0) + int64_t{windows} * spec_.months;
  return FirstDayOfMonth(first) * kDay + spec_.offset;
}

// Where a clock is set back over the bound of a window the wall clock is on both sides of it twice: the
// instant decides.
Timestamp Slices::CalendarStart(Timestamp time) const {
  const Timestamp local = ToLocal(time);
  const Timestamp start = ToUtc(LocalStart(local, 0));
  if (time < start) return ToUtc(LocalStart(local, -1));
  const Timestamp end = ToUtc(LocalStart(local, 1));
  return time >= end ? end : start;
}
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

Timestamp Slices::EarliestSliceBehind(Timestamp end) const {
  if (end < -kBeyond) return kMinTimestamp;
  if (end > kBeyond) return kMaxTimestamp;
  return calendar() ? Start(end) : end - spec_.size;
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
