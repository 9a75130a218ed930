// The calling side: requests under way at the same time, without blocking and without a thread, over
// libcurl's multi interface with its sockets and its timer in our own wait.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/http/curl_api.h"
#include "core/base/env.h"
#include "core/base/status.h"
#include "core/stream/wait.h"

namespace streamrun::http {

/// For https. Files are PEM; empty: none.
struct ClientTls {
  /// Certificates of authorities to believe instead of those of the system.
  std::string ca_file;
  /// The certificate that we show, and its key.
  std::string cert_file;
  std::string key_file;
  /// False: whoever answers is believed to be the server.
  bool verify = true;
};

struct ClientOptions {
  std::string url;
  std::string method = "POST";
  /// "Name: value", for every request.
  std::vector<std::string> headers;
  /// Of a whole exchange, connecting included.
  Duration timeout = 30 * kSecond;
  /// http://host:port of a proxy; empty: none, whatever the environment says.
  std::string proxy;
  ClientTls tls;
};

struct HttpRequest {
  uint64_t id = 0;
  std::shared_ptr<const std::string> body;
  /// "Name: value", besides those of all.
  std::vector<std::string> headers;
};

struct HttpAnswer {
  uint64_t id = 0;
  /// 0: there was no answer, `error` says why.
  int status = 0;
  std::string error;
  /// No answer, and none will come until somebody changes a certificate or an option.
  bool hopeless = false;
  /// The server may have seen the request.
  bool sent = true;
  /// The begin of the answer's body.
  std::string head;
  /// What Retry-After asked for, 0 for nothing.
  Duration retry_after = 0;
};

/// Not thread-safe.
class HttpClient {
 public:
  static constexpr size_t kHeadBytes = 1024;

  static Result<std::unique_ptr<HttpClient>> Open(ClientOptions options, Env* env);
  ~HttpClient();

  Status Begin(HttpRequest request);
  /// Does what can be done now; answers that arrived are appended to `answers`.
  Status Advance(std::vector<HttpAnswer>* answers);
  void AddWait(WaitSpec& wait) const;

 private:
  struct Call;
  HttpClient(ClientOptions options, Env* env, const CurlApi* api);

  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void*);
  static int OnTimer(CURLM* multi, long milliseconds, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* call);
  Status Configure(Call& call) const;
  HttpAnswer Finish(CURL* easy, CURLcode result);

  const ClientOptions options_;
  Env* const env_;
  const CurlApi& api_;
  CURLM* multi_ = nullptr;
  std::map<CURL*, std::unique_ptr<Call>> calls_;
  std::map<int, short> sockets_;  // what libcurl waits for: POLLIN, POLLOUT
  Timestamp timer_ = kMaxTimestamp;
};

}  // namespace streamrun::http
