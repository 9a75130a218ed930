// file: writes files.
#include "connectors/file/file_output.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/sink_path.h"
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
    const bool device = IsPipeOrDevice(config_.path);
    guarantee = device ? SinkGuarantee::kAtLeastOnce : SinkGuarantee::kExactlyOnce;
    single_writer = !SinkPath(config_.path).HasWorker();
    if (!device) exclusive = "file:" + AbsolutePath(config_.path);
    place = "file " + config_.path;
  }
  std::unique_ptr<Sink> Create() const override { return CreateFileSink(config_); }

 private:
  const Config config_;
};

std::shared_ptr<const BoundSink> Bind(const Config& config, BindContext& context) {
  const ConfigValue& path = context.config()["path"];
  const SinkPath pattern(config.path);
  const bool rolls = config.rolls();
  if (const std::string unknown = pattern.UnknownPlaceholder(); !unknown.empty()) {
    context.diagnostics().ErrorAt(path, "file.placeholder", "'path' has no placeholder " + unknown,
                                  "the placeholders are {worker} and, with `roll`, {n}");
    return nullptr;
  }
  if (pattern.HasNumber() && !rolls) {
    context.diagnostics().ErrorAt(path, "file.placeholder", "{n} in 'path' needs `roll`",
                                  "write for example roll: {size: 100MiB}");
    return nullptr;
  }
  if (config.path.ends_with('/')) {
    context.diagnostics().ErrorAt(path, "file.directory", "'path' names a directory",
                                  "write the name of a file");
    return nullptr;
  }
  if (DirectoryOf(config.path).find('{') != std::string::npos) {
    context.diagnostics().ErrorAt(path, "file.placeholder",
                                  "placeholders belong in the file name, not in a directory");
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
            "`{n}` is "
            "the number of the part with `roll` (otherwise `-00001` goes before the extension). Missing "
            "directories "
            "are created.")
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
      "the rest.";
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
