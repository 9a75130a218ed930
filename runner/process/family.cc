#include "runner/process/family.h"

#include <algorithm>

#include "runner/process/progress.h"

namespace streamrun {

namespace {

template <typename Parts, typename Is>
bool All(const Parts& parts, Is is) {
  return std::all_of(parts.begin(), parts.end(), [&](const auto& part) { return is(*part); });
}

template <typename Parts, typename State>
bool AnyIs(const Parts& parts, State state) {
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return part->state() == state; });
}

}  // namespace

Family::Family(RegionHost* host) : host_(host) {
  const auto& nodes = host_->plan->plan->nodes;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].buffer) ingests_.push_back(std::make_unique<IngestKeeper>(host_, static_cast<int>(i)));
  }
  for (std::vector<int>& stages : FindRegions(*host_->plan)) {
    regions_.push_back(std::make_unique<Region>(host_, std::move(stages)));
  }
}

Family::~Family() = default;

void Family::Start() {
  for (const auto& ingest : ingests_) ingest->Start();
  for (const auto& region : regions_) region->Start();
}

void Family::Read() {
  for (const auto& region : regions_) region->ReadWorkers();
  for (const auto& ingest : ingests_) ingest->Read();
}

void Family::Tick(Timestamp now) {
  for (const auto& region : regions_) region->Tick(now);
  for (const auto& ingest : ingests_) ingest->Tick(now);
}

void Family::AppendDescriptors(std::vector<pollfd>* fds) const {
  for (const auto& region : regions_) region->AppendDescriptors(fds);
  for (const auto& ingest : ingests_) ingest->AppendDescriptors(fds);
}

Timestamp Family::Deadline() const {
  Timestamp deadline = kMaxTimestamp;
  for (const auto& region : regions_) deadline = std::min(deadline, region->Deadline());
  for (const auto& ingest : ingests_) deadline = std::min(deadline, ingest->Deadline());
  return deadline;
}

void Family::Tell(const ControlMessage& message) {
  for (const auto& region : regions_) region->Tell(message);
}

void Family::Stop(Timestamp deadline) {
  for (const auto& ingest : ingests_) ingest->Stop(deadline);
  for (const auto& region : regions_) region->Stop(deadline);
}

void Family::Leave(Timestamp deadline) {
  for (const auto& region : regions_) region->Leave();
  for (const auto& ingest : ingests_) ingest->Stop(deadline);
}

void Family::KillNow() {
  for (const auto& region : regions_) region->KillNow();
  for (const auto& ingest : ingests_) ingest->KillNow();
}

// --- How it is --------------------------------------------------------------------------------------------

bool Family::AllRun() const {
  return All(regions_, [](const Region& r) { return r.state() == Region::State::kRunning; });
}

bool Family::drained() const {
  return All(regions_, [](const Region& r) { return r.drained(); });
}

bool Family::ended() const {
  const auto has_ended = [](const auto& part) { return part.ended(); };
  return All(regions_, has_ended) && All(ingests_, has_ended);
}

bool Family::failed() const {
  return AnyIs(regions_, Region::State::kFailed) || AnyIs(ingests_, IngestKeeper::State::kFailed);
}

int Family::exit_code() const {
  for (const auto& ingest : ingests_) {
    if (ingest->state() == IngestKeeper::State::kFailed) return ingest->attempts().exit_code();
  }
  for (const auto& region : regions_) {
    if (region->state() == Region::State::kFailed) return region->attempts().exit_code();
  }
  return 0;
}

bool Family::forced() const {
  return !All(regions_, [](const Region& r) { return !r.forced(); });
}

Phase Family::phase(bool stopping) const {
  using R = Region::State;
  using I = IngestKeeper::State;
  if (failed()) return Phase::kFailed;
  if (ended()) return Phase::kFinished;
  if (stopping) return Phase::kStopping;
  if (AnyIs(regions_, R::kWaiting) || AnyIs(regions_, R::kDying) || AnyIs(ingests_, I::kWaiting) ||
      AnyIs(ingests_, I::kDying)) {
    return Phase::kRestarting;
  }
  const bool starting = AnyIs(regions_, R::kWiring) || AnyIs(ingests_, I::kStarting);
  return starting ? Phase::kStarting : Phase::kRunning;
}

// --- Shown ------------------------------------------------------------------------------------------------

void Family::AppendWorkers(std::vector<ProcessIdentity>* workers) const {
  for (const auto& region : regions_) region->AppendWorkers(workers);
  for (const auto& ingest : ingests_) ingest->AppendWorkers(workers);
}

void Family::Fill(PipelineStatus* status) const {
  for (const Stage& stage : host_->plan->stages) status->stages.push_back({.name = stage.name});
  const auto fill = [status](const auto& part) {
    part.Fill(status);
    status->restarts += part.attempts().restarts();
    if (!part.attempts().last_failure().empty()) status->last_failure = part.attempts().last_failure();
  };
  for (const auto& region : regions_) {
    fill(*region);
    AddRemarks(*region, status);
  }
  for (const auto& ingest : ingests_) fill(*ingest);
}

// What a restart from a checkpoint cannot mend: sinks without a commit saw rows behind it, and sources that
// cannot be read again gave them out once.
void Family::AddRemarks(const Region& region, PipelineStatus* status) const {
  if (region.attempts().restarts() == 0) return;
  const Plan& plan = *host_->plan->plan;
  const auto holds = [&](int node) {
    return std::any_of(region.stages().begin(), region.stages().end(), [&](int stage) {
      const auto& members = host_->plan->stages[static_cast<size_t>(stage)].members;
      return std::any_of(members.begin(), members.end(), [&](const auto& m) { return m.node == node; });
    });
  };
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const PlanNode& node = plan.nodes[i];
    if (!holds(static_cast<int>(i))) continue;
    if (node.sink && node.sink->guarantee != SinkGuarantee::kExactlyOnce) {
      status->remarks.push_back("restarted: '" + node.name + "' may have received rows twice");
    }
    if (node.source && !node.replayable()) {
      status->remarks.push_back("restarted: rows of '" + node.name + "' that were under way " +
                                (node.source->acknowledges
                                     ? "were not acknowledged; whoever sent them has to send them again"
                                     : "are lost, it cannot be read again"));
    }
  }
  if (region.unrepeatable() > 0) {
    status->remarks.push_back("at most " + GroupDigits(region.unrepeatable()) +
                              " rows were read before a restart and cannot be read again");
  }
}

}  // namespace streamrun
