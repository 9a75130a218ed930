#include "runner/cli/command_dlq_replay.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runner/api/client.h"
#include "runner/api/server.h"
#include "runner/checkpoint/inspect.h"
#include "runner/cli/commands.h"
#include "runner/cli/letter_box.h"
#include "runner/cli/letter_replay.h"
#include "runner/cli/load.h"
#include "runner/cli/pipeline_target.h"
#include "runner/process/progress.h"
#include "runner/process/replay_orders.h"
#include "runner/process/run.h"
#include "runner/process/state_directory.h"

namespace streamrun {

namespace {

constexpr Duration kPoll = 100 * kMillisecond;
constexpr int kTries = 10;

struct Options {
  std::string file;
  LoadOptions load;
  std::string state_dir;
  std::string node;
  std::string where;
  std::vector<std::string> tokens;
  std::string edit;
  bool dry_run = false;
  bool run = false;
  double timeout = 60;  // seconds
};

std::string Count(int64_t letters) {
  return GroupDigits(letters) + (letters == 1 ? " dead letter" : " dead letters");
}

// A running pipeline would take the rows in with the expressions that it was started with.
Status CheckRuns(const std::string& socket, const Plan& plan) {
  SR_ASSIGN_OR_RETURN(const std::string body, AdminGet(socket, "/status"));
  const nlohmann::json status = nlohmann::json::parse(body, nullptr, false);
  if (status.is_object() && status.value("revision", std::string()) == plan.hash) return Status::Ok();
  return Status::InvalidArgument(
      "the pipeline runs with another version of the file; stop it first, then replay and run it again");
}

struct Running {
  std::optional<std::string> socket;
  Status status;  // why nothing may be given to it
};

Running FindRunning(const std::string& directory, const Plan& plan) {
  const auto socket = FindAdminSocket(directory);
  if (!socket.ok()) return {};
  const Status status = CheckRuns(*socket, plan);
  if (status.code() == Code::kUnavailable) return {};  // it was killed
  return {*socket, status};
}

Result<ReplayChoice> ChoiceOf(const Options& options) {
  ReplayChoice choice;
  SR_ASSIGN_OR_RETURN(choice.where, LetterCondition(options.where));
  choice.node = options.node;
  choice.tokens = options.tokens;
  if (options.edit.empty()) return choice;
  choice.mended_path = options.edit;
  SR_ASSIGN_OR_RETURN(choice.mended, ReadMended(Env::Default(), options.edit));
  if (choice.mended.empty()) return Status::InvalidArgument(options.edit + " has no letters");
  return choice;
}

std::vector<std::string> NodesOf(const std::vector<ReplayLine>& lines) {
  std::vector<std::string> nodes;
  for (const ReplayLine& line : lines) {
    if (std::find(nodes.begin(), nodes.end(), line.node) == nodes.end()) nodes.push_back(line.node);
  }
  return nodes;
}

// The order's number, 0 when nothing was chosen.
Result<uint64_t> GiveOrder(const Options& options, const Plan& plan, const std::string& directory,
                           int64_t* letters) {
  Env* env = Env::Default();
  SR_ASSIGN_OR_RETURN(ReplayChoice choice, ChoiceOf(options));
  for (int i = 0; i < kTries; ++i) {
    // Anew each time: another command may have ordered the same letters meanwhile.
    SR_ASSIGN_OR_RETURN(const LetterBox box, LetterBox::Open(env, directory));
    SR_ASSIGN_OR_RETURN(const Replay replay, ChooseReplay(plan, box, choice));
    for (const auto& [why, count] : replay.left_out) {
      std::fprintf(stderr, "%s left out: %s\n", Count(count).c_str(), why.c_str());
    }
    *letters = static_cast<int64_t>(replay.lines.size());
    if (replay.lines.empty()) return uint64_t{0};
    const Manifest& checkpoint = *box.checkpoint();  // no letter is open without one
    const std::string why = ReplayObstacle(plan, checkpoint, NodesOf(replay.lines));
    if (!why.empty()) return Status::InvalidArgument("nothing is replayed: " + why);
    if (options.dry_run) return uint64_t{0};
    SR_ASSIGN_OR_RETURN(const uint64_t next, NextReplayNumber(env, directory));
    const uint64_t number = std::max(next, checkpoint.replayed + 1);
    const Status status = WriteReplayOrder(env, directory, number, checkpoint.epoch, replay.lines);
    if (status.ok()) return number;
    if (status.code() != Code::kAlreadyExists) return status;
  }
  return Status::Unavailable("other commands give replay orders all the time; try again");
}

bool CameToItsEnd(const LetterBox& box) {
  return box.checkpoint() && box.checkpoint()->kind == BarrierKind::kFinal && box.checkpoint_committed();
}

// The pipeline does not run.
Status SayWhatFollows(const std::string& directory) {
  SR_ASSIGN_OR_RETURN(const LetterBox box, LetterBox::Open(Env::Default(), directory));
  std::puts(CameToItsEnd(box)
                ? "the last run came to its end: dlq replay --run takes them in, a plain run begins anew and "
                  "drops the order"
                : "they are taken in when the pipeline runs again");
  return Status::Ok();
}

// A supervisor that was killed leaves its socket behind.
bool Lives(const std::string& directory) {
  const auto socket = FindAdminSocket(directory);
  return socket.ok() && AdminGet(*socket, "/status").status().code() != Code::kUnavailable;
}

// Of a pipeline that runs: until a checkpoint has the order in it, or will have none.
Status AwaitApplied(const Plan& plan, const std::string& directory, uint64_t number, Duration timeout) {
  Env* env = Env::Default();
  const Timestamp give_up = env->MonotonicNow() + timeout;
  for (;;) {
    const bool runs = Lives(directory);  // before its last checkpoint is read
    const auto current = OpenCheckpoint(env, directory, "");
    if (current.ok() && current->manifest.replayed >= number) {
      std::printf("taken in, with epoch %llu\n", static_cast<unsigned long long>(current->manifest.epoch));
      return Status::Ok();
    }
    if (!runs) return SayWhatFollows(directory);
    SR_ASSIGN_OR_RETURN(const std::vector<ReplayOrder> orders, ListReplayOrders(env, directory));
    const auto order =
        std::find_if(orders.begin(), orders.end(), [&](const ReplayOrder& o) { return o.number == number; });
    if (order == orders.end()) {
      return Status::Unavailable("order " + std::to_string(number) +
                                 " was dropped, its letters are open again; the pipeline's log says why");
    }
    const std::string delay =
        current.ok() ? ReplayDelay(plan, current->manifest, order->nodes) : std::string();
    if (!delay.empty()) {
      std::printf(
          "they wait, since %s: stop the pipeline and run it again, and they are taken in before anything "
          "else; "
          "once it has come to its end, dlq replay --run takes them in\n",
          delay.c_str());
      return Status::Ok();
    }
    if (env->MonotonicNow() >= give_up) {
      return Status::ResourceExhausted("order " + std::to_string(number) +
                                       " is not in a checkpoint yet; the pipeline goes on with it");
    }
    env->Sleep(kPoll);
  }
}

Status Tell(const Options& options, const Plan& plan, const std::string& directory, const Running& running,
            uint64_t number) {
  if (!running.socket) return SayWhatFollows(directory);
  const auto told = AdminPost(*running.socket, "/replay?order=" + std::to_string(number));
  if (!told.ok() && told.status().code() != Code::kUnavailable) return told.status();
  return AwaitApplied(plan, directory, number, static_cast<Duration>(options.timeout * kSecond));
}

int RunNow(const Options& options, const LoadedPlan& loaded) {
  RunOptions run;
  run.state_dir = options.state_dir;
  run.replay = true;
  run.start_admin = StartAdminServer;
  return RunPipeline(loaded.plan, loaded.file, run);
}

int TakeIn(const Options& options) {
  const std::optional<LoadedPlan> loaded = LoadOrExplain(options.file, options.load);
  if (!loaded) return kExitConfig;
  const Plan& plan = *loaded->plan;
  const std::string chosen = options.state_dir.empty() ? plan.settings.state_dir : options.state_dir;
  const auto fail = [](const Status& status) { return FailCommand(status, kExitRuntime); };
  Result<std::string> directory =
      chosen.empty() ? DefaultStateDirectory(plan.pipeline) : Result<std::string>(chosen);
  if (!directory.ok()) return fail(directory.status());
  const Running running = FindRunning(*directory, plan);
  if (!running.status.ok()) return fail(running.status);
  if (running.socket && options.run) return fail(Status::InvalidArgument("--run: the pipeline runs already"));
  int64_t letters = 0;
  const auto order = GiveOrder(options, plan, *directory, &letters);
  if (!order.ok()) return fail(order.status());
  if (options.dry_run) {
    std::printf("%s would be replayed\n", Count(letters).c_str());
    return kExitFine;
  }
  if (*order > 0) {
    std::printf("order %llu: %s\n", static_cast<unsigned long long>(*order), Count(letters).c_str());
    std::fflush(stdout);
    if (!options.run) {
      const Status status = Tell(options, plan, *directory, running, *order);
      return status.ok() ? kExitFine : fail(status);
    }
  }
  const auto box = LetterBox::Open(Env::Default(), *directory);
  if (!box.ok()) return fail(box.status());
  if (*order == 0 && (!options.run || box->Waiting().empty())) {
    return fail(Status::NotFound("there is no open dead letter to replay"));
  }
  return RunNow(options, *loaded);
}

}  // namespace

void AddLetterFilters(CLI::App* command, std::string* node, std::string* where) {
  command->add_option("--node", *node, "Only letters of this node");
  command->add_option("--where", *where,
                      "Only letters for which this expression over their columns is true: node, port, code, "
                      "message, source, offset, event_time, epoch, state, row (jsonb) ...");
}

void AddDlqReplay(CLI::App* dlq, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* replay = dlq->add_subcommand("replay", "Take letters in again where they failed, each once");
  replay->add_option("file", options->file, "Pipeline file, mended")->required();
  AddLetterFilters(replay, &options->node, &options->where);
  CLI::Option* tokens = replay->add_option("--token", options->tokens, "This letter; may be given again")
                            ->allow_extra_args(false);
  CLI::Option* edit = replay->add_option("--edit", options->edit,
                                         "File of JSON lines {token, row} or {token, raw}: these letters, "
                                         "as they stand there");
  edit->excludes(tokens);
  replay->add_flag("--dry-run", options->dry_run, "Only say what would be replayed");
  replay->add_flag("--run", options->run,
                   "Run the pipeline now; one that came to its end only takes them in");
  replay->add_option("--state-dir", options->state_dir, "State directory, when it is not the default");
  replay->add_option("--set", options->load.sets, "Override a value of the file, as for run");
  replay->add_option("--env-file", options->load.env_file, "File of KEY=VALUE lines for ${KEY}");
  replay->add_option("--timeout", options->timeout, "Seconds to wait for a running pipeline")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  replay->footer(
      "Without --token and --edit every open letter that --node and --where leave. A letter can be replayed "
      "once; when it fails again, that is a new letter.\n\n"
      "Example: streamrun dlq list orders --json --where \"code = 'json.type'\" > mend.jsonl\n"
      "         streamrun dlq replay orders.yaml --edit mend.jsonl");
  replay->callback([options, &result] { result.exit_code = TakeIn(*options); });
}

}  // namespace streamrun
