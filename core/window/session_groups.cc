#include "core/window/session_groups.h"

#include <algorithm>

#include "core/window/result_writer.h"

namespace streamrun {

namespace {

constexpr uint32_t kNone = SessionList::kNone;

std::vector<DataType> TableKeys(const AggregationPlan& plan) {
  std::vector<DataType> types = plan.key_types;
  types.push_back(TypeId::kBigint);
  return types;
}

}  // namespace

SessionGroups::SessionGroups(const AggregationPlan& plan)
    : plan_(plan), keys_(plan.key_types), table_(TableKeys(plan), plan.calls), sessions_(plan.window.gap) {}

// --- rows

void SessionGroups::BeginBatch(const GroupInput& input, const Selection& rows) {
  placed_rows_.clear();
  placed_.clear();
  made_.clear();
  joined_.clear();
  row_keys_.resize(rows.size());
  keys_.FindOrInsert(input.keys(), input.hashes(), rows.data(), static_cast<int64_t>(rows.size()),
                     row_keys_.data());
}

void SessionGroups::Remember(const SessionList::Placed& placed, uint32_t row) {
  placed_rows_.push_back(row);
  placed_.push_back(placed.session);
  changes_.Mark(placed.session);
  if (placed.joined != kNone) joined_.push_back({placed.joined, placed.session});
  if (!placed.made) return;
  made_.push_back({placed.session, row});
  sessions_[placed.session].group = kNone;
}

void SessionGroups::Feed(const GroupInput& input, std::vector<ShownSession>* gone) {
  MakeGroups(input);
  JoinGroups(gone);
  std::vector<uint32_t> groups(placed_.size());
  for (size_t i = 0; i < placed_.size(); ++i) groups[i] = sessions_[Resolve(placed_[i])].group;
  table_.Feed(input, {static_cast<int64_t>(groups.size()), placed_rows_.data(), groups.data()}, false);
  for (const auto& pair : joined_) sessions_.Free(pair.first);
  joined_.clear();
  // A key that came with late rows alone is not kept.
  for (const uint32_t key : late_keys_) {
    if (keys_.Holds(key) && !sessions_.Has(key)) keys_.Erase(key);
  }
  late_keys_.clear();
}

// States for the sessions that this batch made.
void SessionGroups::MakeGroups(const GroupInput& input) {
  std::erase_if(made_, [&](const auto& made) { return !sessions_[made.first].alive; });
  if (made_.empty()) return;
  Selection rows;
  std::vector<int64_t> serials;
  for (const auto& [session, row] : made_) {
    rows.push_back(row);
    serials.push_back(sessions_[session].serial);
  }
  std::vector<ColumnPtr> keys;
  for (const ColumnPtr& key : input.keys()) keys.push_back(Take(key, rows));
  keys.push_back(BigintColumn(serials));
  std::vector<uint32_t> groups;
  table_.FindOrInsert(keys, static_cast<int64_t>(rows.size()), &groups);
  for (size_t i = 0; i < made_.size(); ++i) sessions_[made_[i].first].group = groups[i];
}

// Where the rows of a session are now.
uint32_t SessionGroups::Resolve(uint32_t session) const {
  while (!sessions_[session].alive) {
    const auto by_joined = [](const auto& a, uint32_t b) { return a.first < b; };
    session = std::lower_bound(joined_.begin(), joined_.end(), session, by_joined)->second;
  }
  return session;
}

// Moves the states of sessions that became part of others. A session joins once, and numbers are not used
// again before the end of the batch.
void SessionGroups::JoinGroups(std::vector<ShownSession>* gone) {
  if (joined_.empty()) return;
  const std::vector<std::pair<uint32_t, uint32_t>> in_order = joined_;
  std::sort(joined_.begin(), joined_.end());
  std::vector<uint32_t> from;
  std::vector<int64_t> serials;
  for (const auto& pair : in_order) {
    const Session& session = sessions_[pair.first];
    if (session.group == kNone) continue;
    from.push_back(session.group);
    serials.push_back(sessions_[Resolve(pair.first)].serial);
    if (session.shown_start != kMinTimestamp) {
      gone->push_back({session.key, session.shown_start, session.shown_end});
    }
  }
  MoveStates(from, serials);
}

void SessionGroups::MoveStates(const std::vector<uint32_t>& from, const std::vector<int64_t>& serials) {
  auto serial = serials.begin();
  const Status moved = InFittingPieces(table_, from, from.size(), [&](const std::vector<uint32_t>& some) {
    const auto end = serial + static_cast<std::ptrdiff_t>(some.size());
    std::vector<ColumnPtr> states = table_.Save(some);
    states[plan_.key_types.size()] = BigintColumn({serial, end});
    table_.Load(states, static_cast<int64_t>(some.size()));
    serial = end;
    return Status::Ok();
  });
  SR_CHECK(moved.ok());
  Erase(from);
}

void SessionGroups::Close(const std::vector<uint32_t>& sessions) {
  std::vector<uint32_t> groups;
  groups.reserve(sessions.size());
  for (const uint32_t session : sessions) groups.push_back(sessions_[session].group);
  Erase(groups);
  for (const uint32_t session : sessions) {
    const uint32_t key = sessions_[session].key;
    if (sessions_.Remove(session)) keys_.Erase(key);
  }
}

// The keys of groups are those of the sessions and their serial numbers: the identity of their rows.
void SessionGroups::Erase(const std::vector<uint32_t>& groups) {
  if (changes_.on()) changes_.Remove(table_.keys().Gather(groups), static_cast<int64_t>(groups.size()));
  table_.Erase(groups);
}

// --- state

Status SessionGroups::Save(const TakeRows& take) const {
  std::vector<uint32_t> alive;
  for (uint32_t number = 0; number < sessions_.size(); ++number) {
    if (sessions_[number].alive) alive.push_back(number);
  }
  return SaveSome(std::move(alive), take);
}

Status SessionGroups::SaveChanges(const TakeRows& removed, const TakeRows& rows) const {
  SR_RETURN_IF_ERROR(SaveRemoved(changes_, GroupState(plan_), removed));
  return SaveSome(changes_.Marked([this](uint32_t number) { return sessions_[number].alive; }), rows);
}

Status SessionGroups::SaveSome(std::vector<uint32_t> sessions, const TakeRows& take) const {
  std::sort(sessions.begin(), sessions.end(),
            [&](uint32_t a, uint32_t b) { return sessions_[a].serial < sessions_[b].serial; });
  std::vector<uint32_t> groups;
  groups.reserve(sessions.size());
  for (const uint32_t number : sessions) groups.push_back(sessions_[number].group);
  const uint32_t* next = sessions.data();
  const SchemaPtr schema = GroupState(plan_).Row();
  return InFittingPieces(table_, groups, kResultRows, [&](const std::vector<uint32_t>& some) {
    const auto count = static_cast<int64_t>(some.size());
    const BatchPtr rows = RowsOf(schema, next, count);
    next += count;
    return take(rows);
  });
}

BatchPtr SessionGroups::RowsOf(const SchemaPtr& schema, const uint32_t* sessions, int64_t count) const {
  std::vector<uint32_t> groups;
  std::vector<int64_t> firsts, lasts, starts, ends;
  std::vector<bool> touched, fired;
  for (int64_t i = 0; i < count; ++i) {
    const Session& session = sessions_[sessions[i]];
    groups.push_back(session.group);
    firsts.push_back(session.first);
    lasts.push_back(session.last);
    starts.push_back(session.shown_start);
    ends.push_back(session.shown_end);
    touched.push_back(session.touched);
    fired.push_back(session.fired);
  }
  std::vector<ColumnPtr> columns = table_.Save(groups);
  const auto behind_serial = columns.begin() + static_cast<std::ptrdiff_t>(plan_.key_types.size()) + 1;
  columns.insert(behind_serial, {BigintColumn(firsts), BigintColumn(lasts), BigintColumn(starts),
                                 BigintColumn(ends), BooleanColumn(touched), BooleanColumn(fired)});
  return std::make_shared<const Batch>(schema, count, std::move(columns));
}

void SessionGroups::Load(const BatchPtr& rows, const std::function<void(uint32_t)>& made) {
  const size_t serial = plan_.key_types.size();
  const auto behind_keys = rows->columns().begin() + static_cast<std::ptrdiff_t>(serial);
  std::vector<ColumnPtr> columns = rows->columns();
  const std::vector<uint32_t> slots =
      keys_.FindOrInsert({rows->columns().begin(), behind_keys}, rows->rows());
  std::vector<uint32_t> numbers;
  std::vector<int64_t> serials;
  for (int64_t row = 0; row < rows->rows(); ++row) {
    const auto number = [&](size_t column) { return columns[serial + column]->values<int64_t>()[row]; };
    const uint32_t inserted = sessions_.Insert(slots[static_cast<size_t>(row)], number(1), number(2));
    Session& session = sessions_[inserted];
    session.shown_start = number(3);
    session.shown_end = number(4);
    session.touched = columns[serial + 5]->Bool(row);
    session.fired = columns[serial + 6]->Bool(row);
    numbers.push_back(inserted);
    serials.push_back(session.serial);
    made(inserted);
  }
  // Others may have the saved numbers by now.
  columns[serial] = BigintColumn(serials);
  const auto width = static_cast<std::ptrdiff_t>(serial) + 1;
  columns.erase(columns.begin() + width, columns.begin() + width + 6);
  std::vector<uint32_t> groups;
  table_.FindOrInsert({columns.begin(), columns.begin() + width}, rows->rows(), &groups);
  table_.LoadStates(columns, {rows->rows(), nullptr, groups.data()});
  for (size_t i = 0; i < numbers.size(); ++i) sessions_[numbers[i]].group = groups[i];
}

size_t SessionGroups::MemoryBytes() const {
  return keys_.MemoryBytes() + table_.MemoryBytes() + sessions_.MemoryBytes();
}

}  // namespace streamrun
