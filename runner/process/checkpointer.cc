#include "runner/process/checkpointer.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/base/failpoint.h"
#include "core/base/logging.h"
#include "core/base/sealed_file.h"
#include "runner/checkpoint/inspect.h"
#include "runner/checkpoint/stored_state.h"
#include "runner/exec/dead_letter_files.h"
#include "runner/process/renamed_nodes.h"

namespace streamrun {

namespace {

constexpr Duration kWarningPause = 10 * kSecond;

std::vector<bool> SourceWorkers(const LocalPlan& plan) {
  std::vector<bool> sources;
  for (const Stage& stage : plan.stages) {
    sources.insert(sources.end(), static_cast<size_t>(stage.parallelism), stage.has_source);
  }
  return sources;
}

CheckpointTimes TimesOf(const PlanSettings& settings) {
  CheckpointTimes times;
  times.interval = settings.checkpoint_interval;
  times.min_pause = std::min(times.min_pause, times.interval);
  times.timeout = settings.checkpoint_timeout;
  return times;
}

// What its workers put into the state directory.
uint64_t BytesOf(const std::optional<Manifest>& manifest) {
  uint64_t bytes = 0;
  if (!manifest) return bytes;
  for (const Fragment& fragment : manifest->fragments) {
    for (const StoredNode& node : fragment.nodes) {
      for (const StoredTable& table : node.tables) {
        for (const SegmentInfo& segment : table.segments) bytes += segment.bytes;
      }
    }
  }
  return bytes;
}

bool HasHandle(const Fragment& fragment) {
  return std::any_of(fragment.nodes.begin(), fragment.nodes.end(),
                     [](const StoredNode& n) { return !n.snapshot.prepared.handle.empty(); });
}

}  // namespace

Checkpointer::Checkpointer(Env* env, LocalPlanPtr plan, std::string directory, uint64_t generation,
                           std::function<void(const ControlMessage&)> send)
    : env_(env),
      plan_(std::move(plan)),
      directory_(std::move(directory)),
      generation_(generation),
      send_(std::move(send)),
      disk_(env, directory_),
      room_(env, directory_, static_cast<uint64_t>(plan_->plan->settings.checkpoint_reserve)),
      replays_(env, directory_) {
  coordinator_.emplace(SourceWorkers(*plan_), 0, TimesOf(plan_->plan->settings));
}

Status Checkpointer::FindIdentity() {
  const std::string path = directory_ + "/instance";
  if (const auto text = env_->ReadFile(path, 64); text.ok()) {
    identity_ = text->substr(0, text->find('\n'));
    return Status::Ok();
  }
  char mark[33];
  std::snprintf(mark, sizeof mark, "%016llx%016llx", static_cast<unsigned long long>(env_->Random64()),
                static_cast<unsigned long long>(env_->Random64()));
  identity_ = mark;
  return env_->WriteFileAtomically(path, identity_ + "\n");
}

// Sinks that have had a later epoch have rows that will come again, whatever this epoch had for them itself.
Status Checkpointer::RestoreChosen(const Choice& choice) {
  SR_ASSIGN_OR_RETURN(const std::string directory, disk_.Choose(choice.restore));
  SR_ASSIGN_OR_RETURN(const Manifest manifest, disk_.Verify(directory));
  SR_ASSIGN_OR_RETURN(const uint64_t latest, disk_.GreatestNumber());
  if (manifest.epoch < latest && !choice.accept_duplicates) {
    return Status::InvalidArgument(
        "sinks have received rows up to epoch " + std::to_string(latest) + "; going back to epoch " +
        std::to_string(manifest.epoch) +
        " gives those behind it again. Say that this is wanted with --accept-duplicates");
  }
  SR_RETURN_IF_ERROR(FitState(directory, manifest).status());
  if (manifest.epoch < latest) {
    // What it took in since then stands in no state any more, and its letters may come again by themselves.
    SR_RETURN_IF_ERROR(replays_.DropAbove(
        manifest.replayed, "the run goes back to a checkpoint from before it; its letters are open again"));
  }
  const bool epoch = directory == disk_.EpochDirectory(manifest.epoch);
  restored_ = epoch ? "epoch " + std::to_string(manifest.epoch)
                    : "savepoint '" + choice.restore + "' of epoch " + std::to_string(manifest.epoch);
  return disk_.Restore(directory).status();
}

Status Checkpointer::Recover(const Choice& choice) {
  SR_RETURN_IF_ERROR(SR_FAILPOINT("recover.begin"));
  SR_RETURN_IF_ERROR(Find(choice));
  SR_RETURN_IF_ERROR(LimitLetters());
  // Whose end is found at the next start: this run's, or that of the one before.
  if (BegunRun() == run_) return Status::Ok();
  return WriteSealedNumber(env_, directory_ + "/RUN", run_);
}

// The newest run that was begun or gone on with; nothing when that cannot be known.
std::optional<uint64_t> Checkpointer::BegunRun() const {
  const Result<uint64_t> run = ReadSealedNumber(env_, directory_ + "/RUN");
  if (run.ok()) return *run;
  return run.status().code() == Code::kNotFound ? std::optional<uint64_t>(0) : std::nullopt;
}

Status Checkpointer::Find(const Choice& choice) {
  SR_RETURN_IF_ERROR(FindIdentity());
  if (choice.reset) SR_RETURN_IF_ERROR(disk_.Reset());
  if (!choice.restore.empty()) SR_RETURN_IF_ERROR(RestoreChosen(choice));
  SR_ASSIGN_OR_RETURN(CheckpointDirectory::Found found, disk_.Recover());
  coordinator_.emplace(SourceWorkers(*plan_), found.epoch_high, TimesOf(plan_->plan->settings));
  if (!found.current) {
    SR_RETURN_IF_ERROR(replays_.DropAbove(0, "the run begins anew, without a checkpoint to go on from"));
    return TrimLetters({});
  }
  const std::string epoch = "epoch " + std::to_string(found.current->epoch);
  current_ = std::move(found.current);
  SR_RETURN_IF_ERROR(TrimLetters({}));
  if (current_->kind == BarrierKind::kFinal && found.committed && choice.restore.empty() && !choice.replay) {
    if (choice.killed && BegunRun() == current_->run) {
      over_ = true;
      run_ = current_->run;
      start_note_ = "the last run came to its end (" + epoch +
                    ") and was killed before it could say so: nothing is left to do, and the next start "
                    "begins anew";
      return Status::Ok();
    }
    SR_RETURN_IF_ERROR(replays_.DropAbove(
        current_->replayed,
        "the last run came to its end and this one begins anew; dlq replay --run takes letters in without "
        "reading the input again"));
    start_note_ = "the last run came to its end (" + epoch + "); begins anew";
    base_ = std::exchange(current_, std::nullopt);
    run_ = base_->epoch;
    return Status::Ok();
  }
  run_ = current_->run;
  start_note_ = "goes on from " + (restored_.empty() ? epoch : restored_ + ", now " + epoch);
  if (current_->plan_hash != plan_->plan->hash) start_note_ += ", which an older version of the file took";
  SR_ASSIGN_OR_RETURN(const std::vector<StateNote> notes, FitState(restore_directory(), *current_));
  for (const StateNote& note : notes) note.lost ? LogWarning(note.text) : LogInfo(note.text);
  SR_RETURN_IF_ERROR(MoveRenamed(env_, directory_, *plan_->plan));
  return replays_.GoOn(*plan_->plan, *current_);
}

// Does this version of the pipeline go on with the state?
Result<std::vector<StateNote>> Checkpointer::FitState(const std::string& directory,
                                                      const Manifest& manifest) const {
  SR_RETURN_IF_ERROR(FitKeyGroups(*plan_->plan, manifest.key_groups));
  SR_ASSIGN_OR_RETURN(const auto state, OpenStoredState(env_, directory, plan_->plan->hash));
  return FitPlan(*plan_->plan, *state);
}

std::string Checkpointer::restore_directory() const {
  return current_ ? disk_.EpochDirectory(current_->epoch) : std::string();
}

std::vector<KeptLetters> Checkpointer::Kept() const {
  std::vector<KeptLetters> kept;
  const std::optional<Manifest>& manifest = current_ ? current_ : base_;
  if (!manifest) return kept;
  for (const Fragment& f : manifest->fragments) {
    kept.push_back({{f.generation, f.attempt, f.stage, f.instance}, f.dead_letters.handle});
  }
  return kept;
}

Status Checkpointer::TrimLetters(const std::vector<int>& stages) {
  return TrimDeadLetters(env_, directory_ + "/dlq", stages, Kept());
}

// What earlier generations have left takes room from this one.
Status Checkpointer::LimitLetters() {
  const PlanSettings& settings = plan_->plan->settings;
  const std::string letters = directory_ + "/dlq";
  if (settings.dead_letter_drop_oldest) {
    SR_ASSIGN_OR_RETURN(const int64_t dropped,
                        DropOldestLetters(env_, letters, settings.dead_letter_max / 2));
    if (dropped == 0) return Status::Ok();
    LogWarning("dead letters of earlier runs make room for those of this one (settings.dead_letter)",
               {{"dropped", std::to_string(dropped)}});
    return Status::Ok();
  }
  SR_ASSIGN_OR_RETURN(const std::vector<StoredLetters> stored, ListDeadLetters(env_, letters));
  const int64_t taken = BytesOf(stored);
  if (taken < settings.dead_letter_max) return Status::Ok();
  LogWarning(
      "dead letters of earlier runs take all of settings.dead_letter.max_size: the next one ends the "
      "pipeline; replay or clear them (streamrun dlq), raise the limit, or write when_full: drop_oldest",
      {{"bytes", std::to_string(taken)}});
  return Status::Ok();
}

int Checkpointer::WorkerOf(int stage, int instance) const {
  int worker = instance;
  for (int s = 0; s < stage; ++s) worker += plan_->stages[static_cast<size_t>(s)].parallelism;
  return worker;
}

void Checkpointer::Back(const std::vector<int>& stages, Timestamp now) {
  for (const int stage : stages) {
    for (int i = 0; i < plan_->stages[static_cast<size_t>(stage)].parallelism; ++i) {
      running_.insert(WorkerOf(stage, i));
      coordinator_->Back(WorkerOf(stage, i), now);
    }
  }
  Act(now);
}

void Checkpointer::Gone(const std::vector<int>& stages, Timestamp now) {
  for (const int stage : stages) {
    for (int i = 0; i < plan_->stages[static_cast<size_t>(stage)].parallelism; ++i) {
      running_.erase(WorkerOf(stage, i));
      if (replays_.Gone(WorkerOf(stage, i))) EndReplay();
      coordinator_->Gone(WorkerOf(stage, i), now);
    }
  }
  Act(now);
}

void Checkpointer::Savepoint(SavepointTicketPtr ticket) {
  if (ended_) {
    ticket->Set({SavepointReport::Phase::kFailed, 0, "", "the pipeline has come to its end"});
  } else if (savepoints_.Add(std::move(ticket))) {
    coordinator_->Request(BarrierKind::kSavepoint);
  }
}

// Nobody has a barrier on its way now, and none is sent before all have answered.
void Checkpointer::BeginReplay() {
  const bool all_run = static_cast<int>(running_.size()) == plan_->workers();
  const bool idle = coordinator_->phase() == Coordinator::Phase::kIdle;
  if (!replays_.wanted() || replays_.under_way() || !all_run || !idle || ended_ || !current_) return;
  replays_.Choose(*plan_->plan, *current_);
  if (!replays_.wanted()) return;
  send_(ReplayMessage{replays_.Begin(running_)});
  (void)SR_FAILPOINT("replay.sent").ok();
}

// With an epoch the letters are done with.
void Checkpointer::EndReplay() { coordinator_->Request(BarrierKind::kPeriodic); }

void Checkpointer::Tick(Timestamp now) {
  BeginReplay();
  if (replays_.under_way()) return Act(now);
  coordinator_->Tick(now);
  Act(now);
}

void Checkpointer::OnMessage(int stage, int instance, const ControlMessage& message, Timestamp now) {
  const int worker = WorkerOf(stage, instance);
  if (const auto* places = std::get_if<PlacesMessage>(&message)) {
    coordinator_->Places(worker, places->epoch, places->places);
  } else if (const auto* nack = std::get_if<NackMessage>(&message)) {
    if (nack->epoch == coordinator_->epoch()) {
      WarnGivenUp(nack->epoch, nack->why, now);
      given_up_ = nack->why;
    }
    coordinator_->Nack(worker, nack->epoch, now);
  } else if (const auto* committed = std::get_if<CommittedMessage>(&message)) {
    (void)SR_FAILPOINT("ckpt.committed.received").ok();
    coordinator_->Committed(worker, committed->epoch, now);
  } else if (const auto* replayed = std::get_if<ReplayedMessage>(&message)) {
    (void)SR_FAILPOINT("replay.applied.received").ok();
    if (replays_.Answered(worker, replayed->order)) EndReplay();
  } else if (const auto* ack = std::get_if<AckMessage>(&message)) {
    (void)SR_FAILPOINT("ckpt.ack.received").ok();
    if (ack->epoch != coordinator_->epoch()) return;
    Result<Fragment> fragment = ParseFragment(ack->fragment);
    if (!fragment.ok()) {
      LogError("the answer of a worker to epoch " + std::to_string(ack->epoch) +
               " cannot be read: " + fragment.status().message());
      coordinator_->Nack(worker, ack->epoch, now);
    } else {
      fragments_[worker] = std::move(*fragment);
      coordinator_->Ack(worker, ack->epoch);
    }
  }
  Act(now);
}

void Checkpointer::Act(Timestamp now) {
  for (;;) {
    const std::vector<Coordinator::Action> actions = coordinator_->Take();
    if (actions.empty()) return;
    for (const Coordinator::Action& action : actions) Do(action, now);
  }
}

void Checkpointer::Do(const Coordinator::Action& action, Timestamp now) {
  using Kind = Coordinator::Action::Kind;
  switch (action.kind) {
    case Kind::kTrigger:
      return Trigger(action, now);
    case Kind::kBound:
      send_(PlaceBarrierMessage{action.epoch, action.bounds});
      return (void)SR_FAILPOINT("ckpt.bound.sent").ok();
    case Kind::kAbort:
      send_(AbortMessage{action.epoch});
      (void)SR_FAILPOINT("ckpt.aborted").ok();
      fragments_.clear();
      savepoints_.GivenUp(action.epoch, given_up_.empty() ? "a worker went away or did not answer in time"
                                                          : std::exchange(given_up_, {}));
      if (const Status status = disk_.Abandon(action.epoch); !status.ok()) LogWarning(status.message());
      return (void)SR_FAILPOINT("ckpt.abandoned").ok();
    case Kind::kDecide:
      return Decide(action, now);
    case Kind::kCommit:
      send_(CommitMessage{action.epoch});
      return (void)SR_FAILPOINT("ckpt.commit.sent").ok();
    case Kind::kFinish:
      return Finish(action, now);
  }
}

// A stop is tried again several times a second, and what stands against it is the same each time.
void Checkpointer::WarnGivenUp(uint64_t epoch, const std::string& why, Timestamp now) {
  const std::string text = "epoch " + std::to_string(epoch) + " is given up: " + why;
  if (coordinator_->failed() > 0 && now < next_warning_) return LogDebug(text);
  LogWarning(text);
  next_warning_ = now + kWarningPause;
}

// False: the disk has no room, and the epoch is skipped. Said once, until there is room again.
bool Checkpointer::Admit(const Coordinator::Action& action, Timestamp now) {
  const Status status = room_.Admit(action.barrier, BytesOf(current_));
  if (status.ok()) {
    if (!held_up_.empty())
      LogInfo("there is room again for checkpoints: epoch " + std::to_string(action.epoch));
    held_up_.clear();
    return true;
  }
  const std::string text = "epoch " + std::to_string(action.epoch) + " is skipped: " + status.message();
  if (held_up_.empty()) {
    LogWarning(text + "; the pipeline runs on and tries again, a restart would go back to epoch " +
               std::to_string(current()));
  }
  held_up_ = given_up_ = text;
  coordinator_->Nack(0, action.epoch, now);
  return false;
}

void Checkpointer::Trigger(const Coordinator::Action& action, Timestamp now) {
  fragments_.clear();
  given_up_.clear();
  savepoints_.Began(action.epoch);
  began_ = now;
  if (!Admit(action, now)) return;
  if (const Status status = disk_.Begin(action.epoch); !status.ok()) {
    WarnGivenUp(action.epoch, status.message(), now);
    given_up_ = status.message();
    // What was not synced is not synced again (fsyncgate): the next start looks at what is there.
    if (status.code() == Code::kIoError) failure_ = status;
    return coordinator_->Nack(0, action.epoch, now);
  }
  send_(TriggerMessage{action.epoch, action.barrier});
  (void)SR_FAILPOINT("ckpt.triggered").ok();
}

void Checkpointer::Decide(const Coordinator::Action& action, Timestamp now) {
  Manifest manifest;
  manifest.pipeline = plan_->plan->pipeline;
  manifest.instance = identity_;
  manifest.generation = generation_;
  manifest.epoch = action.epoch;
  manifest.parent = current();
  manifest.kind = action.barrier;
  manifest.plan_hash = plan_->plan->hash;
  manifest.key_groups = plan_->plan->settings.max_parallelism;
  manifest.taken = env_->WallNow();
  manifest.replayed = replays_.applied();
  manifest.begun = current_ ? current_->begun : generation_;
  manifest.run = run_;
  for (auto& [worker, fragment] : fragments_) {
    manifest.needs_commit = manifest.needs_commit || HasHandle(fragment);
    manifest.fragments.push_back(std::move(fragment));
  }
  fragments_.clear();
  Status status = disk_.Decide(manifest);
  if (status.code() == Code::kResourceExhausted && disk_.IsUndecided(action.epoch)) {
    room_.Give();  // for the next try
    WarnGivenUp(action.epoch, status.message(), now);
    given_up_ = status.message();
    return coordinator_->NotDecided(action.epoch, now);
  }
  if (!status.ok()) {
    failure_ = status.WithContext("epoch " + std::to_string(action.epoch) + " cannot be decided");
    return;
  }
  current_ = std::move(manifest);
  coordinator_->Decided(action.epoch, now);
}

// Looks at the disk only when the oldest epoch that is kept has taken in another order.
Status Checkpointer::SettleReplays() {
  kept_replayed_.push_back(current_->replayed);
  if (kept_replayed_.size() > static_cast<size_t>(kRetainedEpochs)) kept_replayed_.pop_front();
  if (kept_replayed_.size() < static_cast<size_t>(kRetainedEpochs) || kept_replayed_.front() <= settled_) {
    return Status::Ok();
  }
  settled_ = kept_replayed_.front();
  SR_ASSIGN_OR_RETURN(const std::vector<StoredCheckpoint> kept, ListCheckpoints(env_, directory_));
  uint64_t replayed = settled_, run = run_;
  for (const StoredCheckpoint& checkpoint : kept) {  // savepoints, too
    if (!checkpoint.problem.ok()) return checkpoint.problem;
    replayed = std::min(replayed, checkpoint.manifest.replayed);
    run = std::min(run, checkpoint.manifest.run);
  }
  return replays_.Settle(replayed, run);
}

void Checkpointer::Finish(const Coordinator::Action& action, Timestamp now) {
  if (Status status = disk_.MarkCommitted(action.epoch); !status.ok()) {
    // Without the marker the next start commits once more, which changes nothing.
    LogWarning(status.message());
    if (status.code() == Code::kIoError) failure_ = status;
  }
  // Tried again with the next order.
  if (const Status status = SettleReplays(); !status.ok()) LogWarning(status.message());
  last_completed_ = env_->WallNow();
  last_duration_ = now - began_;
  LogDebug("epoch complete", {{"epoch", std::to_string(action.epoch)},
                              {"kind", std::string(BarrierKindName(action.barrier))},
                              {"ms", std::to_string(last_duration_ / kMillisecond)}});
  savepoints_.Committed(action.epoch);
  ended_ = action.barrier == BarrierKind::kStop || action.barrier == BarrierKind::kFinal;
  if (ended_) {
    savepoints_.RefuseAll("the pipeline has come to its end");
    room_.Give();
  }
}

}  // namespace streamrun
