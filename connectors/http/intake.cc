#include "connectors/http/intake.h"

#include <poll.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "connectors/http/listen_address.h"
#include "core/stream/framing.h"

namespace streamrun::http {
namespace {

constexpr int kOk = 200, kAccepted = 202, kUnavailable = 503;

/// Records of a chunk: lines that are not empty; a newline within quotes ends none.
int64_t CountRecords(std::string_view bytes, char quote) {
  int64_t records = 0;
  bool quoted = false, empty = true;
  for (const char c : bytes) {
    if (c == '\n' && !quoted) {
      records += empty ? 0 : 1;
      empty = true;
      continue;
    }
    if (quote != 0 && c == quote) quoted = !quoted;
    empty = empty && c == '\r';
  }
  return records + (empty ? 0 : 1);
}

/// What a request gave, counted on its way out.
class CountingOutput final : public SourceOutput {
 public:
  CountingOutput(SourceOutput& out, char quote) : out_(out), quote_(quote) {}
  void EmitChunk(Chunk chunk) override {
    records += CountRecords(chunk.bytes->view(), quote_);
    ++items;
    out_.EmitChunk(std::move(chunk));
  }
  void EmitBatch(BatchPtr, Ordinal) override { SR_CHECK(false); }
  void FailRecord(const std::shared_ptr<const std::string>& split, int64_t offset, std::string_view raw,
                  std::string code, std::string message) override {
    ++failed;
    ++items;
    out_.FailRecord(split, offset, raw, std::move(code), std::move(message));
  }
  void Progress(Ordinal next) override { out_.Progress(next); }

  int64_t records = 0, failed = 0;
  uint64_t items = 0;

 private:
  SourceOutput& out_;
  const char quote_;
};

class Intake final : public Source {
 public:
  explicit Intake(IntakeOptions options) : options_(std::move(options)) {}

  ~Intake() override {
    // Their clients do not know whether the records are safe, and send them again.
    if (current_) waiting_.push_back(current_->request);
    for (const Request& r : waiting_) Refuse(r);
  }

  Status Open(SourceContext& context, const std::vector<std::string>&) override {
    if (!options_.format.line_delimited) {
      return Status::InvalidArgument(
          "records of this format do not end at a newline, as those of a body must");
    }
    once_ = context.once;
    buffered_ = context.buffered;
    framing_.max_record = context.max_record;
    framing_.quote = options_.format.quote;
    framing_.separator = options_.format.separator;
    place_ = "http://" + options_.server.address.ToString() + options_.server.path;
    SR_ASSIGN_OR_RETURN(server_, HttpServer::Open(options_.server, context.env));
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    if (!current_) Begin();
    if (!current_) return once_ && requests_ > 0 ? SourceOutcome::kDone : SourceOutcome::kWait;
    CountingOutput counting(out, framing_.quote);
    const bool more = EmitSome(counting);
    Request& request = current_->request;
    request.records += counting.records;
    request.failed += counting.failed;
    items_ += counting.items;
    // Ended with its last chunk, so that the barrier behind this Poll covers it.
    if (!more || current_->framer.pending() == 0) EndRequest();
    return SourceOutcome::kMore;
  }

  WaitSpec Wait() override { return {{{server_->fd(), POLLIN}}}; }

  // Nowhere: it cannot be read again. What was given out whole belongs to the epoch whose barrier follows.
  std::string Position() const override {
    at_barrier_ = finished_;
    return {};
  }

  // One epoch is under way at a time, so it is the one that Position was last asked for.
  Status Commit(uint64_t) override {
    if (!buffered_) AnswerUpTo([&](const Request& r) { return r.number <= at_barrier_; });
    return Status::Ok();
  }

  void Stored(uint64_t count) override {
    stored_ = count;
    AnswerUpTo([&](const Request& r) { return r.last_item <= stored_; });
  }

  void StorageFull(bool full) override {
    full_ = full;
    server_->SetStorageFull(full);
  }

  std::string Trouble() const override {
    return full_ ? place_ + ": requests are answered 503 because the buffer is full" : std::string();
  }

 private:
  struct Request {
    Exchange* exchange = nullptr;
    uint64_t number = 0;     // from 1
    uint64_t last_item = 0;  // chunks and failed records given out up to its end
    int64_t records = 0;
    int64_t failed = 0;
  };
  struct Current {
    explicit Current(const FramingOptions& framing) : framer(framing) {}
    Request request;
    RecordFramer framer;
    Chunk prototype;
    bool wants_header = false;
  };

  void Begin() {
    std::optional<HttpServer::Taken> taken = server_->Take();
    if (!taken) return;
    current_ = std::make_unique<Current>(framing_);
    current_->request.exchange = taken->exchange;
    current_->request.number = ++requests_;
    current_->wants_header = options_.format.header;
    current_->prototype.split = std::make_shared<const std::string>(place_ + " from " + taken->peer +
                                                                    " request " + std::to_string(requests_));
    RecordFramer& framer = current_->framer;
    // Framed where it stands: the framer's own buffer becomes the chunk.
    const size_t size = taken->body->size();
    std::copy_n(taken->body->data(), size, framer.Space(size));
    framer.Filled(size);
    framer.End(true);
  }

  /// False: the request has given everything.
  bool EmitSome(CountingOutput& out) {
    Current& c = *current_;
    if (c.wants_header) {
      std::string line;
      const Result<bool> taken = c.framer.TakeLine(&line);
      if (!taken.ok()) {
        out.FailRecord(c.prototype.split, 0, line.substr(0, kFailedPrefix), "record.too_long",
                       taken.status().message());
        return false;
      }
      c.prototype.header = std::make_shared<const std::string>(std::move(line));
      c.wants_header = false;
    }
    return c.framer.pending() > 0 && c.framer.Emit(out, c.prototype);
  }

  void EndRequest() {
    Request request = current_->request;
    current_ = nullptr;
    finished_ = request.number;
    request.last_item = items_;
    if (options_.ack == Ack::kReceived) {
      Answer(request, kAccepted);
    } else {
      waiting_.push_back(request);
      // Nothing to wait for, if all before it is safe.
      if (buffered_) AnswerUpTo([&](const Request& r) { return r.last_item <= stored_; });
    }
  }

  template <typename Safe>
  void AnswerUpTo(Safe safe) {
    while (!waiting_.empty() && safe(waiting_.front())) {
      Answer(waiting_.front(), kOk);
      waiting_.pop_front();
    }
  }

  void Answer(const Request& r, int status) {
    std::string body = "{\"records\":" + std::to_string(r.records);
    if (r.failed > 0) body += ",\"failed\":" + std::to_string(r.failed);
    server_->Answer(r.exchange, status, body + "}");
  }
  void Refuse(const Request& r) {
    server_->Answer(r.exchange, kUnavailable,
                    R"({"error":"the pipeline closed before the records were safe"})");
  }

  const IntakeOptions options_;
  FramingOptions framing_;
  std::string place_;
  bool once_ = false;
  bool buffered_ = false;
  bool full_ = false;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Current> current_;  // may have more chunks
  uint64_t requests_ = 0;             // taken
  uint64_t finished_ = 0;             // given out whole
  mutable uint64_t at_barrier_ = 0;   // finished_ when Position was last asked
  uint64_t items_ = 0;                // chunks and failed records given out
  uint64_t stored_ = 0;               // of those, known to be safe (buffered)
  std::deque<Request> waiting_;       // given out whole, not answered
};

}  // namespace

std::unique_ptr<Source> NewIntake(IntakeOptions options) {
  return std::make_unique<Intake>(std::move(options));
}

}  // namespace streamrun::http
