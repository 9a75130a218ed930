#include "runner/exec/partitioner.h"

#include <algorithm>

#include "core/data/row_hash.h"
#include "core/data/selection.h"

namespace streamrun {

namespace {

// Messages of 256 KiB use ZeroMQ best (LIMITS e); gathering stops a little before.
constexpr size_t kTargetBytes = 192 * 1024;

// Stands for the hash of a row whose key could not be computed: key group 0.
constexpr uint64_t kNoKey = 0;

Ordinal OrdinalOf(const Event& event) {
  if (const auto* rows = std::get_if<Rows>(&event)) return rows->ordinal;
  return std::get<Encoded>(event).ordinal;
}

Event Join(std::vector<Event> events) {
  if (events.size() == 1) return std::move(events.front());
  if (std::holds_alternative<Rows>(events.front())) {
    std::vector<BatchPtr> batches;
    batches.reserve(events.size());
    for (Event& e : events) batches.push_back(std::get<Rows>(e).batch);
    return Rows{Concat(batches), OrdinalOf(events.front())};
  }
  BufferBuilder bytes, ends;
  for (const Event& e : events) {
    const Encoded& part = std::get<Encoded>(e);
    const auto base = static_cast<uint32_t>(bytes.size());
    bytes.Append(part.bytes->data(), part.bytes->size());
    for (int64_t i = 0; i < part.records(); ++i) ends.Push(base + part.record_ends->as<uint32_t>()[i]);
  }
  return Encoded{bytes.Finish(), ends.Finish(), OrdinalOf(events.front())};
}

// Batches that were read from different splits cannot become one: the origin names one split.
bool SameSplit(const Event& a, const Event& b) {
  const auto* x = std::get_if<Rows>(&a);
  const auto* y = std::get_if<Rows>(&b);
  return x == nullptr || y == nullptr || x->batch->origin().split == y->batch->origin().split;
}

}  // namespace

Partitioner::Partitioner(const LocalEdge& edge, const std::vector<ExpressionPtr>& keys, KeyGroups groups,
                         Duration linger, Env* env)
    : edge_(edge), groups_(groups), linger_(linger), env_(env) {
  for (const ExpressionPtr& key : keys) keys_.emplace_back(key, env);
  if (edge.partitioning == Partitioning::kHash) group_rows_.assign(groups.count(), 0);
}

void Partitioner::AddChannel(int channel_id, OutChannel* channel) {
  Lane lane;
  lane.channel = channel;
  lane.counters.channel = channel_id;
  lane.counters.sender = true;
  lanes_.push_back(std::move(lane));
}

bool Partitioner::HasRoom() const {
  const auto has_room = [](const Lane& l) { return l.ready.size() < 2; };
  // Who may choose goes around a slow instance.
  if (edge_.partitioning == Partitioning::kLeastLoaded) {
    return std::any_of(lanes_.begin(), lanes_.end(), has_room);
  }
  return std::all_of(lanes_.begin(), lanes_.end(), has_room);
}

bool Partitioner::Empty() const {
  return std::all_of(lanes_.begin(), lanes_.end(),
                     [](const Lane& l) { return l.ready.empty() && l.gathered.empty() && !l.watermark; });
}

bool Partitioner::Blocked() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.full_since != 0; });
}

Timestamp Partitioner::Deadline() const {
  Timestamp deadline = kMaxTimestamp;
  for (const Lane& lane : lanes_) {
    // A full channel is waited for through its own readiness.
    const bool waiting = !lane.gathered.empty() || lane.watermark;
    if (waiting && lane.full_since == 0) deadline = std::min(deadline, lane.gathered_since + linger_);
  }
  return deadline;
}

void Partitioner::AppendCounters(std::vector<ChannelCounters>* out) const {
  const size_t first = out->size();
  for (const Lane& lane : lanes_) {
    out->push_back(lane.counters);
    if (lane.full_since != 0) out->back().full_us += env_->MonotonicNow() - lane.full_since;
  }
  for (size_t group = 0; group < group_rows_.size(); ++group) {
    ChannelCounters& channel = (*out)[first + LaneOf(group)];
    if (group_rows_[group] <= channel.hot_rows) continue;
    channel.hot_group = static_cast<int>(group);
    channel.hot_rows = group_rows_[group];
  }
}

void Partitioner::RestoreCounters(const ChannelCounters& received) {
  for (Lane& lane : lanes_) {
    if (lane.counters.channel != received.channel) continue;
    lane.counters.rows = received.rows;
    lane.counters.bytes = received.bytes;
  }
}

Status Partitioner::Push(const Event& event) {
  if (const auto* rows = std::get_if<Rows>(&event)) {
    if (rows->batch->rows() == 0) return Status::Ok();
    SR_RETURN_IF_ERROR(PushRows(*rows));
  } else if (const auto* encoded = std::get_if<Encoded>(&event)) {
    Gather(lanes_[0], event, encoded->bytes->size(), encoded->ordinal);
  } else if (const auto* watermark = std::get_if<Watermark>(&event)) {
    for (Lane& lane : lanes_) {
      if (lane.gathered.empty() && !lane.watermark) lane.gathered_since = env_->MonotonicNow();
      lane.watermark = *watermark;
    }
  } else {
    for (Lane& lane : lanes_) {
      Seal(lane);
      lane.ready.push_back(event);
    }
  }
  // Without linger nothing waits for company.
  return Send(linger_ == 0);
}

