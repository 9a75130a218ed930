#include "core/data/time_zone.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "core/base/env.h"
#include "core/data/text_scan.h"

namespace streamrun {

namespace {

constexpr std::string_view kZoneFolder = "/usr/share/zoneinfo";
constexpr uint64_t kZoneFileLimit = 1 << 20;

std::string Folded(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = text_scan::ToLower(c);
  return out;
}

// The file of a name whose case may differ; empty when there is none. No part may begin with a point, so the
// name cannot leave the folder.
std::string FindZoneFile(std::string_view name) {
  std::string path(kZoneFolder);
  while (!name.empty()) {
    const size_t slash = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (part.empty() || part[0] == '.') return "";
    const auto entries = Env::Default()->List(path);
    if (!entries.ok()) return "";
    const std::string folded = Folded(part);
    const auto found = std::find_if(entries->begin(), entries->end(), [&](const std::string& entry) {
      return text_scan::EqualsFolded(entry, folded);
    });
    if (found == entries->end()) return "";
    path += "/" + *found;
  }
  return path;
}

// Big-endian numbers of a file; past its end everything is 0 and ok() false.
class BigEndian {
 public:
  explicit BigEndian(std::string_view bytes) : rest_(bytes) {}
  std::string_view Take(uint64_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }
  uint64_t Number(size_t size) {
    uint64_t value = 0;
    for (const char c : Take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

struct TzifHeader {
  uint64_t utc_flags, standard_flags, leaps, times, types, letters;
};
bool ReadHeader(BigEndian& in, TzifHeader* h) {
  if (in.Take(4) != "TZif") return false;
  in.Take(16);
  for (uint64_t* count : {&h->utc_flags, &h->standard_flags, &h->leaps, &h->times, &h->types, &h->letters}) {
    *count = in.Number(4);
  }
  return in.ok();
}

}  // namespace

bool TimeZone::ParseTzif(std::string_view file) {
  BigEndian in(file);
  TzifHeader h;
  if (!ReadHeader(in, &h)) return false;
  // The first part has 32-bit times and is for old readers.
  in.Take(h.times * 5 + h.types * 6 + h.letters + h.leaps * 8 + h.standard_flags + h.utc_flags);
  if (!ReadHeader(in, &h) || h.leaps != 0 || h.types == 0) return false;
  for (uint64_t i = 0; in.ok() && i < h.times; ++i) {
    transitions_.push_back(static_cast<int64_t>(in.Number(8)));
  }
  for (uint64_t i = 0; in.ok() && i < h.times; ++i) types_.push_back(static_cast<uint8_t>(in.Number(1)));
  std::vector<uint8_t> name_at;
  for (uint64_t i = 0; in.ok() && i < h.types; ++i) {
    periods_.push_back({static_cast<int32_t>(in.Number(4)), ""});
    in.Take(1);
    name_at.push_back(static_cast<uint8_t>(in.Number(1)));
  }
  const std::string_view letters = in.Take(h.letters);
  in.Take(h.standard_flags + h.utc_flags);
  if (!in.ok()) return false;
  for (size_t i = 0; i < periods_.size(); ++i) {
    if (name_at[i] >= letters.size()) return false;
    const std::string_view name = letters.substr(name_at[i]);
    periods_[i].abbreviation = name.substr(0, name.find('\0'));
  }
  if (!std::is_sorted(transitions_.begin(), transitions_.end())) return false;
  if (std::any_of(types_.begin(), types_.end(), [&](uint8_t t) { return t >= periods_.size(); }))
    return false;
  std::string_view rule = in.rest();
  if (rule.size() < 2 || rule.front() != '\n' || rule.back() != '\n') return false;
  rule = rule.substr(1, rule.size() - 2);
  if (!rule.empty()) return rule_.Parse(rule);
  const Period& last = transitions_.empty() ? periods_[0] : PeriodOf(transitions_.size() - 1);
  rule_ = PosixZone::Fixed(last.offset);
  return true;
}

std::shared_ptr<const TimeZone> TimeZone::Find(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const TimeZone>, std::less<>> known;
  constexpr size_t kMostZones = 4096;  // POSIX forms have no end
  const std::string folded = Folded(name);
  const std::lock_guard lock(mutex);
  if (const auto found = known.find(folded); found != known.end()) return found->second;
  if (name.empty() || name.size() > 255) return nullptr;
  const auto zone = std::make_shared<TimeZone>();
  const std::string path = FindZoneFile(name);
  const auto file = path.empty() ? Result<std::string>(Status::InvalidArgument("no such zone"))
                                 : Env::Default()->ReadFile(path, kZoneFileLimit);
  if (file.ok() ? !zone->ParseTzif(*file) : !zone->rule_.Parse(name)) return nullptr;
  if (known.size() >= kMostZones) known.clear();
  known.emplace(folded, zone);
  return zone;
}

int32_t TimeZone::OffsetAt(int64_t utc_seconds) const {
  const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), utc_seconds);
  if (next == transitions_.end()) return rule_.OffsetAt(utc_seconds);
  if (next == transitions_.begin()) return periods_[0].offset;
  return PeriodOf(static_cast<size_t>(next - transitions_.begin()) - 1).offset;
}

int32_t TimeZone::OffsetOfLocal(int64_t local_seconds) const {
  // The change that can matter is the first one behind the day before; no offset is longer than a day.
  const int64_t day_before = local_seconds - 86'400;
  const int32_t before = OffsetAt(day_before);
  int64_t change;
  const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), day_before);
  if (next != transitions_.end()) {
    change = *next;
  } else if (!rule_.NextChange(day_before, &change)) {
    return before;
  }
  const int32_t after = OffsetAt(change);
  const int64_t with_before = local_seconds - before;
  const int64_t with_after = local_seconds - after;
  if (with_before < change && with_after < change) return before;
  if (with_before > change && with_after >= change) return after;
  return with_before > with_after ? before : after;
}

