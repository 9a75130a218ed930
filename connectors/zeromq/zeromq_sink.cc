// zeromq (sink): records to PUSH and PUB sockets.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "connectors/zeromq/zmq_endpoint.h"
#include "connectors/zeromq/zmq_socket.h"
#include "core/component/registry.h"

namespace streamrun::zeromq {
namespace {

/// From here on handing the memory over is cheaper than copying it (measured over ipc: 1.4 times the copy's
/// speed).
constexpr size_t kZeroCopy = 256 * 1024;

constexpr Duration kGlance = 20 * kMillisecond;

enum class Pattern { kPush, kPub };
enum class End { kNone, kMessage };
enum class Slow { kDrop, kBlock };

struct Config {
  Pattern pattern = Pattern::kPush;
  std::vector<ConfigValue> bind, connect;
  std::string topic;
  bool batch = false;
  End end_of_stream = End::kNone;
  Slow slow_subscriber = Slow::kDrop;
  int64_t high_water_mark = 0;
  Duration drain_timeout = 5 * kSecond;
};

struct Job {
  SocketOptions socket;
  std::string place;
  std::string topic;
  bool batch = false;
  bool says_end = false;
  Duration drain_timeout = 0;
};

/// Closing a socket with messages under way blocks until they are gone: that is done on a thread of its own,
/// which reports by a descriptor.
class Drain {
 public:
  Drain() = default;
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  ~Drain() {
    if (thread_.joinable()) thread_.join();
    if (done_ >= 0) ::close(done_);
  }

  bool started() const { return thread_.joinable() || finished_; }
  Status Start(ZmqSocket socket, Duration timeout) {
    done_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (done_ < 0) return Status::FromErrno(errno, "cannot wait for the last messages");
    thread_ = std::thread([socket = std::move(socket), timeout, done = done_]() mutable {
      Context context = socket.TakeContext();
      socket.Close(timeout);
      // The last socket of the process gone, this waits until everything is sent or the time is over.
      context.reset();
      eventfd_write(done, 1);
    });
    return Status::Ok();
  }
  bool Finished() {
    eventfd_t value = 0;
    if (!finished_ && eventfd_read(done_, &value) == 0) {
      thread_.join();
      finished_ = true;
    }
    return finished_;
  }
  int fd() const { return done_; }

 private:
  std::thread thread_;
  int done_ = -1;
  bool finished_ = false;
};

class ZeromqSink final : public Sink {
 public:
  explicit ZeromqSink(Job job) : job_(std::move(job)) {}

  Status Open(SinkContext& context) override {
    env_ = context.env;
    SR_ASSIGN_OR_RETURN(socket_, ZmqSocket::Open(job_.socket));
    return Status::Ok();
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    const int64_t messages = job_.batch ? (records.records() > 0 ? 1 : 0) : records.records();
    while (next_ < messages) {
      SR_ASSIGN_OR_RETURN(const bool sent, SendMessage(records));
      if (!sent) return SinkOutcome::kBusy;
      ++next_;
    }
    next_ = 0;
    return SinkOutcome::kAccepted;
  }

  Result<SinkOutcome> Finish(bool complete) override {
    if (!drain_.started()) {
      if (complete && job_.says_end) {
        SR_ASSIGN_OR_RETURN(const bool sent, SendParts(nullptr, {}));
        if (!sent) return SinkOutcome::kBusy;
      }
      SR_RETURN_IF_ERROR(drain_.Start(std::move(socket_), job_.drain_timeout));
    }
    return drain_.Finished() ? SinkOutcome::kAccepted : SinkOutcome::kBusy;
  }

  WaitSpec Wait() override {
    if (drain_.started()) return {{{drain_.fd(), POLLIN}}};
    // What a PUB socket says of its room is not to be relied on; a glance now and then does no harm.
    return {{{socket_.fd(), POLLIN}}, env_->MonotonicNow() + kGlance};
  }

  std::string Trouble() const override {
    return drain_.started() ? std::string() : job_.place + ": no peer takes messages";
  }

 private:
  Result<bool> SendMessage(const Encoded& records) {
    if (job_.batch) return SendParts(records.bytes, records.bytes->view());
    const auto* ends = records.record_ends->as<uint32_t>();
    const uint32_t begin = next_ == 0 ? 0 : ends[next_ - 1];
    std::string_view record = records.bytes->view().substr(begin, ends[next_] - begin);
    // The newline separates records of a text format; a message needs no separator.
    if (record.ends_with('\n')) record.remove_suffix(1);
    return SendParts(records.bytes, record);
  }

  /// The topic, if there is one, then `payload`. False: busy, and the next call goes on with the same part.
  Result<bool> SendParts(const BufferPtr& owner, std::string_view payload) {
    if (!job_.topic.empty() && !topic_sent_) {
      SR_ASSIGN_OR_RETURN(topic_sent_, Send(nullptr, job_.topic, ZMQ_SNDMORE));
      if (!topic_sent_) return false;
    }
    SR_ASSIGN_OR_RETURN(const bool sent, Send(owner, payload, 0));
    if (sent) topic_sent_ = false;
    return sent;
  }

