// streamrun dlq: dead letters looked at, mended and taken in again.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "runner/api/client.h"
#include "runner/api/server.h"
#include "runner/checkpoint/inspect.h"
#include "runner/cli/commands.h"
#include "runner/cli/letter_box.h"
#include "runner/cli/letter_replay.h"
#include "runner/cli/load.h"
#include "runner/cli/pipeline_target.h"
#include "runner/cli/text_table.h"
#include "runner/process/progress.h"
#include "runner/process/replay_orders.h"
#include "runner/process/run.h"
#include "runner/process/state_directory.h"

namespace streamrun {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShortMessage = 60;
constexpr Duration kPoll = 50 * kMillisecond;
constexpr int kTries = 10;

struct Options {
  PipelineTarget target;  // list, show
  std::string node;
  std::string where;
  std::vector<std::string> tokens;
  int64_t limit = -1;
  bool json = false;
  bool summary = false;

  // replay
  std::string file;
  LoadOptions load;
  std::string state_dir;
  std::string edit;
  bool dry_run = false;
  bool run = false;
  double timeout = 60;  // seconds

  uint64_t order = 0;  // cancel
};

Result<std::optional<Evaluator>> Condition(const std::string& where) {
  if (where.empty()) return std::optional<Evaluator>();
  ExprProblem problem;
  auto bound = BindExpressionAs(where, Scope(LetterSchema()), TypeId::kBoolean, &problem);
  if (!bound.ok()) {
    return Status::InvalidArgument("--where, character " + std::to_string(problem.offset + 1) + ": " +
                                   problem.message + (problem.suggestion.empty() ? "" : "; ") +
                                   problem.suggestion);
  }
  return std::optional<Evaluator>(Evaluator(*bound, Env::Default()));
}

std::string Place(const Letter& letter) {
  if (letter.source.empty()) return "-";
  return letter.source + (letter.offset >= 0 ? ":" + std::to_string(letter.offset) : "");
}

// Messages quote data: one line, no control characters.
std::string Short(const std::string& text) {
  std::string line = text.substr(0, kShortMessage);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text.size() > kShortMessage ? line + "..." : line;
}

std::string StateText(const Letter& letter) {
  std::string text(LetterStateName(letter.state));
  if (letter.order > 0) text += " (order " + std::to_string(letter.order) + ")";
  return text;
}

// --- list
// -----------------------------------------------------------------------------------------------------

// How many letters of each node and code are in which state.
class Tally {
 public:
  void Add(const Letter& letter) {
    ++counts_[{letter.node, letter.code}][static_cast<size_t>(letter.state)];
    ++letters_;
  }
  std::string Print() const {
    TextTable table;
    table.Add({{"node"}, {"code"}, {"letters", true}, {""}});
    for (const auto& [key, states] : counts_) {
      std::string text;
      int64_t sum = 0;
      for (size_t state = 0; state < states.size(); ++state) {
        if (states[state] == 0) continue;
        sum += states[state];
        text += (text.empty() ? "" : ", ") + GroupDigits(states[state]) + " " +
                std::string(LetterStateName(static_cast<LetterState>(state)));
      }
      table.Add({{key.first}, {key.second}, {GroupDigits(sum), true}, {text}});
    }
    return table.Print();
  }
  int64_t letters() const { return letters_; }

