#include "runner/process/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "core/base/crc32c.h"
#include "runner/process/process_limits.h"
#include "runner/process/secrecy.h"

namespace streamrun {

namespace {

constexpr Duration kSnapshotInterval = 200 * kMillisecond;
constexpr Duration kLeavePatience = 5 * kSecond;
constexpr Duration kOrphanPatience = 2 * kSecond;

sigset_t WatchedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

// Two pipelines of one name have different state directories.
std::string GroupName(const std::string& pipeline, const std::string& state) {
  char mark[16];
  std::snprintf(mark, sizeof(mark), "-%08x", Crc32c(state.data(), state.size()));
  return "streamrun-" + pipeline + mark;
}

}  // namespace

// --- Starting ---------------------------------------------------------------------------------------------

Supervisor::Supervisor(LocalPlanPtr plan, const PipelineFile& file, const RunOptions& options,
                       StateDirectory* state)
    : plan_(std::move(plan)),
      options_(options),
      state_(state),
      host_{.env = env_, .plan = plan_, .state = state_, .ledger = &ledger_, .checkpoints = &checkpoints_},
      ledger_(plan_),
      checkpoints_(env_, plan_, state->path(), state->generation(),
                   [this](const ControlMessage& message) { family_.Tell(message); }),
      family_(&host_),
      console_(options, *plan_->plan) {
  host_.on_workers_changed = [this] { workers_changed_ = true; };
  KeepSecrets(file.root);
  FillAssignment(file);
}

Supervisor::~Supervisor() {
  admin_.reset();
  if (signal_fd_ >= 0) ::close(signal_fd_);
}

void Supervisor::FillAssignment(const PipelineFile& file) {
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
  a.once = options_.once;
  a.log_level = options_.log_level;
  a.log_json = options_.log_json;
}

Status Supervisor::Prepare() {
  SR_RETURN_IF_ERROR(RaiseDescriptorLimit(CountDescriptors(*plan_)));
  SR_RETURN_IF_ERROR(WatchSignals());
  started_ = env_->MonotonicNow();
  started_wall_ = env_->WallNow();
  SR_RETURN_IF_ERROR(console_.Open(started_));
  host_.log_fd = console_.worker_fd();
  SR_RETURN_IF_ERROR(ShareCells());
  orphans_.Adopt();
  SR_RETURN_IF_ERROR(FindGroups());
  board_.Publish(Snapshot());
  if (options_.start_admin) {
    SR_ASSIGN_OR_RETURN(admin_, options_.start_admin(state_->admin_socket(), &board_, &commands_));
  }
  return Status::Ok();
}

// Blocked before any thread exists, so that all inherit it and only the descriptor sees them.
Status Supervisor::WatchSignals() {
  const sigset_t set = WatchedSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  for (const int ignored : {SIGPIPE, SIGXFSZ}) ::signal(ignored, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // inherited as ignored, the exit status of every child would be lost
  signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return signal_fd_ >= 0 ? Status::Ok() : Status::FromErrno(errno, "cannot watch signals");
}

Status Supervisor::ShareCells() {
  SR_ASSIGN_OR_RETURN(cells_,
                      SharedCells::Make(TimeBoard::CellsOf(*plan_), static_cast<size_t>(plan_->workers())));
  times_ = std::make_unique<TimeBoard>(*plan_, cells_->cells());
  host_.times = times_.get();
  host_.times_fd = cells_->fd();
  host_.places = cells_->places();
  return Status::Ok();
}

Status Supervisor::FindGroups() {
  auto groups = WorkerGroups::Open(GroupName(plan_->plan->pipeline, state_->path()), {});
  if (groups.ok()) {
    groups_ = std::move(*groups);
    host_.groups = groups_.get();
    LogDebug("workers run in control groups", {{"group", groups_->path()}});
    return Status::Ok();
  }
  if (groups.status().code() != Code::kUnsupported) return groups.status();
  LogDebug("workers run without control groups: " + groups.status().message());
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
  if (Status status = Prepare(); !status.ok()) {
    LogError(status.message());
    return 3;
  }
  if (Status status =
          checkpoints_.Recover({options_.reset_state, options_.restore, options_.accept_duplicates,
                                options_.replay, state_->left_by_force()});
      !status.ok()) {
    LogError(status.message());
    return status.code() == Code::kCorruption || status.code() == Code::kInvalidArgument ? 4 : 3;
  }
  host_.assignment.identity = checkpoints_.identity();
  if (!checkpoints_.over()) LogPaths();
  if (!checkpoints_.start_note().empty()) LogInfo(checkpoints_.start_note());
  if (checkpoints_.over()) return 0;
  family_.Start();
  Loop();
  return Finish();
}

// --- The loop ---------------------------------------------------------------------------------------------

void Supervisor::Loop() {
  while (!family_.ended()) {
    Sleep();
    ReadSignals();
    ReadCommands();
    family_.Read();
    const Timestamp now = env_->MonotonicNow();
    family_.Tick(now);
    TakeEpochs(now);
    console_.Relay();
    // One part that failed for good ends the run; the others' rows since the last epoch are read again.
    if (!stopping_ && family_.failed()) StopAll();
    notice_.Follow(CurrentPhase(), now);
    Publish(now);
    FollowWorkers();
  }
}

void Supervisor::Sleep() {
  std::vector<pollfd> fds = {
      {signal_fd_, POLLIN, 0}, {commands_.fd(), POLLIN, 0}, {console_.fd(), POLLIN, 0}};
  family_.AppendDescriptors(&fds);
  Timestamp deadline = std::min({console_.next_show(), notice_.Deadline(), family_.Deadline()});
  if (snapshot_due_) deadline = std::min(deadline, next_snapshot_);
  if (!leaving_) deadline = std::min(deadline, checkpoints_.Deadline());
  timespec timeout{};
  if (deadline != kMaxTimestamp) {
    const Duration left = std::max<Duration>(0, deadline - env_->MonotonicNow());
    timeout = {static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond * 1000)};
  }
  quiet_wake_ = ::ppoll(fds.data(), fds.size(), deadline == kMaxTimestamp ? nullptr : &timeout, nullptr) <= 0;
}

// A pipeline that has nothing more to read takes its last epoch and leaves.
void Supervisor::TakeEpochs(Timestamp now) {
  const bool drained = family_.drained();
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
  family_.Leave(now + kLeavePatience);
}

// The next generation finds the workers that run, and what a worker leaves behind does not outlive it.
void Supervisor::FollowWorkers() {
  if (!workers_changed_ && !signals_.child) return;
  std::vector<ProcessIdentity> workers;
  family_.AppendWorkers(&workers);
  orphans_.Tend(workers);
  signals_.child = false;
  if (!std::exchange(workers_changed_, false)) return;
  if (Status status = state_->RecordWorkers(workers); !status.ok()) LogWarning(status.message());
}

// --- Signals and commands ---------------------------------------------------------------------------------

void Supervisor::ReadSignals() {
  signalfd_siginfo info{};
  while (::read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
    switch (info.ssi_signo) {
      case SIGTERM:
      case SIGINT:
        OnStopSignal(info.ssi_signo == SIGINT);
        break;
      case SIGCHLD:
        signals_.child = true;
        break;
      case SIGUSR1:
        console_.Dump(*Snapshot());
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
  family_.Stop(env_->MonotonicNow() + plan_->plan->settings.stop_deadline);
  // A part that does not run cannot take part in an epoch; the last one that counts is where the next run
  // goes on.
  if (!family_.AllRun()) return KillAll();
  checkpoints_.Request(BarrierKind::kStop);
}

void Supervisor::KillAll() {
  stopping_ = true;
  family_.KillNow();
}

void Supervisor::ReadCommands() {
  while (const auto command = commands_.Take()) {
    switch (command->kind) {
      case AdminCommand::Kind::kDump:
        console_.Dump(*Snapshot());
        break;
      case AdminCommand::Kind::kSavepoint:
        if (stopping_) {
          command->savepoint->Set({SavepointReport::Phase::kFailed, 0, "", "the pipeline is stopping"});
        } else {
          checkpoints_.Savepoint(command->savepoint);
        }
        break;
      case AdminCommand::Kind::kReplay:
        if (stopping_ || options_.once || final_wanted_) {
          LogInfo("replay order " + std::to_string(command->order) +
                  " waits for the next start: this run is about to end");
        } else {
          checkpoints_.Replay(command->order);
        }
        break;
      case AdminCommand::Kind::kStop:
        if (stopping_) break;
        LogInfo("stopping on request of the admin API");
        StopAll();
        break;
    }
  }
}

// --- Shown ------------------------------------------------------------------------------------------------

PipelineStatusPtr Supervisor::Snapshot() const {
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
  if (stopping_ && leaving_) {
    status->remarks.push_back("stopped at epoch " + std::to_string(checkpoints_.current()) +
                              ": the next run goes on from there, --reset-state begins anew");
  }
  family_.Fill(status.get());
  ledger_.Fill(status.get());
  return status;
}

void Supervisor::Publish(Timestamp now) {
  snapshot_due_ = snapshot_due_ || !quiet_wake_;
  const bool show = now >= console_.next_show();
  const bool phase_changed = board_.Get()->phase != CurrentPhase();
  if (!show && !phase_changed && !workers_changed_ && !(snapshot_due_ && now >= next_snapshot_)) return;
  const PipelineStatusPtr status = Snapshot();
  board_.Publish(status);
  snapshot_due_ = false;
  next_snapshot_ = now + kSnapshotInterval;
  if (show) console_.Show(status, now);
}

int Supervisor::Finish() {
  console_.Relay();
  FollowWorkers();
  orphans_.AwaitEnd(env_, kOrphanPatience);
  const PipelineStatusPtr status = Snapshot();
  board_.Publish(status);
  console_.Close(*status);
  if (family_.failed()) return family_.exit_code();
  const bool bounded = std::any_of(plan_->plan->nodes.begin(), plan_->plan->nodes.end(),
                                   [](const PlanNode& n) { return n.source && n.source->bounded; });
  if (signals_.interrupted && (bounded || family_.forced())) return 130;
  return family_.forced() ? 1 : 0;
}

}  // namespace streamrun
