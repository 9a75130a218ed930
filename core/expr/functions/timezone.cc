#include "core/expr/functions/timezone.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>
#include <map>
#include <string>

namespace streamrun {

namespace {

using std::chrono::microseconds;

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

const date::time_zone* Locate(std::string_view name) {
  // The library throws for unknown names and when the system has no zone data.
  try {
    return date::locate_zone(std::string(name));
  } catch (const std::exception&) {
  }
  try {
    for (const date::time_zone& zone : date::get_tzdb().zones) {
      if (SameName(zone.name(), name)) return &zone;
    }
  } catch (const std::exception&) {
  }
  return nullptr;
}

// [letters]sign hours[:minutes]; positive is west.
bool PosixOffset(std::string_view text, Duration* offset) {
  while (!text.empty() && std::isalpha(static_cast<unsigned char>(text[0]))) text.remove_prefix(1);
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return false;
  const bool west = text[0] == '+';
  int parts[2] = {0, 0};
  int part = 0;
  int digits = 0;
  for (const char c : text.substr(1)) {
    if (c == ':' && part == 0 && digits > 0) {
      part = 1;
      digits = 0;
    } else if (c >= '0' && c <= '9' && ++digits <= 2) {
      parts[part] = parts[part] * 10 + (c - '0');
    } else {
      return false;
    }
  }
  if (digits == 0 || parts[0] > 24 || parts[1] > 59) return false;
  const Duration length = parts[0] * kHour + parts[1] * kMinute;
  *offset = west ? -length : length;
  return true;
}

Duration OffsetOf(const date::sys_info& info) {
  return std::chrono::duration_cast<microseconds>(info.offset).count();
}

}  // namespace

std::shared_ptr<const Zone> Zone::Find(std::string_view name) {
  auto zone = std::make_shared<Zone>();
  if (SameName(name, "utc") || SameName(name, "gmt") || SameName(name, "z")) return zone;
  if (PosixOffset(name, &zone->offset_)) return zone;
  zone->zone_ = Locate(name);
  return zone->zone_ ? zone : nullptr;
}

Timestamp Zone::ToLocal(Timestamp utc) const {
  if (zone_ == nullptr) return utc + offset_;
  const date::sys_time<microseconds> t{microseconds(utc)};
  return utc + OffsetOf(zone_->get_info(t));
}

Timestamp Zone::ToUtc(Timestamp local) const {
  if (zone_ == nullptr) return local - offset_;
  const date::local_time<microseconds> t{microseconds(local)};
  const date::local_info info = zone_->get_info(t);
  const bool behind = info.result == date::local_info::ambiguous;
  return local - OffsetOf(behind ? info.second : info.first);
}

const Zone* ZoneFor(Row& row, std::string_view name) {
  thread_local std::map<std::string, std::shared_ptr<const Zone>, std::less<>> cache;
  if (const auto found = cache.find(name); found != cache.end()) return found->second.get();
  auto zone = Zone::Find(name);
  if (!zone) {
    row.Fail("22023", "time zone \"" + std::string(name) + "\" not recognized");
    return nullptr;
  }
  if (cache.size() >= 256) cache.clear();
  return cache.emplace(std::string(name), std::move(zone)).first->second.get();
}

}  // namespace streamrun
