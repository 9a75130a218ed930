#include "connectors/formats/timestamp_text.h"

namespace streamrun {

bool TimestampPrinter::MoveTo(Timestamp value) {
  constexpr int64_t kDay = 86'400'000'000;
  // Years 1 to 9999 print as four digits without an era.
  static const Timestamp kFirst = DaysFromCivil(1, 1, 1) * kDay;
  static const Timestamp kEnd = DaysFromCivil(10000, 1, 1) * kDay;
  if (value < kFirst || value >= kEnd) return false;
  int64_t days = value / kDay;
  if (value % kDay < 0) --days;
  day_start_ = days * kDay;
  char text[64];
  PrintTimestampTo(day_start_, text);
  std::memcpy(date_, text, 11);
  return true;
}

}  // namespace streamrun
