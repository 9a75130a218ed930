#include "runner/process/region.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/base/failpoint.h"
#include "core/base/logging.h"

namespace streamrun {

namespace {

// A channel that broke is seen before the process behind it is; its cause is waited for this long.
constexpr Duration kGather = 100 * kMillisecond;
constexpr Duration kLeavePatience = 5 * kSecond;

std::string_view StateName(int state) {
  static constexpr std::string_view kNames[] = {"spawned", "bound", "ready", "running", "done", "gone"};
  return kNames[state];
}

}  // namespace

std::vector<std::vector<int>> FindRegions(const LocalPlan& plan) {
  std::vector<int> region(plan.stages.size());
  std::iota(region.begin(), region.end(), 0);
  for (const LocalEdge& edge : plan.edges) {
    const int keep =
        std::min(region[static_cast<size_t>(edge.from_stage)], region[static_cast<size_t>(edge.to_stage)]);
    const int gone =
        std::max(region[static_cast<size_t>(edge.from_stage)], region[static_cast<size_t>(edge.to_stage)]);
    std::replace(region.begin(), region.end(), gone, keep);
  }
  std::vector<std::vector<int>> regions(plan.stages.size());
  for (size_t stage = 0; stage < region.size(); ++stage) {
    regions[static_cast<size_t>(region[stage])].push_back(static_cast<int>(stage));
  }
  std::erase_if(regions, [](const auto& stages) { return stages.empty(); });
  return regions;
}

std::unique_ptr<WorkerGroup> MakeGroup(const RegionHost& host) {
  if (host.groups == nullptr) return nullptr;
  auto group = host.groups->Make();
  if (group.ok()) return std::move(*group);
  LogDebug("an attempt runs without a control group of its own: " + group.status().message());
  return nullptr;
}

// --- Starting --------------------------------------------------------------------------------------------

void Region::Start() {
  slots_.clear();
  attempts_.Begin();
  gather_until_ = kMaxTimestamp;
  attempt_ = ++host_->last_attempt;
  base_epoch_ = host_->checkpoints->current();
  Enter(State::kWiring);
  if (Status status = Spawn(); !status.ok()) Fail(Cause::kReported, nullptr, status, true);
  host_->on_workers_changed();
}

Status Region::Spawn() {
  SR_RETURN_IF_ERROR(host_->checkpoints->TrimLetters(stages_));
  SR_ASSIGN_OR_RETURN(host_->assignment.endpoint_directory, host_->state->MakeEndpoints(attempt_));
  host_->assignment.checkpoint = host_->checkpoints->restore_directory();
  host_->assignment.run = host_->checkpoints->run();
  host_->assignment.replay_to = host_->checkpoints->replay_to();
  host_->assignment.attempt = attempt_;
  host_->assignment.careful = hunt_.careful();
  group_ = MakeGroup(*host_);
  for (const int stage : stages_) {
    host_->times->Reset(stage);
    for (int i = 0; i < host_->plan->stages[static_cast<size_t>(stage)].parallelism; ++i) {
      SR_RETURN_IF_ERROR(SpawnWorker(stage, i));
    }
  }
  return Status::Ok();
}

Status Region::SpawnWorker(int stage, int instance) {
  Slot slot;
  slot.stage = stage;
  slot.instance = instance;
  host_->places[host_->plan->WorkerNumber(stage, instance)].Leave();
  const Stage& s = host_->plan->stages[static_cast<size_t>(stage)];
  const std::string name =
      s.name + "[" + std::to_string(instance) + "/" + std::to_string(s.parallelism) + "]";
  SR_ASSIGN_OR_RETURN(auto process,
                      WorkerProcess::Spawn("streamrun: " + host_->plan->plan->pipeline + " " + name,
                                           host_->log_fd, host_->times_fd, group_ ? group_->fd() : -1));
  slot.worker = std::make_unique<WatchedWorker>(host_->env, name, std::move(process));
  AssignMessage assign = host_->assignment;
  assign.stage = stage;
  assign.instance = instance;
  assign.restarted = attempts_.worked();
  // Sent at once: it waits in the socket until the worker is up.
  SR_ASSIGN_OR_RETURN(const bool sent, slot.worker->Send(assign));
  if (!sent) return Status::Internal("a fresh control channel is full");
  SR_RETURN_IF_ERROR(SR_FAILPOINT("region.spawned"));
  LogDebug("worker started", {{"worker", name}, {"pid", std::to_string(slot.worker->identity().pid)}});
  slots_.push_back(std::move(slot));
  return Status::Ok();
}

// --- What workers say ------------------------------------------------------------------------------------

bool Region::All(WorkerState state) const {
  return std::all_of(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.state == state; });
}

void Region::SendAll(const ControlMessage& message) {
  for (Slot& slot : slots_) {
    if (slot.state == WorkerState::kGone) continue;
    auto sent = slot.worker->Send(message);
    // A worker whose death is not known yet; the pidfd tells.
    if (!sent.ok()) continue;
    if (!*sent)
      Fail(Cause::kReported, &slot, Status::Unavailable("does not read its control channel"), false);
  }
}

