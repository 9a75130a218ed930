#include "core/stream/time_order.h"

#include <algorithm>
#include <numeric>

namespace streamrun {

namespace {

// Waiting batches are joined up to this many rows: few enough runs to merge, small enough to copy.
constexpr size_t kJoinedRows = 8192;

bool SameSplit(const Origin& a, const Origin& b) {
  return a.split == b.split || (a.split && b.split && *a.split == *b.split);
}

// Concat, of batches that may come from several splits.
BatchPtr JoinBatches(std::vector<BatchPtr> batches) {
  if (batches.size() == 1) return batches.front();
  const Origin& first = batches.front()->origin();
  const bool same = std::all_of(batches.begin(), batches.end(),
                                [&](const BatchPtr& b) { return SameSplit(first, b->origin()); });
  for (BatchPtr& batch : batches) {
    if (same) break;
    batch = std::make_shared<const Batch>(batch->schema(), batch->rows(), batch->columns(), Origin{},
                                          batch->changes());
  }
  return Concat(batches);
}

}  // namespace

void TimeOrdered::Add(const BatchPtr& batch, const Selection& rows, const std::vector<int64_t>& times) {
  if (rows.empty()) return;
  std::vector<int64_t> chosen;
  chosen.reserve(rows.size());
  for (const uint32_t row : rows) chosen.push_back(times[row]);
  runs_.push_back(Sorted(Take(batch, rows), chosen));
  rows_ += static_cast<int64_t>(rows.size());
  first_ = std::min(first_, runs_.back().times.front());
  while (runs_.size() > 1) {
    const size_t last = runs_.back().left();
    const size_t before = runs_[runs_.size() - 2].left();
    // As a binary counter does: a row is joined at most log2(kJoinedRows) times.
    if (last < before || last + before > kJoinedRows) break;
    Run run = std::move(runs_.back());
    runs_.pop_back();
    runs_.back() = Join(std::move(runs_.back()), std::move(run));
  }
}

TimeOrdered::Run TimeOrdered::Sorted(const BatchPtr& batch, const std::vector<int64_t>& times) {
  Run run;
  run.batch = batch;
  run.bytes = batch->ByteSize();
  run.order.resize(times.size());
  std::iota(run.order.begin(), run.order.end(), 0u);
  if (std::is_sorted(times.begin(), times.end())) {
    run.times = times;
    return run;
  }
  std::stable_sort(run.order.begin(), run.order.end(),
                   [&](uint32_t a, uint32_t b) { return times[a] < times[b]; });
  run.times.reserve(times.size());
  for (const uint32_t row : run.order) run.times.push_back(times[row]);
  return run;
}

// Lets go of the rows that were given.
void TimeOrdered::Compact(Run* run) {
  if (run->next == 0) return;
  const auto begin = static_cast<std::ptrdiff_t>(run->next);
  std::vector<uint32_t> order(run->order.begin() + begin, run->order.end());
  Selection rows = order;
  std::sort(rows.begin(), rows.end());
  for (uint32_t& row : order) {
    row = static_cast<uint32_t>(std::lower_bound(rows.begin(), rows.end(), row) - rows.begin());
  }
  run->batch = Take(run->batch, rows);
  run->bytes = run->batch->ByteSize();
  run->order = std::move(order);
  run->times = std::vector<int64_t>(run->times.begin() + begin, run->times.end());
  run->next = 0;
}

TimeOrdered::Run TimeOrdered::Join(Run a, Run b) {
  Compact(&a);
  Compact(&b);
  Run run;
  const auto shift = static_cast<uint32_t>(a.batch->rows());
  run.batch = JoinBatches({a.batch, b.batch});
  run.bytes = run.batch->ByteSize();
  run.order.reserve(a.order.size() + b.order.size());
  run.times.reserve(run.order.capacity());
  size_t i = 0;
  for (size_t j = 0; i < a.order.size() || j < b.order.size();) {
    const bool from_a = j == b.order.size() || (i < a.order.size() && a.times[i] <= b.times[j]);
    run.order.push_back(from_a ? a.order[i] : b.order[j] + shift);
    run.times.push_back(from_a ? a.times[i++] : b.times[j++]);
  }
  return run;
}

BatchPtr TimeOrdered::Release(Timestamp watermark, int64_t most, std::vector<int64_t>* times) {
  if (times != nullptr) times->clear();
  if (first_ > watermark || rows_ == 0) return nullptr;
  std::vector<Selection> chosen(runs_.size());
  const std::vector<Place> places = Choose(watermark, most, &chosen, times);
  BatchPtr batch = Gather(places, chosen);
  rows_ -= static_cast<int64_t>(places.size());
  DropGiven();
  return batch;
}

// Merges the runs; chosen[r] gets the rows of run r in the order in which they are given.
std::vector<TimeOrdered::Place> TimeOrdered::Choose(Timestamp watermark, int64_t most,
                                                    std::vector<Selection>* chosen,
                                                    std::vector<int64_t>* times) {
  using Head = std::pair<int64_t, uint32_t>;  // time, run: the earlier run first
  std::vector<Head> heads;
  for (uint32_t r = 0; r < runs_.size(); ++r) {
    const Run& run = runs_[r];
    if (run.times[run.next] <= watermark) heads.emplace_back(run.times[run.next], r);
  }
  std::make_heap(heads.begin(), heads.end(), std::greater<>());
  std::vector<Place> places;
  const auto room = static_cast<size_t>(most);
  while (!heads.empty() && places.size() < room) {
    std::pop_heap(heads.begin(), heads.end(), std::greater<>());
    const uint32_t r = heads.back().second;
    heads.pop_back();
    Run& run = runs_[r];
    Selection& rows = (*chosen)[r];
    const Head until = heads.empty() ? Head(watermark, ~uint32_t{0}) : heads.front();
    while (run.next < run.order.size() && Head(run.times[run.next], r) <= until && places.size() < room) {
      places.push_back({r, static_cast<uint32_t>(rows.size())});
      rows.push_back(run.order[run.next]);
      if (times != nullptr) times->push_back(run.times[run.next]);
      ++run.next;
    }
    if (run.left() == 0 || run.times[run.next] > watermark) continue;
    heads.emplace_back(run.times[run.next], r);
    std::push_heap(heads.begin(), heads.end(), std::greater<>());
  }
  return places;
}

BatchPtr TimeOrdered::Gather(const std::vector<Place>& places, const std::vector<Selection>& chosen) const {
  std::vector<BatchPtr> parts;
  std::vector<uint32_t> base(runs_.size());
  uint32_t rows = 0;
  for (size_t r = 0; r < runs_.size(); ++r) {
    if (chosen[r].empty()) continue;
    parts.push_back(Take(runs_[r].batch, chosen[r]));
    base[r] = rows;
    rows += static_cast<uint32_t>(chosen[r].size());
  }
  Selection order;
  order.reserve(places.size());
  for (const Place& place : places) order.push_back(base[place.run] + place.row);
  return Take(JoinBatches(std::move(parts)), order);
}

void TimeOrdered::DropGiven() {
  std::erase_if(runs_, [](const Run& run) { return run.left() == 0; });
  first_ = kMaxTimestamp;
  for (Run& run : runs_) {
    // A batch of which little is left would hold the memory of all.
    if (run.left() * 2 < run.order.size()) Compact(&run);
    first_ = std::min(first_, run.times[run.next]);
  }
}

size_t TimeOrdered::MemoryBytes() const {
  size_t bytes = runs_.capacity() * sizeof(Run);
  for (const Run& run : runs_) bytes += run.bytes + run.order.capacity() * 4 + run.times.capacity() * 8;
  return bytes;
}

Status TimeOrdered::Save(const TakeTimed& take) const {
  for (Run run : runs_) {
    Compact(&run);
    std::vector<int64_t> times(run.times.size());
    for (size_t i = 0; i < run.order.size(); ++i) times[run.order[i]] = run.times[i];
    SR_RETURN_IF_ERROR(take(run.batch, times));
  }
  return Status::Ok();
}

}  // namespace streamrun
