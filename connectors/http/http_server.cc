#include "connectors/http/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "connectors/http/gzip_body.h"

namespace streamrun::http {
namespace {

/// A body that will be refused is read to its end up to this size, so that the client sees the answer and may
/// keep the connection; a longer one costs it the connection.
constexpr size_t kReadAnyway = size_t{1} << 20;
constexpr size_t kHeaderMemory = size_t{32} << 10;
/// How long answers of a closing server may take to leave.
constexpr Duration kGoodbye = 1 * kSecond;
constexpr Duration kGoodbyeStep = 2 * kMillisecond;
/// Keys are names, not contents: UUIDs and hashes have 16 to 64 characters.
constexpr size_t kLongestKey = 255;
constexpr uint64_t kLongestPem = uint64_t{1} << 20;
constexpr std::string_view kRetrySoon = "1", kRetryLater = "5";

std::string PeerName(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address == nullptr) return "client";
  if (address->sa_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(four->sin_port));
  }
  const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
  ::inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(six->sin6_port));
}

// As long for a wrong token as for the right one (timing tells nothing about its letters).
bool SameSecret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (size_t i = 0; i < secret.size(); ++i) {
    const char other = i < given.size() ? given[i] : '\0';
    difference |= static_cast<unsigned char>(other) ^ static_cast<unsigned char>(secret[i]);
  }
  return difference == 0;
}

// RFC 9110 section 11.1: the scheme's name has no case.
bool IsBearer(std::string_view scheme) {
  if (scheme.size() != 7) return false;
  for (size_t i = 0; i < 7; ++i) {
    if ((scheme[i] | 0x20) != "bearer "[i]) return false;
  }
  return true;
}

void Quiet(void*, const char*, va_list) {}

}  // namespace

struct Exchange {
  MHD_Connection* connection = nullptr;
  std::string peer;
  std::string key;
  BufferBuilder body;
  std::unique_ptr<Inflater> inflater;
  size_t received = 0;  // bytes on the wire
  int64_t charged = 0;  // of the server's memory
  int status = 0;       // 0: no answer yet
  std::string answer;
  bool begun = false;
  bool handed_over = false;
};

Result<std::unique_ptr<HttpServer>> HttpServer::Open(ServerOptions options, Env* env) {
  SR_ASSIGN_OR_RETURN(const MhdApi* api, MhdApi::Get());
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(options), env, api));
  SR_RETURN_IF_ERROR(server->Start());
  return server;
}

Status HttpServer::Start() {
  event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event_ < 0) return Status::FromErrno(errno, "cannot make an eventfd");
  SR_RETURN_IF_ERROR(ReadCertificate());
  SR_ASSIGN_OR_RETURN(const int listening, Listen(options_.address, options_.field));
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
  std::vector<MHD_OptionItem> tls;
  if (!certificate_.empty()) {
    flags |= MHD_USE_TLS;
    tls.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, certificate_.data()});
    tls.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, certificate_key_.data()});
  }
  tls.push_back({MHD_OPTION_END, 0, nullptr});
  // Signals are for the data thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  daemon_ =
      api_.start_daemon(flags, 0, nullptr, nullptr, &HttpServer::OnRequest, this, MHD_OPTION_EXTERNAL_LOGGER,
                        &Quiet, nullptr, MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_NOTIFY_COMPLETED,
                        &HttpServer::OnCompleted, this, MHD_OPTION_CONNECTION_LIMIT, options_.max_connections,
                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, kHeaderMemory, MHD_OPTION_CONNECTION_TIMEOUT,
                        static_cast<unsigned>(std::max<Duration>(1, options_.timeout / kSecond)),
                        MHD_OPTION_ARRAY, tls.data(), MHD_OPTION_END);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (daemon_ != nullptr) return Status::Ok();
  ::close(listening);
  if (certificate_.empty()) {
    return Status::Unavailable("cannot serve http on " + options_.address.ToString());
  }
  return Status::InvalidArgument("cannot serve https on " + options_.address.ToString() +
                                 " with tls.cert_file " + options_.certificate_file + " and tls.key_file " +
                                 options_.key_file + ": they are no certificate and its key in PEM");
}

