#include "runner/process/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runner/process/process_limits.h"

namespace streamrun {

namespace {

constexpr Duration kSnapshotInterval = 200 * kMillisecond;
constexpr Duration kDrawInterval = 250 * kMillisecond;
constexpr Duration kRateWindow = 3 * kSecond;
constexpr Duration kLineInterval = 10 * kSecond;
constexpr Duration kLeavePatience = 5 * kSecond;

sigset_t WatchedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, signal);
  return set;
}

// Rows on the terminal and a live block would overwrite each other.
bool WritesToTerminal(const Plan& plan) {
  if (::isatty(STDOUT_FILENO) == 0) return false;
  return std::any_of(plan.nodes.begin(), plan.nodes.end(), [](const PlanNode& n) {
    return n.kind == ComponentKind::kSink && n.component == "stdout";
  });
}

}  // namespace

Supervisor::Supervisor(LocalPlanPtr plan, const PipelineFile& file, const RunOptions& options,
                       StateDirectory* state)
    : plan_(std::move(plan)),
      options_(options),
      state_(state),
      ledger_(plan_),
      checkpoints_(env_, plan_, state->path(), state->generation(),
                   [this](const ControlMessage& message) {
                     for (const auto& region : regions_) region->Tell(message);
                   }),
      display_(STDERR_FILENO) {
  host_.env = env_;
  host_.plan = plan_;
  host_.state = state_;
  host_.ledger = &ledger_;
  host_.checkpoints = &checkpoints_;
  host_.on_workers_changed = [this] { workers_changed_ = true; };
  AssignMessage& a = host_.assignment;
  a.pipeline = PrintCanonicalJson(file.root, true);
  a.file = file.path;
  a.plan_hash = plan_->plan->hash;
  a.generation = state_->generation();
  a.run_directory = state_->run_path();
  a.dead_letter_directory = state_->dead_letter_path();
  a.scratch_directory = state_->scratch_path();
  a.stage_directory = state_->stage_path();
  a.state_directory = state_->path();
  a.once = options.once;
  a.log_level = options.log_level;
  a.log_json = options.log_json;
  for (size_t i = 0; i < plan_->plan->nodes.size(); ++i) {
    if (!plan_->plan->nodes[i].buffer) continue;
    ingests_.push_back(std::make_unique<IngestKeeper>(&host_, static_cast<int>(i)));
  }
  for (std::vector<int>& stages : FindRegions(*plan_)) {
    regions_.push_back(std::make_unique<Region>(&host_, std::move(stages)));
  }
}

