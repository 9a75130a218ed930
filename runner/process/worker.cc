#include "runner/process/worker.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/failpoint.h"
#include "core/base/logging.h"
#include "runner/checkpoint/checkpoint_directory.h"
#include "runner/checkpoint/snapshot_writer.h"
#include "runner/checkpoint/stored_state.h"
#include "runner/exec/task.h"
#include "runner/ingest/log_source.h"
#include "runner/link/poller.h"
#include "runner/link/zmq_channel.h"
#include "runner/local/local_plan.h"
#include "runner/plan/plan.h"
#include "runner/process/ingest_worker.h"
#include "runner/process/process_limits.h"
#include "runner/process/shared_cells.h"
#include "runner/process/worker_control.h"

namespace streamrun {

namespace {

constexpr Duration kControlInterval = 5 * kMillisecond;
constexpr Duration kPublishInterval = 200 * kMillisecond;
constexpr Duration kSayUncommitted = 5 * kSecond;
// Opening is tried again this long when a peer is away; then the supervisor's back-off takes over.
constexpr Duration kOpenPatience = 10 * kSecond;

class Worker {
 public:
  Worker(Env* env, WorkerControl* control) : env_(env), control_(*control), assign_(control->assignment()) {}

  Status Run() {
    SR_RETURN_IF_ERROR(SR_FAILPOINT("worker.assigned"));
    SR_RETURN_IF_ERROR(MakePlan());
    SR_RETURN_IF_ERROR(Bind());
    SR_RETURN_IF_ERROR(control_.Send(BoundMessage{}));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("worker.bound"));
    SR_RETURN_IF_ERROR(control_.AwaitUntil(&WorkerControl::connect));
    SR_RETURN_IF_ERROR(Connect());
    SR_RETURN_IF_ERROR(SR_FAILPOINT("worker.connected"));
    SR_RETURN_IF_ERROR(Open());
    SR_RETURN_IF_ERROR(AwaitHellos());
    SR_RETURN_IF_ERROR(CommitRestored());
    control_.SetHandler([this](const ControlMessage& message) { return OnEpochMessage(message); });
    SR_RETURN_IF_ERROR(control_.Send(ReadyMessage{task_->Counters()}));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("worker.ready"));
    SR_RETURN_IF_ERROR(control_.AwaitUntil(&WorkerControl::start));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("worker.started"));
    writer_.emplace(env_, WorkerName(), std::move(*live_),
                    [this](uint64_t epoch, const Result<Fragment>& f, bool lost) { Answer(epoch, f, lost); });
    Status status = Work();
    // Told to leave, or peers that were told earlier went first.
    if (control_.exit() || (done_ && PeerGone())) return control_.AwaitExit();
    // The last counts, so that the summary tells how far it came.
    (void)control_.Send(BeatMessage{0, "", task_->Counters()}).ok();
    return status;
  }

  /// What failed is only that another worker went.
  bool PeerGone() {
    for (const auto& [id, channel] : in_) {
      if (channel->socket().PeerGone()) return true;
    }
    for (const auto& [id, channel] : out_) {
      if (channel->socket().PeerGone()) return true;
    }
    return false;
  }

 private:
  Status MakePlan() {
    SR_ASSIGN_OR_RETURN(const PlanPtr plan, PlanOf(assign_));
    plan_ = CutPlan(plan);
    SR_RETURN_IF_ERROR(LimitMemory(plan->settings.worker_memory));
    SR_ASSIGN_OR_RETURN(cells_, SharedCells::Map(kTimesDescriptor, TimeBoard::CellsOf(*plan_),
                                                 static_cast<size_t>(plan_->workers())));
    times_ = std::make_unique<TimeBoard>(*plan_, cells_->cells());
    if (static_cast<size_t>(assign_.stage) >= plan_->stages.size() ||
        assign_.instance >= stage().parallelism) {
      return Status::Internal("a worker was assigned to a stage that does not exist");
    }
    StartLogging({assign_.log_level, assign_.log_json, nullptr},
                 {plan->pipeline, plan->hash.substr(0, 8), stage().name, assign_.instance});
    return Status::Ok();
  }

  ChannelSettings Settings(const Channel& channel) const {
    const LocalEdge& edge = plan_->edges[static_cast<size_t>(channel.edge)];
    ChannelSettings settings;
    settings.endpoint = "ipc://" + assign_.endpoint_directory + "/" + std::to_string(channel.id);
    settings.channel = channel.id;
    settings.generation = assign_.generation;
    settings.attempt = assign_.attempt;
    settings.encoded = edge.encoded;
    settings.layout = edge.layout;
    settings.max_row = plan_->plan->settings.max_row;
    return settings;
  }

  Status Bind() {
    for (const Channel& channel : plan_->channels) {
      const LocalEdge& edge = plan_->edges[static_cast<size_t>(channel.edge)];
      if (edge.to_stage != assign_.stage || channel.to_instance != assign_.instance) continue;
      SR_ASSIGN_OR_RETURN(auto in, ZmqInChannel::Bind(context_, Settings(channel)));
      poller_.Add(&in->socket());
      in_.emplace(channel.id, std::move(in));
    }
    return Status::Ok();
  }

  Status Connect() {
    for (const Channel& channel : plan_->channels) {
      const LocalEdge& edge = plan_->edges[static_cast<size_t>(channel.edge)];
      if (edge.from_stage != assign_.stage || channel.from_instance != assign_.instance) continue;
      SR_ASSIGN_OR_RETURN(auto out, ZmqOutChannel::Connect(context_, Settings(channel)));
      poller_.Add(&out->socket());
      out_.emplace(channel.id, std::move(out));
    }
    return Status::Ok();
  }

  Status CreateOwnTask() {
    std::map<int, InChannel*> in;
    std::map<int, OutChannel*> out;
    for (const auto& [id, channel] : in_) in[id] = channel.get();
    for (const auto& [id, channel] : out_) out[id] = channel.get();
    TaskOptions options;
    options.env = env_;
    options.run_directory = assign_.run_directory;
    options.dead_letter_directory = assign_.dead_letter_directory;
    options.scratch_directory = assign_.scratch_directory;
    options.generation = assign_.generation;
    options.attempt = assign_.attempt;
    options.once = assign_.once;
    options.restarted = assign_.restarted;
    options.times = times_.get();
    options.place = &cells_->places()[plan_->WorkerNumber(assign_.stage, assign_.instance)];
    options.careful = assign_.careful;
    options.stage_directory = assign_.stage_directory;
    options.identity = assign_.identity;
    options.run = assign_.run;
    options.state_directory = assign_.state_directory;
    options.replay_to = assign_.replay_to;
    live_.emplace(env_, assign_.scratch_directory + "/live/" + WorkerName());
    options.changes.allowed = live_->Begin();
    if (!assign_.checkpoint.empty()) {
      SR_ASSIGN_OR_RETURN(options.restore, OpenStoredState(env_, assign_.checkpoint, plan_->plan->hash));
    }
    options.replace_source = [this](int node) { return BufferedSource(node); };
    SR_ASSIGN_OR_RETURN(task_, CreateTask(plan_, assign_.stage, assign_.instance, in, out, options));
    return Status::Ok();
  }

  // In place of a source with a buffer: its log.
  std::unique_ptr<Source> BufferedSource(int index) const {
    const PlanNode& node = plan_->plan->node(index);
    if (!node.buffer) return nullptr;
    return NewLogSource({node.name, IngestDirectory(assign_.state_directory, node.name),
                         assign_.state_directory + "/quarantine", node.buffer->skip_damage});
  }

  Status Open() {
    const Timestamp give_up = env_->MonotonicNow() + kOpenPatience;
    for (Duration delay = 100 * kMillisecond;; delay *= 2) {
      SR_RETURN_IF_ERROR(CreateOwnTask());
      Status status = task_->Open();
      const Timestamp next = env_->MonotonicNow() + delay;
      if (status.ok() || !status.retryable() || next >= give_up) return status;
      LogWarning("cannot open yet, trying again", {{"error", status.message()}});
      task_.reset();
      while (env_->MonotonicNow() < next) SR_RETURN_IF_ERROR(control_.Await(next));
    }
  }

  Status AwaitHellos() {
    for (;;) {
      bool all = true;
      for (const auto& [id, channel] : in_) {
        SR_ASSIGN_OR_RETURN(const bool hello, channel->TryReceiveHello());
        all = all && hello;
      }
      if (all) return Status::Ok();
      SR_RETURN_IF_ERROR(poller_.Wait(env_, {{kControlDescriptor, POLLIN}}, kMaxTimestamp));
      SR_RETURN_IF_ERROR(control_.Read());
    }
  }

  // No source starts before the restored epoch is committed everywhere (RELIABILITY 1.4). A server that is
  // away is waited for here, as its sink's retry policy says: that is no failure, and costs no restart.
  Status CommitRestored() {
    const Timestamp say_at = env_->MonotonicNow() + kSayUncommitted;
    bool said = false;
    for (;;) {
      SR_ASSIGN_OR_RETURN(const bool committed, task_->CommitRestored());
      if (committed) break;
      const Timestamp now = env_->MonotonicNow();
      Publish(now, task_->BlockedOn());
      if (now >= say_at && !std::exchange(said, true)) {
        LogWarning("the restored epoch is decided and not committed yet; nothing is read before it is",
                   {{"waits", task_->BlockedOn()}});
      }
      WaitSpec wait = task_->Wait();
      wait.descriptors.push_back({kControlDescriptor, POLLIN});
      const Timestamp wake = held_back_ ? std::min(wait.deadline, next_publish_) : wait.deadline;
      control_.Waits(true);
      SR_RETURN_IF_ERROR(poller_.Wait(env_, wait.descriptors, said ? wake : std::min(wake, say_at)));
      control_.Waits(false);
      SR_RETURN_IF_ERROR(control_.Read());
    }
    if (said) LogInfo("the restored epoch is committed");
    return Status::Ok();
  }

  // Until EXIT: an input that has ended still takes part in epochs.
  Status Work() {
    Timestamp next_control = 0;
    for (;;) {
      SR_ASSIGN_OR_RETURN(const StepResult result, task_->Step());
      ++steps_;
      SR_RETURN_IF_ERROR(SR_FAILPOINT("worker.stepped"));
      SR_RETURN_IF_ERROR(TellEpoch());
      if (result == StepResult::kDone && !done_) {
        done_ = true;
        SR_RETURN_IF_ERROR(control_.Send(DoneMessage{task_->Counters(), task_->Failure()}));
        SR_RETURN_IF_ERROR(SR_FAILPOINT("worker.done"));
      }
      const bool rests = result != StepResult::kRan;
      const Timestamp now = env_->MonotonicNow();
      if (now >= next_publish_) Publish(now, done_ ? "input" : "");
      if (rests) {
        Publish(now, task_->BlockedOn());
        WaitSpec wait = task_->Wait();
        wait.descriptors.push_back({kControlDescriptor, POLLIN});
        // Counts that were held back go out even when nothing more happens.
        const Timestamp wake = held_back_ ? std::min(wait.deadline, next_publish_) : wait.deadline;
        control_.Waits(true);
        SR_RETURN_IF_ERROR(poller_.Wait(env_, wait.descriptors, wake));
        control_.Waits(false);
      }
      if (rests || now >= next_control) {
        SR_RETURN_IF_ERROR(control_.Read());
        next_control = now + kControlInterval;
      }
    }
  }

  Status TellEpoch() {
    if (auto snapshot = task_->TakeSnapshot()) {
      const CheckpointDirectory disk(env_, assign_.state_directory);
      writer_->Write(disk.TemporaryDirectory(snapshot->epoch), std::move(*snapshot));
    }
    if (const auto order = task_->TakeReplayed()) {
      SR_RETURN_IF_ERROR(SR_FAILPOINT("replay.applied"));
      SR_RETURN_IF_ERROR(control_.Send(ReplayedMessage{*order}));
    }
    if (const auto epoch = task_->TakeCommitted()) {
      // With the counts of this moment: after a stop there are no later ones.
      SR_RETURN_IF_ERROR(control_.Send(BeatMessage{steps_, task_->BlockedOn(), task_->Counters()}));
      SR_RETURN_IF_ERROR(control_.Send(CommittedMessage{*epoch}));
      SR_RETURN_IF_ERROR(SR_FAILPOINT("committed.sent"));
    }
    return Status::Ok();
  }

  // On the writer's thread.
  void Answer(uint64_t epoch, const Result<Fragment>& stored, bool output_lost) {
    if (output_lost) return (void)control_.Send(FailMessage{stored.status()}).ok();
    if (!stored.ok()) return (void)control_.Send(NackMessage{epoch, stored.status().message()}).ok();
    Fragment fragment = *stored;
    fragment.generation = assign_.generation;
    (void)control_.Send(AckMessage{epoch, PrintFragment(fragment)}).ok();
    (void)SR_FAILPOINT("ack.sent").ok();
  }

  Status OnEpochMessage(const ControlMessage& message) {
    if (const auto* trigger = std::get_if<TriggerMessage>(&message)) {
      const auto places = task_->Trigger({trigger->epoch, trigger->kind});
      if (!stage().has_source) return Status::Ok();
      SR_RETURN_IF_ERROR(control_.Send(PlacesMessage{trigger->epoch, places}));
      return SR_FAILPOINT("source.places.sent");
    }
    if (const auto* bound = std::get_if<PlaceBarrierMessage>(&message)) {
      task_->SetBound(bound->epoch, bound->bounds);
    } else if (const auto* abort = std::get_if<AbortMessage>(&message)) {
      task_->Abort(abort->epoch);
      return SR_FAILPOINT("worker.aborted");
    } else if (const auto* commit = std::get_if<CommitMessage>(&message)) {
      task_->Commit(commit->epoch);
    } else if (const auto* replay = std::get_if<ReplayMessage>(&message)) {
      task_->Replay(replay->order);
    }
    return Status::Ok();
  }

  // A waiting worker says at once what it waits for, but counts only now and then: at low rates it sleeps
  // after every batch.
  void Publish(Timestamp now, std::string blocked_on) {
    held_back_ = now < next_publish_ && blocked_on == last_blocked_;
    if (held_back_) return;
    BeatMessage beat{steps_, blocked_on, task_->Counters()};
    last_blocked_ = std::move(blocked_on);
    next_publish_ = now + kPublishInterval;
    control_.Publish(std::move(beat));
  }

  std::string WorkerName() const {
    return std::to_string(assign_.stage) + "." + std::to_string(assign_.instance);
  }
  const Stage& stage() const { return plan_->stages[static_cast<size_t>(assign_.stage)]; }

  Env* env_;
  WorkerControl& control_;
  const AssignMessage& assign_;
  bool done_ = false;
  LocalPlanPtr plan_;
  std::unique_ptr<SharedCells> cells_;
  std::unique_ptr<TimeBoard> times_;  // on cells_
  LinkContext context_;
  std::map<int, std::unique_ptr<ZmqInChannel>> in_;
  std::map<int, std::unique_ptr<ZmqOutChannel>> out_;
  Poller poller_;
  std::unique_ptr<Task> task_;
  int64_t steps_ = 0;
  bool held_back_ = false;
  Timestamp next_publish_ = 0;
  std::string last_blocked_;
  std::optional<LiveSegments> live_;      // until the writer has it
  std::optional<SnapshotWriter> writer_;  // last: its thread uses the rest
};

