// streamrun infer: reads the beginning of a data file and prints a schema to paste into a pipeline.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "core/base/env.h"
#include "runner/cli/commands.h"
#include "runner/cli/infer_schema.h"
#include "runner/cli/load.h"

namespace streamrun {

namespace {

struct Options {
  std::string file;
  std::string format;
  int64_t rows = kInferenceRows;
};

void Print(const std::string& path, const InferredSchema& inferred) {
  std::printf(
      "# inferred from %lld rows of %s%s\n", static_cast<long long>(inferred.rows), path.c_str(),
      inferred.malformed > 0 ? (", " + std::to_string(inferred.malformed) + " malformed").c_str() : "");
  std::printf("connector: file\npath: %s\nformat: %s\nschema:\n", path.c_str(), inferred.format.c_str());
  for (const InferredColumn& column : inferred.columns) {
    const bool plain = std::all_of(column.name.begin(), column.name.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    });
    std::printf("  %s: %s%s\n", plain ? column.name.c_str() : ("\"" + column.name + "\"").c_str(),
                column.type.c_str(),
                column.missing == 0
                    ? ""
                    : ("  # null or missing in " + std::to_string(column.missing) + " rows").c_str());
  }
}

int Infer(const Options& options) {
  const auto refuse = [&](const std::string& why) {
    std::fprintf(stderr, "streamrun: %s\n", why.c_str());
    return kExitRuntime;
  };
  Result<std::unique_ptr<ReadableFile>> file = Env::Default()->OpenForRead(options.file);
  if (!file.ok()) return refuse(file.status().message());
  std::string text(kInferenceSample, '\0');
  Result<size_t> length = (*file)->ReadAt(0, text.size(), text.data());
  if (!length.ok()) return refuse(length.status().message());
  text.resize(*length);
  if (text.empty()) return refuse(options.file + " is empty: there is nothing to infer from");
  const InferredSchema inferred =
      InferSchema(text, text.size() == kInferenceSample, options.format, options.rows);
  if (inferred.rows == 0) {
    return refuse(options.file + " has no row that can be read as " + inferred.format + "; try --format " +
                  (inferred.format == "json" ? "csv" : "json"));
  }
  Print(options.file, inferred);
  return kExitFine;
}

}  // namespace

void AddInferCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("infer", "Guess the schema of a data file");
  command->add_option("file", options->file, "File of JSON lines or CSV with a header")->required();
  command->add_option("--format", options->format, "json or csv (default: from the first character)")
      ->check(CLI::IsMember({"json", "csv"}));
  command->add_option("--rows", options->rows, "Look at so many rows at most (and at most at 8 MiB)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->footer(
      "Prints a source to paste into a pipeline file.\n\nExample: streamrun infer pipelines/data/bids.jsonl");
  command->callback([options, &result] { result.exit_code = Infer(*options); });
}

}  // namespace streamrun
