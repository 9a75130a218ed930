#include "runner/cli/row_input.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "core/component/registry.h"
#include "core/stream/framing.h"
#include "runner/cli/infer_schema.h"

namespace streamrun {

namespace {

constexpr size_t kBlock = 256 * 1024;
constexpr size_t kMaxRecord = 64 << 20;

// Bytes of the file or of standard input from the beginning on.
class ByteInput {
 public:
  static Result<ByteInput> Open(const std::string& path) {
    ByteInput input;
    if (path == "-") return input;
    SR_ASSIGN_OR_RETURN(input.file_, Env::Default()->OpenForRead(path));
    return input;
  }
  /// At most `size` bytes; 0 at the end.
  Result<size_t> Read(size_t size, uint8_t* to) {
    if (file_) {
      SR_ASSIGN_OR_RETURN(const size_t n, file_->ReadAt(at_, size, reinterpret_cast<char*>(to)));
      at_ += n;
      return n;
    }
    for (;;) {
      const ssize_t n = ::read(STDIN_FILENO, to, size);
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR) return Status::FromErrno(errno, "cannot read standard input");
    }
  }

 private:
  std::unique_ptr<ReadableFile> file_;
  uint64_t at_ = 0;
};

// A format is bound here without a pipeline file around it; nothing can be nested in it.
class FormatContext final : public BindContext {
 public:
  using BindContext::BindContext;
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent&) override { return nullptr; }
};

Result<std::shared_ptr<const BoundFormat>> BindFormat(const std::string& name,
                                                      const std::vector<DeclaredColumn>& columns) {
  const FormatDefinition* definition = Registry::Global().FindFormat(name);
  if (definition == nullptr) return Status::InvalidArgument("there is no format '" + name + "'");
  Diagnostics diagnostics;
  const ConfigValue config = ConfigValue::Map({}, {});
  FormatContext context("input", "format '" + name + "'", config, {}, diagnostics);
  std::shared_ptr<const BoundFormat> format = definition->bind_decoder(context, columns);
  if (format) return format;
  return Status::InvalidArgument(diagnostics.findings().empty() ? "the format cannot be used"
                                                                : diagnostics.findings()[0].message);
}

// Numbers the lines of what a decoder gives: origins are byte offsets and never go back.
class Reader final : public SourceOutput, public DecodeOutput {
 public:
  Reader(const InputRows& rows, const InputFails& fails, int64_t first_line)
      : rows_(rows), fails_(fails), line_(first_line) {}

  void EmitChunk(Chunk chunk) override { chunk_ = std::move(chunk); }
  void EmitBatch(BatchPtr, Ordinal) override {}
  void Progress(Ordinal) override {}
  void FailRecord(const std::shared_ptr<const std::string>&, int64_t, std::string_view, std::string code,
                  std::string message) override {
    fails_(line_, code, message);
  }
  void FailRecord(int64_t offset, std::string_view, std::string code, std::string message) override {
    fails_(LineAt(offset), code, message);
  }
  void Emit(BatchPtr batch) override {
    std::vector<int64_t> lines(static_cast<size_t>(batch->rows()));
    const auto* offsets = batch->origin().offsets->as<int64_t>();
    for (size_t row = 0; row < lines.size(); ++row) lines[row] = LineAt(offsets[row]);
    if (status_.ok()) status_ = rows_(*batch, lines);
  }

  Status Decode(Decoder& decoder) {
    at_ = 0;
    SR_RETURN_IF_ERROR(decoder.Begin(*chunk_));
    for (Outcome outcome = Outcome::kHaveMore; outcome == Outcome::kHaveMore && status_.ok();) {
      SR_ASSIGN_OR_RETURN(outcome, decoder.Decode(*this));
    }
    LineAt(chunk_->offset + static_cast<int64_t>(chunk_->bytes->size()));
    return status_;
  }

 private:
  // A failed record may come behind a batch whose rows follow it: then it is counted back.
  int64_t LineAt(int64_t offset) {
    const auto* bytes = chunk_->bytes->data();
    const auto to = static_cast<size_t>(
        std::clamp<int64_t>(offset - chunk_->offset, 0, static_cast<int64_t>(chunk_->bytes->size())));
    if (to >= at_) {
      line_ += std::count(bytes + at_, bytes + to, '\n');
    } else {
      line_ -= std::count(bytes + to, bytes + at_, '\n');
    }
    at_ = to;
    return line_;
  }

  const InputRows& rows_;
  const InputFails& fails_;
  std::optional<Chunk> chunk_;
  int64_t line_;
  size_t at_ = 0;  // bytes of the chunk whose lines are counted
  Status status_;
};

