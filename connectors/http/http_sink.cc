// http (sink): bodies of records to a server.
#include "connectors/http/header_text.h"
#include "connectors/http/sink_options.h"
#include "core/component/registry.h"
#include "core/component/retry_fields.h"

namespace streamrun::http {
namespace {

enum class Delivery : uint8_t { kStaged, kDirect };
enum class Server : uint8_t { kPlain, kIdempotent };
enum class Packing : uint8_t { kNone, kGzip };

struct Config {
  struct Batch {
    int64_t rows = 500;
    int64_t bytes = int64_t{1} << 20;
    Duration linger = 100 * kMillisecond;
  };
  struct Breaker {
    int64_t failures = 0;
    Duration open = 30 * kSecond;
    int64_t probes = 1;
    WhenOpen on_open = WhenOpen::kWait;
  };
  std::string url;
  std::string method = "POST";
  std::vector<ConfigValue::Entry> headers;
  std::string token;
  std::string content_type;
  BodyForm body = BodyForm::kLines;
  Packing compression = Packing::kNone;
  Batch batch;
  Duration timeout = 30 * kSecond;
  std::string proxy;
  int64_t concurrency = 1;
  std::string idempotency_header = "Idempotency-Key";
  Delivery delivery = Delivery::kStaged;
  Server server = Server::kPlain;
  int64_t stage_max_bytes = int64_t{1} << 30;
  RetryOptions retry;
  Breaker circuit_breaker;
  ClientTls tls;
};

class BoundHttp final : public BoundSink {
 public:
  BoundHttp(SinkOptions options, Delivery delivery, Server server)
      : options_(std::move(options)), delivery_(delivery) {
    const bool once = delivery == Delivery::kStaged && server == Server::kIdempotent;
    guarantee = once ? SinkGuarantee::kExactlyOnce : SinkGuarantee::kAtLeastOnce;
    place = options_.poster.client.url;
  }
  std::unique_ptr<Sink> Create() const override {
    return delivery_ == Delivery::kStaged ? NewStagedSink(options_) : NewDirectSink(options_);
  }

