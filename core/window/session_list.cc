#include "core/window/session_list.h"

#include <algorithm>
#include <utility>

namespace streamrun {

uint32_t SessionList::Make(uint32_t key, Timestamp first, Timestamp last, uint32_t newer, uint32_t older) {
  uint32_t number;
  if (free_.empty()) {
    number = size();
    sessions_.Resize(number + 1);
  } else {
    number = free_.back();
    free_.pop_back();
    sessions_[number] = {};
  }
  Session& session = sessions_[number];
  session.first = first;
  session.last = last;
  session.serial = next_serial_++;
  session.key = key;
  session.older = older;
  session.newer = newer;
  if (older != kNone) sessions_[older].newer = number;
  session.alive = true;
  (newer == kNone ? latest_[key] : sessions_[newer].older) = number;
  ++alive_;
  return number;
}

SessionList::Placed SessionList::Place(uint32_t key, Timestamp time, Timestamp limit) {
  if (key >= latest_.size()) latest_.Resize(key + 1, kNone);
  uint32_t newer = kNone;
  uint32_t at = latest_[key];
  while (at != kNone && sessions_[at].first >= time + gap_) {
    newer = at;
    at = sessions_[at].older;
  }
  if (at == kNone || End(sessions_[at]) <= time) {
    if (time + gap_ - 1 <= limit) return {};
    return {Make(key, time, time, newer, at), true, kNone};
  }
  // It overlaps `at`, and perhaps the one before: the earlier one lives on.
  const uint32_t before = sessions_[at].older;
  if (before != kNone && End(sessions_[before]) > time) {
    Session& joined = sessions_[at];
    sessions_[before].last = std::max(joined.last, time);
    (newer == kNone ? latest_[key] : sessions_[newer].older) = before;
    sessions_[before].newer = newer;
    joined.alive = false;
    --alive_;
    return {before, false, at};
  }
  sessions_[at].first = std::min(sessions_[at].first, time);
  sessions_[at].last = std::max(sessions_[at].last, time);
  return {at, false, kNone};
}

uint32_t SessionList::Insert(uint32_t key, Timestamp first, Timestamp last) {
  if (key >= latest_.size()) latest_.Resize(key + 1, kNone);
  uint32_t newer = kNone;
  uint32_t at = latest_[key];
  while (at != kNone && sessions_[at].first > first) {
    newer = at;
    at = sessions_[at].older;
  }
  return Make(key, first, last, newer, at);
}

bool SessionList::Remove(uint32_t session) {
  const uint32_t key = sessions_[session].key;
  const auto [older, newer] = std::pair(sessions_[session].older, sessions_[session].newer);
  (newer == kNone ? latest_[key] : sessions_[newer].older) = older;
  if (older != kNone) sessions_[older].newer = newer;
  sessions_[session].alive = false;
  --alive_;
  Free(session);
  return latest_[key] == kNone;
}

}  // namespace streamrun
