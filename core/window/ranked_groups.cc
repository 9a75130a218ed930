#include "core/window/ranked_groups.h"

#include <algorithm>
#include <limits>

#include "core/window/aggregation_state.h"

namespace streamrun {

namespace {

using Method = RankingPlan::Method;

constexpr uint64_t kNoWorst = std::numeric_limits<uint64_t>::max();

bool IsTakenBack(ChangeKind kind) { return kind == ChangeKind::kUpdateBefore || kind == ChangeKind::kDelete; }

}  // namespace

RankedGroups::RankedGroups(const RankingPlan& plan)
    : plan_(plan), keys_(plan.group_types()), rows_(plan.row_types(), plan.order, plan.ranks) {}

void RankedGroups::Grow() {
  groups_.resize(keys_.slots());
  worst_.Resize(keys_.slots(), kNoWorst);
}

void RankedGroups::Erase(const std::vector<uint32_t>& groups) {
  if (changes_.on()) changes_.Remove(IdentityOf(groups), static_cast<int64_t>(groups.size()));
  for (const uint32_t group : groups) Forget(group);
}

void RankedGroups::EraseWindow(const std::vector<uint32_t>& groups) {
  if (changes_.on() && !groups.empty()) changes_.Remove({IdentityOf({groups.front()}).front()}, 1);
  for (const uint32_t group : groups) Forget(group);
}

// The keys of groups as the identity of their rows begins: the end of the window stands first.
std::vector<ColumnPtr> RankedGroups::IdentityOf(const std::vector<uint32_t>& groups) const {
  std::vector<ColumnPtr> keys = keys_.Gather(groups);
  if (plan_.windowed()) std::rotate(keys.begin(), keys.end() - 1, keys.end());
  return keys;
}

void RankedGroups::Forget(uint32_t group) {
  list_bytes_ -= groups_[group].rows.capacity() * sizeof(uint32_t);
  dropped_.insert(dropped_.end(), groups_[group].rows.begin(), groups_[group].rows.end());
  groups_[group] = {};
  worst_[group] = kNoWorst;
  keys_.Erase(group);
}

void RankedGroups::FreeDropped() {
  for (const uint32_t row : dropped_) rows_.Free(row);
  dropped_.clear();
}

size_t RankedGroups::MemoryBytes() const {
  return keys_.MemoryBytes() + rows_.MemoryBytes() + groups_.capacity() * sizeof(Group) + list_bytes_ +
         worst_.MemoryBytes();
}

int64_t RankedGroups::Apply(const Arrivals& arrivals, std::vector<RankedChange>* changes) {
  Collect(arrivals);
  Divide();
  int64_t missing = 0;
  for (const GroupArrivals& group : divided_) missing += Change(group.begin, group.end, changes);
  RemoveShrunk();
  return missing;
}

// Arrivals by group, each group's in order; groups in the order of their first rows, which does not depend on
// the numbers that they were given.
void RankedGroups::Divide() {
  std::sort(arrivals_.begin(), arrivals_.end(), [this](const Arrival& a, const Arrival& b) {
    return a.group != b.group ? a.group < b.group : rows_.Compare(a.row, b.row) < 0;
  });
  divided_.clear();
  const Arrival* const end = arrivals_.data() + arrivals_.size();
  for (const Arrival* begin = arrivals_.data(); begin != end;) {
    const Arrival* next = begin;
    uint32_t from = begin->from;
    for (; next != end && next->group == begin->group; ++next) from = std::min(from, next->from);
    divided_.push_back({begin, next, from});
    begin = next;
  }
  std::sort(divided_.begin(), divided_.end(),
            [](const GroupArrivals& a, const GroupArrivals& b) { return a.from < b.from; });
}

// Stores the rows that can make a difference.
void RankedGroups::Collect(const Arrivals& arrivals) {
  const Selection& rows = *arrivals.rows;
  candidates_.clear();
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint64_t prefix = (*arrivals.prefixes)[rows[i]];
    if (prefix <= worst_[arrivals.groups[i]]) candidates_.push_back({arrivals.groups[i], rows[i], prefix});
  }
  if (!plan_.input->changes && plan_.method != Method::kDenseRank) DropHopeless();
  chosen_.clear();
  arrivals_.clear();
  for (const Candidate& candidate : candidates_) {
    chosen_.push_back(candidate.row);
    arrivals_.push_back(
        {candidate.group, 0, candidate.row, IsTakenBack(arrivals.batch->change(candidate.row))});
  }
  rows_.Put(*arrivals.columns, chosen_, *arrivals.prefixes, &slots_);
  for (size_t i = 0; i < slots_.size(); ++i) arrivals_[i].row = slots_[i];
}