void HashKeys(std::vector<Evaluator>& keys, const Batch& batch, std::vector<uint64_t>* hashes) {
  std::vector<ColumnPtr> columns;
  std::vector<RowFailure> failures;
  columns.reserve(keys.size());
  for (Evaluator& key : keys) columns.push_back(key.Evaluate(batch.columns(), batch.rows(), &failures));
  HashRows(columns, batch.rows(), hashes);
  for (const RowFailure& failure : failures) (*hashes)[failure.row] = kNoKey;
}

Status Partitioner::PushRows(const Rows& rows) {
  const BatchPtr& batch = rows.batch;
  if (lanes_.size() == 1 || edge_.partitioning == Partitioning::kBroadcast) {
    for (Lane& lane : lanes_) Gather(lane, rows, batch->ByteSize(), rows.ordinal);
    return Status::Ok();
  }
  if (edge_.partitioning != Partitioning::kHash) {
    Gather(lanes_[Deal(rows)], rows, batch->ByteSize(), rows.ordinal);
    return Status::Ok();
  }
  std::vector<uint64_t> hashes;
  HashKeys(keys_, *batch, &hashes);
  std::vector<Selection> parts(lanes_.size());
  for (Selection& part : parts) part.reserve(hashes.size() / lanes_.size() + 16);
  for (size_t row = 0; row < hashes.size(); ++row) {
    const uint64_t group = groups_.Of(hashes[row]);
    ++group_rows_[group];
    parts[LaneOf(group)].push_back(static_cast<uint32_t>(row));
  }
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (parts[i].empty()) continue;
    BatchPtr part = Take(batch, parts[i]);
    const size_t bytes = part->ByteSize();
    Gather(lanes_[i], Rows{std::move(part), rows.ordinal}, bytes, rows.ordinal);
  }
  return Status::Ok();
}

// Batches of one ordinal stay together so that a merge downstream restores the order.
size_t Partitioner::Deal(const Rows& rows) {
  if (edge_.partitioning != Partitioning::kLeastLoaded) {
    return rows.ordinal != kNoOrdinal ? rows.ordinal % lanes_.size() : turn_++ % lanes_.size();
  }
  if (rows.ordinal != kNoOrdinal && rows.ordinal == dealt_ordinal_) return dealt_to_;
  // What its channel did not take yet counts more than what only waits for company. Equals take turns.
  const auto load = [&](size_t i) { return std::pair(lanes_[i].ready.size(), lanes_[i].gathered_bytes); };
  size_t best = ++turn_ % lanes_.size();
  for (size_t k = 1; k < lanes_.size(); ++k) {
    const size_t i = (turn_ + k) % lanes_.size();
    if (load(i) < load(best)) best = i;
  }
  dealt_ordinal_ = rows.ordinal;
  dealt_to_ = best;
  return best;
}

void Partitioner::Gather(Lane& lane, Event event, size_t bytes, Ordinal ordinal) {
  if (!lane.gathered.empty() &&
      (OrdinalOf(lane.gathered.front()) != ordinal || !SameSplit(lane.gathered.front(), event) ||
       lane.gathered_bytes + bytes > kTargetBytes + kTargetBytes / 4)) {
    Seal(lane);
  }
  if (lane.gathered.empty() && !lane.watermark) lane.gathered_since = env_->MonotonicNow();
  lane.gathered.push_back(std::move(event));
  lane.gathered_bytes += bytes;
  if (lane.gathered_bytes >= kTargetBytes) Seal(lane);
}

void Partitioner::Seal(Lane& lane) {
  if (!lane.gathered.empty()) {
    lane.ready.push_back(Join(std::move(lane.gathered)));
    lane.gathered.clear();
    lane.gathered_bytes = 0;
  }
  if (lane.watermark) {
    lane.ready.push_back(*lane.watermark);
    lane.watermark.reset();
  }
}

Status Partitioner::SendLane(Lane& lane) {
  while (!lane.ready.empty()) {
    const Event& event = lane.ready.front();
    SR_ASSIGN_OR_RETURN(const bool taken, lane.channel->TrySend(event));
    if (!taken) {
      if (lane.full_since == 0) lane.full_since = env_->MonotonicNow();
      return Status::Ok();
    }
    if (lane.full_since != 0) lane.counters.full_us += env_->MonotonicNow() - lane.full_since;
    lane.full_since = 0;
    if (const auto* rows = std::get_if<Rows>(&event)) {
      lane.counters.rows += rows->batch->rows();
      lane.counters.bytes += static_cast<int64_t>(rows->batch->ByteSize());
    } else if (const auto* encoded = std::get_if<Encoded>(&event)) {
      lane.counters.rows += encoded->records();
      lane.counters.bytes += static_cast<int64_t>(encoded->bytes->size());
    }
    lane.ready.pop_front();
  }
  return Status::Ok();
}

Status Partitioner::Send(bool everything) {
  for (Lane& lane : lanes_) {
    if (everything && lane.ready.empty()) Seal(lane);
    if (!lane.ready.empty()) SR_RETURN_IF_ERROR(SendLane(lane));
  }
  return Status::Ok();
}

}  // namespace streamrun
