// http (source): records that clients send.
#include "connectors/http/intake.h"
#include "core/component/registry.h"

namespace streamrun::http {
namespace {

struct Config {
  std::string listen;
  std::string path = "/";
  std::string token;
  Ack ack = Ack::kSafe;
  int64_t max_body = int64_t{16} << 20;
  int64_t max_requests = 256;
  int64_t max_memory = int64_t{64} << 20;
  int64_t max_connections = 1024;
  Duration timeout = 30 * kSecond;
};

class BoundHttp final : public BoundSource {
 public:
  explicit BoundHttp(IntakeOptions options) : options_(std::move(options)) {
    acknowledges = options_.ack == Ack::kSafe;
    exclusive = "tcp:" + options_.server.address.ToString();
    place = "http://" + options_.server.address.ToString() + options_.server.path;
  }
  std::unique_ptr<Source> Create(const FormatTraits& format) const override {
    IntakeOptions options = options_;
    options.format = format;
    return NewIntake(std::move(options));
  }

 private:
  const IntakeOptions options_;
};

// What a client writes into its request line, as it stands there.
bool IsPath(std::string_view path) {
  for (const char c : path) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '?' || c == '#')
      return false;
  }
  return path.starts_with('/');
}

std::shared_ptr<const BoundSource> Bind(const Config& config, BindContext& context) {
  const ConfigValue& map = context.config();
  Diagnostics& diagnostics = context.diagnostics();
  const Result<ListenAddress> address = ParseListenAddress(config.listen);
  if (!address.ok()) {
    diagnostics.ErrorAt(map["listen"], "config.address", address.status().message());
    return nullptr;
  }
  if (!IsPath(config.path)) {
    diagnostics.ErrorAt(map["path"], "http.path", "'path' is none of a url",
                        "write for example /events, without host, query or quotes");
    return nullptr;
  }
  if (config.max_body > config.max_memory) {
    diagnostics.ErrorAt(map["max_body"].present() ? map["max_body"] : map["max_memory"], "config.conflict",
                        "a body of 'max_body' does not fit into 'max_memory'", "raise max_memory");
    return nullptr;
  }
  if (!address->loopback && config.token.empty()) {
    diagnostics.WarningAt(map["listen"], "http.open",
                          "everybody who reaches " + address->ToString() + " may send records",
                          "write token: ${HTTP_TOKEN}, or listen on 127.0.0.1 behind something that asks");
  }
  IntakeOptions options;
  options.ack = config.ack;
  ServerOptions& server = options.server;
  server.address = *address;
  server.path = config.path;
  server.token = config.token;
  server.max_body = static_cast<size_t>(config.max_body);
  server.max_requests = static_cast<size_t>(config.max_requests);
  server.max_held = config.max_memory;
  server.max_connections = static_cast<unsigned>(config.max_connections);
  server.timeout = config.timeout;
  server.field = "sources." + context.node() + ".listen";
  return std::make_shared<BoundHttp>(std::move(options));
}

ConfigSpec<Config> Fields() {
  ConfigSpec<Config> spec;
  spec.Text("listen", &Config::listen,
            "Address to wait on: 127.0.0.1:8080, [::]:8080; :8080 is this machine only.")
      .Required()
      .NotEmpty();
  spec.Text("path", &Config::path, "The one path that takes records.").NotEmpty();
  spec.Secret("token", &Config::token, "What requests must show as Authorization: Bearer TOKEN.").NotEmpty();
  spec.OneOf(
      "ack", &Config::ack, {{"safe", Ack::kSafe}, {"received", Ack::kReceived}},
      "When a request is answered: 200 when its records survive any crash, or 202 as soon as they are read.");
  spec.Size("max_body", &Config::max_body, "Longest body, after unpacking.").AtLeast(1).AtMost(1 << 30);
  spec.Integer("max_requests", &Config::max_requests,
               "Requests that may wait for the pipeline; further ones get 429.")
      .AtLeast(1)
      .AtMost(1'000'000);
  spec.Size("max_memory", &Config::max_memory,
            "Memory for bodies that are being received or wait for the pipeline.")
      .AtLeast(1);
  spec.Integer("max_connections", &Config::max_connections, "Clients at once; further ones are closed.")
      .AtLeast(1)
      .AtMost(65536);
  spec.DurationField("timeout", &Config::timeout,
                     "A client that is silent for so long, in whole seconds, is closed.")
      .AtLeast(kSecond);
  return spec;
}

SourceDefinition Define() {
  SourceDefinition d;
  d.name = "http";
  d.summary = "Takes records that clients send over http.";
  d.description =
      "A POST or PUT to `path` brings a body of records: JSON lines, CSV (with its header, when the format "
      "has one), "
      "any format of lines; chunked or not, `Content-Encoding: gzip` or none. The last record needs no "
      "newline. The "
      "answer says how many records were taken: `{\"records\":3}`; of those that are longer than `max_row` "
      "it says "
      "`\"failed\":1`.\n\n"
      "| answer | reason |\n| --- | --- |\n"
      "| 200 | the records are safe (`ack: safe`) |\n"
      "| 202 | they were read (`ack: received`); a crash may lose them |\n"
      "| 400 | the gzip data is damaged |\n"
      "| 401, 404, 405, 415 | no token, another path, another method, another encoding |\n"
      "| 413 | the body is longer than `max_body`, or gzip data grows more than 200 times |\n"
      "| 429 | the pipeline does not keep up: send it again later |\n"
      "| 503 | the disk is full or the pipeline is closing: send it again later |\n\n"
      "What is safe: with `buffer: durable` the records are on disk; without, the next checkpoint has their "
      "results, "
      "so an answer takes as long as `settings.checkpoint.interval`. There is no encryption: put a proxy "
      "with TLS in "
      "front.";
  d.guarantee =
      "With `ack: safe` at least once, if clients send again what got no 2xx: nothing that was answered 200 "
      "is lost, and "
      "what was not answered may come twice. With `ack: received` at most once. The order of requests on one "
      "connection "
      "is kept.";
  d.example = R"(pipeline: events-over-http
settings: {checkpoint: {interval: 1s}}
sources:
  in:
    connector: http
    listen: 127.0.0.1:8080
    path: /events
    format: json
    schema: {user: text, n: bigint}
sinks:
  out: {connector: file, path: out/events.jsonl, input: in, format: json}
)";
  d.fields = Fields().fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(http_source, Define());

}  // namespace
}  // namespace streamrun::http