// Candidates that stand behind enough others of their own batch.
void RankedGroups::DropHopeless() {
  if (static_cast<int64_t>(candidates_.size()) <= plan_.limit) return;
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.group != b.group ? a.group < b.group : a.prefix < b.prefix;
  });
  size_t kept = 0;
  int64_t before = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    const bool same_group = i > 0 && candidates_[i].group == candidates_[i - 1].group;
    before = same_group ? before + 1 : 0;
    // The one that was kept last is of this group, and so many stand before it or beside it.
    if (before >= plan_.limit && candidates_[i].prefix > candidates_[kept - 1].prefix) continue;
    candidates_[kept++] = candidates_[i];
  }
  candidates_.resize(kept);
}

int64_t RankedGroups::Change(const Arrival* begin, const Arrival* end, std::vector<RankedChange>* changes) {
  Group& group = groups_[begin->group];
  int64_t missing = 0;
  std::vector<uint32_t> old = std::move(group.rows);
  list_bytes_ -= old.capacity() * sizeof(uint32_t);
  group.rows = Merge(old, begin, end, &missing);
  if (!plan_.input->changes) {
    Rank(group.rows, &after_);
    dropped_.insert(dropped_.end(), group.rows.begin() + static_cast<std::ptrdiff_t>(after_.size()),
                    group.rows.end());
    group.rows.resize(after_.size());
  }
  if (group.rows.capacity() > 2 * group.rows.size()) group.rows.shrink_to_fit();
  list_bytes_ += group.rows.capacity() * sizeof(uint32_t);
  SetWorst(begin->group);
  if (changes_.on()) NoteChange(begin->group, old);
  if (group.shown) Compare(old, group.rows, changes);
  return missing;
}

// A group that changed is stored again; numbers that it has no rows for any more are removed.
void RankedGroups::NoteChange(uint32_t group, const std::vector<uint32_t>& old) {
  const std::vector<uint32_t>& now = groups_[group].rows;
  if (now == old) return;
  changes_.Mark(group);
  for (size_t row = now.size(); row < old.size(); ++row) {
    shrunk_.push_back(group);
    shrunk_rows_.push_back(static_cast<int64_t>(row));
  }
}

void RankedGroups::RemoveShrunk() {
  if (shrunk_.empty()) return;
  std::vector<ColumnPtr> columns = IdentityOf(shrunk_);
  columns.push_back(BigintColumn(shrunk_rows_));
  changes_.Remove(std::move(columns), static_cast<int64_t>(shrunk_.size()));
  shrunk_.clear();
  shrunk_rows_.clear();
}

int64_t RankedGroups::changed_rows() const {
  int64_t rows = changes_.count();
  for (const uint32_t group : Changed()) rows += static_cast<int64_t>(rows_of(group).size());
  return rows;
}

