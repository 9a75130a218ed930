// socket (source): records from tcp, udp and unix sockets.
#include "connectors/socket/datagram_source.h"
#include "connectors/socket/stream_source.h"
#include "core/component/registry.h"
#include "core/component/retry_fields.h"

namespace streamrun::socket {
namespace {

struct Config {
  std::string listen, connect;
  RetryOptions retry = Dialer::Pauses();
  Frame framing = Frame::kNewline;
  ByteOrder length_order = ByteOrder::kBig;
  int64_t max_connections = 64;
  bool reconnect = true;
};

class BoundSocket final : public BoundSource {
 public:
  explicit BoundSocket(StreamSourceOptions options) : options_(std::move(options)) {
    bounded = !options_.endpoint.listen && !options_.reconnect;
    if (options_.endpoint.listen) exclusive = options_.endpoint.address.Exclusive();
    place = options_.endpoint.ToString();
  }
  std::unique_ptr<Source> Create(const FormatTraits& format) const override {
    if (options_.endpoint.address.transport == Transport::kUdp) return NewDatagramSource(options_.endpoint);
    StreamSourceOptions options = options_;
    options.format = format;
    return NewStreamSource(std::move(options));
  }

 private:
  StreamSourceOptions options_;
};

bool OptionsFit(const Endpoint& endpoint, BindContext& context) {
  const ConfigValue& map = context.config();
  const bool udp = endpoint.address.transport == Transport::kUdp;
  if (udp && !endpoint.listen) {
    context.diagnostics().ErrorAt(map["connect"], "config.conflict", "a udp source has no peer to connect to",
                                  "use listen: with the address that the datagrams are sent to");
    return false;
  }
  if (map["retry"].present() && endpoint.listen) {
    context.diagnostics().ErrorAt(map["retry"], "config.conflict",
                                  "'retry' has a meaning with connect: only");
    return false;
  }
  if (map["reconnect"].present() && endpoint.listen) {
    context.diagnostics().ErrorAt(map["reconnect"], "config.conflict",
                                  "'reconnect' has a meaning with connect: only");
    return false;
  }
  if (map["max_connections"].present() && (!endpoint.listen || udp)) {
    context.diagnostics().ErrorAt(map["max_connections"], "config.conflict",
                                  "'max_connections' has a meaning with listen: on tcp:// or unix:// only");
    return false;
  }
  return true;
}

std::shared_ptr<const BoundSource> Bind(const Config& config, BindContext& context) {
  StreamSourceOptions options;
  if (!BindEndpoint(config.listen, config.connect, config.framing, config.length_order, "sources", context,
                    &options.endpoint) ||
      !OptionsFit(options.endpoint, context)) {
    return nullptr;
  }
  if (!CheckBackOff(config.retry, context.config()["retry"], context.diagnostics())) return nullptr;
  options.retry = config.retry;
  options.max_connections = config.max_connections;
  options.reconnect = config.reconnect;
  return std::make_shared<BoundSocket>(std::move(options));
}

SourceDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Text("listen", &Config::listen,
            "Address to wait on: tcp://127.0.0.1:9000, udp://[::]:514, unix:///run/in.sock.");
  spec.Text("connect", &Config::connect, "Address of the peer to read from, tcp:// or unix://.");
  spec.OneOf("framing", &Config::framing,
             {{"newline", Frame::kNewline}, {"length", Frame::kLength}, {"datagram", Frame::kDatagram}},
             "What ends a record: a newline, the 4-byte length in front of it, or its datagram.");
  spec.OneOf("length_order", &Config::length_order,
             {{"big", ByteOrder::kBig}, {"little", ByteOrder::kLittle}}, "Byte order of the length.");
  spec.Integer("max_connections", &Config::max_connections, "Clients at once; more wait until one leaves.")
      .AtLeast(1)
      .AtMost(65536);
  spec.Bool("reconnect", &Config::reconnect, "Connect again when the peer closes; false: that is the end.");
  spec.Struct("retry", &Config::retry, BackOffFields(), "Pauses between two calls of a peer that is away.");

  SourceDefinition d;
  d.name = "socket";
  d.summary = "Reads records from tcp, udp and unix sockets.";
  d.description =
      "With `listen` any number of clients (up to `max_connections`) send records; with `connect` one peer "
      "is read and "
      "called again, with growing pauses, when it goes away. An address without a host means this machine "
      "only; write "
      "0.0.0.0 or [::] to be reachable from others. The file of a unix socket has the mode 0600.\n\n"
      "A pipeline that cannot keep up stops reading, so the peers are slowed down; of datagrams the kernel "
      "then drops "
      "some, which is counted. A peer that leaves within a record, or sends one that is too long, gives a "
      "failed record "
      "that names it. A name is looked up once, at the start.";
  d.guarantee =
      "At most once: what was received and not yet processed is lost in a crash. The order within a "
      "connection is kept.";
  d.example = R"(pipeline: lines-from-clients
sources:
  in: {connector: socket, listen: "tcp://127.0.0.1:9000", format: json, schema: {user: text, n: bigint}}
sinks:
  out: {connector: stdout, input: in, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(socket_source, Define());

}  // namespace
}  // namespace streamrun::socket
