// streamrun eval: an expression tried out, on rows or on none.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/data/text_io.h"
#include "core/expr/expression.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/cli/row_input.h"
#include "runner/config/report.h"

namespace streamrun {

namespace {

struct Options {
  std::string expression;
  std::string input;
  std::string format;
  std::string schema;
  bool type = false;
  bool json = false;
};

// A problem as `validate` shows those of a pipeline file.
Finding ToFinding(const std::string& sql, const ExprProblem& problem) {
  const std::string_view before = std::string_view(sql).substr(0, problem.offset);
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const auto characters = [](std::string_view text) {
    return static_cast<int>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
  };
  Finding finding;
  finding.mark.file = "expression";
  finding.mark.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  finding.mark.column = 1 + characters(before.substr(line_start));
  finding.length = std::max(1, characters(std::string_view(sql).substr(problem.offset, problem.length)));
  finding.code = problem.code;
  finding.message = problem.message;
  finding.suggestion = problem.suggestion;
  return finding;
}

int ShowProblem(const Options& options, const ExprProblem& problem) {
  const std::vector<Finding> findings = {ToFinding(options.expression, problem)};
  if (options.json) {
    std::printf("%s\n", RenderFindingsJson(findings).c_str());
  } else {
    std::fprintf(stderr, "%s", RenderFindings(findings, options.expression, UseColor(STDERR_FILENO)).c_str());
  }
  return kExitRuntime;
}

using Json = nlohmann::ordered_json;

void PrintJson(const Json& object) {
  std::printf("%s\n", object.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

Json ValueOf(const Column& column, int64_t row) {
  if (column.IsNull(row)) return nullptr;
  std::string text;
  PrintValue(column, row, text);
  return text;
}

// One line, whatever the value holds.
std::string OneLine(const Column& column, int64_t row) {
  std::string text;
  PrintValue(column, row, text);
  for (size_t at = 0; (at = text.find_first_of("\n\r", at)) != std::string::npos; at += 2) {
    text.replace(at, 1, text[at] == '\n' ? "\\n" : "\\r");
  }
  return text;
}

int EvaluateAlone(const Options& options) {
  ExprProblem problem;
  const Result<ExpressionPtr> bound = BindExpression(options.expression, Scope(), &problem);
  if (!bound.ok()) return ShowProblem(options, problem);
  Evaluator evaluator(*bound, Env::Default());
  std::vector<RowFailure> failures;
  const ColumnPtr column = evaluator.Evaluate({}, 1, &failures);
  if (!failures.empty()) {
    // A row failure knows no place: the whole expression is underlined.
    return ShowProblem(options,
                       {0, options.expression.size(), failures[0].code, std::move(failures[0].message), ""});
  }
  const std::string type = (*bound)->type().ToString();
  if (options.json) {
    PrintJson({{"type", type}, {"value", ValueOf(*column, 0)}});
    return kExitFine;
  }
  if (options.type) std::printf("%s\n", type.c_str());
  std::string text;
  PrintValue(*column, 0, text);
  std::printf("%s\n", text.c_str());
  return kExitFine;
}

// The expression over the rows of a file, a batch at a time.
class RowPrinter {
 public:
  explicit RowPrinter(const Options& options) : options_(options) {}

  Status Begin(const SchemaPtr& schema) {
    ExprProblem problem;
    const Result<ExpressionPtr> bound = BindExpression(options_.expression, Scope(schema), &problem);
    if (!bound.ok()) {
      refused_ = true;
      ShowProblem(options_, problem);
      return bound.status();
    }
    if (options_.type && !options_.json) std::printf("%s\n", (*bound)->type().ToString().c_str());
    evaluator_.emplace(*bound, Env::Default());
    return Status::Ok();
  }

  Status Rows(const Batch& batch, const std::vector<int64_t>& lines) {
    std::vector<RowFailure> failures;
    const ColumnPtr column = evaluator_->Evaluate(batch.columns(), batch.rows(), &failures);
    size_t next = 0;
    for (int64_t row = 0; row < batch.rows(); ++row) {
      const int64_t line = lines[static_cast<size_t>(row)];
      if (next < failures.size() && failures[next].row == row) {
        Fail(line, failures[next].code, failures[next].message);
        ++next;
      } else if (options_.json) {
        PrintJson({{"line", line}, {"value", ValueOf(*column, row)}});
      } else {
        std::printf("%s\n", OneLine(*column, row).c_str());
      }
    }
    return Status::Ok();
  }

  void Fail(int64_t line, const std::string& code, const std::string& message) {
    ++failed_;
    if (options_.json) return PrintJson({{"line", line}, {"code", code}, {"message", message}});
    std::fflush(stdout);  // so that both streams on one terminal keep the order of the rows
    std::fprintf(stderr, "line %lld: %s [%s]\n", static_cast<long long>(line), message.c_str(), code.c_str());
  }

  bool refused() const { return refused_; }
  int64_t failed() const { return failed_; }

 private:
  const Options& options_;
  std::optional<Evaluator> evaluator_;
  bool refused_ = false;
  int64_t failed_ = 0;
};

int EvaluateRows(const Options& options) {
  const auto refuse = [](const Status& status, int code) {
    std::fprintf(stderr, "streamrun: %s\n", status.message().c_str());
    return code;
  };
  RowInputOptions input{options.input, options.format, {}};
  if (!options.schema.empty()) {
    Result<std::vector<DeclaredColumn>> columns = ParseColumns(options.schema);
    if (!columns.ok()) return refuse(columns.status(), kExitConfig);
    input.columns = std::move(*columns);
  }
  RowPrinter printer(options);
  const Status status = ReadRows(
      input, [&](const SchemaPtr& schema) { return printer.Begin(schema); },
      [&](const Batch& batch, const std::vector<int64_t>& lines) { return printer.Rows(batch, lines); },
      [&](int64_t line, const std::string& code, const std::string& message) {
        printer.Fail(line, code, message);
      });
  if (printer.refused()) return kExitRuntime;
  if (!status.ok()) return refuse(status, kExitRuntime);
  if (printer.failed() == 0) return kExitFine;
  std::fprintf(stderr, "streamrun: %lld row%s failed\n", static_cast<long long>(printer.failed()),
               printer.failed() == 1 ? "" : "s");
  return kExitRuntime;
}

}  // namespace

void AddEvalCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("eval", "Try an expression, on the rows of a file or on none");
  command->add_option("expression", options->expression, "The expression, in quotes of the shell")
      ->required();
  CLI::Option* input = command->add_option("--input", options->input,
                                           "Rows: JSON lines or CSV with a header; - is standard input");
  command
      ->add_option("--format", options->format,
                   "json or csv (default: from the name, else the first character)")
      ->check(CLI::IsMember({"json", "csv"}))
      ->needs(input);
  command
      ->add_option("--schema", options->schema,
                   "Columns and types, 'a: bigint, b: text' (default: as streamrun infer finds them)")
      ->needs(input);
  command->add_flag("--type", options->type, "Print the type of the result on a line of its own first");
  command->add_flag("--json", options->json, "Print JSON: one object, with --input one a row");
  command->footer(
      "Prints the value as PostgreSQL does, null as NULL; with --input one line a row (a line break in a "
      "value as "
      "\\n). Rows "
      "that fail go to standard error with the number of their line. Exit code 1 when the expression or a "
      "row has "
      "an error. An expression that begins with a minus stands behind --.\n\n"
      "Examples: streamrun eval \"date_trunc('month', timestamp '2024-02-29 12:00')\"\n"
      "          streamrun eval 'price / 100.0' --input pipelines/data/bids.jsonl\n"
      "          streamrun eval -- '-7 % 3'");
  command->callback([options, &result] {
    result.exit_code = options->input.empty() ? EvaluateAlone(*options) : EvaluateRows(*options);
  });
}

}  // namespace streamrun
