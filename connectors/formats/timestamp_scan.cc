#include "connectors/formats/timestamp_scan.h"

namespace streamrun {

bool TimestampScanner::ScanDate(const char* text, size_t size, Timestamp* out) {
  if (!Any(text, size, out)) return false;
  if (size < 19) return true;
  char midnight[19];
  std::memcpy(midnight, text, 11);
  std::memcpy(midnight + 11, "00:00:00", 8);
  Timestamp start;
  if (!Any(midnight, sizeof midnight, &start)) return true;
  std::memcpy(&head_, text, 8);
  std::memcpy(&tail_, text + 7, 4);
  day_start_ = start;
  return true;
}

}  // namespace streamrun
