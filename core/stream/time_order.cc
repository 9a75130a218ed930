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

// `batch` without the columns in `pruned`.
BatchPtr Without(const BatchPtr& batch, const std::vector<bool>& pruned) {
  std::vector<ColumnPtr> columns = batch->columns();
  bool same = true;
  for (size_t c = 0; c < pruned.size(); ++c) {
    if (!pruned[c] || columns[c] == nullptr) continue;
    columns[c] = nullptr;
    same = false;
  }
  if (same) return batch;
  return std::make_shared<const Batch>(batch->schema(), batch->rows(), std::move(columns), batch->origin(),
                                       batch->changes());
}

// Concat, of batches that may come from several splits.
BatchPtr JoinBatches(std::vector<BatchPtr> batches) {
  if (batches.size() == 1) return batches.front();
  const Origin first = batches.front()->origin();
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
  Prune(*batch);
  std::vector<int64_t> chosen;
  chosen.reserve(rows.size());
  for (const uint32_t row : rows) chosen.push_back(times[row]);
  runs_.push_back(Sorted(Take(Without(batch, pruned_), rows), chosen));
  rows_ += static_cast<int64_t>(rows.size());
  first_ = std::min(first_, runs_.back().times.front());
  while (runs_.size() > 1) {
    const size_t last = runs_.back().left();
    if (runs_[runs_.size() - 2].file) break;
    const size_t before = runs_[runs_.size() - 2].left();
    // As a binary counter does: a row is joined at most log2(kJoinedRows) times.
    if (last < before || last + before > kJoinedRows) break;
    Run run = std::move(runs_.back());
    runs_.pop_back();
    runs_.back() = Join(std::move(runs_.back()), std::move(run));
  }
}

// All rows have the same columns pruned: those from a checkpoint have nulls where others are pruned.
void TimeOrdered::Prune(const Batch& batch) {
  pruned_.resize(batch.columns().size(), false);
  bool more = false;
  for (size_t c = 0; c < pruned_.size(); ++c) {
    if (pruned_[c] || batch.columns()[c] != nullptr) continue;
    pruned_[c] = true;
    more = true;
  }
  for (Run& run : runs_) {
    if (more) run.batch = Without(run.batch, pruned_);
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
  if (first_ > watermark || rows_ == 0 || !status_.ok()) return nullptr;
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
    // What its next block begins with is not known yet.
    if (run.left() == 0 && run.rows_behind > 0) break;
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
  for (Run& run : runs_) {
    if (run.left() == 0 && run.rows_behind > 0 && status_.ok()) status_ = ReadBlock(&run);
  }
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

int64_t TimeOrdered::spilled_rows() const {
  int64_t rows = 0;
  for (const Run& run : runs_) rows += run.rows_behind;
  return rows;
}

Status TimeOrdered::SpillIfLarge() {
  const auto memory = std::find_if(runs_.begin(), runs_.end(), [](const Run& run) { return !run.file; });
  int64_t rows = 0;
  size_t bytes = 0;
  for (auto run = memory; run != runs_.end(); ++run) {
    rows += static_cast<int64_t>(run->left());
    bytes += run->bytes + run->order.capacity() * 4 + run->times.capacity() * 8;
  }
  if (rows <= place_.max_rows && bytes <= static_cast<size_t>(place_.max_bytes)) return Status::Ok();
  std::vector<Run> moved(std::make_move_iterator(memory), std::make_move_iterator(runs_.end()));
  runs_.erase(memory, runs_.end());
  Result<Run> run = Write(std::move(moved), 0);
  status_ = run.status();
  if (!run.ok()) return status_;
  runs_.push_back(std::move(*run));
  status_ = MergeSpilled();
  return status_;
}

// Runs of one level are merged when there are kFanIn of them, so that few files and blocks are open at a time
// and a row is written log(rows) times.
Status TimeOrdered::MergeSpilled() {
  constexpr std::ptrdiff_t kFanIn = 16;
  while (std::ssize(runs_) >= kFanIn && (runs_.end() - kFanIn)->level == runs_.back().level) {
    const int level = runs_.back().level + 1;
    std::vector<Run> merged(std::make_move_iterator(runs_.end() - kFanIn),
                            std::make_move_iterator(runs_.end()));
    runs_.erase(runs_.end() - kFanIn, runs_.end());
    SR_ASSIGN_OR_RETURN(Run run, Write(std::move(merged), level));
    runs_.push_back(std::move(run));
  }
  return Status::Ok();
}

// One run in a file out of some that follow each other.
Result<TimeOrdered::Run> TimeOrdered::Write(std::vector<Run> runs, int level) {
  if (place_.directory.empty()) {
    return Status::Unsupported(
        "more rows wait than max_rows or max_memory allow, and there is no directory "
        "to write them to");
  }
  SR_RETURN_IF_ERROR(place_.env->MakeDirectories(place_.directory, 0700));
  TimeOrdered source;
  source.pruned_ = pruned_;
  size_t bytes = 0;
  for (const Run& run : runs) {
    source.rows_ += static_cast<int64_t>(run.left()) + run.rows_behind;
    bytes = std::max(bytes, run.bytes / static_cast<size_t>(run.batch->rows()));
    source.first_ = std::min(source.first_, run.times[run.next]);
  }
  source.runs_ = std::move(runs);
  Run out;
  out.level = level;
  out.rows_behind = source.rows_;
  const auto block = static_cast<int64_t>(std::clamp<size_t>(kSpillBlockBytes / (bytes + 8), 1, kJoinedRows));
  const std::string path = place_.directory + "/run-" + std::to_string(files_++);
  SR_ASSIGN_OR_RETURN(const auto writer, SpilledRunWriter::Create(place_.env, path));
  std::vector<int64_t> times;
  while (const BatchPtr batch = source.Release(kMaxTimestamp, block, &times)) {
    SR_RETURN_IF_ERROR(writer->Append(batch, times));
  }
  SR_RETURN_IF_ERROR(source.status_);
  SR_ASSIGN_OR_RETURN(out.file, writer->Finish());
  SR_RETURN_IF_ERROR(ReadBlock(&out));
  return out;
}

Status TimeOrdered::ReadBlock(Run* run) const {
  SR_ASSIGN_OR_RETURN(SpilledRun::Block block, run->file->Read(&run->place));
  if (block.batch == nullptr) return Status::Corruption("a file of waiting rows ends early");
  run->batch = Without(block.batch, pruned_);
  run->bytes = run->batch->ByteSize();
  run->times = std::move(block.times);
  run->order.resize(run->times.size());
  std::iota(run->order.begin(), run->order.end(), 0u);
  run->next = 0;
  run->rows_behind -= static_cast<int64_t>(run->times.size());
  return Status::Ok();
}

Status TimeOrdered::Save(const TakeTimed& take) const {
  for (Run run : runs_) {
    while (true) {
      Compact(&run);
      std::vector<int64_t> times(run.times.size());
      for (size_t i = 0; i < run.order.size(); ++i) times[run.order[i]] = run.times[i];
      SR_RETURN_IF_ERROR(take(run.batch, times));
      if (run.rows_behind == 0) break;
      SR_RETURN_IF_ERROR(ReadBlock(&run));
    }
  }
  return Status::Ok();
}

}  // namespace streamrun