 private:
  const SinkOptions options_;
  const Delivery delivery_;
};

bool CheckUrl(const Config& config, BindContext& context) {
  const ConfigValue& url = context.config()["url"];
  const bool scheme = config.url.starts_with("http://") || config.url.starts_with("https://");
  const size_t host = config.url.find("://") + 3;
  if (!scheme || host >= config.url.size() || config.url[host] == '/' || HasControls(config.url) ||
      config.url.find(' ') != std::string::npos) {
    context.diagnostics().ErrorAt(url, "http.url", "'url' is none of a server",
                                  "write for example http://127.0.0.1:8080/events or https://host/path");
    return false;
  }
  if (config.url.substr(host, config.url.find('/', host) - host).find('@') != std::string::npos) {
    context.diagnostics().ErrorAt(url, "http.url",
                                  "'url' has a user or a password in it, which logs would show",
                                  "write them as token: or in headers:");
    return false;
  }
  return true;
}

bool CheckHeaders(const Config& config, BindContext& context) {
  bool fine = true;
  const auto wrong = [&](const ConfigValue& where, const std::string& what) {
    context.diagnostics().ErrorAt(where, "http.header", what);
    fine = false;
  };
  for (const auto& [name, value] : config.headers) {
    if (!IsToken(name.text())) wrong(name, "'" + name.text() + "' is no name of a header");
    if (HasControls(value.text()))
      wrong(value, "the value of a header has no control characters or newlines");
  }
  const ConfigValue& map = context.config();
  if (!config.idempotency_header.empty() && !IsToken(config.idempotency_header)) {
    wrong(map["idempotency_header"], "'" + config.idempotency_header + "' is no name of a header");
  }
  if (HasControls(config.content_type)) wrong(map["content_type"], "'content_type' has control characters");
  if (HasControls(config.token)) wrong(map["token"], "'token' has control characters");
  return fine;
}

bool TlsFits(const Config& config, const ConfigValue& map, Diagnostics& diagnostics) {
  const ConfigValue& tls = map["tls"];
  if (!tls.present()) return true;
  if (!config.url.starts_with("https://")) {
    diagnostics.ErrorAt(tls, "config.conflict", "'tls' has a meaning with an https:// url only");
    return false;
  }
  if (config.tls.cert_file.empty() != config.tls.key_file.empty()) {
    diagnostics.ErrorAt(tls, "http.tls", "'tls' needs both of 'cert_file' and 'key_file', or none");
    return false;
  }
  if (!config.tls.verify && !config.tls.ca_file.empty()) {
    diagnostics.ErrorAt(tls["verify"], "config.conflict", "'ca_file' has a meaning with verify: true only");
    return false;
  }
  if (!config.tls.verify) {
    diagnostics.WarningAt(tls["verify"], "http.unverified",
                          "whoever answers at the address gets the records and the token",
                          "name the server's own authority in ca_file");
  }
  return true;
}

bool OptionsFit(const Config& config, BindContext& context) {
  const ConfigValue& map = context.config();
  Diagnostics& diagnostics = context.diagnostics();
  const bool staged = config.delivery == Delivery::kStaged;
  if (staged && map["batch"]["linger"].present()) {
    diagnostics.ErrorAt(
        map["batch"]["linger"], "config.conflict", "'linger' has a meaning with delivery: direct only",
        "bodies of delivery: staged leave with their checkpoint; see settings.checkpoint.interval");
    return false;
  }
  if (!staged && map["stage_max_bytes"].present()) {
    diagnostics.ErrorAt(map["stage_max_bytes"], "config.conflict",
                        "'stage_max_bytes' has a meaning with delivery: staged only");
    return false;
  }
  if (config.server == Server::kIdempotent && (!staged || config.idempotency_header.empty())) {
    diagnostics.ErrorAt(map["server"], "config.conflict",
                        staged ? "a server can only tell repeated bodies by their idempotency_header"
                               : "with delivery: direct a body is made anew after a crash, under another key",
                        "leave server out, or use delivery: staged with an idempotency_header");
    return false;
  }
  for (const char* key : {"open", "probes", "on_open"}) {
    const ConfigValue& value = map["circuit_breaker"][key];
    if (!value.present() || config.circuit_breaker.failures > 0) continue;
    diagnostics.ErrorAt(value, "config.conflict",
                        "'" + std::string(key) + "' has a meaning with circuit_breaker.failures only");
    return false;
  }
  return TlsFits(config, map, diagnostics) && CheckBackOff(config.retry, map["retry"], diagnostics);
}

std::vector<std::string> HeadersOf(const Config& config) {
  // No pause of a second for "100 Continue" before larger bodies.
  std::vector<std::string> headers{"Expect:"};
  const bool array = config.body == BodyForm::kArray;
  const std::string type = !config.content_type.empty() ? config.content_type
                           : array                      ? "application/json"
                                                        : "application/x-ndjson";
  headers.push_back("Content-Type: " + type);
  if (config.compression == Packing::kGzip) headers.push_back("Content-Encoding: gzip");
  if (!config.token.empty()) headers.push_back("Authorization: Bearer " + config.token);
  for (const auto& [name, value] : config.headers) headers.push_back(name.text() + ": " + value.text());
  return headers;
}

std::shared_ptr<const BoundSink> Bind(const Config& config, BindContext& context) {
  if (!CheckUrl(config, context) || !CheckHeaders(config, context) || !OptionsFit(config, context))
    return nullptr;
  SinkOptions options;
  PosterOptions& poster = options.poster;
  poster.client = {config.url, config.method, HeadersOf(config), config.timeout, config.proxy, config.tls};
  poster.concurrency = config.concurrency;
  poster.key_header = config.idempotency_header;
  poster.retry = config.retry;
  poster.breaker = {config.circuit_breaker.failures, config.circuit_breaker.open,
                    config.circuit_breaker.probes};
  poster.when_open = config.circuit_breaker.on_open;
  options.body.form = config.body;
  options.body.gzip = config.compression == Packing::kGzip;
  options.body.max_records = config.batch.rows;
  options.body.max_bytes = static_cast<size_t>(config.batch.bytes);
  options.linger = config.batch.linger;
  options.stage_max_bytes = static_cast<uint64_t>(config.stage_max_bytes);
  return std::make_shared<BoundHttp>(std::move(options), config.delivery, config.server);
}

ConfigSpec<Config::Batch> BatchFields() {
  ConfigSpec<Config::Batch> spec;
  spec.Integer("rows", &Config::Batch::rows, "A body has at most so many records.")
      .AtLeast(1)
      .AtMost(1'000'000);
  spec.Size("bytes", &Config::Batch::bytes,
            "A body with several records has at most this size, before compression.")
      .AtLeast(1)
      .AtMost(64 << 20);
  spec.DurationField(
          "linger", &Config::Batch::linger,
          "With delivery: direct, how long a body waits for more records; a checkpoint waits as long.")
      .AtLeast(0)
      .AtMost(kMinute);
  return spec;
}

ConfigSpec<Config::Breaker> BreakerFields() {
  ConfigSpec<Config::Breaker> spec;
  spec.Integer("failures", &Config::Breaker::failures,
               "So many attempts in a row without an answer, or with a 5xx, open the circuit; 0: never.")
      .AtLeast(0);
  spec.DurationField("open", &Config::Breaker::open, "How long nothing is sent; then one body is tried.")
      .AtLeast(1);
  spec.Integer("probes", &Config::Breaker::probes, "So many good answers in a row close the circuit.")
      .AtLeast(1);
  spec.OneOf("on_open", &Config::Breaker::on_open,
             {{"wait", WhenOpen::kWait}, {"dead_letter", WhenOpen::kDeadLetter}},
             "Meanwhile records wait, or leave as dead letters.");
  return spec;
}

ConfigSpec<ClientTls> TlsFields() {
  ConfigSpec<ClientTls> spec;
  spec.Text("ca_file", &ClientTls::ca_file,
            "PEM file of certificates to believe instead of those of the system.");
  spec.Text("cert_file", &ClientTls::cert_file, "PEM file of the certificate to show to the server.");
  spec.Text("key_file", &ClientTls::key_file, "PEM file of its key, without a password.");
  spec.Bool("verify", &ClientTls::verify, "false: any certificate is believed.");
  return spec;
}

ConfigSpec<Config> Fields() {
  ConfigSpec<Config> spec;
  spec.Text("url", &Config::url, "Where to send to, http:// or https://.").Required().NotEmpty();
  spec.OneOf<std::string>("method", &Config::method, {{"POST", "POST"}, {"PUT", "PUT"}, {"PATCH", "PATCH"}},
                          "How a body is sent.");
  spec.TextMap("headers", &Config::headers, "Further headers of every request; no print shows their values.");
  spec.Secret("token", &Config::token, "Sent as Authorization: Bearer TOKEN.");
  spec.Text(
      "content_type", &Config::content_type,
      "Content-Type of a body. Left out: application/x-ndjson for lines, application/json for an array.");
  spec.OneOf(
      "body", &Config::body, {{"lines", BodyForm::kLines}, {"array", BodyForm::kArray}},
      "The records as the format writes them (a CSV header begins each body), or [record,record] for JSON.");
  spec.OneOf("compression", &Config::compression, {{"none", Packing::kNone}, {"gzip", Packing::kGzip}},
             "Content-Encoding of a body.");
  spec.Struct("batch", &Config::batch, BatchFields(), "What goes into one body.");
  spec.DurationField("timeout", &Config::timeout, "Longest time for a request and its answer.")
      .AtLeast(kMillisecond);
  spec.Text("proxy", &Config::proxy, "http://host:port to go through. The environment is not looked at.");
  spec.Integer("concurrency", &Config::concurrency,
               "Requests at the same time; more than one may change the order.")
      .AtLeast(1)
      .AtMost(256);
  spec.Text("idempotency_header", &Config::idempotency_header,
            "Header with the key of a body, the same whenever this body is sent; empty: none.");
  spec.OneOf("delivery", &Config::delivery, {{"staged", Delivery::kStaged}, {"direct", Delivery::kDirect}},
             "Bodies wait on disk until their checkpoint is decided, or leave at once.");
  spec.OneOf("server", &Config::server, {{"plain", Server::kPlain}, {"idempotent", Server::kIdempotent}},
             "`idempotent`: the server takes bodies with the same key for one, however late they come.");
  spec.Size("stage_max_bytes", &Config::stage_max_bytes,
            "While bodies of a checkpoint wait for the server and so much is on disk, the input waits.")
      .AtLeast(1);
  spec.Struct("retry", &Config::retry, RetryFields(), "When a body that was not taken is sent again.");
  spec.Struct("circuit_breaker", &Config::circuit_breaker, BreakerFields(),
              "When a failing server is left alone.");
  spec.Struct("tls", &Config::tls, TlsFields(), "How an https:// server and we know each other.");
  return spec;
}

SinkDefinition Define() {
  SinkDefinition d;
  d.name = "http";
  d.summary = "Sends records to an http server.";
  d.description =
      "Records go out in bodies of up to `batch.rows` records. An answer of 2xx ends the matter. Without an "
      "answer, and "
      "with 408, 409, 425, 429 or 5xx, the same bytes are sent again with the same key, after growing pauses "
      "or when "
      "the server says (`Retry-After`). Another 4xx refuses the body: each of its records leaves as a dead "
      "letter with "
      "the code `http.status.400` (and so on). A 422 to a key that may have been used before means that the "
      "server "
      "knows it with another body, and a 3xx that the url is wrong: both end the pipeline.\n\n"
      "With `delivery: staged` bodies are written to the state directory and sent when their checkpoint is "
      "decided, so "
      "the server sees a row as late as `settings.checkpoint.interval` says, and never one that a restart "
      "takes back. "
      "With `delivery: direct` they leave at once, and a checkpoint waits until all are answered.\n\n"
      "Only https:// encrypts (TLS 1.2 at least); the server's certificate is checked against those of the "
      "system, "
      "or against `tls.ca_file`. A certificate that is not believed ends the pipeline before anything is "
      "sent.\n\n"
      "A checkpoint that was decided and not delivered before a crash is delivered before anything is read. "
      "While "
      "the server is away the pipeline waits, as `retry` says (for ever, unless it has limits), and `status` "
      "says "
      "for what. A key is made of the state directory, the stored body and its number: renaming the sink "
      "(`renamed_from`) does not change it.";
  d.guarantee =
      "At least once, in order with `concurrency: 1`. With `delivery: staged` and `server: idempotent` each "
      "row counts "
      "once at the server, as long as it remembers the keys: what is sent again after a crash has the same "
      "bytes and "
      "the same key.";
  d.example = R"(pipeline: bids-to-a-server
sources:
  bids:
    connector: file
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
sinks:
  out:
    connector: http
    input: bids
    url: http://127.0.0.1:8080/bids
    format: json
    batch: {rows: 100}
    server: idempotent
)";
  d.fields = Fields().fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(http_sink, Define());

}  // namespace
}  // namespace streamrun::http
