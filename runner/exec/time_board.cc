#include "runner/exec/time_board.h"

namespace streamrun {

std::vector<TimeBoard::Place> TimeBoard::PlacesOf(const LocalPlan& plan) {
  std::vector<Place> places;
  for (const Stage& stage : plan.stages) {
    for (const Stage::Member& member : stage.members) {
      const PlanNode& node = plan.plan->node(member.node);
      if (!node.source || node.event_time.column < 0) continue;
      for (int i = 0; i < stage.parallelism; ++i) places.push_back({member.node, stage.id, i});
    }
  }
  return places;
}

size_t TimeBoard::CellsOf(const LocalPlan& plan) { return PlacesOf(plan).size(); }

TimeBoard::TimeBoard(const LocalPlan& plan)
    : places_(PlacesOf(plan)), own_(std::make_unique<TimeCell[]>(places_.size())), cells_(own_.get()) {}

TimeBoard::TimeBoard(const LocalPlan& plan, TimeCell* cells) : places_(PlacesOf(plan)), cells_(cells) {}

void TimeBoard::Tell(int node, int instance, Timestamp watermark, Standing standing) {
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].node != node || places_[i].instance != instance) continue;
    cells_[i].watermark.store(watermark, std::memory_order_relaxed);
    cells_[i].standing.store(standing, std::memory_order_release);
  }
}

void TimeBoard::Reset(int stage) {
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].stage == stage) cells_[i].standing.store(Standing::kNotStarted, std::memory_order_release);
  }
}

TimeBoard::Least TimeBoard::LeastBeside(int node) const {
  Least least;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].node == node) continue;
    const Standing standing = cells_[i].standing.load(std::memory_order_acquire);
    if (standing == Standing::kIdle || standing == Standing::kEnded) continue;
    const bool started = standing == Standing::kActive;
    const Timestamp watermark = started ? cells_[i].watermark.load(std::memory_order_relaxed) : kMinTimestamp;
    if (least.node < 0 || watermark < least.watermark) least = {places_[i].node, watermark, started};
  }
  return least;
}

}  // namespace streamrun
