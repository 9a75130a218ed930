// A whole pipeline under crashes, by seed: real tasks, real epochs and a real checkpoint directory in one
// thread, over channels in memory and a disk that forgets. Chance decides who is stepped next, which message
// arrives when, which snapshot is written, who dies and when power fails (RELIABILITY 6.2). What comes out is
// that of an undisturbed run. SR_SEEDS=n multiplies the lives, SR_SEED=n replays one.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105562
#endif
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>

#include "core/base/logging.h"
#include "runner/checkpoint/snapshot_writer.h"
#include "runner/checkpoint/stored_state.h"
#include "runner/exec/task.h"
#include "runner/harness/memory_channel.h"
#include "runner/process/checkpointer.h"
#include "runner/process/region.h"
#include "tests/runner/planned.h"
#include "tests/sanitized.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

constexpr char kState[] = "/state";
constexpr int kRows = 2'000;

// A file that is dealt by chunks, state by key, windows, rows that fail, and files of every kind: one that
// grows, one that gets its name at the end, parts.
constexpr char kPipeline[] = R"(pipeline: simulated
settings: {parallelism: PARALLELISM, checkpoint: {interval: 1s, reserve: 1MiB}}
sources:
  n:
    connector: generate
    count: 2000
    columns:
      id: sequence
      at: {time: {start: 2024-01-01 00:00:00, step: 10ms}}
    event_time: {column: at}
operators:
  checked: {operator: map, input: n, select: {id: id, key: id % 7, at: at, bad: 1 / (id % 100 - 50)}}
  sums:
    operator: aggregate
    input: checked
    window: {tumbling: 2s}
    group_by: [key]
    select: {n: count(*), total: sum(id)}
  counts: {operator: aggregate, input: checked, group_by: [key], select: {n: count(*)}}
sinks:
  rows: {connector: file, input: checked, path: /out/rows.jsonl, format: json, order: any, roll: {size: 4KiB}}
  grown: {connector: file, input: checked, path: /out/grown.jsonl, format: json, order: any, if_exists: append}
  windows: {connector: file, input: sums, path: /out/windows.jsonl, format: json}
  totals: {connector: file, input: counts, path: /out/totals.jsonl, format: json}
)";

// State of every kind that is kept by key, of keys that fall silent and come again.
constexpr char kSequences[] = R"(pipeline: sequences
settings: {parallelism: PARALLELISM, checkpoint: {interval: 1s, reserve: 1MiB}}
sources:
  n:
    connector: generate
    count: 2000
    columns:
      id: sequence
      at: {time: {start: 2024-01-01 00:00:00, step: 10ms}}
    event_time: {column: at}
operators:
  checked:
    operator: map
    input: n
    select: {id: id, key: id % (17 + id / 100 % 7 * 5), at: at, bad: 1 / (id % 100 - 50)}
  sessions: {operator: sessionize, input: checked, by: [key], gap: 400ms}
  steps:
    operator: over
    input: checked
    by: [key]
    reset_after: 500ms
    set: {step: id - lag(id), next: 'lead(id, 2)', total: sum(id)}
  spans:
    operator: aggregate
    input: checked
    window: {session: 400ms}
    group_by: [key]
    select: {n: count(*), total: sum(id)}
  threes: {operator: aggregate, input: checked, window: {count: {rows: 6, every: 2}}, group_by: [key], select: {n: count(*)}}
  best: {operator: top, input: checked, window: {tumbling: 3s}, per: [key], order_by: id DESC, limit: 3}
  smoothed: {operator: smooth, input: checked, by: [key], value: id, rows: 4, as: mean}
sinks:
  sessions_out: {connector: file, input: sessions, path: /out/sessions.jsonl, format: json, order: any}
  steps_out: {connector: file, input: steps, path: /out/steps.jsonl, format: json, order: any}
  spans_out: {connector: file, input: spans, path: /out/spans.jsonl, format: json, order: any}
  threes_out: {connector: file, input: threes, path: /out/threes.jsonl, format: json, order: any}
  best_out: {connector: file, input: best, path: /out/best.jsonl, format: json, order: any}
  smoothed_out: {connector: file, input: smoothed, path: /out/smoothed.jsonl, format: json, order: any}
)";