 private:
  std::map<std::pair<std::string, std::string>, std::array<int64_t, 5>> counts_;
  int64_t letters_ = 0;
};

// `row` stands there digit by digit, so the line is put together from texts.
std::string JsonLine(const Letter& letter) {
  Json json = {{"token", letter.token},   {"state", LetterStateName(letter.state)},
               {"node", letter.node},     {"port", letter.port},
               {"code", letter.code},     {"message", letter.message},
               {"source", letter.source}, {"offset", letter.offset},
               {"epoch", letter.epoch},   {"revision", letter.revision}};
  if (letter.source.empty()) json.erase("source");
  if (letter.offset < 0) json.erase("offset");
  if (letter.order > 0) json["order"] = letter.order;
  if (letter.event_time != kMinTimestamp) {
    std::string time;
    PrintTimestamp(letter.event_time, time);
    json["event_time"] = time;
  }
  if (letter.raw) json["raw"] = PrintRaw(*letter.raw);
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (!letter.row) return line;
  line.pop_back();
  return line + ",\"row\":" + *letter.row + "}";
}

void AddRow(const Letter& letter, TextTable* table) {
  table->Add({{letter.token},
              {std::to_string(letter.epoch), true},
              {letter.node},
              {letter.port},
              {letter.code},
              {Short(letter.message)},
              {Place(letter)},
              {StateText(letter)}});
}

Status List(const Options& options) {
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  SR_ASSIGN_OR_RETURN(std::optional<Evaluator> where, Condition(options.where));
  SR_ASSIGN_OR_RETURN(const LetterBox box, LetterBox::Open(Env::Default(), directory));
  TextTable table;
  table.Add({{"token"}, {"epoch", true}, {"node"}, {"port"}, {"code"}, {"message"}, {"source"}, {"state"}});
  Tally tally;
  int64_t shown = 0;
  SR_RETURN_IF_ERROR(box.Read(where, [&](const Letter& letter) {
    if (!options.node.empty() && letter.node != options.node) return Status::Ok();
    tally.Add(letter);
    if (options.summary || (options.limit >= 0 && shown >= options.limit)) return Status::Ok();
    ++shown;
    options.json ? static_cast<void>(std::printf("%s\n", JsonLine(letter).c_str())) : AddRow(letter, &table);
    return Status::Ok();
  }));
  if (options.json) return Status::Ok();
  if (tally.letters() == 0) {
    std::printf("no dead letters\n");
    return Status::Ok();
  }
  if (!options.summary) std::printf("%s\n", table.Print().c_str());
  if (shown < tally.letters() && !options.summary) {
    std::printf("%s of %s letters\n\n", GroupDigits(shown).c_str(), GroupDigits(tally.letters()).c_str());
  }
  std::fputs(tally.Print().c_str(), stdout);
  return Status::Ok();
}

// --- show
// -----------------------------------------------------------------------------------------------------

// Printable bytes as they are, others as \xff.
std::string Readable(const std::string& raw) {
  if (PrintRaw(raw) == raw) return raw;
  std::string text;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    char escaped[5];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    text += byte >= 0x20 && byte < 0x7f && c != '\\' ? std::string(1, c) : std::string(escaped);
  }
  return text;
}

// Over several lines, without a change to any number.
Result<std::string> PrettyRow(const std::string& row) {
  static const SchemaPtr schema = std::make_shared<const Schema>(std::vector<Field>{{"row", TypeId::kJsonb}});
  ExprProblem problem;
  auto bound = BindExpressionAs("jsonb_pretty(row)", Scope(schema), TypeId::kText, &problem);
  if (!bound.ok()) return bound.status();
  ColumnBuilder column{DataType(TypeId::kJsonb)};
  column.AppendText(row);
  std::vector<RowFailure> failures;
  const ColumnPtr pretty = Evaluator(*bound, Env::Default()).Evaluate({column.Finish()}, 1, &failures);
  return failures.empty() ? std::string(pretty->Text(0)) : row;
}

Status Print(const Letter& letter) {
  const auto line = [](const char* name, const std::string& value) {
    if (!value.empty()) std::printf("%-11s %s\n", name, value.c_str());
  };
  line("token", letter.token);
  line("state", StateText(letter));
  line("node", letter.node);
  line("port", letter.port);
  line("code", letter.code);
  line("message", letter.message);
  line("source", letter.source);
  if (letter.offset >= 0) line("offset", std::to_string(letter.offset));
  if (letter.event_time != kMinTimestamp) {
    std::string time;
    PrintTimestamp(letter.event_time, time);
    line("event time", time);
  }
  line("epoch", std::to_string(letter.epoch));
  line("revision", letter.revision);
  line("entry", letter.entry.value_or("none: it cannot be replayed as it is"));
  if (letter.raw) std::printf("raw (%zu bytes)\n%s\n", letter.raw->size(), Readable(*letter.raw).c_str());
  if (letter.row) {
    SR_ASSIGN_OR_RETURN(const std::string pretty, PrettyRow(*letter.row));
    std::printf("row\n%s\n", pretty.c_str());
  }
  return Status::Ok();
}