std::vector<DeclaredColumn> Declare(const InferredSchema& inferred) {
  std::vector<DeclaredColumn> columns;
  for (const InferredColumn& column : inferred.columns) {
    DeclaredColumn declared;
    declared.name = column.name;
    declared.type = *DataType::Parse(column.type);
    columns.push_back(std::move(declared));
  }
  return columns;
}

std::string FormatByName(const RowInputOptions& options) {
  if (!options.format.empty()) return options.format;
  if (options.path.ends_with(".csv")) return "csv";
  return options.path.ends_with(".jsonl") || options.path.ends_with(".json") ? "json" : "";
}

// The beginning of the input, as much as inference looks at.
Result<std::string> ReadSample(ByteInput& input) {
  std::string sample(kInferenceSample, '\0');
  size_t have = 0;
  for (size_t n = 1; n > 0 && have < sample.size(); have += n) {
    SR_ASSIGN_OR_RETURN(n,
                        input.Read(sample.size() - have, reinterpret_cast<uint8_t*>(sample.data()) + have));
  }
  sample.resize(have);
  return sample;
}

FramingOptions FramingOf(const FormatTraits& traits) {
  FramingOptions framing;
  framing.max_record = kMaxRecord;
  framing.quote = traits.quote;
  framing.separator = traits.separator;
  return framing;
}

// What the framer holds already, then the rest of the input.
Status ReadRecords(ByteInput& input, RecordFramer& framer, const BoundFormat& format, const std::string& name,
                   Reader& reader) {
  DecodeOptions decode;
  decode.schema = format.schema;
  decode.wanted.assign(static_cast<size_t>(format.schema->size()), true);
  decode.origin = true;
  const std::unique_ptr<Decoder> decoder = format.CreateDecoder(decode);
  Chunk prototype;
  prototype.split = std::make_shared<const std::string>(name);
  for (bool ended = false;;) {
    bool begun = !format.traits.header || prototype.header;
    if (!begun) {
      std::string line;
      SR_ASSIGN_OR_RETURN(begun, framer.TakeLine(&line));
      if (begun) prototype.header = std::make_shared<const std::string>(std::move(line));
    }
    while (begun && framer.Emit(reader, prototype)) SR_RETURN_IF_ERROR(reader.Decode(*decoder));
    if (ended) return Status::Ok();
    SR_ASSIGN_OR_RETURN(const size_t n, input.Read(kBlock, framer.Space(kBlock)));
    framer.Filled(n);
    ended = n == 0;
    if (ended) framer.End(true);
  }
}

}  // namespace

Status ReadRows(const RowInputOptions& options, const InputBegins& begins, const InputRows& rows,
                const InputFails& fails) {
  SR_ASSIGN_OR_RETURN(ByteInput input, ByteInput::Open(options.path));
  SR_ASSIGN_OR_RETURN(const std::string sample, ReadSample(input));
  const std::string name = options.path == "-" ? "standard input" : options.path;
  if (sample.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Status::InvalidArgument(name + " is empty");
  }
  const InferredSchema inferred =
      InferSchema(sample, sample.size() == kInferenceSample, FormatByName(options), kInferenceRows);
  if (options.columns.empty() && inferred.columns.empty()) {
    return Status::InvalidArgument(name + " has no row that can be read as " + inferred.format);
  }
  SR_ASSIGN_OR_RETURN(
      const std::shared_ptr<const BoundFormat> format,
      BindFormat(inferred.format, options.columns.empty() ? Declare(inferred) : options.columns));
  SR_RETURN_IF_ERROR(begins(format->schema));

  RecordFramer framer(FramingOf(format->traits));
  std::copy(sample.begin(), sample.end(), framer.Space(sample.size()));
  framer.Filled(sample.size());
  Reader reader(rows, fails, format->traits.header ? 2 : 1);
  return ReadRecords(input, framer, *format, name, reader);
}

Result<std::vector<DeclaredColumn>> ParseColumns(std::string_view text) {
  std::vector<DeclaredColumn> columns;
  const auto trim = [](std::string_view s) {
    const size_t begin = s.find_first_not_of(" \t\n\"'{");
    if (begin == std::string_view::npos) return std::string();
    return std::string(s.substr(begin, s.find_last_not_of(" \t\n\"'}") - begin + 1));
  };
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    for (int depth = 0; end < text.size() && (depth > 0 || text[end] != ','); ++end) {
      depth += text[end] == '(' ? 1 : text[end] == ')' ? -1 : 0;
    }
    const std::string_view part = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t colon = part.find(':');
    DeclaredColumn column;
    if (colon != std::string_view::npos) column.name = trim(part.substr(0, colon));
    if (column.name.empty()) {
      return Status::InvalidArgument("a schema is written 'name: type, name: type', not '" + trim(part) +
                                     "'");
    }
    SR_ASSIGN_OR_RETURN(column.type, DataType::Parse(trim(part.substr(colon + 1))));
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace streamrun
