#include "connectors/http/intake.h"

#include <poll.h>
#include <xxhash.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "connectors/http/listen_address.h"
#include "connectors/http/request_keys.h"
#include "connectors/http/request_position.h"
#include "core/stream/framing.h"

namespace streamrun::http {
namespace {

constexpr int kOk = 200, kAccepted = 202, kConflict = 409, kOtherBody = 422, kUnavailable = 503;

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

/// Takes what a request gave before a crash, and drops it.
class NoOutput final : public SourceOutput {
 public:
  void EmitChunk(Chunk) override {}
  void EmitBatch(BatchPtr, Ordinal) override {}
  void FailRecord(const std::shared_ptr<const std::string>&, int64_t, std::string_view, std::string,
                  std::string) override {}
  void Progress(Ordinal) override {}
};

class Intake final : public Source {
 public:
  explicit Intake(IntakeOptions options)
      : options_(std::move(options)), keys_(options_.deduplicate.within, options_.deduplicate.max_keys) {}

  ~Intake() override {
    // Their clients do not know whether the records are safe, and send them again.
    if (current_) waiting_.push_back(current_->request);
    for (const Request& r : waiting_) Refuse(r);
  }

  Status Open(SourceContext& context, const std::vector<std::string>& positions) override {
    if (!options_.format.line_delimited) {
      return Status::InvalidArgument(
          "records of this format do not end at a newline, as those of a body must");
    }
    env_ = context.env;
    once_ = context.once;
    buffered_ = context.buffered;
    framing_.max_record = context.max_record;
    framing_.quote = options_.format.quote;
    framing_.separator = options_.format.separator;
    place_ = options_.server.Place();
    if (options_.deduplicate.on) SR_RETURN_IF_ERROR(ReadKeys(context, positions));
    SR_ASSIGN_OR_RETURN(server_, HttpServer::Open(options_.server, context.env));
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    while (!current_ && Begin()) {
    }
    if (!current_) return once_ && requests_ > 0 ? SourceOutcome::kDone : SourceOutcome::kWait;
    if (current_->request.taken && !std::exchange(current_->unit_begun, true)) out.BeginUnit();
    CountingOutput counting(out, framing_.quote);
    const bool more = EmitSome(counting);
    Request& request = current_->request;
    request.records += counting.records;
    request.failed += counting.failed;
    items_ += counting.items;
    // Ended with its last chunk, so that the barrier behind this Poll covers it.
    if (!more || current_->framer.pending() == 0) EndRequest(out);
    return SourceOutcome::kMore;
  }

  WaitSpec Wait() override { return {{{server_->fd(), POLLIN}}}; }

  // Nowhere: it cannot be read again. What was given out whole belongs to the epoch whose barrier follows,
  // with its keys; and so does the beginning of a request that is being given out.
  std::string Position() const override {
    at_barrier_ = finished_;
    if (!options_.deduplicate.on || buffered_) return {};
    RequestPosition position;
    keys_.Append(&position.taken);
    for (const Request& r : waiting_) AppendTaken(TakenOf(r), &position.taken);
    position.parts.assign(parts_.begin(), parts_.end());
    if (current_ && current_->request.taken) {
      position.parts.push_back({TakenOf(current_->request), current_->framer.position()});
    }
    return PrintPosition(position);
  }

  std::string Marks() const override {
    std::string marks;
    keys_.Append(&marks);
    return marks;
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
    if (full_) return place_ + ": requests are answered 503 because the buffer is full";
    if (!keys_.crowded()) return {};
    return place_ +
           ": keys are forgotten before deduplicate.within is over, because there are more than max_keys";
  }

 private:
  struct Request {
    Exchange* exchange = nullptr;
    uint64_t number = 0;     // from 1
    uint64_t last_item = 0;  // chunks and failed records given out up to its end
    int64_t records = 0;
    int64_t failed = 0;
    std::optional<TakenRequest> taken;  // its key; without counts
  };
  struct Current {
    explicit Current(const FramingOptions& framing) : framer(framing) {}
    Request request;
    RecordFramer framer;
    Chunk prototype;
    bool wants_header = false;
    bool unit_begun = false;
  };

  // --- Keys

  Status ReadKeys(const SourceContext& context, const std::vector<std::string>& positions) {
    std::vector<std::string> stored = context.marks;
    for (const std::string& text : positions) {
      SR_ASSIGN_OR_RETURN(RequestPosition position, ParsePosition(text));
      stored.push_back(std::move(position.taken));
      parts_.insert(parts_.end(), position.parts.begin(), position.parts.end());
    }
    const Timestamp now = env_->WallNow();
    for (const std::string& bytes : stored) {
      SR_ASSIGN_OR_RETURN(const std::deque<TakenRequest> all, ParseTaken(bytes));
      for (const TakenRequest& taken : all) keys_.Add(taken, now);
    }
    return Status::Ok();
  }

  static TakenRequest TakenOf(const Request& r) {
    TakenRequest taken = *r.taken;
    taken.records = static_cast<uint32_t>(r.records);
    taken.failed = static_cast<uint32_t>(r.failed);
    return taken;
  }