// Such files named by what is in the rows, few of them open at a time, some of each worker's own.
constexpr char kPartitioned[] = R"(pipeline: partitioned
settings: {parallelism: PARALLELISM, checkpoint: {interval: 1s, reserve: 1MiB}}
sources:
  n: {connector: generate, count: 2000, columns: {id: sequence}}
operators:
  checked: {operator: map, input: n, select: {id: id, key: id % 7, bad: 1 / (id % 100 - 50)}}
sinks:
  keys: {connector: file, input: checked, path: "/out/keys/{key}.jsonl", format: json, order: any, max_open: 3}
  grown:
    connector: file
    input: checked
    path: "/out/grown/{key}/all.jsonl"
    format: json
    order: any
    if_exists: append
    keep_columns: false
    max_open: 2
  parts:
    connector: file
    input: checked
    path: "/out/parts/{key}-{worker}-{n}.jsonl"
    format: json
    order: any
    roll: {size: 2KiB}
    if_exists: append
    max_open: 4
)";

LocalPlanPtr PlanOf(const char* pipeline, int parallelism) {
  std::string text = pipeline;
  text.replace(text.find("PARALLELISM"), 11, std::to_string(parallelism));
  return CutPlan(streamrun::PlanOf(text));
}

// One worker: its task, what is on the way to it and from it, and the snapshot that waits to be written.
struct SimWorker {
  int stage = 0;
  int instance = 0;
  std::unique_ptr<Task> task;
  std::deque<ControlMessage> inbox, outbox;
  std::optional<TaskSnapshot> snapshot;
  std::optional<LiveSegments> live;
  bool done = false;
};

// What may happen in a life beside its end.
struct Chances {
  bool workers_die = false;
  bool faults = false;  // operations of the disk fail
};

class Life {
 public:
  enum class End : uint8_t { kFinished, kDied };

  Life(CrashEnv* env, LocalPlanPtr plan, uint64_t generation, std::mt19937_64* random, Chances chances)
      : env_(*env), plan_(std::move(plan)), generation_(generation), random_(*random), chances_(chances) {}

  // Until everything is delivered, or the disk stops this process.
  End Run() {
    checkpoints_ = std::make_unique<Checkpointer>(&env_, plan_, kState, generation_,
                                                  [this](const ControlMessage& message) { Tell(message); });
    if (!Alive(checkpoints_->Recover({}))) return End::kDied;
    for (int turn = 0; turn < 200'000; ++turn) {
      if (!running_ && !Start()) return End::kDied;
      if (!Turn()) return End::kDied;
      if (checkpoints_->ended()) return End::kFinished;
    }
    FAIL("the pipeline never ends");
    return End::kDied;
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }

  static bool Dead(const Status& status) {
    return status.message().find("the process is dead") != std::string::npos;
  }

  // The supervisor ends with any error, and only what was injected may be one.
  bool Alive(const Status& status) {
    if (status.ok()) return true;
    REQUIRE_MESSAGE((Dead(status) || chances_.faults), status.ToString());
    return false;
  }

  void Tell(const ControlMessage& message) {
    for (SimWorker& worker : workers_) worker.inbox.push_back(message);
  }

  std::vector<int> Stages() const {
    std::vector<int> stages;
    for (const Stage& stage : plan_->stages) stages.push_back(stage.id);
    return stages;
  }

  bool Start() {
    workers_.clear();
    pipes_.assign(plan_->channels.size(), MemoryChannel(3));
    ++attempt_;
    if (!Alive(checkpoints_->TrimLetters(Stages()))) return false;
    for (const Stage& stage : plan_->stages) {
      for (int i = 0; i < stage.parallelism; ++i) {
        SimWorker worker;
        worker.stage = stage.id;
        worker.instance = i;
        if (!Alive(Open(&worker))) return false;
        workers_.push_back(std::move(worker));
      }
    }
    running_ = true;
    final_wanted_ = false;
    checkpoints_->Back(Stages(), env_.MonotonicNow());
    return true;
  }

