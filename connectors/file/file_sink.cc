// file: writes files.
#include <set>
#include "connectors/file/file_output.h"

#include "connectors/file/path_columns.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/routed_encoder.h"
#include "connectors/file/sink_path.h"
#include "core/base/suggest.h"
#include "core/component/registry.h"

namespace streamrun {
namespace {

using Config = FileSinkConfig;
using Roll = FileSinkConfig::Roll;

// What is written directly and cannot be taken back. Of a path that does not exist yet a file is made.
bool IsPipeOrDevice(const std::string& path) {
  if (path.starts_with("/dev/") && !path.starts_with("/dev/shm/")) return true;
  const Result<FileInfo> info = Env::Default()->Info(path);
  return info.ok() && !info->is_regular && !info->is_directory;
}

class BoundFile final : public BoundSink {
 public:
  explicit BoundFile(Config config) : config_(std::move(config)) {
    const bool device = !config_.partitioned() && IsPipeOrDevice(config_.path);
    guarantee = device ? SinkGuarantee::kAtLeastOnce : SinkGuarantee::kExactlyOnce;
    single_writer = !SinkPath(config_.path).HasWorker();
    if (!device) exclusive = "file:" + AbsolutePath(config_.path);
    place = config_.partitioned() ? "files " + config_.path : "file " + config_.path;
    if (config_.partitioned()) open_files = static_cast<int>(config_.max_open);
  }

  SchemaPtr RecordSchema(const SchemaPtr& input) const override {
    if (config_.keep_columns || !config_.partitioned()) return input;
    std::vector<Field> fields;
    std::set<int> named;
    for (const std::string& name : ColumnsIn(config_.path)) named.insert(input->Find(name));
    for (int i = 0; i < input->size(); ++i) {
      if (!named.contains(i)) fields.push_back(input->field(i));
    }
    return std::make_shared<const Schema>(std::move(fields));
  }

  std::unique_ptr<Encoder> CreateEncoder(const BoundFormat& format, const SchemaPtr& input) const override {
    if (!config_.partitioned()) return format.CreateEncoder();
    return MakeRoutedEncoder(format.CreateEncoder(), config_.full_path(), input, config_.null_name,
                             RecordSchema(input));
  }

  bool Overlaps(const BoundSink& other) const override {
    const auto* file = dynamic_cast<const BoundFile*>(&other);
    return file != nullptr &&
           MayBeOneFile(AbsolutePath(config_.full_path()), AbsolutePath(file->config_.full_path()));
  }

  std::unique_ptr<Sink> Create() const override { return CreateFileSink(config_); }

