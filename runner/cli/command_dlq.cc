// streamrun dlq: dead letters looked at, mended and taken in again.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "runner/checkpoint/inspect.h"
#include "runner/cli/command_dlq_replay.h"
#include "runner/cli/commands.h"
#include "runner/cli/letter_box.h"
#include "runner/cli/letter_listing.h"
#include "runner/cli/load.h"
#include "runner/cli/pipeline_target.h"
#include "runner/cli/text_table.h"
#include "runner/process/progress.h"
#include "runner/process/replay_orders.h"
#include "runner/process/state_directory.h"

namespace streamrun {

namespace {

struct Options {
  PipelineTarget target;
  std::string node;
  std::string where;
  std::string token;
  int64_t limit = -1;
  bool json = false;
  bool summary = false;
  uint64_t order = 0;
  bool every = false;
};

// --- list ------------------------------------------------------------------------------------------------

Status List(const Options& options) {
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  SR_ASSIGN_OR_RETURN(std::optional<Evaluator> where, LetterCondition(options.where));
  SR_ASSIGN_OR_RETURN(const LetterBox box, LetterBox::Open(Env::Default(), directory));
  TextTable table;
  table.Add(LetterHead());
  LetterTally tally;
  int64_t shown = 0;
  SR_RETURN_IF_ERROR(box.Read(where, [&](const Letter& letter) {
    if (!options.node.empty() && letter.node != options.node) return Status::Ok();
    tally.Add(letter);
    if (options.summary || (options.limit >= 0 && shown >= options.limit)) return Status::Ok();
    ++shown;
    options.json ? static_cast<void>(std::printf("%s\n", JsonOfLetter(letter).c_str()))
                 : table.Add(LetterCells(letter));
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

// --- show ------------------------------------------------------------------------------------------------

Status Show(const Options& options) {
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  SR_ASSIGN_OR_RETURN(const LetterBox box, LetterBox::Open(Env::Default(), directory));
  std::optional<Evaluator> every;
  bool found = false;
  SR_RETURN_IF_ERROR(box.Read(every, [&](const Letter& letter) -> Status {
    if (letter.token != options.token) return Status::Ok();
    found = true;
    SR_ASSIGN_OR_RETURN(const std::string text, DescriptionOf(letter));
    std::fputs(text.c_str(), stdout);
    return Status::Ok();
  }));
  return found ? Status::Ok() : Status::NotFound("there is no dead letter " + options.token);
}

// --- Of a stopped pipeline -------------------------------------------------------------------------------

// Nobody runs the pipeline as long as it lives.
struct StoppedLetters {
  std::string directory;
  std::unique_ptr<StateDirectory> lock;
  LetterBox box;
};

Result<StoppedLetters> OpenStopped(const PipelineTarget& target) {
  Env* env = Env::Default();
  SR_ASSIGN_OR_RETURN(std::string directory, StateDirectoryOf(target));
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint found, OpenCheckpoint(env, directory, ""));
  SR_ASSIGN_OR_RETURN(auto lock, StateDirectory::Open(env, found.manifest.pipeline, directory));
  SR_ASSIGN_OR_RETURN(LetterBox box, LetterBox::Open(env, directory));
  return StoppedLetters{std::move(directory), std::move(lock), std::move(box)};
}

// --- cancel ----------------------------------------------------------------------------------------------

// What a running pipeline has begun to take in cannot be called back.
Status Cancel(const Options& options) {
  SR_ASSIGN_OR_RETURN(const StoppedLetters letters, OpenStopped(options.target));
  for (const ReplayOrder& order : letters.box.Waiting()) {
    if (order.number != options.order) continue;
    SR_RETURN_IF_ERROR(DropReplayOrder(Env::Default(), letters.directory, order.number));
    std::printf("%s is dropped, its letters are open again\n", NameOf(order).c_str());
    return Status::Ok();
  }
  return Status::NotFound("no order " + std::to_string(options.order) + " waits");
}

// --- clear -----------------------------------------------------------------------------------------------

Status Clear(const Options& options) {
  SR_ASSIGN_OR_RETURN(const StoppedLetters letters, OpenStopped(options.target));
  SR_ASSIGN_OR_RETURN(const LetterBox::Cleared cleared, letters.box.Clear(options.every));
  std::printf("%s letters are removed (%s), %s are left\n", GroupDigits(cleared.letters).c_str(),
              HumanBytes(cleared.bytes).c_str(), GroupDigits(cleared.left).c_str());
  if (cleared.left > 0) {
    std::printf("left are the files with letters that can still be replayed; --all removes those, too\n");
  }
  return Status::Ok();
}

// --- The command -----------------------------------------------------------------------------------------

void AddList(CLI::App* dlq, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* list = dlq->add_subcommand("list", "Dead letters, and what became of them");
  AddTargetOptions(list, &options->target);
  AddLetterFilters(list, &options->node, &options->where);
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
  CLI::App* show = dlq->add_subcommand("show", "Everything about one letter");
  show->add_option("token", options->token, "As list prints it")->required();
  AddTargetOptions(show, &options->target);
  show->callback([options, &result] {
    const Status status = Show(*options);
    result.exit_code = status.ok() ? kExitFine : FailCommand(status, kExitRuntime);
  });
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

void AddClear(CLI::App* dlq, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* clear = dlq->add_subcommand("clear", "Remove letters of a stopped pipeline that are done with");
  AddTargetOptions(clear, &options->target);
  clear->add_flag("--all", options->every, "Also those that could still be replayed");
  clear->callback([options, &result] {
    const Status status = Clear(*options);
    result.exit_code = status.ok() ? kExitFine : FailCommand(status, kExitRuntime);
  });
}

}  // namespace

void AddDlqCommand(CLI::App& app, CliResult& result) {
  CLI::App* dlq = app.add_subcommand("dlq", "Dead letters: list, show, replay, cancel, clear");
  dlq->require_subcommand(1);
  dlq->footer(
      "Example: streamrun dlq list orders --summary\n"
      "         streamrun dlq replay orders.yaml --node checked");
  AddList(dlq, result);
  AddShow(dlq, result);
  AddDlqReplay(dlq, result);
  AddCancel(dlq, result);
  AddClear(dlq, result);
}

}  // namespace streamrun