void Region::ReadWorkers() {
  for (Slot& slot : slots_) {
    slot.worker->Read({[&](ControlMessage message) { OnMessage(slot, std::move(message)); },
                       [&](Status status) { Fail(Cause::kReported, &slot, std::move(status), false); },
                       [&](const std::string& how) { OnGone(slot, how); }});
  }
}

void Region::OnMessage(Slot& slot, ControlMessage message) {
  if (auto* beat = std::get_if<BeatMessage>(&message)) {
    if (state_ != State::kWiring && slot.state != WorkerState::kDone) {
      host_->ledger->Update(slot.stage, slot.instance, std::move(beat->counters));
    }
  } else if (auto* fail = std::get_if<FailMessage>(&message)) {
    Fail(fail->peer_gone ? Cause::kPeerGone : Cause::kReported, &slot, fail->status, fail->opening);
  } else if (auto* done = std::get_if<DoneMessage>(&message)) {
    host_->ledger->Update(slot.stage, slot.instance, std::move(done->counters));
    if (!done->failure.ok() && damage_.ok())
      damage_ = done->failure.WithContext("worker " + slot.worker->name());
    slot.state = WorkerState::kDone;
    slot.worker->Unblock();
  } else if (std::holds_alternative<BoundMessage>(message)) {
    slot.state = WorkerState::kBound;
    if (state_ == State::kWiring && All(WorkerState::kBound))
      SendAll(ConnectMessage{}), (void)SR_FAILPOINT("region.connect").ok();
  } else if (auto* ready = std::get_if<ReadyMessage>(&message)) {
    slot.state = WorkerState::kReady;
    host_->ledger->Begin(slot.stage, slot.instance, std::move(ready->counters));
    if (state_ == State::kWiring && All(WorkerState::kReady)) BeginRunning();
  } else if (state_ == State::kRunning) {
    host_->checkpoints->OnMessage(slot.stage, slot.instance, message, slot.worker->last_beat());
  }
}

void Region::BeginRunning() {
  Enter(State::kRunning);
  attempts_.Work();
  const Timestamp now = attempts_.started();
  for (Slot& s : slots_) s.state = WorkerState::kRunning, s.worker->Begin(now);
  SendAll(StartMessage{});
  (void)SR_FAILPOINT("region.started").ok();
  host_->checkpoints->Back(stages_, now);
}

void Region::Tell(const ControlMessage& message) {
  if (state_ == State::kRunning) SendAll(message);
}

void Region::Leave() {
  if (state_ != State::kRunning) return;
  Enter(State::kLeaving);
  stop_deadline_ = host_->env->MonotonicNow() + kLeavePatience;
  SendAll(ExitMessage{});
  (void)SR_FAILPOINT("region.leaving").ok();
}

void Region::OnGone(Slot& slot, const std::string& how) {
  slot.state = WorkerState::kGone;
  host_->on_workers_changed();
  if (state_ == State::kLeaving && how != "exited with code 0") {
    LogWarning("worker " + slot.worker->name() + " had finished but " + how);
  }
  if (state_ == State::kWiring || state_ == State::kRunning) {
    if (!death_ && PoisonHunt::IsOwnDoing(slot.worker->crashed_by())) {
      death_ = PoisonHunt::Read(host_->places[host_->plan->WorkerNumber(slot.stage, slot.instance)],
                                slot.instance);
    }
    Fail(Cause::kDied, &slot, Status::Unavailable(how), false);
  }
  if ((state_ == State::kLeaving || state_ == State::kDying) && All(WorkerState::kGone)) Conclude();
}

// --- Failing ---------------------------------------------------------------------------------------------

void Region::Fail(Cause cause, const Slot* slot, Status status, bool opening) {
  if (state_ != State::kWiring && state_ != State::kRunning) return;
  if (slot != nullptr) status = status.WithContext("worker " + slot->worker->name());
  // The first account counts, unless it was only a broken channel; a worker that reported and then left died
  // of what it reported.
  if (attempts_.failed() && (cause <= cause_ || cause_ == Cause::kReported)) return;
  cause_ = cause;
  attempts_.Fail(std::move(status), opening);
  const Timestamp now = host_->env->MonotonicNow();
  gather_until_ = cause == Cause::kPeerGone ? now + kGather : now;
}

void Region::BeginDying() {
  gather_until_ = stop_deadline_ = kMaxTimestamp;
  Enter(State::kDying);
  host_->checkpoints->Gone(stages_, host_->env->MonotonicNow());
  if (group_) group_->Kill();
  for (Slot& slot : slots_) {
    if (slot.state != WorkerState::kGone) slot.worker->Signal(SIGKILL);
  }
  if (All(WorkerState::kGone)) Conclude();
}

