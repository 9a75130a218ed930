// zeromq (source): records from PULL and SUB sockets.
#include <poll.h>

#include <cstring>
#include <optional>

#include "connectors/zeromq/zmq_endpoint.h"
#include "connectors/zeromq/zmq_socket.h"
#include "core/component/registry.h"
#include "core/stream/framing.h"

namespace streamrun::zeromq {
namespace {

constexpr size_t kChunkBytes = 256 * 1024;
constexpr size_t kChunkRecords = 8192;

enum class Pattern { kPull, kSub };
enum class End { kNone, kMessage };

struct Config {
  Pattern pattern = Pattern::kPull;
  std::vector<ConfigValue> bind, connect, topics;
  bool batch = false;
  End end_of_stream = End::kNone;
  int64_t high_water_mark = 0;
  int64_t max_message = 4 << 20;
};

struct Job {
  SocketOptions socket;
  std::string place;
  bool batch = false;
  bool ends = false;  // an empty message is the end
};

/// A received message part; reused, so its memory goes back to libzmq at the next receive.
class Message {
 public:
  Message() { zmq_msg_init(&message_); }
  ~Message() { zmq_msg_close(&message_); }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  bool Receive(const ZmqSocket& socket) { return zmq_msg_recv(&message_, socket.get(), ZMQ_DONTWAIT) >= 0; }
  bool more() const { return zmq_msg_more(&message_) != 0; }
  std::string_view view() {
    return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }

 private:
  zmq_msg_t message_;
};

class ZeromqSource final : public Source {
 public:
  ZeromqSource(Job job, const FormatTraits& format)
      : job_(std::move(job)),
        format_(format),
        split_(std::make_shared<const std::string>("zeromq " + job_.place)) {}

  Status Open(SourceContext& context, const std::vector<std::string>&) override {
    if (job_.batch && !format_.line_delimited) {
      return Status::InvalidArgument("records of this format do not end at a newline; use batch: false");
    }
    if (format_.header) {
      return Status::InvalidArgument("a ZeroMQ message has no header line; set header: false in its format");
    }
    max_record_ = context.max_record;
    FramingOptions framing{.max_record = context.max_record};
    if (!format_.splittable) framing.quote = '"';
    framer_.emplace(framing);
    SR_ASSIGN_OR_RETURN(socket_, ZmqSocket::Open(job_.socket));
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    if (job_.batch ? EmitLines(out) : EmitMessages(out)) return SourceOutcome::kMore;
    if (ended_) return SourceOutcome::kDone;
    // The descriptor stays silent about messages that are already there.
    return socket_.Ready(ZMQ_POLLIN) ? SourceOutcome::kMore : SourceOutcome::kWait;
  }

  WaitSpec Wait() override { return {{{socket_.fd(), POLLIN}}}; }

 private:
  /// The last part of the next message; earlier ones (a topic, an envelope) are not data. False: none, or the
  /// end.
  bool Next(Message& message) {
    if (ended_ || !message.Receive(socket_)) return false;
    // The parts of a message arrive together.
    while (message.more() && message.Receive(socket_)) {
    }
    ended_ = job_.ends && message.view().empty();
    return !ended_;
  }

  /// One chunk of whole messages; false when there is none.
  bool EmitMessages(SourceOutput& out) {
    BufferBuilder bytes, ends;
    const int64_t first = next_;
    Message message;
    while (bytes.size() < kChunkBytes && ends.size() < kChunkRecords * 4 && Next(message)) {
      const std::string_view record = message.view();
      if (record.size() > max_record_) {
        out.FailRecord(split_, next_++, record.substr(0, kFailedPrefix), "record.too_long",
                       "a message of " + std::to_string(record.size()) +
                           " bytes is longer than max_record, " + std::to_string(max_record_));
        // The chunk's numbers are consecutive: what comes next begins another one.
        if (ends.size() > 0) break;
        return true;
      }
      bytes.Append(record.data(), record.size());
      ends.Push(static_cast<uint32_t>(bytes.size()));
      ++next_;
    }
    if (ends.size() == 0) return false;
    out.EmitChunk({.bytes = bytes.Finish(), .record_ends = ends.Finish(), .split = split_, .offset = first});
    return true;
  }

