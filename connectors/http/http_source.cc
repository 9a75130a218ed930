// http (source): records that clients send.
#include "connectors/http/header_text.h"
#include "connectors/http/intake.h"
#include "core/component/registry.h"

namespace streamrun::http {
namespace {

struct Config {
  struct Deduplicate {
    std::string header = "Idempotency-Key";
    Duration within = kHour;
    int64_t max_keys = 100'000;
    bool required = true;
  };
  struct Tls {
    std::string cert_file;
    std::string key_file;
  };
  std::string listen;
  std::string path = "/";
  std::string token;
  Ack ack = Ack::kSafe;
  int64_t max_body = int64_t{16} << 20;
  int64_t max_requests = 256;
  int64_t max_memory = int64_t{64} << 20;
  int64_t max_connections = 1024;
  Duration timeout = 30 * kSecond;
  Deduplicate deduplicate;
  Tls tls;
};

class BoundHttp final : public BoundSource {
 public:
  explicit BoundHttp(IntakeOptions options) : options_(std::move(options)) {
    acknowledges = options_.ack == Ack::kSafe;
    marks_units = options_.deduplicate.on;
    deduplicates = options_.deduplicate.on && options_.server.key_required;
    exclusive = "tcp:" + options_.server.address.ToString();
    place = options_.server.Place();
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

bool DeduplicateFits(const Config& config, BindContext& context) {
  const ConfigValue& map = context.config()["deduplicate"];
  if (!map.present()) return true;
  if (!IsToken(config.deduplicate.header)) {
    context.diagnostics().ErrorAt(map["header"], "http.header",
                                  "'" + config.deduplicate.header + "' is no name of a header");
    return false;
  }
  if (config.ack == Ack::kReceived) {
    context.diagnostics().ErrorAt(map, "config.conflict", "'deduplicate' has a meaning with ack: safe only",
                                  "with ack: received an answer promises nothing that a key could keep");
    return false;
  }
  return true;
}

bool TlsFits(const Config& config, BindContext& context) {
  const ConfigValue& map = context.config()["tls"];
  if (!map.present() || (!config.tls.cert_file.empty() && !config.tls.key_file.empty())) return true;
  context.diagnostics().ErrorAt(map, "http.tls", "'tls' needs both 'cert_file' and 'key_file'");
  return false;
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
  if (!DeduplicateFits(config, context) || !TlsFits(config, context)) return nullptr;
  if (!address->loopback && config.token.empty()) {
    diagnostics.WarningAt(map["listen"], "http.open",
                          "everybody who reaches " + address->ToString() + " may send records",
                          "write token: ${HTTP_TOKEN}, or listen on 127.0.0.1 behind something that asks");
  }
  IntakeOptions options;
  options.ack = config.ack;
  options.deduplicate = {map["deduplicate"].present(), config.deduplicate.within,
                         static_cast<size_t>(config.deduplicate.max_keys)};
  ServerOptions& server = options.server;
  server.address = *address;
  server.path = config.path;
  server.token = config.token;
  server.max_body = static_cast<size_t>(config.max_body);
  server.max_requests = static_cast<size_t>(config.max_requests);
  server.max_held = config.max_memory;
  server.max_connections = static_cast<unsigned>(config.max_connections);
  server.timeout = config.timeout;
  if (options.deduplicate.on) {
    server.key_header = config.deduplicate.header;
    server.key_required = config.deduplicate.required;
  }
  server.certificate_file = config.tls.cert_file;
  server.key_file = config.tls.key_file;
  server.field = "sources." + context.node() + ".listen";
  return std::make_shared<BoundHttp>(std::move(options));
}

ConfigSpec<Config::Deduplicate> DeduplicateFields() {
  ConfigSpec<Config::Deduplicate> spec;
  spec.Text("header", &Config::Deduplicate::header,
            "Header with the key of a request: the same whenever its client sends the same body again.")
      .NotEmpty();
  spec.DurationField("within", &Config::Deduplicate::within,
                     "For how long after a request its key is remembered, restarts included.")
      .AtLeast(kSecond)
      .AtMost(365 * kDay);
  spec.Integer("max_keys", &Config::Deduplicate::max_keys,
               "So many keys are remembered; with more, the oldest are forgotten before their time.")
      .AtLeast(1)
      .AtMost(10'000'000);
  spec.Bool("required", &Config::Deduplicate::required, "A request without a key is answered 400.");
  return spec;
}

ConfigSpec<Config::Tls> TlsFields() {
  ConfigSpec<Config::Tls> spec;
  spec.Text("cert_file", &Config::Tls::cert_file, "PEM file of the certificate, its chain behind it.");
  spec.Text("key_file", &Config::Tls::key_file, "PEM file of its key, without a password.");
  return spec;
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
  spec.Struct("deduplicate", &Config::deduplicate, DeduplicateFields(),
              "A request whose key was taken already is answered as then, and not taken again. {} for the "
              "defaults; left out: each request is new.");
  spec.Struct("tls", &Config::tls, TlsFields(),
              "Serve https; both files are read at the start. Left out: http.");
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
      "| 400 | the gzip data is damaged; or the key is missing or too long (`deduplicate`) |\n"
      "| 409 | a request with this key is being taken (`deduplicate`): send it again later |\n"
      "| 422 | the key was used with another body (`deduplicate`) |\n"
      "| 401, 404, 405, 415 | no token, another path, another method, another encoding |\n"
      "| 413 | the body is longer than `max_body`, or gzip data grows more than 200 times |\n"
      "| 429 | the pipeline does not keep up: send it again later |\n"
      "| 503 | the disk is full or the pipeline is closing: send it again later |\n\n"
      "What is safe: with `buffer: durable` the records are on disk; without, the next checkpoint has their "
      "results, "
      "so an answer takes as long as `settings.checkpoint.interval`.\n\n"
      "With `deduplicate` a request has a key in a header (draft-ietf-httpapi-idempotency-key-header; the "
      "http "
      "sink sends one), and one that comes again within the time is answered 200 as the first was, and its "
      "records "
      "are not taken again, also after a crash: with `buffer: durable` keys are in the log with the records, "
      "without in the checkpoint, which writes all of them each time (80 bytes a key).";
  d.guarantee =
      "With `ack: safe` at least once, if clients send again what got no 2xx: nothing that was answered 200 "
      "is lost, and "
      "what was not answered may come twice. With `deduplicate` exactly once, if clients send again under "
      "the same "
      "key within the time; so two pipelines, the first with an http sink of `server: idempotent`, are "
      "exactly once "
      "from end to end. With `ack: received` at most once. The order of requests on one connection is kept.";
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