  Status Open(SimWorker* worker) {
    std::map<int, InChannel*> in;
    std::map<int, OutChannel*> out;
    for (const Channel& c : plan_->channels) {
      in[c.id] = &pipes_[static_cast<size_t>(c.id)];
      out[c.id] = &pipes_[static_cast<size_t>(c.id)];
    }
    TaskOptions options;
    options.env = &env_;
    options.run_directory = "/run";
    options.dead_letter_directory = std::string(kState) + "/dlq";
    options.scratch_directory = std::string(kState) + "/scratch";
    options.stage_directory = std::string(kState) + "/stage";
    options.state_directory = kState;
    options.generation = generation_;
    options.attempt = attempt_;
    options.restarted = attempt_ > 1;
    options.identity = checkpoints_->identity();
    options.run = checkpoints_->run();
    worker->live.emplace(&env_, options.scratch_directory + "/live/" + std::to_string(worker->stage) + "." +
                                    std::to_string(worker->instance));
    // Mostly tables tell their changes, however small they are and however many.
    options.changes.allowed = worker->live->Begin();
    if (Below(4) != 0) options.changes = {options.changes.allowed, 0, 1e9, 0};
    if (const std::string directory = checkpoints_->restore_directory(); !directory.empty()) {
      SR_ASSIGN_OR_RETURN(options.restore, OpenStoredState(&env_, directory, plan_->plan->hash));
    }
    SR_ASSIGN_OR_RETURN(worker->task, CreateTask(plan_, worker->stage, worker->instance, in, out, options));
    return worker->task->Open();
  }

