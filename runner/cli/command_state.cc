// streamrun state: checkpoints looked into, compared, taken out and put back, without running anything.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/expr/expression.h"
#include "runner/checkpoint/inspect.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/cli/pipeline_target.h"
#include "runner/cli/state_listing.h"
#include "runner/cli/table_file.h"
#include "runner/exec/dead_letters.h"
#include "runner/process/state_directory.h"

namespace streamrun {

namespace {

struct Options {
  PipelineTarget target;
  std::string epoch;
  std::string savepoint;
  std::string node;
  std::string table;
  std::string file;
  std::string where;
  int64_t limit = -1;
  std::string before;
  std::string after;

  const std::string& choice() const { return epoch.empty() ? savepoint : epoch; }
};

Result<StoredCheckpoint> Open(const Options& options, const std::string& choice) {
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  return OpenCheckpoint(Env::Default(), directory, choice);
}

// --- ls --------------------------------------------------------------------------------------------------

Status List(const Options& options) {
  std::string text;
  if (options.choice().empty()) {
    SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
    SR_ASSIGN_OR_RETURN(const auto checkpoints, ListCheckpoints(Env::Default(), directory));
    if (checkpoints.empty()) return Status::NotFound("there is no checkpoint in " + directory);
    text = ListingOf(checkpoints);
  } else {
    SR_ASSIGN_OR_RETURN(const StoredCheckpoint checkpoint, Open(options, options.choice()));
    SR_ASSIGN_OR_RETURN(text, DescriptionOf(Env::Default(), checkpoint));
  }
  std::fputs(text.c_str(), stdout);
  return Status::Ok();
}

// --- Rows ------------------------------------------------------------------------------------------------

Status PrintRows(const BatchPtr& batch, std::string_view before, std::string_view behind) {
  for (const std::string& row : RowsAsJson(batch)) {
    if (row.empty()) return Status::InvalidArgument("a row holds what JSON cannot; export it as .arrows");
    std::printf("%.*s%s%.*s\n", static_cast<int>(before.size()), before.data(), row.c_str(),
                static_cast<int>(behind.size()), behind.data());
  }
  return Status::Ok();
}

Result<std::optional<Evaluator>> Condition(const std::string& where, const SchemaPtr& schema) {
  if (where.empty()) return std::optional<Evaluator>();
  ExprProblem problem;
  auto bound = BindExpressionAs(where, Scope(schema), TypeId::kBoolean, &problem);
  if (!bound.ok()) {
    return Status::InvalidArgument("--where, character " + std::to_string(problem.offset + 1) + ": " +
                                   problem.message + (problem.suggestion.empty() ? "" : "; ") +
                                   problem.suggestion);
  }
  return std::optional<Evaluator>(Evaluator(*bound, Env::Default()));
}

Status Get(const Options& options) {
  Env* env = Env::Default();
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint checkpoint, Open(options, options.choice()));
  SR_ASSIGN_OR_RETURN(const TableSnapshot shape, ShapeOfTable(env, checkpoint, options.node, options.table));
  SR_ASSIGN_OR_RETURN(std::optional<Evaluator> where, Condition(options.where, shape.schema));
  int64_t left = options.limit < 0 ? INT64_MAX : options.limit;
  if (left == 0) return Status::Ok();
  const Status status = ReadTable(env, checkpoint, options.node, options.table, [&](BatchPtr rows) -> Status {
    if (where) {
      std::vector<RowFailure> failures;
      const Selection chosen = where->Select(rows->columns(), rows->rows(), &failures);
      if (!failures.empty())
        return Status::InvalidArgument("--where fails for a row: " + failures[0].message);
      rows = Take(rows, chosen);
    }
    if (rows->rows() > left) rows = Slice(rows, 0, left);
    left -= rows->rows();
    SR_RETURN_IF_ERROR(PrintRows(rows, "", ""));
    return left > 0 ? Status::Ok() : Status::Cancelled("that many were asked for");
  });
  return left == 0 ? Status::Ok() : status;
}

Status Diff(const Options& options) {
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint before, Open(options, options.before));
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint after, Open(options, options.after));
  SR_ASSIGN_OR_RETURN(const TableDifference difference,
                      DiffTables(Env::Default(), before, after, options.node, options.table));
  const auto& d = difference;
  SR_RETURN_IF_ERROR(PrintRows(Take(d.before, d.removed), R"({"change":"removed","before":)", "}"));
  SR_RETURN_IF_ERROR(PrintRows(Take(d.after, d.added), R"({"change":"added","after":)", "}"));
  const std::vector<std::string> old_rows = RowsAsJson(Take(d.before, d.changed_before));
  const std::vector<std::string> new_rows = RowsAsJson(Take(d.after, d.changed_after));
  for (size_t i = 0; i < old_rows.size(); ++i) {
    if (old_rows[i].empty() || new_rows[i].empty()) {
      return Status::InvalidArgument("a row holds what JSON cannot");
    }
    std::printf("{\"change\":\"changed\",\"before\":%s,\"after\":%s}\n", old_rows[i].c_str(),
                new_rows[i].c_str());
  }
  std::fflush(stdout);
  std::fprintf(stderr, "%zu removed, %zu added, %zu changed, %lld equal\n", d.removed.size(), d.added.size(),
               d.changed_after.size(), static_cast<long long>(d.equal));
  return Status::Ok();
}

// --- Files -----------------------------------------------------------------------------------------------

