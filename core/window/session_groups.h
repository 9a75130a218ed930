// Sessions with their states: rows find their session, sessions join, and states follow them.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "core/agg/group_table.h"
#include "core/window/aggregation_state.h"
#include "core/window/session_list.h"

namespace streamrun {

/// The bounds under which a session was shown.
struct ShownSession {
  uint32_t key;
  Timestamp start;
  Timestamp end;
};

/// A batch is first placed, then fed. Not thread-safe.
class SessionGroups {
 public:
  /// `plan` outlives it.
  explicit SessionGroups(const AggregationPlan& plan);

  const KeyTable& keys() const { return keys_; }
  /// By key and serial number of the session; Session::group is the slot.
  const GroupTable& table() const { return table_; }
  SessionList& list() { return sessions_; }
  const SessionList& list() const { return sessions_; }

  /// Finds the session of each of the rows; `late` gets those that have none because it would end at or
  /// before `limit` (SessionList::Place). note(session) is called for every other one, as soon as it is
  /// placed. Gives how many were placed.
  template <typename Note>
  int64_t Place(const GroupInput& input, const Selection& rows, const std::vector<int64_t>& times,
                Timestamp limit, Selection* late, const Note& note) {
    BeginBatch(input, rows);
    for (size_t i = 0; i < rows.size(); ++i) {
      const SessionList::Placed placed = sessions_.Place(row_keys_[i], times[rows[i]], limit);
      if (placed.session == SessionList::kNone) {
        late->push_back(rows[i]);
        late_keys_.push_back(row_keys_[i]);
      } else {
        Remember(placed, rows[i]);
        note(placed.session);
      }
    }
    return static_cast<int64_t>(placed_.size());
  }
  /// Adds the placed rows to the states of their sessions. `gone`: sessions that had been shown and became
  /// part of another one.
  void Feed(const GroupInput& input, std::vector<ShownSession>* gone);
  /// The sessions are over.
  void Close(const std::vector<uint32_t>& sessions);

  /// Rows of GroupState, in the order of creation: restored sessions give their results in the same order.
  Status Save(const TakeRows& take) const;
  /// What of them changed since changes().Track.
  Status SaveChanges(const TakeRows& removed, const TakeRows& rows) const;
  /// Sessions that got rows, and those that are no more. Who changes more of a session marks it.
  SlotChanges& changes() { return changes_; }
  /// made(session) is called for each session of the rows.
  void Load(const BatchPtr& rows, const std::function<void(uint32_t)>& made);
  size_t MemoryBytes() const;

 private:
  void BeginBatch(const GroupInput& input, const Selection& rows);
  void Remember(const SessionList::Placed& placed, uint32_t row);
  uint32_t Resolve(uint32_t session) const;
  void MakeGroups(const GroupInput& input);
  void JoinGroups(std::vector<ShownSession>* gone);
  void MoveStates(const std::vector<uint32_t>& from, const std::vector<int64_t>& serials);
  void Erase(const std::vector<uint32_t>& groups);
  Status SaveSome(std::vector<uint32_t> sessions, const TakeRows& take) const;
  BatchPtr RowsOf(const SchemaPtr& schema, const uint32_t* sessions, int64_t count) const;

  const AggregationPlan& plan_;
  KeyTable keys_;
  GroupTable table_;
  SessionList sessions_;
  SlotChanges changes_;  // by session

  // Of the batch under way.
  std::vector<uint32_t> row_keys_;
  Selection placed_rows_;
  std::vector<uint32_t> placed_;                       // session of each placed row
  std::vector<std::pair<uint32_t, uint32_t>> made_;    // session, its first row
  std::vector<std::pair<uint32_t, uint32_t>> joined_;  // session, the one it became part of
  std::vector<uint32_t> late_keys_;
};

}  // namespace streamrun