Supervisor::~Supervisor() {
  admin_.reset();
  regions_.clear();  // kills what still runs
  ingests_.clear();
  for (const int fd : {signal_fd_, log_read_fd_, log_write_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

Status Supervisor::Prepare() {
  // Blocked before any thread exists, so that all inherit it and only the descriptor sees them.
  const sigset_t set = WatchedSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  for (const int ignored : {SIGPIPE, SIGXFSZ}) ::signal(ignored, SIG_IGN);
  signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signal_fd_ < 0) return Status::FromErrno(errno, "cannot watch signals");
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return Status::FromErrno(errno, "cannot make a pipe for worker logs");
  log_read_fd_ = fds[0];
  log_write_fd_ = host_.log_fd = fds[1];
  ::fcntl(log_read_fd_, F_SETFL, O_NONBLOCK);
  live_ = !options_.quiet && !options_.log_json && ::isatty(STDERR_FILENO) != 0 &&
          !WritesToTerminal(*plan_->plan);
  if (live_) {
    StartLogging(
        {options_.log_level, options_.log_json, [this](std::string_view line) { display_.WriteAbove(line); }},
        {plan_->plan->pipeline, plan_->plan->hash.substr(0, 8), "", -1});
  }
  SR_ASSIGN_OR_RETURN(cells_,
                      SharedCells::Make(TimeBoard::CellsOf(*plan_), static_cast<size_t>(plan_->workers())));
  times_ = std::make_unique<TimeBoard>(*plan_, cells_->cells());
  host_.times = times_.get();
  host_.times_fd = cells_->fd();
  host_.places = cells_->places();
  started_ = env_->MonotonicNow();
  started_wall_ = env_->WallNow();
  next_show_ = started_ + (live_ ? kDrawInterval : kLineInterval);
  board_.Publish(Snapshot());
  if (options_.start_admin) {
    SR_ASSIGN_OR_RETURN(admin_, options_.start_admin(state_->admin_socket(), &board_, &commands_));
  }
  return Status::Ok();
}

void Supervisor::LogPaths() const {
  const Plan& plan = *plan_->plan;
  LogInfo("pipeline starts", {{"stages", std::to_string(plan_->stages.size())},
                              {"workers", std::to_string(plan_->workers())},
                              {"generation", std::to_string(state_->generation())}});
  for (const Plan::Path& path : plan.paths) {
    LogDebug(plan.node(path.source).name + " to " + plan.node(path.sink).name + " is " +
             std::string(DeliveryName(path.delivery)) + (path.reason.empty() ? "" : ": " + path.reason));
  }
}

int Supervisor::Run() {
  Status status = RaiseDescriptorLimit(CountDescriptors(*plan_));
  if (status.ok()) status = Prepare();
  if (!status.ok()) {
    LogError(status.message());
    return 3;
  }
  if (Status status = checkpoints_.Recover(
          {options_.reset_state, options_.restore, options_.accept_duplicates, options_.replay});
      !status.ok()) {
    LogError(status.message());
    return status.code() == Code::kCorruption || status.code() == Code::kInvalidArgument ? 4 : 3;
  }
  host_.assignment.identity = checkpoints_.identity();
  LogPaths();
  if (!checkpoints_.start_note().empty()) LogInfo(checkpoints_.start_note());
  for (const auto& ingest : ingests_) ingest->Start();
  for (const auto& region : regions_) region->Start();
  Loop();
  return Finish();
}

bool Supervisor::Ended() const {
  return std::all_of(regions_.begin(), regions_.end(), [](const auto& r) { return r->ended(); }) &&
         std::all_of(ingests_.begin(), ingests_.end(), [](const auto& i) { return i->ended(); });
}

void Supervisor::Loop() {
  while (!Ended()) {
    Sleep();
    ReadSignals();
    ReadCommands();
    for (const auto& region : regions_) region->ReadWorkers();
    for (const auto& ingest : ingests_) ingest->Read();
    const Timestamp now = env_->MonotonicNow();
    for (const auto& region : regions_) region->Tick(now);
    for (const auto& ingest : ingests_) ingest->Tick(now);
    TakeEpochs(now);
    ReadLogs();
    EndOthersAfterFailure();
    notice_.Follow(CurrentPhase(), now);
    const bool phase_changed = board_.Get()->phase != CurrentPhase();
    snapshot_due_ = snapshot_due_ || !quiet_wake_;
    if (phase_changed || workers_changed_ || (snapshot_due_ && now >= next_snapshot_)) {
      board_.Publish(Snapshot());
      snapshot_due_ = false;
      next_snapshot_ = now + kSnapshotInterval;
    }
    if (workers_changed_) RecordWorkers();
    if (now >= next_show_) Show(now);
  }
}

// A pipeline that has nothing more to read takes its last epoch and leaves.
void Supervisor::TakeEpochs(Timestamp now) {
  const bool drained =
      std::all_of(regions_.begin(), regions_.end(), [](const auto& r) { return r->drained(); });
  if (!drained) final_wanted_ = false;  // a part that restarts reads again
  if (drained && !final_wanted_ && !stopping_) {
    final_wanted_ = true;
    checkpoints_.Request(BarrierKind::kFinal);
  }
  if (!leaving_) checkpoints_.Tick(now);
  if (!checkpoints_.failure().ok() && !stopping_) {
    LogError(checkpoints_.failure().message());
    KillAll();
  }
  if (!checkpoints_.ended() || leaving_) return;
  leaving_ = true;
  for (const auto& region : regions_) region->Leave();
  for (const auto& ingest : ingests_) ingest->Stop(now + kLeavePatience);
}

void Supervisor::KillAll() {
  stopping_ = true;
  for (const auto& region : regions_) region->KillNow();
  for (const auto& ingest : ingests_) ingest->KillNow();
}

void Supervisor::Sleep() {
  std::vector<pollfd> fds = {{signal_fd_, POLLIN, 0}, {commands_.fd(), POLLIN, 0}, {log_read_fd_, POLLIN, 0}};
  Timestamp deadline = options_.quiet ? kMaxTimestamp : next_show_;
  if (snapshot_due_) deadline = std::min(deadline, next_snapshot_);
  deadline = std::min(deadline, notice_.Deadline());
  if (!leaving_) deadline = std::min(deadline, checkpoints_.Deadline());
  for (const auto& region : regions_) {
    region->AppendDescriptors(&fds);
    deadline = std::min(deadline, region->Deadline());
  }
  for (const auto& ingest : ingests_) {
    ingest->AppendDescriptors(&fds);
    deadline = std::min(deadline, ingest->Deadline());
  }
  timespec timeout{};
  if (deadline != kMaxTimestamp) {
    const Duration left = std::max<Duration>(0, deadline - env_->MonotonicNow());
    timeout = {static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond * 1000)};
  }
  quiet_wake_ = ::ppoll(fds.data(), fds.size(), deadline == kMaxTimestamp ? nullptr : &timeout, nullptr) <= 0;
}

// --- Signals and commands
// -----------------------------------------------------------------------------------------

void Supervisor::ReadSignals() {
  signalfd_siginfo info{};
  while (::read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
    switch (info.ssi_signo) {
      case SIGTERM:
      case SIGINT:
        OnStopSignal(info.ssi_signo == SIGINT);
        break;
      case SIGUSR1:
        Dump();
        break;
      default:
        LogWarning("SIGHUP is ignored: reloading a running pipeline is not offered");
        break;
    }
  }
}

void Supervisor::OnStopSignal(bool interrupt) {
  if (++signals_.stops > 1) {
    LogWarning("stopped twice: killing the workers now");
    KillAll();
    return;
  }
  signals_.interrupted = interrupt;
  LogInfo("stopping: sources stop, what is under way drains; once more kills at once");
  StopAll();
}

void Supervisor::StopAll() {
  stopping_ = true;
  const Timestamp deadline = env_->MonotonicNow() + plan_->plan->settings.stop_deadline;
  for (const auto& ingest : ingests_) ingest->Stop(deadline);
  for (const auto& region : regions_) region->Stop(deadline);
  // A part that does not run cannot take part in an epoch; the last one that counts is where the next run
  // goes on.
  const bool all_run = std::all_of(regions_.begin(), regions_.end(),
                                   [](const auto& r) { return r->state() == Region::State::kRunning; });
  if (!all_run) return KillAll();
  checkpoints_.Request(BarrierKind::kStop);
}

void Supervisor::ReadCommands() {
  while (const auto command = commands_.Take()) {
    switch (command->kind) {
      case AdminCommand::Kind::kDump:
        Dump();
        break;
      case AdminCommand::Kind::kSavepoint:
        if (stopping_) {
          command->savepoint->Set({SavepointReport::Phase::kFailed, 0, "", "the pipeline is stopping"});
        } else {
          checkpoints_.Savepoint(command->savepoint);
        }
        break;
      case AdminCommand::Kind::kReplay:
        if (!stopping_) checkpoints_.Replay(command->order, !ComesToItsEnd());
        break;
      case AdminCommand::Kind::kStop:
        if (stopping_) break;
        LogInfo("stopping on request of the admin API");
        StopAll();
        break;
    }
  }
}

// Then some nodes may have ended already, and take nothing in any more.
bool Supervisor::ComesToItsEnd() const {
  const auto& nodes = plan_->plan->nodes;
  return options_.once || std::any_of(nodes.begin(), nodes.end(),
                                      [](const PlanNode& n) { return n.source && n.source->bounded; });
}

void Supervisor::Dump() {
  const PipelineStatusPtr status = Snapshot();
  LogInfo(RenderLine(*status, nullptr), {{"residue", std::to_string(status->residue)}});
  for (const StageStatus& stage : status->stages) {
    for (const WorkerStatus& w : stage.workers) {
      LogInfo("worker " + stage.name + "[" + std::to_string(w.instance) + "]",
              {{"pid", std::to_string(w.pid)},
               {"state", w.state},
               {"blocked_on", w.blocked_on.empty() ? "nothing" : w.blocked_on},
               {"steps", std::to_string(w.steps)},
               {"beat_age_ms", std::to_string(w.beat_age / kMillisecond)}});
    }
  }
}

// Whole lines of the workers go to our stderr, so that none tears the live block or another line.
void Supervisor::ReadLogs() {
  char bytes[16 * 1024];
  ssize_t n;
  while ((n = ::read(log_read_fd_, bytes, sizeof(bytes))) > 0) {
    log_rest_.append(bytes, static_cast<size_t>(n));
    size_t end = log_rest_.rfind('\n');
    if (end == std::string::npos && log_rest_.size() > sizeof(bytes)) end = log_rest_.size() - 1;
    if (end == std::string::npos) continue;
    const std::string lines = log_rest_.substr(0, end + 1);
    log_rest_.erase(0, end + 1);
    live_ ? display_.WriteAbove(lines) : WriteAll(STDERR_FILENO, lines);
  }
}

// One region that failed for good ends the run; the others' rows since the last epoch are read again.
void Supervisor::EndOthersAfterFailure() {
  if (stopping_) return;
  const bool failed = std::any_of(regions_.begin(), regions_.end(),
                                  [](const auto& r) { return r->state() == Region::State::kFailed; }) ||
                      std::any_of(ingests_.begin(), ingests_.end(),
                                  [](const auto& i) { return i->state() == IngestKeeper::State::kFailed; });
  if (failed) StopAll();
}

void Supervisor::RecordWorkers() {
  workers_changed_ = false;
  std::vector<ProcessIdentity> workers;
  for (const auto& region : regions_) region->AppendWorkers(&workers);
  for (const auto& ingest : ingests_) ingest->AppendWorkers(&workers);
  if (Status status = state_->RecordWorkers(workers); !status.ok()) LogWarning(status.message());
}

// --- Shown
// -------------------------------------------------------------------------------------------------------

Phase Supervisor::CurrentPhase() const {
  const auto any = [&](Region::State state) {
    return std::any_of(regions_.begin(), regions_.end(), [&](const auto& r) { return r->state() == state; });
  };
  const auto any_ingest = [&](IngestKeeper::State state) {
    return std::any_of(ingests_.begin(), ingests_.end(), [&](const auto& i) { return i->state() == state; });
  };
  if (any(Region::State::kFailed) || any_ingest(IngestKeeper::State::kFailed)) return Phase::kFailed;
  if (Ended()) return Phase::kFinished;
  if (stopping_) return Phase::kStopping;
  if (any(Region::State::kWaiting) || any(Region::State::kDying) ||
      any_ingest(IngestKeeper::State::kWaiting) || any_ingest(IngestKeeper::State::kDying)) {
    return Phase::kRestarting;
  }
  const bool starting = any(Region::State::kWiring) || any_ingest(IngestKeeper::State::kStarting);
  return starting ? Phase::kStarting : Phase::kRunning;
}

PipelineStatusPtr Supervisor::Snapshot() {
  auto status = std::make_shared<PipelineStatus>();
  status->pipeline = plan_->plan->pipeline;
  status->revision = plan_->plan->hash;
  status->generation = state_->generation();
  status->phase = CurrentPhase();
  status->pid = ::getpid();
  status->started = started_wall_;
  status->elapsed = env_->MonotonicNow() - started_;
  status->dead_letter_directory = state_->dead_letter_path();
  status->epoch = checkpoints_.current();
  status->epoch_completed = checkpoints_.last_completed();
  status->epoch_duration = checkpoints_.last_duration();
  status->epochs_failed = checkpoints_.failed();
  status->epochs_held_up = checkpoints_.held_up();
  for (const Stage& stage : plan_->stages) status->stages.push_back({.name = stage.name});
  for (const auto& region : regions_) {
    region->Fill(status.get());
    status->restarts += region->restarts();
    if (!region->last_failure().empty()) status->last_failure = region->last_failure();
  }
  for (const auto& ingest : ingests_) {
    ingest->Fill(status.get());
    status->restarts += ingest->restarts();
    if (!ingest->last_failure().empty()) status->last_failure = ingest->last_failure();
  }
  ledger_.Fill(status.get());
  AddRemarks(status.get());
  return status;
}

// What a restart from a checkpoint cannot mend: sinks without a commit saw rows behind it, and sources that
// cannot be read again gave them out once.
void Supervisor::AddRemarks(PipelineStatus* status) const {
  const Plan& plan = *plan_->plan;
  if (stopping_ && leaving_) {
    status->remarks.push_back("stopped at epoch " + std::to_string(checkpoints_.current()) +
                              ": the next run goes on from there, --reset-state begins anew");
  }
  for (const auto& region : regions_) {
    if (region->restarts() == 0) continue;
    const auto holds = [&](int node) {
      return std::any_of(region->stages().begin(), region->stages().end(), [&](int stage) {
        const auto& members = plan_->stages[static_cast<size_t>(stage)].members;
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
    if (region->unrepeatable() > 0) {
      status->remarks.push_back("at most " + GroupDigits(region->unrepeatable()) +
                                " rows were read before a restart and cannot be read again");
    }
  }
}

void Supervisor::Show(Timestamp now) {
  const PipelineStatusPtr status = Snapshot();
  board_.Publish(status);
  next_show_ = now + (live_ ? kDrawInterval : kLineInterval);
  if (options_.quiet) return;
  if (live_) {
    display_.Draw(RenderLive(*status, shown_.empty() ? nullptr : shown_.front().get(), display_.width()));
  } else {
    LogInfo(RenderLine(*status, shown_.empty() ? nullptr : shown_.front().get()));
  }
  // Workers report once a second: rates over some seconds are steady enough to read.
  shown_.push_back(status);
  while (shown_.size() > 1 && (!live_ || status->elapsed - shown_[1]->elapsed >= kRateWindow))
    shown_.pop_front();
}

int Supervisor::Finish() {
  ReadLogs();
  RecordWorkers();
  const PipelineStatusPtr status = Snapshot();
  board_.Publish(status);
  if (live_) {
    display_.Clear();
    StartLogging({options_.log_level, options_.log_json, nullptr},
                 {plan_->plan->pipeline, plan_->plan->hash.substr(0, 8), "", -1});
  }
  if (options_.log_json) {
    LogInfo(RenderLine(*status, nullptr), {{"residue", std::to_string(status->residue)}});
  } else if (!options_.quiet) {
    WriteAll(STDERR_FILENO, RenderSummary(*status));
  }
  for (const auto& ingest : ingests_) {
    if (ingest->state() == IngestKeeper::State::kFailed) return ingest->exit_code();
  }
  bool forced = false;
  for (const auto& region : regions_) {
    if (region->state() == Region::State::kFailed) return region->exit_code();
    forced = forced || region->forced();
  }
  const bool bounded = std::any_of(plan_->plan->nodes.begin(), plan_->plan->nodes.end(),
                                   [](const PlanNode& n) { return n.source && n.source->bounded; });
  if (signals_.interrupted && (bounded || forced)) return 130;
  return forced ? 1 : 0;
}

}  // namespace streamrun
