// socket (sink): records to tcp, udp and unix sockets.
#include "connectors/socket/datagram_sink.h"
#include "connectors/socket/stream_sink.h"
#include "core/component/registry.h"
#include "core/component/retry_fields.h"

namespace streamrun::socket {
namespace {

enum class SlowClient { kBlock, kDisconnect };

struct Config {
  std::string listen, connect;
  RetryOptions retry = Dialer::Pauses();
  Frame framing = Frame::kNewline;
  ByteOrder length_order = ByteOrder::kBig;
  int64_t max_connections = 64;
  SlowClient slow_client = SlowClient::kBlock;
  Duration slow_after = 5 * kSecond;
};

class BoundSocket final : public BoundSink {
 public:
  explicit BoundSocket(StreamSinkOptions options) : options_(std::move(options)) {
    guarantee = SinkGuarantee::kAtMostOnce;
    if (options_.endpoint.listen) exclusive = options_.endpoint.address.Exclusive();
    place = options_.endpoint.ToString();
  }
  std::unique_ptr<Sink> Create() const override {
    if (options_.endpoint.address.transport == Transport::kUdp) return NewDatagramSink(options_.endpoint);
    return NewStreamSink(options_);
  }

 private:
  StreamSinkOptions options_;
};

bool OptionsFit(const Endpoint& endpoint, SlowClient slow_client, BindContext& context) {
  const ConfigValue& map = context.config();
  if (endpoint.address.transport == Transport::kUdp && endpoint.listen) {
    context.diagnostics().ErrorAt(map["listen"], "config.conflict", "a udp sink has no clients to wait for",
                                  "use connect: with the address to send to");
    return false;
  }
  if (map["retry"].present() && (endpoint.listen || endpoint.address.transport == Transport::kUdp)) {
    context.diagnostics().ErrorAt(map["retry"], "config.conflict",
                                  "'retry' has a meaning with connect: on tcp:// or unix:// only");
    return false;
  }
  for (const char* key : {"max_connections", "slow_client", "slow_after"}) {
    if (!map[key].present() || endpoint.listen) continue;
    context.diagnostics().ErrorAt(map[key], "config.conflict",
                                  "'" + std::string(key) + "' has a meaning with listen: only");
    return false;
  }
  if (map["slow_after"].present() && slow_client == SlowClient::kBlock) {
    context.diagnostics().ErrorAt(map["slow_after"], "config.conflict",
                                  "'slow_after' has a meaning with slow_client: disconnect only");
    return false;
  }
  return true;
}

std::shared_ptr<const BoundSink> Bind(const Config& config, BindContext& context) {
  StreamSinkOptions options;
  if (!BindEndpoint(config.listen, config.connect, config.framing, config.length_order, "sinks", context,
                    &options.endpoint) ||
      !OptionsFit(options.endpoint, config.slow_client, context)) {
    return nullptr;
  }
  if (!CheckBackOff(config.retry, context.config()["retry"], context.diagnostics())) return nullptr;
  options.retry = config.retry;
  options.max_connections = config.max_connections;
  options.client_timeout = config.slow_client == SlowClient::kDisconnect ? config.slow_after : 0;
  return std::make_shared<BoundSocket>(std::move(options));
}

SinkDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Text("listen", &Config::listen, "Address on which clients fetch the records, tcp:// or unix://.");
  spec.Text("connect", &Config::connect,
            "Address to send to: tcp://host:9000, udp://host:514, unix:///run/out.sock.");
  spec.OneOf("framing", &Config::framing,
             {{"newline", Frame::kNewline}, {"length", Frame::kLength}, {"datagram", Frame::kDatagram}},
             "What ends a record: its newline, the 4-byte length in front of it, or its datagram.");
  spec.OneOf("length_order", &Config::length_order,
             {{"big", ByteOrder::kBig}, {"little", ByteOrder::kLittle}}, "Byte order of the length.");
  spec.Integer("max_connections", &Config::max_connections, "Clients at once; more wait until one leaves.")
      .AtLeast(1)
      .AtMost(4096);
  spec.OneOf("slow_client", &Config::slow_client,
             {{"block", SlowClient::kBlock}, {"disconnect", SlowClient::kDisconnect}},
             "A client that does not keep up holds back the pipeline, or is sent away.");
  spec.DurationField("slow_after", &Config::slow_after, "A client that takes nothing for so long is slow.")
      .AtLeast(1);
  spec.Struct("retry", &Config::retry, BackOffFields(), "Pauses between two calls of a peer that is away.");

  SinkDefinition d;
  d.name = "socket";
  d.summary = "Sends records to tcp, udp and unix sockets.";
  d.description =
      "With `connect` the records go to one peer, which is called again, with growing pauses, when it goes "
      "away; a "
      "record that was cut off is sent whole on the next connection. With `listen` they go to every client "
      "that is "
      "connected at the time; without one the pipeline waits. A client that closes its sending side has "
      "left. Of the "
      "datagrams of udp:// those that are too large or refused are counted.";
  d.guarantee =
      "At most once: the peer does not confirm, so what was on its way when it left is lost. Order is kept.";
  d.example = R"(pipeline: lines-to-a-peer
sources:
  numbers: {connector: generate, rate: 10/s, columns: {n: sequence}}
sinks:
  out: {connector: socket, input: numbers, connect: "tcp://127.0.0.1:9001", format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(socket_sink, Define());

}  // namespace
}  // namespace streamrun::socket
