#include "runner/exec/aligner.h"

#include <algorithm>
#include <utility>

namespace streamrun {

namespace {

// Ordinal of a batch at the head of a queue, or nothing for a control event.
std::optional<Ordinal> HeadOrdinal(const InEdge& edge) {
  if (const auto* rows = std::get_if<Rows>(&edge.queue.front())) return rows->ordinal;
  if (const auto* encoded = std::get_if<Encoded>(&edge.queue.front())) return encoded->ordinal;
  return std::nullopt;
}

int64_t RowsOf(const Event& event) {
  if (const auto* rows = std::get_if<Rows>(&event)) return rows->batch->rows();
  if (const auto* encoded = std::get_if<Encoded>(&event)) return encoded->records();
  return 0;
}

int64_t BytesOf(const Event& event) {
  if (const auto* rows = std::get_if<Rows>(&event)) return static_cast<int64_t>(rows->batch->ByteSize());
  if (const auto* encoded = std::get_if<Encoded>(&event)) return static_cast<int64_t>(encoded->bytes->size());
  return 0;
}

}  // namespace

InEdge* Aligner::AddEdge(int input, int channel_id, InChannel* channel) {
  auto edge = std::make_unique<InEdge>();
  edge->input = input;
  edge->channel = channel;
  edge->counters.channel = channel_id;
  edges_.push_back(std::move(edge));
  return edges_.back().get();
}

Status Aligner::Receive() {
  for (const auto& edge : edges_) {
    // One event ahead is enough: what is not taken stays in the channel and pushes back.
    if (edge->channel == nullptr || edge->blocked_at != 0 || !edge->queue.empty()) continue;
    Result<std::optional<Event>> received = edge->channel->TryReceive();
    // Whatever is wrong with a channel, a new attempt has a new one.
    if (!received.ok()) return received.status().WithRetry(true);
    std::optional<Event>& event = *received;
    if (!event) continue;
    edge->counters.rows += RowsOf(*event);
    edge->counters.bytes += BytesOf(*event);
    edge->queue.push_back(std::move(*event));
  }
  return Status::Ok();
}

InEdge* Aligner::Choose() {
  for (size_t i = 0; i < edges_.size(); ++i) {
    turn_ = (turn_ + 1) % edges_.size();
    InEdge* edge = edges_[turn_].get();
    if (!edge->queue.empty() && edge->blocked_at == 0) return edge;
  }
  return nullptr;
}

InEdge* Aligner::ChooseOrdered() {
  InEdge* best = nullptr;
  Ordinal least = kNoOrdinal;
  for (const auto& edge : edges_) {
    if (edge->blocked_at != 0) continue;
    if (edge->queue.empty()) {
      if (edge->ended) continue;
      // Whatever comes here later is not before this; a tie means it could still come first.
      if (edge->next_ordinal < least || (edge->next_ordinal == least && best != nullptr)) {
        least = edge->next_ordinal;
        best = nullptr;
      }
      continue;
    }
    const std::optional<Ordinal> ordinal = HeadOrdinal(*edge);
    if (!ordinal || *ordinal == kNoOrdinal) return edge.get();  // has no place to keep
    if (*ordinal < least) {
      least = *ordinal;
      best = edge.get();
    }
  }
  return best;
}

std::optional<Event> Aligner::AdvanceWatermark() {
  Timestamp time = kMaxTimestamp;
  Ordinal ordinal = kNoOrdinal;
  bool any = false;
  for (const auto& edge : edges_) {
    if (edge->ended) continue;
    ordinal = std::min(ordinal, edge->next_ordinal);
    if (edge->idle) continue;
    any = true;
    time = std::min(time, edge->watermark);
  }
  if (!any) time = watermark_;
  if (time <= watermark_ && (ordinal <= next_ordinal_ || ordinal == kNoOrdinal)) return std::nullopt;
  watermark_ = std::max(watermark_, time);
  if (ordinal != kNoOrdinal) next_ordinal_ = std::max(next_ordinal_, ordinal);
  return Watermark{watermark_, next_ordinal_};
}

std::optional<Event> Aligner::CombineEnd() {
  const bool all = std::all_of(edges_.begin(), edges_.end(), [](const auto& e) { return e->ended; });
  if (all) return EndOfStream{complete_};
  const bool silent =
      std::all_of(edges_.begin(), edges_.end(), [](const auto& e) { return e->ended || e->idle; });
  if (silent && !idle_) {
    idle_ = true;
    return Idle{};
  }
  return AdvanceWatermark();
}

std::optional<Event> Aligner::Combine(InEdge& edge, const Event& event) {
  if (const auto* watermark = std::get_if<Watermark>(&event)) {
    edge.watermark = std::max(edge.watermark, watermark->time);
    edge.next_ordinal = std::max(edge.next_ordinal, watermark->next_ordinal);
    return AdvanceWatermark();
  }
  if (const auto* end = std::get_if<EndOfStream>(&event)) {
    edge.ended = true;
    complete_ = complete_ && end->complete;
    return CombineEnd();
  }
  if (std::holds_alternative<Idle>(event)) {
    edge.idle = true;
    const bool all =
        std::all_of(edges_.begin(), edges_.end(), [](const auto& e) { return e->ended || e->idle; });
    if (!all) return AdvanceWatermark();
    if (idle_) return std::nullopt;
    idle_ = true;
    return Idle{};
  }
  if (std::holds_alternative<Active>(event)) {
    edge.idle = false;
    if (!idle_) return std::nullopt;
    idle_ = false;
    return Active{};
  }
  return CombineBarrier(edge, std::get<Barrier>(event));
}

// The edge waits until every other one has shown the same barrier. A newer one means that the older epoch was
// given up, though nobody told us yet.
std::optional<Event> Aligner::CombineBarrier(InEdge& edge, const Barrier& barrier) {
  if (barrier.epoch <= aborted_) return std::nullopt;
  edge.blocked_at = barrier.epoch;
  Abort(barrier.epoch - 1);
  const bool all = std::all_of(edges_.begin(), edges_.end(),
                               [&](const auto& e) { return e->blocked_at == barrier.epoch; });
  if (!all) return std::nullopt;
  Release(barrier.epoch);
  return barrier;
}

void Aligner::Abort(uint64_t epoch) {
  aborted_ = std::max(aborted_, epoch);
  Release(epoch);
}

void Aligner::Release(uint64_t epoch) {
  for (const auto& edge : edges_) {
    if (edge->blocked_at <= epoch) edge->blocked_at = 0;
  }
}

Result<std::optional<Aligner::Item>> Aligner::Next() {
  SR_RETURN_IF_ERROR(Receive());
  for (;;) {
    InEdge* edge = ordered_ ? ChooseOrdered() : Choose();
    if (edge == nullptr) return std::optional<Item>();
    Event event = std::move(edge->queue.front());
    edge->queue.pop_front();
    if (std::holds_alternative<Rows>(event) || std::holds_alternative<Encoded>(event)) {
      return std::optional<Item>(Item{edge->input, std::move(event)});
    }
    std::optional<Event> combined = Combine(*edge, event);
    if (combined) return std::optional<Item>(Item{edge->input, std::move(*combined)});
    if (edge->queue.empty()) SR_RETURN_IF_ERROR(Receive());
  }
}

}  // namespace streamrun
