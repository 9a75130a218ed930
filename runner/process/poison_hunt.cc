#include "runner/process/poison_hunt.h"

#include <signal.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace streamrun {

namespace {

bool SamePlace(const PoisonHunt::Place& a, const PoisonHunt::Place& b) {
  return a.node == b.node && a.instance == b.instance && a.from < b.to + PoisonHunt::kMargin &&
         b.from < a.to + PoisonHunt::kMargin;
}

}  // namespace

PoisonHunt::Place PoisonHunt::Read(const BatchPlace& place, int instance) {
  Place read;
  read.node = place.node.load(std::memory_order_acquire) - 1;
  read.instance = instance;
  read.from = place.from.load(std::memory_order_relaxed);
  read.to = place.to.load(std::memory_order_relaxed);
  read.row = place.row.load(std::memory_order_acquire);
  if (read.row != 0) read.text.assign(place.text, ::strnlen(place.text, BatchPlace::kText));
  return read;
}

bool PoisonHunt::IsOwnDoing(int signal) {
  constexpr int kOwn[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  return std::find(std::begin(kOwn), std::end(kOwn), signal) != std::end(kOwn);
}

PoisonHunt::Finding PoisonHunt::OnDeath(const Place& place) {
  if (place.node < 0) {
    Forget();
    return Finding::kNothing;
  }
  if (place.row != 0) return Finding::kFoundRow;
  if (!deaths_.empty() && !SamePlace(deaths_.back(), place)) Forget();
  deaths_.push_back(place);
  if (deaths_.size() < kDeathsInOnePlace) return Finding::kNothing;
  CarefulRows& rows = RowsOf(place.node);
  rows.from = deaths_.front().from;
  rows.to = deaths_.front().to;
  for (const Place& death : deaths_) {
    rows.from = std::min(rows.from, death.from);
    rows.to = std::max(rows.to, death.to);
  }
  rows.from = std::max<int64_t>(0, rows.from - kMargin);
  rows.to += kMargin;
  Forget();
  return Finding::kCareful;
}

void PoisonHunt::Divert(const Place& place) {
  Forget();
  std::vector<uint64_t>& poison = RowsOf(place.node).poison;
  if (std::find(poison.begin(), poison.end(), place.row) == poison.end()) poison.push_back(place.row);
}

CarefulRows& PoisonHunt::RowsOf(int node) {
  const auto known = std::find_if(careful_.begin(), careful_.end(),
                                  [&](const CarefulRows& rows) { return rows.node == node; });
  if (known != careful_.end()) return *known;
  careful_.push_back({node, 0, 0, {}});
  return careful_.back();
}

}  // namespace streamrun
