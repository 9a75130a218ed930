// file: reads files.
#include <algorithm>

#include "connectors/file/bounded_source.h"
#include "connectors/file/path_pattern.h"
#include "core/component/registry.h"

namespace streamrun {
namespace {

struct Config {
  std::vector<ConfigValue> path;
  CompressionChoice compression = CompressionChoice::kAuto;
  bool allow_empty = false;
};

class BoundFile final : public BoundSource {
 public:
  explicit BoundFile(ListOptions list) : list_(std::move(list)) {
    bounded = true;
    replayable = true;
    parallel = true;
    ordered = true;
    place = "file";
    for (const std::string& pattern : list_.patterns) place += " " + pattern;
  }

  std::unique_ptr<Source> Create(const FormatTraits& format) const override {
    BoundedFileOptions options;
    options.list = list_;
    options.format = format;
    return CreateBoundedFileSource(std::move(options));
  }

  Result<std::string> Version(Env* env) const override {
    std::string version;
    for (const std::string& pattern : list_.patterns) {
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
  const ListOptions list_;
};

std::shared_ptr<const BoundSource> Bind(const Config& config, BindContext& context) {
  ListOptions list;
  for (const ConfigValue& value : config.path) {
    const std::string& path = value.text();
    if (path.empty()) {
      context.diagnostics().ErrorAt(value, "config.empty", "'path' must not be empty");
      return nullptr;
    }
    if (path == "/dev/stdin" || path == "-" || path == "/dev/fd/0") {
      context.diagnostics().ErrorAt(value, "file.stdin", "the file source does not read " + path,
                                    "write `connector: stdin`");
      return nullptr;
    }
    list.patterns.push_back(path);
  }
  list.compression = config.compression;
  list.allow_empty = config.allow_empty;
  return std::make_shared<BoundFile>(std::move(list));
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
  spec.Bool("allow_empty", &Config::allow_empty, "A pattern that matches no file is fine.");

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
      "before the damage.";
  d.guarantee =
      "Reads every record that is in the files when the run begins, exactly once and in order at any "
      "parallelism; "
      "can be read again from any position.";
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