// What the deaths of workers say about a row. True: it is known, and the next attempt does without it.
bool Region::Examine() {
  const std::optional<PoisonHunt::Place> death = std::exchange(death_, std::nullopt);
  if (host_->checkpoints->current() != base_epoch_) hunt_.Forget();
  const auto finding = death ? hunt_.OnDeath(*death) : PoisonHunt::Finding::kNothing;
  if (!death) hunt_.Forget();
  if (finding == PoisonHunt::Finding::kNothing) return false;
  const std::string node = "'" + host_->plan->plan->node(death->node).name + "'";
  if (finding == PoisonHunt::Finding::kCareful) {
    LogWarning("a worker died " + std::to_string(PoisonHunt::kDeathsInOnePlace) +
               " times over the same rows of " + node + ": the next attempt takes them one by one");
    return false;
  }
  const std::string row = node + " ends its worker on the row " + death->text;
  if (host_->plan->plan->settings.on_crash == OnCrash::kFail) {
    attempts_.Fail(
        Status(Code::kInvalidArgument,
               row + "; settings.on_crash: dead_letter would lead it away (and please report the crash)"),
        false);
    return false;
  }
  LogError(row + ": it leaves as a dead letter (crash.poison) from now on");
  hunt_.Divert(*death);
  return true;
}

// All workers are gone: what now?
void Region::Conclude() {
  group_.reset();  // and what they left in it
  host_->state->RemoveEndpoints(attempt_);
  if (state_ == State::kLeaving && !damage_.ok()) {
    attempts_.Fail(damage_, false);
    attempts_.GiveUp();
    return Enter(State::kFailed);
  }
  if (state_ == State::kLeaving) return Enter(State::kFinished);
  if (stopping_ && !attempts_.failed()) {
    forced_ = forced_ || attempts_.worked();
    return Enter(State::kFinished);
  }
  const bool found_poison = Examine();
  if (stopping_) {
    attempts_.GiveUp();
    return Enter(State::kFailed);
  }
  if (!attempts_.Another(Progressed() || found_poison, {{"attempt", std::to_string(attempt_)}})) {
    return Enter(State::kFailed);
  }
  unrepeatable_ += host_->ledger->Unrepeatable(stages_);
  for (const Slot& slot : slots_) host_->ledger->EndAttempt(slot.stage, slot.instance);
  Enter(State::kWaiting);
}

// The next attempt does not begin where this one did.
bool Region::Progressed() const {
  const bool periodic = host_->plan->plan->settings.checkpoint_interval != kMaxTimestamp;
  if (periodic) return host_->checkpoints->current() != base_epoch_;
  // Where no epoch is taken by the clock, time alone tells a crash loop from failures now and then.
  return host_->env->MonotonicNow() - attempts_.started() >= RestartPolicy::kWindow;
}

// --- Time ------------------------------------------------------------------------------------------------

void Region::Tick(Timestamp now) {
  if (state_ == State::kWiring || state_ == State::kRunning) {
    for (Slot& slot : slots_) slot.worker->Watch(now, slot.state == WorkerState::kRunning);
  }
  if (now >= gather_until_) return BeginDying();
  if (now >= attempts_.next_at()) return Start();
  if (now < stop_deadline_) return;
  if (state_ == State::kLeaving) {
    stop_deadline_ = kMaxTimestamp;
    for (Slot& slot : slots_) slot.worker->Signal(SIGKILL);
  } else if (state_ == State::kRunning || state_ == State::kWiring) {
    LogError("the pipeline did not drain in time; killing its workers");
    forced_ = true;
    BeginDying();
  }
}

Timestamp Region::Deadline() const {
  Timestamp deadline = std::min({gather_until_, attempts_.next_at(), stop_deadline_});
  if (state_ != State::kWiring && state_ != State::kRunning) return deadline;
  for (const Slot& slot : slots_) deadline = std::min(deadline, slot.worker->Deadline());
  return deadline;
}

void Region::Stop(Timestamp deadline) {
  if (stopping_) return;
  stopping_ = true;
  if (state_ == State::kWaiting) {
    attempts_.Cancel();
    return Enter(State::kFinished);
  }
  if (state_ == State::kWiring) return BeginDying();  // no row was read yet
  if (state_ == State::kRunning) stop_deadline_ = deadline;
}

void Region::KillNow() {
  stopping_ = true;
  if (state_ == State::kWaiting) {
    attempts_.Cancel();
    return Enter(State::kFinished);
  }
  if (ended() || state_ == State::kDying) return;
  forced_ = true;
  BeginDying();
}

// --- Shown -----------------------------------------------------------------------------------------------

void Region::AppendDescriptors(std::vector<pollfd>* fds) const {
  for (const Slot& slot : slots_) slot.worker->AppendDescriptors(fds);
}

void Region::AppendWorkers(std::vector<ProcessIdentity>* workers) const {
  for (const Slot& slot : slots_) {
    if (slot.state != WorkerState::kGone) workers->push_back(slot.worker->identity());
  }
}

void Region::Fill(PipelineStatus* status) const {
  const Timestamp now = host_->env->MonotonicNow();
  for (const Slot& slot : slots_) {
    StageStatus& stage = status->stages[static_cast<size_t>(slot.stage)];
    stage.attempt = attempt_;
    stage.workers.push_back({slot.instance, slot.worker->identity().pid,
                             std::string(StateName(static_cast<int>(slot.state))), slot.worker->blocked_on(),
                             slot.worker->steps(), now - slot.worker->last_beat()});
  }
}

}  // namespace streamrun