  // One that was taken, or is being taken, is answered and not given out. True: it is answered.
  bool AnswerKnown(const HttpServer::Taken& request, const TakenRequest& mine) {
    const auto other_body = [&] {
      server_->Answer(request.exchange, kOtherBody, R"({"error":"this key was used with another body"})");
      return true;
    };
    if (const TakenRequest* taken = keys_.Find(mine.key, mine.at)) {
      if (taken->body != mine.body) return other_body();
      AnswerCounts(request.exchange, kOk, taken->records, taken->failed);
      return true;
    }
    // Those whose fate is open: as many as wait for a sync or a checkpoint.
    for (const Request& r : waiting_) {
      if (!r.taken || r.taken->key != mine.key) continue;
      if (r.taken->body != mine.body) return other_body();
      server_->Answer(request.exchange, kConflict, R"({"error":"a request with this key is being taken"})");
      return true;
    }
    return false;
  }

  // What of it is in the checkpoint that the pipeline goes on from is not given out again.
  void SkipPart() {
    Request& request = current_->request;
    std::erase_if(parts_, [&](const RequestPart& p) {
      return p.request.at <= env_->WallNow() - options_.deduplicate.within;
    });
    const auto part = std::find_if(parts_.begin(), parts_.end(), [&](const RequestPart& p) {
      return p.request.key == request.taken->key && p.request.body == request.taken->body;
    });
    if (part == parts_.end()) return;
    request.records = part->request.records;
    request.failed = part->request.failed;
    NoOutput none;
    if (current_->wants_header && part->offset > 0) (void)TakeHeader().ok();
    while (current_->framer.position() < part->offset && current_->framer.Emit(none, current_->prototype)) {
    }
    parts_.erase(part);
  }

  // --- Requests

  // False: there is none. Behind it there is a current request, unless that is answered already.
  bool Begin() {
    std::optional<HttpServer::Taken> taken = server_->Take();
    if (!taken) return false;
    std::optional<TakenRequest> named;
    if (!taken->key.empty()) {
      named.emplace();
      named->key = RequestKey::Of(taken->key);
      named->body = XXH3_64bits(taken->body->data(), taken->body->size());
      named->at = env_->WallNow();
      if (AnswerKnown(*taken, *named)) return true;
    }
    current_ = std::make_unique<Current>(framing_);
    current_->request.exchange = taken->exchange;
    current_->request.number = ++requests_;
    current_->request.taken = named;
    current_->wants_header = options_.format.header;
    current_->prototype.split = std::make_shared<const std::string>(place_ + " from " + taken->peer +
                                                                    " request " + std::to_string(requests_));
    RecordFramer& framer = current_->framer;
    // Framed where it stands: the framer's own buffer becomes the chunk.
    const size_t size = taken->body->size();
    std::copy_n(taken->body->data(), size, framer.Space(size));
    framer.Filled(size);
    framer.End(true);
    if (named) SkipPart();
    return true;
  }

  Status TakeHeader() {
    Current& c = *current_;
    std::string line;
    const Result<bool> taken = c.framer.TakeLine(&line);
    c.wants_header = false;
    c.prototype.header = std::make_shared<const std::string>(std::move(line));
    return taken.status();
  }

  /// False: the request has given everything.
  bool EmitSome(CountingOutput& out) {
    Current& c = *current_;
    if (c.wants_header) {
      if (const Status status = TakeHeader(); !status.ok()) {
        out.FailRecord(c.prototype.split, 0, c.prototype.header->substr(0, kFailedPrefix), "record.too_long",
                       status.message());
        return false;
      }
    }
    return c.framer.pending() > 0 && c.framer.Emit(out, c.prototype);
  }

  void EndRequest(SourceOutput& out) {
    Request request = current_->request;
    if (request.taken) {
      std::string mark;
      AppendTaken(TakenOf(request), &mark);
      out.EndUnit(mark);
    }
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
    if (r.taken) keys_.Add(TakenOf(r), env_->WallNow());
    AnswerCounts(r.exchange, status, r.records, r.failed);
  }
  void AnswerCounts(Exchange* exchange, int status, int64_t records, int64_t failed) {
    std::string body = "{\"records\":" + std::to_string(records);
    if (failed > 0) body += ",\"failed\":" + std::to_string(failed);
    server_->Answer(exchange, status, body + "}");
  }
  void Refuse(const Request& r) {
    server_->Answer(r.exchange, kUnavailable,
                    R"({"error":"the pipeline closed before the records were safe"})");
  }

  const IntakeOptions options_;
  FramingOptions framing_;
  std::string place_;
  Env* env_ = nullptr;
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
  RequestKeys keys_;                  // of requests that are safe
  std::vector<RequestPart> parts_;    // what the restored checkpoint has of requests that come again
};

}  // namespace

std::unique_ptr<Source> NewIntake(IntakeOptions options) {
  return std::make_unique<Intake>(std::move(options));
}

}  // namespace streamrun::http