Status Show(const Options& options) {
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  SR_ASSIGN_OR_RETURN(const LetterBox box, LetterBox::Open(Env::Default(), directory));
  std::optional<Evaluator> every;
  bool found = false;
  SR_RETURN_IF_ERROR(box.Read(every, [&](const Letter& letter) {
    if (letter.token != options.tokens[0]) return Status::Ok();
    found = true;
    return Print(letter);
  }));
  return found ? Status::Ok() : Status::NotFound("there is no dead letter " + options.tokens[0]);
}

// --- replay
// ---------------------------------------------------------------------------------------------------

std::string Count(int64_t letters) {
  return GroupDigits(letters) + (letters == 1 ? " dead letter" : " dead letters");
}

// A running pipeline would take the rows in with the expressions that it was started with.
Status CheckRuns(const std::string& socket, const Plan& plan) {
  SR_ASSIGN_OR_RETURN(const std::string body, AdminGet(socket, "/status"));
  const Json status = Json::parse(body, nullptr, false);
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
  SR_ASSIGN_OR_RETURN(choice.where, Condition(options.where));
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
                           bool running, int64_t* letters) {
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
    if (!running) {
      const std::string why = ReplayObstacle(plan, checkpoint, NodesOf(replay.lines));
      if (!why.empty()) return Status::InvalidArgument("nothing is replayed: " + why);
    }
    if (options.dry_run) return uint64_t{0};
    SR_ASSIGN_OR_RETURN(const uint64_t next, NextReplayNumber(env, directory));
    const uint64_t number = std::max(next, checkpoint.replayed + 1);
    const Status status = WriteReplayOrder(env, directory, number, checkpoint.epoch, replay.lines);
    if (status.ok()) return number;
    if (status.code() != Code::kAlreadyExists) return status;
  }
  return Status::Unavailable("other commands give replay orders all the time; try again");
}

// Until a checkpoint has the order in it.
Status AwaitApplied(const std::string& directory, uint64_t number, Duration timeout) {
  Env* env = Env::Default();
  const Timestamp give_up = env->MonotonicNow() + timeout;
  for (;;) {
    const auto current = OpenCheckpoint(env, directory, "");
    if (current.ok() && current->manifest.replayed >= number) {
      std::printf("taken in, with epoch %llu\n", static_cast<unsigned long long>(current->manifest.epoch));
      return Status::Ok();
    }
    if (!FindAdminSocket(directory).ok()) {
      std::printf("the pipeline went away meanwhile: they are taken in when it runs again\n");
      return Status::Ok();
    }
    if (env->MonotonicNow() >= give_up) {
      return Status::ResourceExhausted("order " + std::to_string(number) +
                                       " is not in a checkpoint yet; the pipeline goes on with it");
    }
    env->Sleep(kPoll);
  }
}

bool ComesToItsEnd(const Plan& plan) {
  return std::any_of(plan.nodes.begin(), plan.nodes.end(),
                     [](const PlanNode& n) { return n.source && n.source->bounded; });
}

bool CameToItsEnd(const LetterBox& box) {
  return box.checkpoint() && box.checkpoint()->kind == BarrierKind::kFinal && box.checkpoint_committed();
}

int RunNow(const Options& options, const LoadedPlan& loaded) {
  RunOptions run;
  run.state_dir = options.state_dir;
  run.replay = true;
  run.start_admin = StartAdminServer;
  return RunPipeline(loaded.plan, loaded.file, run);
}