  Result<bool> Send(const BufferPtr& owner, std::string_view payload, int flags) {
    zmq_msg_t message;
    if (owner && payload.size() >= kZeroCopy) {
      auto* keep = new BufferPtr(owner);
      zmq_msg_init_data(
          &message, const_cast<char*>(payload.data()), payload.size(),
          [](void*, void* hint) { delete static_cast<BufferPtr*>(hint); }, keep);
    } else {
      if (zmq_msg_init_size(&message, payload.size()) != 0)
        return Status::ResourceExhausted("no memory for a message");
      if (!payload.empty()) std::memcpy(zmq_msg_data(&message), payload.data(), payload.size());
    }
    // The descriptor stays silent about room that is already there, so it is asked for and the message tried
    // again. Not for ever: a PUB socket always claims to have room.
    int error = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      if (zmq_msg_send(&message, socket_.get(), flags | ZMQ_DONTWAIT) >= 0) return true;
      error = zmq_errno();
      if (error != EINTR && !(error == EAGAIN && socket_.Ready(ZMQ_POLLOUT))) break;
    }
    zmq_msg_close(&message);
    if (error == EAGAIN || error == EINTR) return false;
    return Status(Code::kIoError, job_.place + ": " + zmq_strerror(error));
  }

  Job job_;
  Env* env_ = nullptr;
  ZmqSocket socket_;
  Drain drain_;
  int64_t next_ = 0;  // message of the event under way
  bool topic_sent_ = false;
};

class BoundZeromq final : public BoundSink {
 public:
  BoundZeromq(Job job, std::string taken) : job_(std::move(job)) {
    guarantee = SinkGuarantee::kAtMostOnce;
    exclusive = std::move(taken);
    place = job_.place;
  }
  std::unique_ptr<Sink> Create() const override { return std::make_unique<ZeromqSink>(job_); }

 private:
  Job job_;
};

std::shared_ptr<const BoundSink> Bind(const Config& config, BindContext& context) {
  Endpoints endpoints;
  if (!BindEndpoints(config.bind, config.connect, context, &endpoints)) return nullptr;
  const bool pub = config.pattern == Pattern::kPub;
  for (const char* key : {"topic", "slow_subscriber"}) {
    if (pub || !context.config()[key].present()) continue;
    context.diagnostics().ErrorAt(context.config()[key], "config.conflict",
                                  "'" + std::string(key) + "' has a meaning with pattern: pub only");
    return nullptr;
  }
  Job job;
  job.socket.type = pub ? ZMQ_PUB : ZMQ_PUSH;
  job.socket.high_water_mark = HighWaterMark(config.high_water_mark, pub, config.batch);
  job.socket.no_drop = config.slow_subscriber == Slow::kBlock;
  job.socket.bind = endpoints.bind;
  job.socket.connect = endpoints.connect;
  job.socket.bind_field = "sinks." + context.node() + ".bind";
  job.place = endpoints.place;
  job.topic = config.topic;
  job.batch = config.batch;
  job.says_end = config.end_of_stream == End::kMessage;
  job.drain_timeout = config.drain_timeout;
  return std::make_shared<BoundZeromq>(std::move(job), endpoints.exclusive);
}

SinkDefinition Define() {
  ConfigSpec<Config> spec;
  spec.OneOf("pattern", &Config::pattern, {{"push", Pattern::kPush}, {"pub", Pattern::kPub}},
             "Shares the messages among PULL peers, or gives all of them to every SUB peer.");
  spec.TextList("bind", &Config::bind, "Addresses to bind: tcp://127.0.0.1:5556, ipc:///run/out.sock.");
  spec.TextList("connect", &Config::connect, "Addresses of the peers.");
  spec.Text("topic", &Config::topic, "First part of every message, which subscribers choose by.");
  spec.Bool("batch", &Config::batch, "A message holds many records, each ended by a newline.");
  spec.OneOf("end_of_stream", &Config::end_of_stream, {{"none", End::kNone}, {"message", End::kMessage}},
             "message: an empty message says that the input is complete.");
  spec.OneOf("slow_subscriber", &Config::slow_subscriber, {{"drop", Slow::kDrop}, {"block", Slow::kBlock}},
             "A subscriber that does not keep up misses messages, or holds back the pipeline.");
  spec.Integer("high_water_mark", &Config::high_water_mark,
               "Messages that may wait per peer; 0: 64, with batch 8, with pub 1000.")
      .AtLeast(0)
      .AtMost(1'000'000);
  spec.DurationField("drain_timeout", &Config::drain_timeout,
                     "How long the end waits for peers to take the rest.")
      .AtLeast(0)
      .AtMost(static_cast<double>(kHour));

  SinkDefinition d;
  d.name = "zeromq";
  d.summary = "Sends records over ZeroMQ PUSH or PUB sockets.";
  d.description =
      "Each record is a message, without the newline of its format; with `batch` a message holds many lines. "
      "PUSH waits "
      "while there is no peer that takes messages. PUB gives messages to whoever is subscribed at the time: "
      "without a "
      "subscriber, or when one is slow, ZeroMQ drops them and does not say so; `slow_subscriber: block` "
      "makes slow ones "
      "hold back the pipeline instead. With `topic` a message has two parts, topic and record.";
  d.guarantee =
      "At most once: peers do not confirm, and PUB drops messages for slow subscribers. Order is kept per "
      "peer.";
  d.example = R"(pipeline: to-zeromq
sources:
  numbers: {connector: generate, rate: 10/s, columns: {n: sequence}}
sinks:
  out: {connector: zeromq, input: numbers, pattern: pub, bind: "tcp://127.0.0.1:5556", format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(zeromq_sink, Define());

}  // namespace
}  // namespace streamrun::zeromq
