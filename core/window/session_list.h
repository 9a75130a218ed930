// Sessions of every key in order of time: where a row belongs, and which sessions it joins.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/time.h"
#include "core/data/slot_array.h"
#include "core/stream/state_table.h"

namespace streamrun {

struct Session {
  Timestamp first = 0;
  Timestamp last = 0;
  int64_t serial = 0;  // order of creation
  uint32_t key = 0;    // slot of its key
  uint32_t group = 0;  // slot of its states
  uint32_t older = 0;  // the session of the same key before it, or kNone
  uint32_t newer = 0;  // and behind it
  bool alive = false;
  bool fired = false;    // given as it is now; later rows are changes
  bool touched = false;  // changed since it was shown
  /// Bounds under which it was shown; start kMinTimestamp: it was not.
  Timestamp shown_start = kMinTimestamp;
  Timestamp shown_end = 0;
  /// When it fires or closes next: its entry in the queue of its owner.
  Timestamp due = kMaxTimestamp;
};

/// Sessions by number; numbers of removed ones are used again. The sessions of a key are a list, latest
/// first, since most rows belong to the latest. Not thread-safe.
class SessionList {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  explicit SessionList(Duration gap) : gap_(gap) {}

  struct Placed {
    uint32_t session = kNone;  // kNone: the row is late
    bool made = false;
    uint32_t joined = kNone;  // a session that became part of `session`, and is not alive any more
  };
  /// The session of a row at `time`, made, grown or joined as needed. A new session whose last instant is at
  /// or before `limit` is not made: the row is late.
  Placed Place(uint32_t key, Timestamp time, Timestamp limit);
  /// A session from a checkpoint.
  uint32_t Insert(uint32_t key, Timestamp first, Timestamp last);
  /// Removes a session. True when it was the last one of its key.
  bool Remove(uint32_t session);
  /// The number of a joined session may be used again.
  void Free(uint32_t session) { free_.push_back(session); }

  Session& operator[](uint32_t session) { return sessions_[session]; }
  const Session& operator[](uint32_t session) const { return sessions_[session]; }
  Timestamp End(const Session& session) const { return session.last + gap_; }
  /// Does the key have a session?
  bool Has(uint32_t key) const { return key < latest_.size() && latest_[key] != kNone; }
  uint32_t size() const { return static_cast<uint32_t>(sessions_.size()); }
  int64_t alive() const { return alive_; }
  size_t MemoryBytes() const {
    return sessions_.MemoryBytes() + latest_.MemoryBytes() + free_.capacity() * 4;
  }

 private:
  uint32_t Make(uint32_t key, Timestamp first, Timestamp last, uint32_t newer, uint32_t older);

  Duration gap_;
  SlotArray<Session> sessions_;
  std::vector<uint32_t> free_;
  SlotArray<uint32_t> latest_;  // by key
  int64_t next_serial_ = 0;
  int64_t alive_ = 0;
};

}  // namespace streamrun
