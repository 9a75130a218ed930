#include <algorithm>
#include <map>

#include "connectors/http/sink_options.h"

namespace streamrun::http {
namespace {

class DirectSink final : public Sink {
 public:
  explicit DirectSink(SinkOptions options) : options_(std::move(options)) {}

  Status Open(SinkContext& context) override {
    env_ = context.env;
    options_.body.preamble = context.preamble;
    builder_ = std::make_unique<BodyBuilder>(options_.body);
    // The rows of an attempt that failed come in other bodies: their keys must be others, too.
    run_ = {context.identity, context.pipeline, context.node, Hex(env_->Random64()), Hex(env_->Random64())};
    SR_ASSIGN_OR_RETURN(poster_, Poster::Open(options_.poster, env_));
    return Status::Ok();
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    SR_RETURN_IF_ERROR(Drive());
    while (taken_ < records.records()) {
      if (builder_->empty()) opened_ = env_->MonotonicNow();
      if (builder_->Add(RecordOf(records, taken_))) {
        ++taken_;
      } else if (poster_->HasRoom()) {
        Send();
      } else {
        return SinkOutcome::kBusy;
      }
    }
    taken_ = 0;
    SR_RETURN_IF_ERROR(Drive());
    return SinkOutcome::kAccepted;
  }

  // A body that is not full waits for its time also before a barrier: pauses of the input look the same.
  Result<SinkOutcome> Flush() override {
    return SendRest(builder_->full() || env_->MonotonicNow() >= opened_ + options_.linger);
  }
  Result<SinkOutcome> Finish(bool) override { return SendRest(true); }

  WaitSpec Wait() override {
    WaitSpec wait;
    poster_->AddWait(wait);
    if (!builder_->empty() && poster_->HasRoom())
      wait.deadline = std::min(wait.deadline, opened_ + options_.linger);
    return wait;
  }

  std::vector<RefusedRecord> TakeRefused() override { return std::exchange(refused_, {}); }
  std::string Trouble() const override { return poster_->Trouble(); }

 private:
  Result<SinkOutcome> SendRest(bool now) {
    SR_RETURN_IF_ERROR(Drive());
    if (!builder_->empty() && now && poster_->HasRoom()) {
      Send();
      SR_RETURN_IF_ERROR(Drive());
    }
    return builder_->empty() && poster_->empty() ? SinkOutcome::kAccepted : SinkOutcome::kBusy;
  }

  void Send() {
    BatchBody body = builder_->Finish();
    Post post;
    post.id = next_++;
    post.body = std::make_shared<const std::string>(std::move(body.bytes));
    std::vector<std::string> parts = run_;
    parts.push_back(std::to_string(post.id));
    post.key = KeyOf(parts);
    in_flight_[post.id] = {post.body, std::move(body.ends), options_.poster.client.url + " " + post.key};
    poster_->Add(std::move(post));
  }

  Status Drive() {
    for (;;) {
      std::vector<Settled> settled;
      SR_RETURN_IF_ERROR(poster_->Advance(&settled));
      for (const Settled& one : settled) {
        const auto body = in_flight_.find(one.id);
        if (!one.delivered()) SR_RETURN_IF_ERROR(AppendRefused(body->second, options_.body, one, &refused_));
        in_flight_.erase(body);
      }
      if (settled.empty()) break;
    }
    // A full body goes out as soon as there is room, also when no more rows come.
    if (builder_->full() && poster_->HasRoom()) {
      Send();
      return Drive();
    }
    return Status::Ok();
  }

  SinkOptions options_;
  Env* env_ = nullptr;
  std::vector<std::string> run_;
  std::unique_ptr<BodyBuilder> builder_;
  std::unique_ptr<Poster> poster_;
  Timestamp opened_ = 0;  // when the first record of builder_ came
  int64_t taken_ = 0;     // of the event that WriteBytes is called with
  uint64_t next_ = 0;
  std::map<uint64_t, InFlight> in_flight_;
  std::vector<RefusedRecord> refused_;
};

}  // namespace

std::unique_ptr<Sink> NewDirectSink(SinkOptions options) {
  return std::make_unique<DirectSink>(std::move(options));
}

}  // namespace streamrun::http