// `old` and the rows that came, without those that were taken back. A row that is taken back stands for any
// that is equal to it.
std::vector<uint32_t> RankedGroups::Merge(const std::vector<uint32_t>& old, const Arrival* begin,
                                          const Arrival* end, int64_t* missing) {
  std::vector<uint32_t> merged;
  merged.reserve(old.size() + static_cast<size_t>(end - begin));
  size_t i = 0;
  while (begin != end) {
    // Rows before the ones that came, then all that are equal to the first of those.
    const auto from = old.begin() + static_cast<std::ptrdiff_t>(i);
    const auto until = std::lower_bound(from, old.end(), begin->row,
                                        [this](uint32_t a, uint32_t b) { return rows_.Compare(a, b) < 0; });
    merged.insert(merged.end(), from, until);
    i += static_cast<size_t>(until - from);
    const uint32_t first = begin->row;
    const size_t equal = merged.size();
    while (i < old.size() && rows_.Compare(old[i], first) == 0) merged.push_back(old[i++]);
    size_t taken_back = 0;
    for (; begin != end && rows_.Compare(begin->row, first) == 0; ++begin) {
      if (begin->taken_back) {
        ++taken_back;
        dropped_.push_back(begin->row);
      } else {
        merged.push_back(begin->row);
      }
    }
    for (; taken_back > 0 && merged.size() > equal; --taken_back) {
      dropped_.push_back(merged.back());
      merged.pop_back();
    }
    *missing += static_cast<int64_t>(taken_back);
  }
  merged.insert(merged.end(), old.begin() + static_cast<std::ptrdiff_t>(i), old.end());
  return merged;
}

// The rows of a list that are shown, with their numbers.
void RankedGroups::Rank(const std::vector<uint32_t>& rows, std::vector<RankedChange>* ranked) const {
  ranked->clear();
  int64_t rank = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool equal =
        i > 0 && plan_.method != Method::kRowNumber && rows_.CompareRank(rows[i - 1], rows[i]) == 0;
    if (!equal) rank = plan_.method == Method::kDenseRank ? rank + 1 : static_cast<int64_t>(i) + 1;
    if (rank > plan_.limit) return;
    ranked->push_back({rows[i], rank, ChangeKind::kInsert});
  }
}

void RankedGroups::List(uint32_t group, std::vector<RankedChange>* changes) const {
  std::vector<RankedChange> ranked;
  Rank(groups_[group].rows, &ranked);
  changes->insert(changes->end(), ranked.begin(), ranked.end());
}

// A row that keeps its place says nothing. With numbers of their own, rows take each other's place: a pair of
// updates a number. Else rows that left are deletes and new ones inserts.
void RankedGroups::Compare(const std::vector<uint32_t>& old, const std::vector<uint32_t>& now,
                           std::vector<RankedChange>* changes) {
  Rank(old, &before_);
  Rank(now, &after_);
  if (plan_.with_rank && plan_.method == Method::kRowNumber) {
    for (size_t i = 0; i < std::max(before_.size(), after_.size()); ++i) {
      const bool was = i < before_.size();
      const bool is = i < after_.size();
      if (was && is && rows_.Compare(before_[i].row, after_[i].row) == 0) continue;
      const auto rank = static_cast<int64_t>(i) + 1;
      if (was) {
        changes->push_back({before_[i].row, rank, is ? ChangeKind::kUpdateBefore : ChangeKind::kDelete});
      }
      if (is) changes->push_back({after_[i].row, rank, was ? ChangeKind::kUpdateAfter : ChangeKind::kInsert});
    }
    return;
  }
  // Deletes before inserts: the table behind never holds more rows than are shown.
  const auto less = [this](const RankedChange& a, const RankedChange& b) {
    const int order = rows_.Compare(a.row, b.row);
    return order != 0 ? order < 0 : plan_.with_rank && a.rank < b.rank;
  };
  const auto missing_in = [&](const std::vector<RankedChange>& from, const std::vector<RankedChange>& in,
                              ChangeKind kind) {
    const size_t at = changes->size();
    std::set_difference(from.begin(), from.end(), in.begin(), in.end(), std::back_inserter(*changes), less);
    for (size_t i = at; i < changes->size(); ++i) (*changes)[i].kind = kind;
  };
  missing_in(before_, after_, ChangeKind::kDelete);
  missing_in(after_, before_, ChangeKind::kInsert);
}

// Where rows may be taken back, none is beyond hope.
void RankedGroups::SetWorst(uint32_t group) {
  const std::vector<uint32_t>& rows = groups_[group].rows;
  if (plan_.input->changes || static_cast<int64_t>(rows.size()) < plan_.limit) return;
  // Fewer ranks than rows: another rank still fits.
  if (plan_.method == Method::kDenseRank && after_.back().rank < plan_.limit) return;
  worst_[group] = rows_.prefix(rows.back());
}

}  // namespace streamrun
