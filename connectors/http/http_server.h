// The listening side: a thread of libmicrohttpd takes requests, checks and unpacks them, and hands whole
// bodies over; the data thread takes them out and answers when it likes. Between the two stands a bounded
// queue: what does not fit is answered 429 at once, also while the pipeline is blocked and nobody asks.
//
//   server->Take() -> Taken{exchange, body}     the connection sleeps meanwhile
//   server->Answer(exchange, 200, "{...}")      it wakes up and sends
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "connectors/http/listen_address.h"
#include "connectors/http/mhd_api.h"
#include "core/base/env.h"
#include "core/base/status.h"
#include "core/data/buffer.h"

namespace streamrun::http {

struct ServerOptions {
  ListenAddress address;
  std::string path;
  /// Bearer token that a request must show (RFC 6750); empty: none.
  std::string token;
  /// Longest body, after unpacking.
  size_t max_body = 0;
  /// Bodies that wait for the pipeline.
  size_t max_requests = 0;
  /// Memory for bodies, those being received and those waiting.
  int64_t max_held = 0;
  unsigned max_connections = 0;
  /// A connection that is silent for so long is closed (while it waits for its answer it may be silent).
  Duration timeout = 0;
  /// Header with a key that names the request; empty: none is looked for.
  std::string key_header;
  /// A request without one is refused.
  bool key_required = false;
  /// PEM files of the certificate (with its chain) and its key; empty: no TLS.
  std::string certificate_file;
  std::string key_file;
  /// "sources.in.listen": what to change when the address is taken.
  std::string field;

  /// "https://127.0.0.1:8080/events".
  std::string Place() const {
    return (certificate_file.empty() ? "http://" : "https://") + address.ToString() + path;
  }
};

/// One request that waits for its answer. Owned by the server.
struct Exchange;

class HttpServer {
 public:
  /// Listens. kAlreadyExists when the address is taken.
  static Result<std::unique_ptr<HttpServer>> Open(ServerOptions options, Env* env);
  /// Answers what still waits with 503, sends what was answered (for a second at most), and closes.
  ~HttpServer();

  // --- Data thread
  struct Taken {
    Exchange* exchange = nullptr;
    BufferPtr body;
    std::string peer;
    std::string key;  // empty: the request has none
  };
  /// The next whole request; nothing when there is none.
  std::optional<Taken> Take();
  /// Each taken exchange is answered once and not touched afterwards. The body is JSON.
  void Answer(Exchange* exchange, int status, std::string body);
  /// While true every request is answered 503, also those in the queue: what it brings cannot be stored.
  void SetStorageFull(bool full);
  /// Readable when Take may have something.
  int fd() const { return event_; }

 private:
  HttpServer(ServerOptions options, Env* env, const MhdApi* api)
      : options_(std::move(options)), env_(env), api_(*api) {}
  Status Start();
  Status ReadCertificate();

  // --- Thread of libmicrohttpd
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url, const char* method,
                              const char* version, const char* upload, size_t* upload_size, void** state);
  static void OnCompleted(void* self, MHD_Connection* connection, void** state,
                          MHD_RequestTerminationCode why);
  MHD_Result Begin(Exchange* exchange, std::string_view url, std::string_view method);
  void CheckHead(Exchange& exchange, std::string_view url, std::string_view method);
  void CheckKey(Exchange& exchange);
  void CheckEncoding(Exchange& exchange);
  MHD_Result Receive(Exchange* exchange, std::string_view bytes);
  void Append(Exchange& exchange, std::string_view bytes);
  MHD_Result HandOver(Exchange* exchange);
  MHD_Result Respond(Exchange* exchange);
  bool Authorized(MHD_Connection* connection) const;
  std::string_view Header(MHD_Connection* connection, const char* name) const;
  /// The refusal that holds for everybody now, 0 for none.
  int Refusal() const;
  void Settle(Exchange& exchange, int status, std::string body);
  void Refuse(Exchange& exchange, int status, const std::string& why);
  void Release(Exchange& exchange);

  const ServerOptions options_;
  Env* const env_;
  const MhdApi& api_;
  MHD_Daemon* daemon_ = nullptr;
  std::string certificate_, certificate_key_;  // their PEM text; empty: no TLS
  int event_ = -1;

  std::atomic<bool> closing_{false};
  std::atomic<bool> storage_full_{false};
  std::atomic<int64_t> held_{0};   // bytes of bodies
  std::atomic<int> answering_{0};  // answered, not sent yet
  mutable std::mutex mutex_;
  std::deque<Exchange*> queue_;  // guarded by mutex_; these connections are suspended
};

}  // namespace streamrun::http