Status Export(const Options& options) {
  Env* env = Env::Default();
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint checkpoint, Open(options, options.choice()));
  SR_ASSIGN_OR_RETURN(const TableSnapshot shape, ShapeOfTable(env, checkpoint, options.node, options.table));
  SR_ASSIGN_OR_RETURN(const auto writer, TableFileWriter::Create(env, options.file, shape.schema));
  SR_RETURN_IF_ERROR(ReadTable(env, checkpoint, options.node, options.table,
                               [&](const BatchPtr& rows) { return writer->Add(rows); }));
  SR_RETURN_IF_ERROR(writer->Finish());
  std::printf("%lld rows of %s\n", static_cast<long long>(writer->rows()), NameOf(checkpoint).c_str());
  return Status::Ok();
}

Status Import(const Options& options) {
  Env* env = Env::Default();
  SR_ASSIGN_OR_RETURN(const std::string directory, StateDirectoryOf(options.target));
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint found, OpenCheckpoint(env, directory, ""));
  SR_ASSIGN_OR_RETURN(const auto locked, StateDirectory::Open(env, found.manifest.pipeline, directory));
  // Whoever held the lock until now may have gone on.
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint current, OpenCheckpoint(env, directory, ""));
  SR_ASSIGN_OR_RETURN(const TableSnapshot shape, ShapeOfTable(env, current, options.node, options.table));
  SR_ASSIGN_OR_RETURN(const FileRows rows, ReadTableFile(env, options.file, shape.schema));
  if (const auto repeated = RepeatedRow(shape, *rows.batch)) {
    std::string key;
    for (const int column : shape.identity) {
      key += (key.empty() ? "" : ", ") + shape.schema->field(column).name;
    }
    return Status::InvalidArgument(options.file + ", line " +
                                   std::to_string(rows.lines[static_cast<size_t>(*repeated)]) +
                                   ": an earlier row has the same " + key);
  }
  SR_ASSIGN_OR_RETURN(const uint64_t epoch,
                      ReplaceTable(env, directory, options.node, options.table, rows.batch));
  std::printf("epoch %llu has %lld rows in %s of %s, all else as in epoch %s; the next run goes on from it\n",
              static_cast<unsigned long long>(epoch), static_cast<long long>(rows.batch->rows()),
              options.table.c_str(), options.node.c_str(), current.name.c_str());
  return Status::Ok();
}

// --- The command -----------------------------------------------------------------------------------------

struct Adder {
  CLI::App* state;
  CliResult* result;

  CLI::App* Add(const std::string& name, const std::string& help, Status (*run)(const Options&),
                std::shared_ptr<Options> options) const {
    CLI::App* command = state->add_subcommand(name, help);
    command->callback([run, options = std::move(options), result = result] {
      const Status status = run(*options);
      result->exit_code = status.ok() ? kExitFine : FailCommand(status, kExitRuntime);
    });
    return command;
  }
};

void AddTable(CLI::App* command, Options* options) {
  command->add_option("node", options->node, "Node of the pipeline")->required();
  command->add_option("table", options->table, "Its table; state ls --epoch N lists them")->required();
}

void AddChoice(CLI::App* command, Options* options) {
  CLI::Option* epoch = command->add_option("--epoch", options->epoch, "This epoch instead of the current one")
                           ->check(CLI::NonNegativeNumber);
  command->add_option("--savepoint", options->savepoint, "This savepoint instead of the current epoch")
      ->excludes(epoch);
}

}  // namespace

void AddStateCommand(CLI::App& app, CliResult& result) {
  CLI::App* state = app.add_subcommand("state", "Look into checkpoints: ls, get, diff, export, import");
  state->require_subcommand(1);
  state->footer(
      "Reads while the pipeline runs too; a running one keeps its last few epochs only, savepoints stay.\n\n"
      "Examples: streamrun state ls large-orders\n"
      "          streamrun state get totals groups large-orders --where \"customer = 'ann'\"");
  const Adder adder{state, &result};

  auto ls = std::make_shared<Options>();
  CLI::App* list = adder.Add("ls", "Epochs and savepoints; with one of them what it consists of", List, ls);
  AddTargetOptions(list, &ls->target);
  AddChoice(list, ls.get());

  auto get = std::make_shared<Options>();
  CLI::App* rows = adder.Add("get", "Rows of a table as JSON lines", Get, get);
  AddTable(rows, get.get());
  AddTargetOptions(rows, &get->target);
  AddChoice(rows, get.get());
  rows->add_option("--where", get->where, "Only rows for which this expression is true");
  rows->add_option("--limit", get->limit, "At most so many rows")->check(CLI::NonNegativeNumber);

  auto diff = std::make_shared<Options>();
  CLI::App* difference =
      adder.Add("diff", "Rows added, removed and changed between two checkpoints", Diff, diff);
  difference->add_option("before", diff->before, "Epoch or savepoint")->required();
  difference->add_option("after", diff->after, "Epoch or savepoint")->required();
  AddTable(difference, diff.get());
  AddTargetOptions(difference, &diff->target);

  auto out = std::make_shared<Options>();
  CLI::App* taken_out = adder.Add("export", "Write a table to a file", Export, out);
  AddTable(taken_out, out.get());
  taken_out->add_option("file", out->file, "JSON lines; .arrow: Arrow file, .arrows: Arrow stream")
      ->required();
  AddTargetOptions(taken_out, &out->target);
  AddChoice(taken_out, out.get());

  auto in = std::make_shared<Options>();
  CLI::App* put_back =
      adder.Add("import", "Replace the rows of a table of a pipeline that does not run", Import, in);
  AddTable(put_back, in.get());
  put_back->add_option("file", in->file, "JSON lines with every column of the table")->required();
  AddTargetOptions(put_back, &in->target);
  put_back->footer(
      "Makes a new epoch that differs from the current one in this table alone, and makes it the current "
      "one. "
      "To go back: streamrun run FILE --restore with the epoch before.");
}

}  // namespace streamrun
