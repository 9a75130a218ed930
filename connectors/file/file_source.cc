// file: reads files.
#include <algorithm>

#include "connectors/file/bounded_source.h"
#include "connectors/file/follow_source.h"
#include "connectors/file/path_pattern.h"
#include "core/component/registry.h"

namespace streamrun {
namespace {

struct Config {
  std::vector<ConfigValue> path;
  CompressionChoice compression = CompressionChoice::kAuto;
  bool allow_empty = false;
  bool follow = false;
  enum class Start : uint8_t { kBeginning, kEnd } start = Start::kBeginning;
  Duration poll_interval = FollowOptions().poll_interval;
  Duration rotate_wait = FollowOptions().rotate_wait;
};

class BoundFile final : public BoundSource {
 public:
  BoundFile(Config config, std::vector<std::string> patterns)
      : config_(std::move(config)), patterns_(std::move(patterns)) {
    bounded = parallel = ordered = !config_.follow;
    replayable = true;
    place = config_.follow ? "follows" : "file";
    for (const std::string& pattern : patterns_) place += " " + pattern;
  }

  std::unique_ptr<Source> Create(const FormatTraits& format) const override {
    if (config_.follow) {
      FollowOptions options;
      options.patterns = patterns_;
      options.from_end = config_.start == Config::Start::kEnd;
      options.allow_empty = config_.allow_empty;
      options.poll_interval = config_.poll_interval;
      options.rotate_wait = config_.rotate_wait;
      options.format = format;
      return CreateFollowSource(std::move(options));
    }
    BoundedFileOptions options;
    options.list = {patterns_, config_.compression, config_.allow_empty};
    options.format = format;
    return CreateBoundedFileSource(std::move(options));
  }

  Result<std::string> Version(Env* env) const override {
    std::string version;
    for (const std::string& pattern : patterns_) {
      SR_ASSIGN_OR_RETURN(std::vector<std::string> paths, ExpandPattern(env, pattern));
      if (paths.empty() && !IsPattern(pattern)) paths.push_back(pattern);
      for (const std::string& path : paths) {
        SR_ASSIGN_OR_RETURN(const FileInfo info, env->Info(path));
        version += path + ' ' + std::to_string(info.device) + ' ' + std::to_string(info.inode) + ' ' +
                   std::to_string(info.size) + ' ' + std::to_string(info.modified) + '\n';
      }
    }
    return version;
  }

 private:
  const Config config_;
  const std::vector<std::string> patterns_;
};

// Options that only one of the two ways to read has. False after reporting.
bool CheckFollow(const Config& config, BindContext& context) {
  bool fine = true;
  if (config.follow && config.compression != CompressionChoice::kAuto &&
      config.compression != CompressionChoice::kNone) {
    context.diagnostics().ErrorAt(context.config()["compression"], "file.follow",
                                  "a compressed file cannot be followed",
                                  "leave out `follow` or `compression`");
    fine = false;
  }
  for (const char* field : {"start", "poll_interval", "rotate_wait"}) {
    const ConfigValue& value = context.config()[field];
    if (config.follow || !value.present()) continue;
    context.diagnostics().ErrorAt(value, "file.follow", "'" + std::string(field) + "' needs `follow: true`",
                                  "leave it out to read the files once");
    fine = false;
  }
  return fine;
}

std::shared_ptr<const BoundSource> Bind(const Config& config, BindContext& context) {
  bool fine = CheckFollow(config, context);
  std::vector<std::string> patterns;
  for (const ConfigValue& value : config.path) {
    const std::string& path = value.text();
    if (path.empty()) {
      context.diagnostics().ErrorAt(value, "config.empty", "'path' must not be empty");
      fine = false;
    } else if (path == "/dev/stdin" || path == "-" || path == "/dev/fd/0") {
      context.diagnostics().ErrorAt(value, "file.stdin", "the file source does not read " + path,
                                    "write `connector: stdin`");
      fine = false;
    }
    patterns.push_back(path);
  }
  return fine ? std::make_shared<BoundFile>(config, std::move(patterns)) : nullptr;
}

SourceDefinition Define() {
  ConfigSpec<Config> spec;
  spec.TextList(
          "path", &Config::path,
          "File to read, or a pattern (`*`, `?`, `[a-z]`, `**` for any directories), or a list of these.")
      .Required()
      .NotEmpty();
  spec.OneOf("compression", &Config::compression,
             {{"auto", CompressionChoice::kAuto},
              {"none", CompressionChoice::kNone},
              {"gzip", CompressionChoice::kGzip},
              {"zstd", CompressionChoice::kZstd}},
             "How the files are compressed; auto looks at their first bytes.");
  spec.Bool("allow_empty", &Config::allow_empty,
            "A pattern that matches no file is fine; with `follow`, so is a path that does not exist yet.");
  spec.Bool("follow", &Config::follow, "Go on reading as files grow, are rotated and appear, and never end.");
  spec.OneOf("start", &Config::start,
             {{"beginning", Config::Start::kBeginning}, {"end", Config::Start::kEnd}},
             "Where a first run begins in files that are there; later files are read from their beginning.");
  spec.DurationField(
          "poll_interval", &Config::poll_interval,
          "How often to look for growth and new files where the system does not tell (network drives).")
      .AtLeast(kMillisecond);
  spec.DurationField(
          "rotate_wait", &Config::rotate_wait,
          "How long a file that was renamed away or removed is read on: its writer may still have it open.")
      .AtLeast(0);

  SourceDefinition d;
  d.name = "file";
  d.summary = "Reads files.";
  d.description =
      "Files are read in the order of the list, those of a pattern in bytewise order of their paths. Plain "
      "files of "
      "a format that ends every record at a newline are cut into parts of about 1 MiB, which the workers of "
      "the "
      "source share; compressed files are read by one worker each. A record longer than `settings.max_row` "
      "leaves "
      "by `errors` with its beginning. A damaged or truncated compressed file is an error, after every whole "
      "record "
      "before the damage.\n\n"
      "With `follow`, one worker reads all files as they grow. A file that is renamed away or removed is "
      "read to its "
      "end before the one that takes its place; a file that is truncated is read from its beginning again. "
      "Compressed files that a pattern matches are left out then: they are copies of what was read before.";
  d.guarantee =
      "Reads every record that is in the files when the run begins, exactly once and in order at any "
      "parallelism; "
      "can be read again from any position. With `follow`, rows of one file keep their order; what is "
      "written between "
      "the last look and a truncation of the same file cannot be seen by anyone.";
  d.example = R"(pipeline: bids-to-stdout
sources:
  bids:
    connector: file
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
sinks:
  out: {connector: stdout, input: bids, format: json}
)";
  d.fields = spec.fields();
  d.gives = SourceDefinition::Gives::kBytes;
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(file_source, Define());

}  // namespace
}  // namespace streamrun