Status SayWhatFollows(const Options& options, const Plan& plan, const std::string& directory,
                      const Running& running, uint64_t number) {
  if (running.socket && !ComesToItsEnd(plan)) {
    const auto told = AdminPost(*running.socket, "/replay?order=" + std::to_string(number));
    if (told.ok()) return AwaitApplied(directory, number, static_cast<Duration>(options.timeout * kSecond));
  }
  SR_ASSIGN_OR_RETURN(const LetterBox box, LetterBox::Open(Env::Default(), directory));
  if (running.socket) {
    std::printf(
        "the pipeline comes to its end by itself, so they wait: for its next start after a stop, or, when "
        "it has ended, for dlq replay --run\n");
  } else if (CameToItsEnd(box)) {
    std::printf(
        "the last run came to its end: dlq replay --run takes them in, a plain run begins anew and "
        "drops the order\n");
  } else {
    std::printf("they are taken in when the pipeline runs again\n");
  }
  return Status::Ok();
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
  const auto order = GiveOrder(options, plan, *directory, running.socket.has_value(), &letters);
  if (!order.ok()) return fail(order.status());
  if (options.dry_run) {
    std::printf("%s would be replayed\n", Count(letters).c_str());
    return kExitFine;
  }
  if (*order > 0) {
    std::printf("order %llu: %s\n", static_cast<unsigned long long>(*order), Count(letters).c_str());
    std::fflush(stdout);
    if (!options.run) {
      const Status status = SayWhatFollows(options, plan, *directory, running, *order);
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

// --- cancel
// ----------------------------------------------------------------------------------------------------------------

Status Cancel(const Options& options) {
  Env* env = Env::Default();
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint found, OpenCheckpoint(env, directory, ""));
  // What a running pipeline has begun to take in cannot be called back.
  SR_ASSIGN_OR_RETURN(const auto locked, StateDirectory::Open(env, found.manifest.pipeline, directory));
  SR_ASSIGN_OR_RETURN(const LetterBox box, LetterBox::Open(env, directory));
  for (const ReplayOrder& order : box.Waiting()) {
    if (order.number != options.order) continue;
    SR_RETURN_IF_ERROR(DropReplayOrder(env, directory, order.number));
    std::printf("%s is dropped, its letters are open again\n", NameOf(order).c_str());
    return Status::Ok();
  }
  return Status::NotFound("no order " + std::to_string(options.order) + " waits");
}

// --- The command
// ----------------------------------------------------------------------------------------------

void AddFilters(CLI::App* command, Options* options) {
  command->add_option("--node", options->node, "Only letters of this node");
  command->add_option("--where", options->where,
                      "Only letters for which this expression over their columns is true: node, port, code, "
                      "message, source, offset, event_time, epoch, state, row (jsonb) ...");
}

void AddList(CLI::App* dlq, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* list = dlq->add_subcommand("list", "Dead letters, and what became of them");
  AddTargetOptions(list, &options->target);
  AddFilters(list, options.get());
  list->add_flag("--json", options->json, "JSON lines, which --edit of replay takes");
  list->add_flag("--summary", options->summary, "Only how many there are by node and code");
  list->add_option("--limit", options->limit, "At most so many letters")->check(CLI::NonNegativeNumber);
  list->callback([options, &result] {
    const Status status = List(*options);
    result.exit_code = status.ok() ? kExitFine : FailCommand(status, kExitRuntime);
  });
}

void AddShow(CLI::App* dlq, CliResult& result) {
  auto options = std::make_shared<Options>();
  options->tokens.resize(1);
  CLI::App* show = dlq->add_subcommand("show", "Everything about one letter");
  show->add_option("token", options->tokens[0], "As list prints it")->required();
  AddTargetOptions(show, &options->target);
  show->callback([options, &result] {
    const Status status = Show(*options);
    result.exit_code = status.ok() ? kExitFine : FailCommand(status, kExitRuntime);
  });
}

void AddReplay(CLI::App* dlq, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* replay = dlq->add_subcommand("replay", "Take letters in again where they failed, each once");
  replay->add_option("file", options->file, "Pipeline file, mended")->required();
  AddFilters(replay, options.get());
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

void AddCancel(CLI::App* dlq, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* cancel = dlq->add_subcommand("cancel", "Drop an order of a stopped pipeline that waits");
  cancel->add_option("order", options->order, "Its number, as replay and list print it")->required();
  AddTargetOptions(cancel, &options->target);
  cancel->callback([options, &result] {
    const Status status = Cancel(*options);
    result.exit_code = status.ok() ? kExitFine : FailCommand(status, kExitRuntime);
  });
}

}  // namespace

void AddDlqCommand(CLI::App& app, CliResult& result) {
  CLI::App* dlq = app.add_subcommand("dlq", "Dead letters: list, show, replay, cancel");
  dlq->require_subcommand(1);
  dlq->footer(
      "Example: streamrun dlq list orders --summary\n"
      "         streamrun dlq replay orders.yaml --node checked");
  AddList(dlq, result);
  AddShow(dlq, result);
  AddReplay(dlq, result);
  AddCancel(dlq, result);
}

}  // namespace streamrun