 private:
  const Config config_;
};

bool IsTime(const DataType& type) {
  return type.id() == TypeId::kTimestamp || type.id() == TypeId::kTimestamptz;
}

// What the columns of the path are and what they may be.
bool CheckColumns(const Config& config, BindContext& context) {
  const ConfigValue& path = context.config()["path"];
  Diagnostics& diagnostics = context.diagnostics();
  bool ok = true;
  const Schema* const input = context.inputs.empty() ? nullptr : context.inputs[0].get();
  for (const std::string& name : ColumnsIn(config.path)) {
    if (input == nullptr) break;
    const int column = input->Find(name);
    if (column >= 0 && CanNameFiles(input->field(column).type)) continue;
    ok = false;
    if (column >= 0) {
      diagnostics.ErrorAt(
          path, "file.column_type",
          "{" + name + "} in 'path' is " + input->field(column).type.ToString() +
              ", and only text, boolean, integer, bigint, date and uuid name files",
          "make it text before this sink, for example with `map`: " +
              (IsTime(input->field(column).type) ? "to_char(" + name + ", 'YYYY-MM-DD')" : name + "::text"));
      continue;
    }
    std::vector<std::string_view> names{"worker", "n"};
    for (const Field& field : input->fields()) names.push_back(field.name);
    const auto nearest = Nearest(name, names);
    diagnostics.ErrorAt(
        path, "file.placeholder",
        "{" + name + "} in 'path' is neither {worker} nor {n} nor " +
            (column == -2 ? "one column of the input: several differ only in case" : "a column of the input"),
        nearest ? "did you mean {" + std::string(*nearest) + "}?" : "the columns are: " + input->ToString());
  }
  if (const std::string problem = AmbiguousNumber(config.full_path()); !problem.empty()) {
    diagnostics.ErrorAt(path, "file.placeholder", "in 'path', " + problem,
                        "two workers or parts could get one name from different values");
    ok = false;
  }
  if (const std::string problem = NamePartProblem(config.null_name); !problem.empty()) {
    diagnostics.ErrorAt(context.config()["null_name"], "file.null_name",
                        "'null_name' is no part of a file name: " + problem);
    ok = false;
  }
  if (ok && input != nullptr && !config.keep_columns &&
      ColumnsIn(config.path).size() == static_cast<size_t>(input->size())) {
    diagnostics.ErrorAt(context.config()["keep_columns"], "file.no_columns",
                        "all columns are in 'path', and nothing would be left to write",
                        "write keep_columns: true");
    ok = false;
  }
  if (config.rolls() && config.if_exists == IfExists::kReplace) {
    const ConfigValue& said = context.config()["if_exists"];
    diagnostics.ErrorAt(
        said.present() ? said : path, "file.replace",
        "with columns in 'path' and `roll`, parts of an earlier run cannot be replaced: which "
        "values come is not known before",
        "write if_exists: append to add parts, or fail");
    ok = false;
  }
  return ok;
}

// What only means something with columns in the path.
bool CheckWithoutColumns(BindContext& context) {
  bool ok = true;
  for (const char* field : {"keep_columns", "null_name", "max_open", "max_files"}) {
    const ConfigValue& said = context.config()[field];
    if (!said.present()) continue;
    context.diagnostics().ErrorAt(said, "file.no_columns",
                                  "'" + std::string(field) + "' is about columns in 'path', which has none",
                                  "name one, for example path: out/{country}.jsonl, or leave it out");
    ok = false;
  }
  return ok;
}

std::shared_ptr<const BoundSink> Bind(const Config& config, BindContext& context) {
  const ConfigValue& path = context.config()["path"];
  const SinkPath pattern(config.path);
  if (!(config.partitioned() ? CheckColumns(config, context) : CheckWithoutColumns(context))) return nullptr;
  if (pattern.HasNumber() && !config.rolls()) {
    context.diagnostics().ErrorAt(path, "file.placeholder", "{n} in 'path' needs `roll`",
                                  "write for example roll: {size: 100MiB}");
    return nullptr;
  }
  if (config.path.ends_with('/')) {
    context.diagnostics().ErrorAt(path, "file.directory", "'path' names a directory",
                                  "write the name of a file");
    return nullptr;
  }
  const SinkPath directory(DirectoryOf(config.path));
  if (directory.HasNumber() || directory.HasWorker()) {
    context.diagnostics().ErrorAt(path, "file.placeholder",
                                  "{worker} and {n} belong in the file name, not in a directory");
    return nullptr;
  }
  return std::make_shared<BoundFile>(config);
}

SinkDefinition Define() {
  ConfigSpec<Roll> roll;
  roll.Size("size", &Roll::size, "Begin another part when one has this size, 0 for never.").AtLeast(0);
  roll.DurationField("age", &Roll::age, "Begin another part when one is this old and not empty, 0 for never.")
      .AtLeast(0);

  ConfigSpec<Config> spec;
  spec.Text("path", &Config::path,
            "File to write. `{worker}` is the number of the worker: several workers then write a file each. "
            "`{n}` is the number of the part with `roll` (otherwise `-00001` goes before the extension). Any "
            "other name in braces is a column of the input: each row goes to the file of its values. Missing "
            "directories are created.")
      .Required()
      .NotEmpty();
  spec.OneOf("if_exists", &Config::if_exists,
             {{"replace", IfExists::kReplace}, {"append", IfExists::kAppend}, {"fail", IfExists::kFail}},
             "What to do with a file (or parts) of an earlier run.");
  spec.OneOf("compression", &Config::compression,
             {{"auto", CompressionChoice::kAuto},
              {"none", CompressionChoice::kNone},
              {"gzip", CompressionChoice::kGzip},
              {"zstd", CompressionChoice::kZstd}},
             "auto goes by the extension: .gz, .zst.");
  spec.Struct("roll", &Config::roll, roll, "Write part files instead of one.");
  spec.Bool(
      "sync", &Config::sync,
      "Make a file durable before a checkpoint counts on it; false is for results that may be lost in a "
      "power failure.");
  spec.Bool("keep_columns", &Config::keep_columns,
            "With columns in `path`: whether rows are written with them. false leaves them out, as the path "
            "says them.");
  spec.Text("null_name", &Config::null_name, "With columns in `path`: what stands for null.");
  spec.Integer("max_open", &Config::max_open,
               "With columns in `path`: so many files a worker has open at a time. The one that was written "
               "longest ago is closed, and gone on with when a row comes for it.")
      .AtLeast(1)
      .AtMost(100'000);
  spec.Integer("max_files", &Config::max_files,
               "With columns in `path`: so many files that are not finished are there at most. More end the "
               "pipeline: a column with too many values.")
      .AtLeast(1);

  SinkDefinition d;
  d.name = "file";
  d.summary = "Writes files.";
  d.description =
      "When the input ends by itself, the file is written as `.NAME.inprogress` in the same directory and "
      "gets "
      "its name at the end, whole or not at all. With endless input, or with `if_exists: append`, the file "
      "grows where it is. With `roll`, a part that is full gets its name at the next checkpoint; its age is "
      "looked at then, too. Named pipes and devices are written directly. When the disk is full the pipeline "
      "fails and nothing half written gets the file's name.\n\n"
      "After a restart the file goes on where the last checkpoint saw it: what was written since is cut off "
      "and written again. A file that is shorter than it was then is an error. Compressed files consist of "
      "one "
      "gzip member or Zstandard frame for each checkpoint, which every tool reads as one. When there are "
      "fewer "
      "workers than before, the files of the others with `{worker}` stay as they are and get their names "
      "with "
      "the rest.\n\n"
      "Columns in `path` (`out/{country}/{day}.jsonl`) may be text, boolean, integer, bigint, date or uuid; "
      "a time is made text before (`to_char(at, 'YYYY-MM-DD')`). Values become part of a name only as they "
      "stand: a row whose value is empty, begins with a dot, holds a `/` or a control character, is not "
      "UTF-8 or makes a name longer than 255 bytes goes to the dead letters with code `file.name`. Nothing "
      "is "
      "written outside of the directory before the first column, also not through symbolic links. Files of "
      "an earlier run are replaced when a row comes for them; others stay. With `roll`, write `if_exists: "
      "append` or `fail`.\n\n"
      "One process writes an output at a time: while it runs there is a lock `.NAME.lock` beside it.";
  d.guarantee =
      "Keeps order. Each row is in the files once, whatever fails: in files that have their name at once "
      "(all "
      "but `append` and endless input without `roll`) only rows of checkpoints that count; in a file that "
      "grows where it is, a reader may see rows behind the last checkpoint that are cut off and written "
      "again "
      "after a failure. Pipes and devices may get rows again.";
  d.example = R"(pipeline: bids-copy
sources:
  bids:
    connector: file
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
sinks:
  out: {connector: file, input: bids, path: out/bids.jsonl.gz, format: json}
)";
  d.fields = spec.fields();
  d.takes = SinkDefinition::Takes::kBytes;
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(file_sink, Define());

}  // namespace
}  // namespace streamrun