Status HttpServer::ReadCertificate() {
  if (options_.certificate_file.empty()) return Status::Ok();
  if (api_.is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
    return Status::Unsupported("libmicrohttpd12 of this machine was built without TLS");
  }
  const auto read = [&](const char* field, const std::string& path, std::string* text) -> Status {
    Result<std::string> content = env_->ReadFile(path, kLongestPem);
    if (!content.ok())
      return Status::InvalidArgument("tls." + std::string(field) + ": " + content.status().message());
    *text = std::move(*content);
    return Status::Ok();
  };
  SR_RETURN_IF_ERROR(read("cert_file", options_.certificate_file, &certificate_));
  return read("key_file", options_.key_file, &certificate_key_);
}

HttpServer::~HttpServer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;  // nothing joins the queue from here on
  }
  while (std::optional<Taken> taken = Take()) {
    Answer(taken->exchange, MHD_HTTP_SERVICE_UNAVAILABLE, R"({"error":"the pipeline is closing"})");
  }
  if (daemon_ != nullptr) {
    const int listening = api_.quiesce_daemon(daemon_);
    const Timestamp give_up = env_->MonotonicNow() + kGoodbye;
    while (answering_ > 0 && env_->MonotonicNow() < give_up) env_->Sleep(kGoodbyeStep);
    api_.stop_daemon(daemon_);
    if (listening >= 0) ::close(listening);  // its thread may have looked at it until now
  }
  if (event_ >= 0) ::close(event_);
}

// --- Data thread

std::optional<HttpServer::Taken> HttpServer::Take() {
  Exchange* exchange = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    uint64_t count = 0;
    if (queue_.size() <= 1) (void)!::read(event_, &count, sizeof count);  // nothing is left behind this one
    if (queue_.empty()) return std::nullopt;
    exchange = queue_.front();
    queue_.pop_front();
  }
  Taken taken;
  taken.exchange = exchange;
  taken.body = exchange->body.Finish();
  taken.peer = exchange->peer;
  taken.key = exchange->key;
  Release(*exchange);
  return taken;
}

void HttpServer::Answer(Exchange* exchange, int status, std::string body) {
  Settle(*exchange, status, std::move(body));
  ++answering_;
  api_.resume_connection(exchange->connection);
}

void HttpServer::SetStorageFull(bool full) {
  storage_full_ = full;
  if (!full) return;
  while (std::optional<Taken> taken = Take()) {
    Answer(taken->exchange, MHD_HTTP_SERVICE_UNAVAILABLE, R"({"error":"the buffer on disk is full"})");
  }
}

// --- Thread of libmicrohttpd

void HttpServer::Settle(Exchange& exchange, int status, std::string body) {
  exchange.status = status;
  exchange.answer = std::move(body);
}

void HttpServer::Release(Exchange& exchange) { held_ -= std::exchange(exchange.charged, 0); }

void HttpServer::Refuse(Exchange& exchange, int status, const std::string& why) {
  Settle(exchange, status, "{\"error\":\"" + why + "\"}");
  exchange.body = BufferBuilder();
  exchange.inflater = nullptr;
  Release(exchange);
}

