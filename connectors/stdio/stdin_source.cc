// stdin: reads records from standard input.
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "core/component/registry.h"
#include "core/stream/framing.h"

namespace streamrun {
namespace {

// What a pipe holds by default is 64 KiB; a redirected file gives as much as is asked for.
constexpr size_t kBlock = 256 * 1024;

struct Config {
  bool bounded = true;
};

// Asks poll() before every read, so it never waits and needs no O_NONBLOCK, which the shell would inherit.
class StdinSource final : public Source {
 public:
  explicit StdinSource(const FormatTraits& format) : format_(format) {}

  Status Open(SourceContext& context, const std::vector<std::string>& positions) override {
    if (!positions.empty() && !positions.front().empty()) {
      return Status::Unsupported(
          "standard input cannot be read again from a saved position; start over with --reset-state");
    }
    FramingOptions framing;
    framing.max_record = context.max_record;
    framing.quote = format_.quote;
    framing.separator = format_.separator;
    framer_.emplace(framing);
    prototype_.split = std::make_shared<const std::string>("stdin");
    once_ = context.once;
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    SR_ASSIGN_OR_RETURN(const bool begun, TakeHeader());
    if (begun && framer_->Emit(out, prototype_)) return SourceOutcome::kMore;
    if (ended_) return SourceOutcome::kDone;
    pollfd ready{STDIN_FILENO, POLLIN, 0};
    const int n = ::poll(&ready, 1, 0);
    if (n == 0 && !once_) return SourceOutcome::kWait;
    if (n < 0 && errno != EINTR) return Status::FromErrno(errno, "cannot wait for standard input");
    return n == 0 ? End() : Read();
  }

  WaitSpec Wait() override {
    WaitSpec wait;
    wait.descriptors.push_back({STDIN_FILENO, POLLIN});
    return wait;
  }

  Extent Progress() const override { return {-1, read_}; }

 private:
  Result<SourceOutcome> Read() {
    const ssize_t n = ::read(STDIN_FILENO, framer_->Space(kBlock), kBlock);
    if (n == 0) return End();
    if (n > 0) {
      framer_->Filled(static_cast<size_t>(n));
      read_ += n;
    } else if (errno == EBADF) {
      return Status::IoError("standard input is not open; start streamrun with `< file` or in a pipe");
    } else if (errno != EINTR && errno != EAGAIN) {
      return Status::FromErrno(errno, "cannot read standard input");
    }
    return SourceOutcome::kMore;
  }

  SourceOutcome End() {
    framer_->End(true);
    ended_ = true;
    return SourceOutcome::kMore;
  }

  Result<bool> TakeHeader() {
    if (!format_.header || prototype_.header) return true;
    std::string line;
    SR_ASSIGN_OR_RETURN(const bool taken, framer_->TakeLine(&line));
    if (taken) prototype_.header = std::make_shared<const std::string>(std::move(line));
    return taken;
  }

  const FormatTraits format_;
  std::optional<RecordFramer> framer_;
  Chunk prototype_;
  bool once_ = false;
  bool ended_ = false;
  int64_t read_ = 0;
};

class BoundStdin final : public BoundSource {
 public:
  explicit BoundStdin(const Config& config) {
    bounded = config.bounded;
    exclusive = "stdin";
    place = "stdin";
  }
  std::unique_ptr<Source> Create(const FormatTraits& format) const override {
    return std::make_unique<StdinSource>(format);
  }
};

std::shared_ptr<const BoundSource> Bind(const Config& config, BindContext&) {
  return std::make_shared<BoundStdin>(config);
}

SourceDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Bool("bounded", &Config::bounded,
            "The input comes to an end by itself; false for an endless feed (`tail -f`), whose results are "
            "to be seen "
            "before the end.");

  SourceDefinition d;
  d.name = "stdin";
  d.summary = "Reads records from standard input.";
  d.description =
      "Input that pauses is waited for; a last line without a newline counts. Read by one worker. Compressed "
      "input is "
      "not recognised: put `zcat` in front.";
  d.guarantee = "Keeps order. Cannot be read again: after a failure, what was read before it is lost.";
  d.example = R"(pipeline: dear-bids-of-stdin
sources:
  bids:
    connector: stdin
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
operators:
  dear: {operator: filter, input: bids, where: price > 10000}
sinks:
  out: {connector: stdout, input: dear, format: json}
)";
  d.fields = spec.fields();
  d.gives = SourceDefinition::Gives::kBytes;
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(stdin_source, Define());

}  // namespace
}  // namespace streamrun
