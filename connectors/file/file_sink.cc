// file: writes files.
#include <algorithm>
#include <filesystem>

#include "connectors/file/file_writer.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/sink_path.h"
#include "core/component/registry.h"
#include "core/stream/descriptor_sink.h"

namespace streamrun {
namespace {

enum class IfExists : uint8_t { kReplace, kAppend, kFail };

struct Roll {
  int64_t size = 0;
  Duration age = 0;
};

struct Config {
  std::string path;
  IfExists if_exists = IfExists::kReplace;
  CompressionChoice compression = CompressionChoice::kAuto;
  Roll roll;
  bool sync = true;
};

Compression CompressionOf(CompressionChoice choice, std::string_view path) {
  switch (choice) {
    case CompressionChoice::kGzip:
      return Compression::kGzip;
    case CompressionChoice::kZstd:
      return Compression::kZstd;
    case CompressionChoice::kNone:
      return Compression::kNone;
    case CompressionChoice::kAuto:
      break;
  }
  return path.ends_with(".gz")    ? Compression::kGzip
         : path.ends_with(".zst") ? Compression::kZstd
                                  : Compression::kNone;
}

// A symbolic link keeps pointing where it did: the rename happens beside the file it names.
std::string BehindLink(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

std::unique_ptr<Sink> DirectSink(Env* env, const std::string& path) {
  if (path == "/dev/stdout" || path == "/dev/fd/1") return CreateDescriptorSink(1, "stdout");
  if (path == "/dev/stderr" || path == "/dev/fd/2") return CreateDescriptorSink(2, "stderr");
  const Result<FileInfo> info = env->Info(path);
  if (!info.ok() || info->is_regular || info->is_directory) return nullptr;
  return CreateDescriptorSink(path);
}

class FileSink final : public Sink {
 public:
  explicit FileSink(Config config) : config_(std::move(config)), path_(config_.path) {}

  Status Open(SinkContext& context) override {
    context_ = context;
    env_ = context.env;
    direct_ = DirectSink(env_, config_.path);
    if (direct_) return direct_->Open(context);
    rolls_ = config_.roll.size > 0 || config_.roll.age > 0;
    if (rolls_) {
      path_ = path_.WithNumber();
      SR_RETURN_IF_ERROR(ChooseFirstPart());
    }
    staged_ = rolls_ || (context.bounded && config_.if_exists != IfExists::kAppend);
    return OpenPart(true);
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    if (direct_) return direct_->WriteBytes(records);
    if (!rolls_) {
      SR_RETURN_IF_ERROR(writer_->Write(records.bytes->view()));
      return SinkOutcome::kAccepted;
    }
    SR_RETURN_IF_ERROR(RollByAge());
    SR_RETURN_IF_ERROR(WriteRolling(records));
    return SinkOutcome::kAccepted;
  }

  Result<SinkOutcome> Flush() override {
    if (direct_) return direct_->Flush();
    SR_RETURN_IF_ERROR(RollByAge());
    SR_RETURN_IF_ERROR(writer_->Flush());
    // A part that waits for its age is not finished with: Wait() says when to call again.
    return WaitsForAge() ? SinkOutcome::kBusy : SinkOutcome::kAccepted;
  }

  WaitSpec Wait() override {
    if (direct_) return direct_->Wait();
    WaitSpec wait;
    if (WaitsForAge()) wait.deadline = opened_ + config_.roll.age;
    return wait;
  }

  // A stop publishes as well: the rows were counted as delivered.
  Result<SinkOutcome> Finish(bool complete) override {
    if (direct_) return direct_->Finish(complete);
    if (!writer_) return SinkOutcome::kAccepted;
    const bool superfluous = rolls_ && records_ == 0 && number_ > first_number_;
    SR_RETURN_IF_ERROR(superfluous ? writer_->Discard() : writer_->Close());
    writer_ = nullptr;
    return SinkOutcome::kAccepted;
  }

 private:
  // Parts of earlier runs are removed (replace), left and counted on from (append), or an error (fail).
  Status ChooseFirstPart() {
    const std::string directory = DirectoryOf(path_.pattern());
    const Result<std::vector<std::string>> names = env_->List(directory);
    if (!names.ok()) return Status::Ok();  // it does not exist yet
    const bool keep = config_.if_exists == IfExists::kAppend || context_.start == OutputStart::kContinue;
    for (const std::string& name : *names) {
      const auto number = path_.NumberOf(name, context_.instance);
      if (!number) continue;
      if (keep) {
        number_ = std::max(number_, *number + 1);
      } else if (config_.if_exists == IfExists::kFail && context_.start == OutputStart::kFresh) {
        return Status(Code::kAlreadyExists, directory + "/" + name +
                                                " exists and `if_exists` is fail; remove the parts of the "
                                                "earlier run or write if_exists: replace");
      } else {
        SR_RETURN_IF_ERROR(env_->Remove(directory + "/" + name));
      }
    }
    first_number_ = number_;
    return Status::Ok();
  }

  Status OpenPart(bool first) {
    FileWriterOptions options;
    options.path = BehindLink(path_.Expand(context_.instance, number_));
    options.staged = staged_;
    options.compression = CompressionOf(config_.compression, options.path);
    options.preamble = context_.preamble;
    options.sync = config_.sync;
    const bool go_on = context_.start == OutputStart::kContinue && first;
    if (go_on && options.compression != Compression::kNone) {
      return Status::Unsupported(
          "cannot go on with the compressed file " + options.path +
          " after a failure, because its source cannot send the rows again; write without "
          "compression");
    }
    options.continue_staged = go_on && config_.if_exists != IfExists::kAppend;
    if (config_.if_exists == IfExists::kAppend && !rolls_) options.mode = WriteMode::kAppend;
    // What an earlier attempt of this run left is no reason to fail.
    if (config_.if_exists == IfExists::kFail && context_.start == OutputStart::kFresh)
      options.mode = WriteMode::kCreate;
    SR_ASSIGN_OR_RETURN(writer_, FileWriter::Open(env_, std::move(options)));
    opened_ = env_->MonotonicNow();
    records_ = 0;
    return Status::Ok();
  }

  Status NextPart() {
    SR_RETURN_IF_ERROR(writer_->Close());
    ++number_;
    return OpenPart(false);
  }

  bool WaitsForAge() const { return rolls_ && config_.roll.age > 0 && records_ > 0; }
  Status RollByAge() {
    const bool old = WaitsForAge() && env_->MonotonicNow() - opened_ >= config_.roll.age;
    return old ? NextPart() : Status::Ok();
  }

  // A part ends with the record that takes it to roll.size.
  Status WriteRolling(const Encoded& records) {
    const uint32_t* ends = records.record_ends->as<uint32_t>();
    const int64_t count = records.records();
    const std::string_view bytes = records.bytes->view();
    const auto limit = static_cast<uint64_t>(config_.roll.size);
    size_t begin = 0;
    for (int64_t i = 0; i < count;) {
      int64_t behind = count;
      if (limit > 0) {
        const uint64_t room = limit > writer_->size() ? limit - writer_->size() : 0;
        behind = std::lower_bound(ends + i, ends + count, begin + room) - ends + 1;
        behind = std::clamp(behind, i + 1, count);
      }
      const size_t end = ends[behind - 1];
      SR_RETURN_IF_ERROR(writer_->Write(bytes.substr(begin, end - begin)));
      records_ += behind - i;
      begin = end;
      i = behind;
      if (limit > 0 && writer_->size() >= limit) SR_RETURN_IF_ERROR(NextPart());
    }
    return Status::Ok();
  }

  const Config config_;
  SinkPath path_;
  SinkContext context_;
  Env* env_ = nullptr;
  std::unique_ptr<Sink> direct_;  // a pipe or device
  std::unique_ptr<FileWriter> writer_;
  bool rolls_ = false;
  bool staged_ = true;
  uint64_t number_ = 1;
  uint64_t first_number_ = 1;
  int64_t records_ = 0;  // in this part
  Timestamp opened_ = 0;
};

class BoundFile final : public BoundSink {
 public:
  explicit BoundFile(Config config) : config_(std::move(config)) {
    const bool device = config_.path.starts_with("/dev/");
    guarantee = device || config_.if_exists == IfExists::kAppend ? SinkGuarantee::kAtLeastOnce
                                                                 : SinkGuarantee::kExactlyOnce;
    single_writer = !SinkPath(config_.path).HasWorker();
    if (!device) exclusive = "file:" + AbsolutePath(config_.path);
    place = "file " + config_.path;
  }
  std::unique_ptr<Sink> Create() const override { return std::make_unique<FileSink>(config_); }

 private:
  const Config config_;
};

std::shared_ptr<const BoundSink> Bind(const Config& config, BindContext& context) {
  const ConfigValue& path = context.config()["path"];
  const SinkPath pattern(config.path);
  const bool rolls = config.roll.size > 0 || config.roll.age > 0;
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
  spec.Bool("sync", &Config::sync, "Make a file durable before it gets its name.");

  SinkDefinition d;
  d.name = "file";
  d.summary = "Writes files.";
  d.description =
      "When the input ends by itself, the file is written as `.NAME.inprogress` in the same directory and "
      "gets its "
      "name at the end, whole or not at all; a stop publishes what was written until then. With endless "
      "input, or "
      "with `if_exists: append`, the file grows where it is. With `roll`, each part gets its name when it is "
      "full. "
      "Named pipes and devices are written directly. When the disk is full the pipeline fails and nothing "
      "half "
      "written gets the file's name.";
  d.guarantee =
      "Keeps order. A run that is repeated after a failure replaces what it wrote, so no row is there twice; "
      "with "
      "`if_exists: append` rows may repeat.";
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
