// Units of time used everywhere: Timestamp and Duration count microseconds, as PostgreSQL does.
#pragma once

#include <cstdint>
#include <limits>

namespace streamrun {

/// Microseconds since 1970-01-01 00:00:00 (UTC for timestamptz, zone-less for timestamp).
using Timestamp = int64_t;
/// Microseconds.
using Duration = int64_t;

inline constexpr Duration kMillisecond = 1'000;
inline constexpr Duration kSecond = 1'000'000;
inline constexpr Duration kMinute = 60 * kSecond;
inline constexpr Duration kHour = 60 * kMinute;
inline constexpr Duration kDay = 24 * kHour;

/// Before every timestamp: the watermark of an input that has not said anything yet.
inline constexpr Timestamp kMinTimestamp = std::numeric_limits<int64_t>::min();
/// After every timestamp: the watermark at the end of a bounded input.
inline constexpr Timestamp kMaxTimestamp = std::numeric_limits<int64_t>::max();

}  // namespace streamrun
