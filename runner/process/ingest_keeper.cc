#include "runner/process/ingest_keeper.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "core/base/logging.h"

namespace streamrun {

void IngestKeeper::Start() {
  attempts_.Begin();
  safe_before_ = tail_ ? tail_->synced() : 0;
  state_ = State::kStarting;
  if (Status status = Spawn(); !status.ok()) {
    worker_.reset();
    Fail(std::move(status), true);
    OnGone("was not started");
  }
  host_->on_workers_changed();
}

Status IngestKeeper::Spawn() {
  const std::string name = "ingest " + node_name();
  group_ = MakeGroup(*host_);
  SR_ASSIGN_OR_RETURN(auto process,
                      WorkerProcess::Spawn("streamrun: " + host_->plan->plan->pipeline + " " + name,
                                           host_->log_fd, host_->times_fd, group_ ? group_->fd() : -1));
  worker_ = std::make_unique<WatchedWorker>(host_->env, name, std::move(process));
  AssignMessage assign = host_->assignment;
  assign.ingest = node_;
  assign.checkpoint = host_->checkpoints->restore_directory();
  assign.restarted = attempts_.worked();
  SR_ASSIGN_OR_RETURN(const bool sent, worker_->Send(assign));
  if (!sent) return Status::Internal("a fresh control channel is full");
  LogDebug("worker started", {{"worker", name}, {"pid", std::to_string(worker_->identity().pid)}});
  return Status::Ok();
}

void IngestKeeper::Read() {
  if (!worker_ || worker_->gone()) return;
  worker_->Read({[&](const ControlMessage& message) { OnMessage(message); },
                 [&](Status status) { Fail(std::move(status), false); },
                 [&](const std::string& how) { OnGone(how); }});
}

void IngestKeeper::OnMessage(const ControlMessage& message) {
  if (const auto* fail = std::get_if<FailMessage>(&message)) {
    Fail(fail->status, fail->opening);
  } else if (std::holds_alternative<DoneMessage>(message)) {
    complete_ = true;
  } else if (std::holds_alternative<ReadyMessage>(message) && state_ == State::kStarting) {
    state_ = State::kRunning;
    attempts_.Work();
    if (!tail_) {
      auto tail = LogTail::Open(host_->assignment.run_directory, node_name(), host_->assignment.generation);
      if (tail.ok()) tail_ = std::move(*tail);
    }
    worker_->Begin(attempts_.started());
    (void)worker_->Send(StartMessage{}).ok();
  }
}

// It is ended at once: what it has not acknowledged it must not acknowledge any more.
void IngestKeeper::Fail(Status status, bool opening) {
  if (state_ != State::kStarting && state_ != State::kRunning) return;
  attempts_.Fail(status.WithContext("worker ingest " + node_name()), opening);
  state_ = State::kDying;
  if (group_) group_->Kill();
  if (worker_) worker_->Signal(SIGKILL);
}

void IngestKeeper::OnGone(const std::string& how) {
  group_.reset();  // and what it left in it
  host_->on_workers_changed();
  if (stopping_) {
    if (how != "exited with code 0")
      LogWarning("worker ingest " + node_name() + " " + how + " while it left");
    state_ = State::kFinished;
    return;
  }
  if (!attempts_.failed()) {
    attempts_.Fail(Status::Unavailable("worker ingest " + node_name() + ": " + how), false);
  }
  const bool progressed = tail_ && tail_->synced() > safe_before_;
  state_ = attempts_.Another(progressed) ? State::kWaiting : State::kFailed;
}

void IngestKeeper::Tick(Timestamp now) {
  if (worker_ && (state_ == State::kStarting || state_ == State::kRunning)) {
    worker_->Watch(now, state_ == State::kRunning);
  }
  if (now >= attempts_.next_at()) return Start();
  if (now < stop_deadline_) return;
  stop_deadline_ = kMaxTimestamp;
  if (state_ == State::kLeaving) worker_->Signal(SIGKILL);
}

Timestamp IngestKeeper::Deadline() const {
  Timestamp deadline = std::min(attempts_.next_at(), stop_deadline_);
  const bool watched = state_ == State::kStarting || state_ == State::kRunning;
  return worker_ && watched ? std::min(deadline, worker_->Deadline()) : deadline;
}

void IngestKeeper::Stop(Timestamp deadline) {
  if (std::exchange(stopping_, true) || ended()) return;
  attempts_.Cancel();
  if (state_ == State::kWaiting) {
    state_ = State::kFinished;
    return;
  }
  stop_deadline_ = deadline;
  if (state_ == State::kDying) return;
  state_ = State::kLeaving;
  if (!worker_->Send(ExitMessage{}).ok()) worker_->Signal(SIGKILL);
}

void IngestKeeper::KillNow() {
  Stop(0);
  if (worker_ && !worker_->gone()) worker_->Signal(SIGKILL);
}

void IngestKeeper::AppendDescriptors(std::vector<pollfd>* fds) const {
  if (worker_) worker_->AppendDescriptors(fds);
}

void IngestKeeper::AppendWorkers(std::vector<ProcessIdentity>* workers) const {
  if (worker_ && !worker_->gone()) workers->push_back(worker_->identity());
}

void IngestKeeper::Fill(PipelineStatus* status) const {
  static constexpr std::string_view kNames[] = {"starting", "running",  "dying", "waiting",
                                                "leaving",  "finished", "failed"};
  IngestStatus ingest;
  ingest.node = node_name();
  ingest.state = complete_ && state_ == State::kRunning ? "complete" : kNames[static_cast<size_t>(state_)];
  if (worker_ && !worker_->gone()) {
    ingest.pid = worker_->identity().pid;
    ingest.blocked_on = worker_->blocked_on();
  }
  if (tail_) {
    ingest.records = static_cast<int64_t>(tail_->synced());
    ingest.bytes = static_cast<int64_t>(tail_->bytes());
  }
  ingest.restarts = attempts_.restarts();
  status->ingests.push_back(std::move(ingest));
}

}  // namespace streamrun