bool TimeZone::OffsetOfAbbreviation(std::string_view upper, int64_t utc_seconds, int32_t* offset) const {
  const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), utc_seconds);
  const auto index = static_cast<size_t>(next - transitions_.begin());
  const auto matches = [&](const Period& period) {
    if (period.abbreviation != upper) return false;
    *offset = period.offset;
    return true;
  };
  for (size_t i = index; i-- > 0;) {
    if (matches(PeriodOf(i))) return true;
  }
  if (!periods_.empty() && matches(periods_[0])) return true;
  for (size_t i = index; i < transitions_.size(); ++i) {
    if (matches(PeriodOf(i))) return true;
  }
  return false;
}

namespace {

std::string Upper(std::string_view lower) {
  std::string out(lower);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return out;
}

}  // namespace

int32_t AbbreviationOffsetAt(const ZoneAbbreviation& abbreviation, int64_t utc_seconds) {
  if (abbreviation.zone.empty()) return abbreviation.offset;
  const auto zone = TimeZone::Find(abbreviation.zone);
  if (!zone) return 0;
  int32_t offset;
  if (zone->OffsetOfAbbreviation(Upper(abbreviation.name), utc_seconds, &offset)) return offset;
  return zone->OffsetAt(utc_seconds);
}

int32_t AbbreviationOffsetOfLocal(const ZoneAbbreviation& abbreviation, int64_t local_seconds) {
  if (abbreviation.zone.empty()) return abbreviation.offset;
  const auto zone = TimeZone::Find(abbreviation.zone);
  if (!zone) return 0;
  const int32_t ordinary = zone->OffsetOfLocal(local_seconds);
  int32_t offset;
  if (zone->OffsetOfAbbreviation(Upper(abbreviation.name), local_seconds - ordinary, &offset)) return offset;
  return ordinary;
}

}  // namespace streamrun