  /// One chunk of lines out of messages of many; false when there is none.
  bool EmitLines(SourceOutput& out) {
    const Chunk prototype{.split = split_};
    if (framer_->pending() > 0 && framer_->Emit(out, prototype)) return true;
    Message message;
    while (framer_->pending() < kChunkBytes && Next(message)) {
      const std::string_view lines = message.view();
      if (lines.empty()) continue;
      // A message ends its last line whether it says so or not.
      uint8_t* space = framer_->Space(lines.size() + 1);
      std::memcpy(space, lines.data(), lines.size());
      space[lines.size()] = '\n';
      framer_->Filled(lines.size() + (lines.back() == '\n' ? 0 : 1));
    }
    return framer_->pending() > 0 && framer_->Emit(out, prototype);
  }

  Job job_;
  FormatTraits format_;
  std::shared_ptr<const std::string> split_;
  size_t max_record_ = 0;
  std::optional<RecordFramer> framer_;
  ZmqSocket socket_;
  int64_t next_ = 0;
  bool ended_ = false;
};

class BoundZeromq final : public BoundSource {
 public:
  BoundZeromq(Job job, std::string taken) : job_(std::move(job)) {
    bounded = job_.ends;
    exclusive = std::move(taken);
    place = job_.place;
  }
  std::unique_ptr<Source> Create(const FormatTraits& format) const override {
    return std::make_unique<ZeromqSource>(job_, format);
  }

 private:
  Job job_;
};

std::shared_ptr<const BoundSource> Bind(const Config& config, BindContext& context) {
  Endpoints endpoints;
  if (!BindEndpoints(config.bind, config.connect, context, &endpoints)) return nullptr;
  const bool sub = config.pattern == Pattern::kSub;
  const ConfigValue& topics = context.config()["topics"];
  if (topics.present() && !sub) {
    context.diagnostics().Error(topics.mark(), "config.conflict",
                                "'topics' has a meaning with pattern: sub only");
    return nullptr;
  }
  Job job;
  job.socket.type = sub ? ZMQ_SUB : ZMQ_PULL;
  job.socket.high_water_mark = HighWaterMark(config.high_water_mark, sub, config.batch);
  job.socket.max_message = config.max_message;
  for (const ConfigValue& topic : config.topics) job.socket.topics.push_back(topic.text());
  if (sub && job.socket.topics.empty()) job.socket.topics.emplace_back();
  job.socket.bind = endpoints.bind;
  job.socket.connect = endpoints.connect;
  job.socket.bind_field = "sources." + context.node() + ".bind";
  job.place = endpoints.place;
  job.batch = config.batch;
  job.ends = config.end_of_stream == End::kMessage;
  return std::make_shared<BoundZeromq>(std::move(job), endpoints.exclusive);
}

SourceDefinition Define() {
  ConfigSpec<Config> spec;
  spec.OneOf("pattern", &Config::pattern, {{"pull", Pattern::kPull}, {"sub", Pattern::kSub}},
             "Shares the messages of PUSH peers with other pullers, or subscribes to PUB peers.");
  spec.TextList("bind", &Config::bind, "Addresses to bind: tcp://127.0.0.1:5555, ipc:///run/in.sock.");
  spec.TextList("connect", &Config::connect, "Addresses of the peers.");
  spec.TextList("topics", &Config::topics, "Prefixes to subscribe to; left out: everything.");
  spec.Bool("batch", &Config::batch, "A message holds many records, each ended by a newline.");
  spec.OneOf("end_of_stream", &Config::end_of_stream, {{"none", End::kNone}, {"message", End::kMessage}},
             "message: an empty message is the end of the input.");
  spec.Integer("high_water_mark", &Config::high_water_mark,
               "Messages that may wait per peer; 0: 64, with batch 8, with sub 1000.")
      .AtLeast(0)
      .AtMost(1'000'000);
  spec.Size("max_message", &Config::max_message, "A peer that sends a longer message is disconnected.")
      .AtLeast(1024)
      .AtMost(1 << 30);

  SourceDefinition d;
  d.name = "zeromq";
  d.summary = "Receives records from ZeroMQ PUSH or PUB sockets.";
  d.description =
      "Each message is a record; of one with several parts (a topic, an envelope) the last part is. With "
      "`batch` a "
      "message holds many lines. The pipeline that cannot keep up stops receiving: PUSH peers then wait, PUB "
      "peers drop "
      "messages without a trace. Connections are repaired by ZeroMQ.";
  d.guarantee =
      "At most once: messages in flight are lost when a side crashes, and a subscriber that is slow or late "
      "misses some.";
  d.example = R"(pipeline: from-zeromq
sources:
  in: {connector: zeromq, bind: "tcp://127.0.0.1:5555", format: json, schema: {user: text, n: bigint}}
sinks:
  out: {connector: stdout, input: in, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(zeromq_source, Define());

}  // namespace
}  // namespace streamrun::zeromq
