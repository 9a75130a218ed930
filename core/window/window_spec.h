// Which windows a row belongs to. Windows are half-open, [start, end), and aligned to the Unix epoch plus an
// offset, as in Apache Flink (WindowAssigner) and Apache Beam (WindowFn).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/time.h"
#include "core/data/time_zone.h"

namespace streamrun {

struct Window {
  Timestamp start = 0;
  Timestamp end = 0;
  /// The last instant in it: results carry this as their event time, and the watermark closes it here.
  Timestamp last() const { return end - 1; }
  friend bool operator==(const Window&, const Window&) = default;
};

struct WindowSpec {
  enum class Kind : uint8_t {
    kNone,        // one group of everything, ever
    kTumbling,    // size
    kSliding,     // size, every step
    kCumulative,  // from the start of `size` up to each step in it
    kSession,     // until no row came for `gap`
    kCount,       // `rows` rows of a key, every `row_step` rows
  };
  Kind kind = Kind::kNone;
  Duration size = 0;
  Duration step = 0;
  Duration gap = 0;
  int64_t rows = 0;
  int64_t row_step = 0;
  Duration offset = 0;
  /// Tumbling calendar windows: size in months (0: `size`), and the zone whose days and months count (null:
  /// UTC). With a zone `size` is whole days.
  int months = 0;
  std::shared_ptr<const TimeZone> zone;
  std::string zone_name;  // as written
  bool processing_time = false;
  /// Columns of the bounds in results.
  std::string start_name = "window_start";
  std::string end_name = "window_end";

  bool by_time() const {
    return kind == Kind::kTumbling || kind == Kind::kSliding || kind == Kind::kCumulative;
  }
};

/// The slices of time windows: pieces that no window bound cuts, so that rows are added once and windows are
/// put together from slices. (Li et al., "No pane, no gain", SIGMOD Record 2005.)
class Slices {
 public:
  explicit Slices(const WindowSpec& spec);

  /// The start of the slice that each time is in. Times must be finite (|t| < 2^62).
  void Starts(const int64_t* times, int64_t count, int64_t* starts) const;
  Timestamp Start(Timestamp time) const;
  Timestamp End(Timestamp start) const;
  /// The window with the least end that contains the slice, and the one after it; nothing after the last.
  Window First(Timestamp slice) const;
  std::optional<Window> Next(Timestamp slice, const Window& window) const;
  /// The window with the least end behind `end` that contains the slice, if there is one.
  std::optional<Window> FirstEndingAfter(Timestamp slice, Timestamp end) const;
  /// No earlier slice has a window that ends behind `end`.
  Timestamp EarliestSliceBehind(Timestamp end) const;
  /// The window with the greatest end that contains the slice.
  Window Last(Timestamp slice) const;
  /// Every window is one slice.
  bool single() const { return spec_.kind == WindowSpec::Kind::kTumbling; }

 private:
  Timestamp ToLocal(Timestamp utc) const;
  /// A wall clock that occurs twice means its first time, one that is skipped the instant of the change.
  Timestamp ToUtc(Timestamp local) const;
  /// Wall clock at which the calendar window that holds a wall clock starts, `windows` further on.
  Timestamp LocalStart(Timestamp local, int windows) const;
  Timestamp CalendarStart(Timestamp time) const;
  Timestamp CalendarEnd(Timestamp start) const;
  bool calendar() const { return spec_.months > 0 || spec_.zone != nullptr; }

  WindowSpec spec_;
  Duration slice_ = 0;
};

}  // namespace streamrun
