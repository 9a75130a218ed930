#include "runner/process/checkpointer.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/base/failpoint.h"
#include "core/base/logging.h"
#include "runner/exec/dead_letter_files.h"
#include "runner/exec/key_group.h"

namespace streamrun {

namespace {

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
      disk_(env, directory_) {
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
  const bool epoch = directory == disk_.EpochDirectory(manifest.epoch);
  restored_ = epoch ? "epoch " + std::to_string(manifest.epoch)
                    : "savepoint '" + choice.restore + "' of epoch " + std::to_string(manifest.epoch);
  return disk_.Restore(directory).status();
}

Status Checkpointer::Recover(const Choice& choice) {
  SR_RETURN_IF_ERROR(SR_FAILPOINT("recover.begin"));
  SR_RETURN_IF_ERROR(FindIdentity());
  if (choice.reset) SR_RETURN_IF_ERROR(disk_.Reset());
  if (!choice.restore.empty()) SR_RETURN_IF_ERROR(RestoreChosen(choice));
  SR_ASSIGN_OR_RETURN(CheckpointDirectory::Found found, disk_.Recover());
  coordinator_.emplace(SourceWorkers(*plan_), found.epoch_high, TimesOf(plan_->plan->settings));
  if (!found.current) return TrimLetters({});
  const std::string epoch = "epoch " + std::to_string(found.current->epoch);
  current_ = std::move(found.current);
  SR_RETURN_IF_ERROR(TrimLetters({}));
  if (current_->kind == BarrierKind::kFinal && found.committed && choice.restore.empty()) {
    start_note_ = "the last run came to its end (" + epoch + "); begins anew";
    base_ = std::exchange(current_, std::nullopt);
    return Status::Ok();
  }
  start_note_ = "goes on from " + (restored_.empty() ? epoch : restored_ + ", now " + epoch);
  if (current_->plan_hash != plan_->plan->hash) start_note_ += ", which an older version of the file took";
  if (current_->key_groups != static_cast<int>(kKeyGroups)) {
    return Status::InvalidArgument("the saved state was dealt to " + std::to_string(current_->key_groups) +
                                   " key groups, this program deals to " + std::to_string(kKeyGroups) +
                                   "; start over with --reset-state");
  }
  return Status::Ok();
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

int Checkpointer::WorkerOf(int stage, int instance) const {
  int worker = instance;
  for (int s = 0; s < stage; ++s) worker += plan_->stages[static_cast<size_t>(s)].parallelism;
  return worker;
}

void Checkpointer::Back(const std::vector<int>& stages, Timestamp now) {
  for (const int stage : stages) {
    for (int i = 0; i < plan_->stages[static_cast<size_t>(stage)].parallelism; ++i) {
      coordinator_->Back(WorkerOf(stage, i), now);
    }
  }
  Act(now);
}

void Checkpointer::Gone(const std::vector<int>& stages, Timestamp now) {
  for (const int stage : stages) {
    for (int i = 0; i < plan_->stages[static_cast<size_t>(stage)].parallelism; ++i) {
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

void Checkpointer::Tick(Timestamp now) {
  coordinator_->Tick(now);
  Act(now);
}

void Checkpointer::OnMessage(int stage, int instance, const ControlMessage& message, Timestamp now) {
  const int worker = WorkerOf(stage, instance);
  if (const auto* places = std::get_if<PlacesMessage>(&message)) {
    coordinator_->Places(worker, places->epoch, places->places);
  } else if (const auto* nack = std::get_if<NackMessage>(&message)) {
    if (nack->epoch == coordinator_->epoch()) {
      LogWarning("epoch " + std::to_string(nack->epoch) + " is given up: " + nack->why);
      given_up_ = nack->why;
    }
    coordinator_->Nack(worker, nack->epoch, now);
  } else if (const auto* committed = std::get_if<CommittedMessage>(&message)) {
    (void)SR_FAILPOINT("ckpt.committed.received").ok();
    coordinator_->Committed(worker, committed->epoch, now);
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

void Checkpointer::Trigger(const Coordinator::Action& action, Timestamp now) {
  fragments_.clear();
  given_up_.clear();
  savepoints_.Began(action.epoch);
  began_ = now;
  if (const Status status = disk_.Begin(action.epoch); !status.ok()) {
    LogWarning("epoch " + std::to_string(action.epoch) + " cannot begin: " + status.message());
    given_up_ = status.message();
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
  manifest.key_groups = static_cast<int>(kKeyGroups);
  manifest.taken = env_->WallNow();
  for (auto& [worker, fragment] : fragments_) {
    manifest.needs_commit = manifest.needs_commit || HasHandle(fragment);
    manifest.fragments.push_back(std::move(fragment));
  }
  fragments_.clear();
  if (Status status = disk_.Decide(manifest); !status.ok()) {
    failure_ = status.WithContext("epoch " + std::to_string(action.epoch) + " cannot be decided");
    return;
  }
  current_ = std::move(manifest);
  coordinator_->Decided(action.epoch, now);
}

void Checkpointer::Finish(const Coordinator::Action& action, Timestamp now) {
  if (Status status = disk_.MarkCommitted(action.epoch); !status.ok()) {
    // Without the marker the next start commits once more, which changes nothing.
    LogWarning(status.message());
  }
  last_completed_ = env_->WallNow();
  last_duration_ = now - began_;
  LogDebug("epoch complete", {{"epoch", std::to_string(action.epoch)},
                              {"kind", std::string(BarrierKindName(action.barrier))},
                              {"ms", std::to_string(last_duration_ / kMillisecond)}});
  savepoints_.Committed(action.epoch);
  ended_ = action.barrier == BarrierKind::kStop || action.barrier == BarrierKind::kFinal;
  if (ended_) savepoints_.RefuseAll("the pipeline has come to its end");
}

}  // namespace streamrun