std::string_view HttpServer::Header(MHD_Connection* connection, const char* name) const {
  const char* value = api_.lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool HttpServer::Authorized(MHD_Connection* connection) const {
  if (options_.token.empty()) return true;
  const std::string_view given = Header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
  return IsBearer(given.substr(0, 7)) && SameSecret(given.substr(7), options_.token);
}

MHD_Result HttpServer::OnRequest(void* self, MHD_Connection* connection, const char* url, const char* method,
                                 const char*, const char* upload, size_t* upload_size, void** state) {
  auto& server = *static_cast<HttpServer*>(self);
  auto* exchange = static_cast<Exchange*>(*state);
  if (exchange == nullptr) {
    exchange = new Exchange;
    exchange->connection = connection;
    *state = exchange;
  }
  if (!std::exchange(exchange->begun, true)) return server.Begin(exchange, url, method);
  if (*upload_size > 0) {
    const std::string_view bytes(upload, *upload_size);
    *upload_size = 0;
    return server.Receive(exchange, bytes);
  }
  return exchange->status != 0 ? server.Respond(exchange) : server.HandOver(exchange);
}

void HttpServer::OnCompleted(void* self, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
  auto* exchange = static_cast<Exchange*>(std::exchange(*state, nullptr));
  if (exchange == nullptr) return;
  auto& server = *static_cast<HttpServer*>(self);
  server.Release(*exchange);
  if (exchange->handed_over) --server.answering_;
  delete exchange;
}

MHD_Result HttpServer::Begin(Exchange* exchange, std::string_view url, std::string_view method) {
  const auto* client = api_.get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  exchange->peer = PeerName(client == nullptr ? nullptr : client->client_addr);
  CheckHead(*exchange, url, method);
  if (exchange->status == 0) return MHD_YES;
  // A client that asks first, or has much to say, need not say it.
  size_t length = 0;
  const std::string_view text = Header(exchange->connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  std::from_chars(text.data(), text.data() + text.size(), length);
  const bool asks = !Header(exchange->connection, MHD_HTTP_HEADER_EXPECT).empty();
  return asks || length > std::max(kReadAnyway, options_.max_body) ? Respond(exchange) : MHD_YES;
}

int HttpServer::Refusal() const {
  if (closing_ || storage_full_) return MHD_HTTP_SERVICE_UNAVAILABLE;
  const std::lock_guard<std::mutex> lock(mutex_);
  return queue_.size() >= options_.max_requests ? MHD_HTTP_TOO_MANY_REQUESTS : 0;
}

void HttpServer::CheckHead(Exchange& exchange, std::string_view url, std::string_view method) {
  if (url != options_.path) {
    return Refuse(exchange, MHD_HTTP_NOT_FOUND, "nothing is here; send records to " + options_.path);
  }
  if (!Authorized(exchange.connection)) {
    return Refuse(exchange, MHD_HTTP_UNAUTHORIZED,
                  "the request needs the header Authorization: Bearer TOKEN");
  }
  if (method != MHD_HTTP_METHOD_POST && method != MHD_HTTP_METHOD_PUT) {
    return Refuse(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, "send records with POST or PUT");
  }
  uint64_t length = 0;
  const std::string_view text = Header(exchange.connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  std::from_chars(text.data(), text.data() + text.size(), length);
  if (length > options_.max_body) {
    return Refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE,
                  "a body may have " + std::to_string(options_.max_body) + " bytes");
  }
  CheckKey(exchange);
  if (exchange.status == 0) CheckEncoding(exchange);
  if (exchange.status != 0) return;
  if (const int refusal = Refusal(); refusal != 0) {
    Refuse(exchange, refusal,
           refusal == MHD_HTTP_TOO_MANY_REQUESTS ? "the pipeline does not keep up"
           : closing_                            ? "the pipeline is closing"
                                                 : "the buffer on disk is full");
  }
}

void HttpServer::CheckKey(Exchange& exchange) {
  if (options_.key_header.empty()) return;
  exchange.key = std::string(Header(exchange.connection, options_.key_header.c_str()));
  if (exchange.key.empty() && options_.key_required) {
    Refuse(exchange, MHD_HTTP_BAD_REQUEST,
           "the request needs the header " + options_.key_header + " with a key of its own");
  } else if (exchange.key.size() > kLongestKey) {
    Refuse(exchange, MHD_HTTP_BAD_REQUEST,
           "a key in " + options_.key_header + " has at most " + std::to_string(kLongestKey) + " bytes");
  }
}

void HttpServer::CheckEncoding(Exchange& exchange) {
  const std::string_view encoding = Header(exchange.connection, MHD_HTTP_HEADER_CONTENT_ENCODING);
  if (encoding.empty() || encoding == "identity") return;
  if (encoding == "gzip" || encoding == "x-gzip") {
    exchange.inflater = std::make_unique<Inflater>(options_.max_body);
  } else {
    Refuse(exchange, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Encoding may be gzip or identity");
  }
}

MHD_Result HttpServer::Receive(Exchange* exchange, std::string_view bytes) {
  exchange->received += bytes.size();
  if (exchange->status == 0) {
    Append(*exchange, bytes);
    if (exchange->status != 0) exchange->received = 0;
    return MHD_YES;
  }
  return exchange->received > std::max(kReadAnyway, options_.max_body) ? MHD_NO : MHD_YES;
}

void HttpServer::Append(Exchange& exchange, std::string_view bytes) {
  const std::string limit = "a body may have " + std::to_string(options_.max_body) + " bytes";
  if (exchange.inflater) {
    const Inflater::Outcome outcome = exchange.inflater->Write(bytes, &exchange.body);
    if (outcome == Inflater::Outcome::kTooLarge) {
      return Refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE,
                    limit + " when unpacked, and no more than " + std::to_string(Inflater::kMaxRatio) +
                        " times its packed size");
    }
    if (outcome == Inflater::Outcome::kDamaged) {
      return Refuse(exchange, MHD_HTTP_BAD_REQUEST, "the body is not gzip");
    }
  } else if (exchange.body.size() + bytes.size() > options_.max_body) {
    return Refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, limit);
  } else {
    exchange.body.Append(bytes.data(), bytes.size());
  }
  const int64_t more = static_cast<int64_t>(exchange.body.size()) - exchange.charged;
  exchange.charged += more;
  if ((held_ += more) > options_.max_held) {
    Refuse(exchange, MHD_HTTP_TOO_MANY_REQUESTS, "the pipeline does not keep up");
  }
}

MHD_Result HttpServer::HandOver(Exchange* exchange) {
  if (exchange->inflater && !exchange->inflater->Complete()) {
    Refuse(*exchange, MHD_HTTP_BAD_REQUEST, "the gzip body is cut off");
    return Respond(exchange);
  }
  if (const int refusal = Refusal(); refusal != 0) {
    Refuse(*exchange, refusal,
           refusal == MHD_HTTP_TOO_MANY_REQUESTS ? "the pipeline does not keep up" : "nothing is taken now");
    return Respond(exchange);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!closing_) {
      exchange->handed_over = true;
      api_.suspend_connection(exchange->connection);  // asleep before anyone can wake it
      queue_.push_back(exchange);
    }
  }
  if (!exchange->handed_over) {
    Refuse(*exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the pipeline is closing");
    return Respond(exchange);
  }
  const uint64_t one = 1;
  (void)!::write(event_, &one, sizeof one);
  return MHD_YES;
}

MHD_Result HttpServer::Respond(Exchange* exchange) {
  MHD_Response* response = api_.create_response_from_buffer(exchange->answer.size(), exchange->answer.data(),
                                                            MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  const auto add = [&](const char* name, std::string_view value) {
    api_.add_response_header(response, name, std::string(value).c_str());
  };
  add(MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  const int status = exchange->status;
  if (status == MHD_HTTP_TOO_MANY_REQUESTS) add(MHD_HTTP_HEADER_RETRY_AFTER, kRetrySoon);
  if (status == MHD_HTTP_SERVICE_UNAVAILABLE) add(MHD_HTTP_HEADER_RETRY_AFTER, kRetryLater);
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED) add(MHD_HTTP_HEADER_ALLOW, "POST, PUT");
  if (status == MHD_HTTP_UNAUTHORIZED) add(MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
  if (closing_) add(MHD_HTTP_HEADER_CONNECTION, "close");
  const MHD_Result queued =
      api_.queue_response(exchange->connection, static_cast<unsigned>(status), response);
  api_.destroy_response(response);
  return queued;
}

}  // namespace streamrun::http