  // One thing happens, drawn by lot. False: this process is dead.
  bool Turn() {
    env_.Sleep(static_cast<Duration>(Below(2 * kMillisecond)));
    if (chances_.workers_die && Below(1'500) == 0) return Kill();
    SimWorker& worker = workers_[Below(workers_.size())];
    switch (Below(8)) {
      case 0:
        if (!worker.inbox.empty()) Deliver(&worker);
        return true;
      case 1:
        if (!worker.outbox.empty()) Hear(&worker);
        return true;
      case 2:
        return !worker.snapshot || Store(&worker);
      case 3:
        return Supervise();
      default:
        return Step(&worker);
    }
  }

  bool Kill() {
    running_ = false;
    checkpoints_->Gone(Stages(), env_.MonotonicNow());
    return true;
  }

  void Deliver(SimWorker* worker) {
    const ControlMessage message = std::move(worker->inbox.front());
    worker->inbox.pop_front();
    if (const auto* trigger = std::get_if<TriggerMessage>(&message)) {
      const auto places = worker->task->Trigger({trigger->epoch, trigger->kind});
      if (plan_->stages[static_cast<size_t>(worker->stage)].has_source) {
        worker->outbox.push_back(PlacesMessage{trigger->epoch, places});
      }
    } else if (const auto* bound = std::get_if<PlaceBarrierMessage>(&message)) {
      worker->task->SetBound(bound->epoch, bound->bounds);
    } else if (const auto* abort = std::get_if<AbortMessage>(&message)) {
      worker->task->Abort(abort->epoch);
    } else if (const auto* commit = std::get_if<CommitMessage>(&message)) {
      worker->task->Commit(commit->epoch);
    }
  }

  void Hear(SimWorker* worker) {
    const ControlMessage message = std::move(worker->outbox.front());
    worker->outbox.pop_front();
    checkpoints_->OnMessage(worker->stage, worker->instance, message, env_.MonotonicNow());
  }

  // What the writer's thread does.
  bool Store(SimWorker* worker) {
    TaskSnapshot snapshot = std::move(*worker->snapshot);
    worker->snapshot.reset();
    const uint64_t epoch = snapshot.epoch;
    const CheckpointDirectory disk(&env_, kState);
    bool output_lost = false;
    auto fragment = StoreSnapshot(&env_, disk.TemporaryDirectory(epoch),
                                  std::to_string(worker->stage) + "." + std::to_string(worker->instance),
                                  std::move(snapshot), &*worker->live, &output_lost);
    if (fragment.ok()) {
      fragment->generation = generation_;
      worker->outbox.push_back(AckMessage{epoch, PrintFragment(*fragment)});
      return true;
    }
    if (Dead(fragment.status())) return false;
    if (output_lost) return Kill();
    // Also an epoch that was given up: it has no directory any more.
    worker->outbox.push_back(NackMessage{epoch, fragment.status().message()});
    return true;
  }

  bool Supervise() {
    const bool drained = std::all_of(workers_.begin(), workers_.end(), [](const auto& w) { return w.done; });
    if (drained && !final_wanted_) {
      final_wanted_ = true;
      checkpoints_->Request(BarrierKind::kFinal);
    }
    checkpoints_->Tick(env_.MonotonicNow());
    return Alive(checkpoints_->failure());
  }

  bool Step(SimWorker* worker) {
    const Result<StepResult> step = worker->task->Step();
    if (!step.ok() && chances_.faults && !Dead(step.status())) return Kill();
    if (!Alive(step.status())) return false;
    worker->done = worker->done || *step == StepResult::kDone;
    if (auto snapshot = worker->task->TakeSnapshot()) {
      // The writer has one job at a time: an earlier one was given up.
      worker->snapshot = std::move(*snapshot);
    }
    if (const auto epoch = worker->task->TakeCommitted()) worker->outbox.push_back(CommittedMessage{*epoch});
    return true;
  }

  CrashEnv& env_;
  LocalPlanPtr plan_;
  const uint64_t generation_;
  std::mt19937_64& random_;
  const Chances chances_;
  std::unique_ptr<Checkpointer> checkpoints_;
  std::vector<MemoryChannel> pipes_;
  std::vector<SimWorker> workers_;
  uint64_t attempt_ = 0;
  bool running_ = false;
  bool final_wanted_ = false;
};

// What stands in the files that readers may look at, sorted: workers side by side have no order among them.
std::map<std::string, std::vector<std::string>> Output(const CrashEnv& env) {
  std::map<std::string, std::vector<std::string>> output;
  for (const auto& [path, content] : env.Tree()) {
    if (path.rfind("/out/", 0) != 0 || path.back() == '/') continue;
    const std::string name = path.substr(5);
    if (name[name.rfind('/') + 1] == '.') continue;
    auto& lines = output[name.substr(0, name.find_first_of(".-"))];
    std::istringstream stream(content);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
  }
  for (auto& [name, lines] : output) std::sort(lines.begin(), lines.end());
  return output;
}

// Files that readers do not look at and nobody will finish any more. Only sinks whose files are named by data
// know all that they have begun.
std::vector<std::string> Leftovers(const CrashEnv& env) {
  std::vector<std::string> found;
  for (const auto& entry : env.Tree()) {
    const std::string& path = entry.first;
    if (path.rfind("/out/", 0) == 0 && path.find('/', 5) < path.size() - 1 &&
        path[path.rfind('/') + 1] == '.')
      found.push_back(path);
  }
  return found;
}

// The tokens of the dead letters, sorted: the same letter has the same one in every life of the run.
std::vector<std::string> LettersIn(const CrashEnv& env) {
  std::vector<std::string> tokens;
  for (const auto& [path, content] : env.Tree()) {
    if (path.rfind("/state/dlq/", 0) != 0 || !path.ends_with(".jsonl")) continue;
    std::istringstream stream(content);
    for (std::string line; std::getline(stream, line);) {
      const size_t token = line.find("\"token\":\"");
      REQUIRE(token != std::string::npos);
      tokens.push_back(line.substr(token + 9, 16));
    }
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

// The last epoch is committed: all is delivered, and the next start is another run.
bool CameToItsEnd(const CrashEnv& env) {
  const auto tree = env.Tree();
  const auto current = tree.find("/state/CURRENT");
  if (current == tree.end()) return false;
  const std::string epoch = "/state/ckpt/" + current->second.substr(0, current->second.find('\n'));
  const auto manifest = tree.find(epoch + "/manifest");
  return tree.count(epoch + "/committed") == 1 && manifest != tree.end() &&
         manifest->second.find("\"kind\":\"final\"") != std::string::npos;
}

void Prepare(CrashEnv* env) {
  for (const char* directory : {"/state", "/out", "/run"})
    REQUIRE(env->MakeDirectories(directory, 0700).ok());
  REQUIRE(env->SyncDirectory("/").ok());
}

using Lines = std::map<std::string, std::vector<std::string>>;

// What one life without any fault gives, and how many operations of the disk it takes.
struct Expected {
  explicit Expected(const char* pipeline) {
    CrashEnv env;
    Prepare(&env);
    std::mt19937_64 random(7);
    const uint64_t before = env.operations();
    REQUIRE(Life(&env, PlanOf(pipeline, 2), 1, &random, {}).Run() == Life::End::kFinished);
    operations = env.operations() - before;
    output = Output(env);
    output["letters"] = LettersIn(env);
    CHECK(output["letters"].size() == kRows / 100);
  }
  Lines output;
  uint64_t operations = 0;
};

void Lives(const char* pipeline, const Expected& undisturbed, uint64_t seed) {
  CAPTURE(seed);
  const uint64_t operations = undisturbed.operations;
  std::mt19937_64 random(seed);
  CrashEnv env;
  Prepare(&env);
  const auto plans = std::array{PlanOf(pipeline, 1), PlanOf(pipeline, 2), PlanOf(pipeline, 3)};
  uint64_t generation = 0;
  for (int life = 0;; ++life) {
    REQUIRE_MESSAGE(life < 40, "it never comes to its end");
    // The later, the longer: it is to end once.
    if (life < 6) env.StopAt(random() % (operations * 3 / 2));
    const auto& plan = plans[random() % plans.size()];
    Chances chances{random() % 2 == 0, random() % 3 == 0};
    if (chances.faults) {
      env.FailAt(random() % operations, random() % 2 == 0 ? Code::kIoError : Code::kResourceExhausted);
    }
    if (Life(&env, plan, ++generation, &random, chances).Run() == Life::End::kFinished) break;
    if (random() % 3 == 0) {
      env.Kill();
    } else {
      env.Crash(random());
    }
    env.StopAt(~uint64_t{0});
    env.FailAt(~uint64_t{0}, Code::kIoError);
    if (CameToItsEnd(env)) break;
  }
  CHECK(Leftovers(env).empty());
  auto got = Output(env);
  got["letters"] = LettersIn(env);
  for (const auto& output : undisturbed.output) {
    const std::string& name = output.first;
    CAPTURE(name);
    const auto found = got.find(name);
    REQUIRE(found != got.end());
    CHECK(found->second.size() == output.second.size());
    CHECK(found->second == output.second);
  }
}

}  // namespace

namespace {

// One in `few` of the usual seeds.
void ManyLives(const char* pipeline, const Expected& undisturbed, uint64_t few = 1) {
  StartLogging({LogLevel::kOff, false, nullptr}, {});
  const char* one = std::getenv("SR_SEED");
  const char* times = std::getenv("SR_SEEDS");
  const uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t count = one != nullptr ? 1
                                        : (kSanitized ? 10 : 300) / few *
                                              (times != nullptr ? std::strtoull(times, nullptr, 10) : 1);
  for (uint64_t seed = first; seed < first + count; ++seed) Lives(pipeline, undisturbed, seed);
}

}  // namespace

TEST_CASE("a pipeline that crashes again and again gives what one that never does gives") {
  Expected undisturbed(kPipeline);
  Lines& output = undisturbed.output;
  CHECK(output["rows"].size() == kRows - kRows / 100);
  CHECK(output["rows"] == output["grown"]);
  CHECK(output["windows"].size() == 70);
  CHECK(output["totals"].size() == 7);
  ManyLives(kPipeline, undisturbed);
}

TEST_CASE("so does one that keeps state of every kind by key") {
  Expected undisturbed(kSequences);
  for (const char* name : {"sessions", "steps", "smoothed"}) {
    CAPTURE(name);
    CHECK(undisturbed.output[name].size() == kRows - kRows / 100);
  }
  for (const char* name : {"spans", "threes", "best"}) {
    CAPTURE(name);
    CHECK(undisturbed.output[name].size() > 100);
  }
  ManyLives(kSequences, undisturbed, 3);
}

TEST_CASE("so does one whose files are named by what is in the rows") {
  Expected undisturbed(kPartitioned);
  size_t keys = 0, grown = 0, parts = 0;
  for (int key = 0; key < 7; ++key) {
    keys += undisturbed.output["keys/" + std::to_string(key)].size();
    grown += undisturbed.output["grown/" + std::to_string(key) + "/all"].size();
    parts += undisturbed.output["parts/" + std::to_string(key)].size();
  }
  CHECK(keys == kRows - kRows / 100);
  CHECK(grown == keys);
  CHECK(parts == keys);
  ManyLives(kPartitioned, undisturbed);
}

}  // namespace streamrun