// What the supervisor assigns decides what this process is.
int RunAssigned(Env* env) {
  WorkerControl control(env);
  std::optional<Worker> worker;
  Status status = control.Send(RegisterMessage{::getpid()});
  if (status.ok()) status = control.AwaitUntil(&WorkerControl::assigned);
  if (status.ok()) {
    const AssignMessage& assign = control.assignment();
    StartLogging({assign.log_level, assign.log_json, nullptr}, {});
    if (assign.ingest >= 0) {
      status = RunIngest(env, &control);
    } else {
      status = worker.emplace(env, &control).Run();
    }
  }
  if (status.ok()) return 0;
  const bool peer_gone = worker && worker->PeerGone();
  if (!control.exit()) {
    LogDebug("worker fails", {{"error", status.ToString()}});
    (void)control.Send(FailMessage{status, !control.start, peer_gone}).ok();
  }
  // The peers are told by the supervisor; leaving now would only look like a second failure. One that was
  // told earlier may have gone first.
  const bool told = control.AwaitExit().ok();
  return told && peer_gone ? 0 : 1;
}

// First thing: from here on the worker cannot outlive its supervisor.
void BindLifeToParent(long parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before the line above
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // SIGXFSZ: a write behind RLIMIT_FSIZE fails with EFBIG.
  for (const int signal : {SIGINT, SIGHUP, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_IGN);
}

// argv[0] is the title already; what follows it would show up behind it.
void ShowTitle(int argc, char** argv) {
  const char* stage = std::strrchr(argv[0], ' ');
  ::prctl(PR_SET_NAME, ("sr:" + std::string(stage != nullptr ? stage + 1 : argv[0])).substr(0, 15).c_str());
  for (int i = 1; i < argc; ++i) std::memset(argv[i], 0, std::strlen(argv[i]));
}

}  // namespace

bool IsWorker(int argc, char** argv) { return argc == 3 && std::strcmp(argv[1], kWorkerArgument) == 0; }

int WorkerMain(int argc, char** argv) {
  if (!IsWorker(argc, argv)) {
    std::fprintf(stderr, "streamrun: workers are started by their supervisor only\n");
    return 2;
  }
  BindLifeToParent(std::strtol(argv[2], nullptr, 10));
  ShowTitle(argc, argv);
  // Batches come and go at 100 KiB to 1 MiB. Keeping their memory in the heap instead of mapping and
  // unmapping it each time saves a tenth of the CPU of a decoding worker; what is kept stays below the trim
  // threshold.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  try {
    return RunAssigned(Env::Default());
  } catch (const std::exception& e) {
    LogError(std::string("a worker ends with an exception that nothing caught: ") + e.what());
    return 1;
  }
}

}  // namespace streamrun
