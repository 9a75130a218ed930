#include "connectors/http/http_client.h"

#include <poll.h>

#include <algorithm>

namespace streamrun::http {
namespace {

constexpr long kConnectMilliseconds = 10'000;

// What the two sides think of each other's certificates does not change by asking again.
bool IsAboutCertificates(CURLcode result) {
  return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CERTPROBLEM ||
         result == CURLE_SSL_CACERT_BADFILE || result == CURLE_SSL_ISSUER_ERROR ||
         result == CURLE_SSL_CIPHER || result == CURLE_SSL_CRL_BADFILE ||
         result == CURLE_UNSUPPORTED_PROTOCOL;
}

}  // namespace

struct HttpClient::Call {
  Call(const CurlApi& library, HttpRequest what) : api(library), request(std::move(what)) {}
  ~Call() {
    if (easy != nullptr) api.easy_cleanup(easy);
    api.slist_free_all(headers);
  }
  const CurlApi& api;
  HttpRequest request;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  std::string head;
  char error[CURL_ERROR_SIZE] = "";
};

HttpClient::HttpClient(ClientOptions options, Env* env, const CurlApi* api)
    : options_(std::move(options)), env_(env), api_(*api) {}

Result<std::unique_ptr<HttpClient>> HttpClient::Open(ClientOptions options, Env* env) {
  SR_ASSIGN_OR_RETURN(const CurlApi* api, CurlApi::Get());
  // libcurl says of a file that is not there only that it cannot be used.
  for (const auto& [field, path] : {std::pair("ca_file", &options.tls.ca_file),
                                    {"cert_file", &options.tls.cert_file},
                                    {"key_file", &options.tls.key_file}}) {
    if (path->empty()) continue;
    if (const auto file = env->OpenForRead(*path); !file.ok()) {
      return Status::InvalidArgument("tls." + std::string(field) + ": " + file.status().message());
    }
  }
  std::unique_ptr<HttpClient> client(new HttpClient(std::move(options), env, api));
  client->multi_ = api->multi_init();
  if (client->multi_ == nullptr) return Status::ResourceExhausted("libcurl has no memory");
  api->multi_setopt(client->multi_, CURLMOPT_SOCKETFUNCTION, &HttpClient::OnSocket);
  api->multi_setopt(client->multi_, CURLMOPT_SOCKETDATA, client.get());
  api->multi_setopt(client->multi_, CURLMOPT_TIMERFUNCTION, &HttpClient::OnTimer);
  api->multi_setopt(client->multi_, CURLMOPT_TIMERDATA, client.get());
  return client;
}

HttpClient::~HttpClient() {
  for (const auto& [easy, call] : calls_) api_.multi_remove_handle(multi_, easy);
  calls_.clear();
  if (multi_ != nullptr) api_.multi_cleanup(multi_);
}

int HttpClient::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto& sockets = static_cast<HttpClient*>(self)->sockets_;
  if (what == CURL_POLL_REMOVE) {
    sockets.erase(socket);
  } else {
    sockets[socket] =
        static_cast<short>(((what & CURL_POLL_IN) ? POLLIN : 0) | ((what & CURL_POLL_OUT) ? POLLOUT : 0));
  }
  return 0;
}

int HttpClient::OnTimer(CURLM*, long milliseconds, void* self) {
  auto& client = *static_cast<HttpClient*>(self);
  client.timer_ =
      milliseconds < 0 ? kMaxTimestamp : client.env_->MonotonicNow() + milliseconds * kMillisecond;
  return 0;
}

size_t HttpClient::OnBody(char* data, size_t size, size_t count, void* call) {
  std::string& head = static_cast<Call*>(call)->head;
  head.append(data, std::min(size * count, kHeadBytes - head.size()));
  return size * count;
}

Status HttpClient::Configure(Call& call) const {
  bool ok = true;
  const auto add = [&](const std::string& header) {
    curl_slist* longer = api_.slist_append(call.headers, header.c_str());
    ok &= longer != nullptr;
    if (longer != nullptr) call.headers = longer;
  };
  for (const std::string& header : options_.headers) add(header);
  for (const std::string& header : call.request.headers) add(header);
  const auto set = [&](CURLoption option, auto value) {
    ok &= api_.easy_setopt(call.easy, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, options_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, options_.proxy.c_str());
  set(CURLOPT_POST, 1L);
  set(CURLOPT_CUSTOMREQUEST, options_.method.c_str());
  set(CURLOPT_POSTFIELDS, call.request.body->data());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.request.body->size()));
  set(CURLOPT_HTTPHEADER, call.headers);
  set(CURLOPT_USERAGENT, "streamrun");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout / kMillisecond));
  set(CURLOPT_CONNECTTIMEOUT_MS,
      std::min(kConnectMilliseconds, static_cast<long>(options_.timeout / kMillisecond)));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));  // at least
  if (!options_.tls.ca_file.empty()) set(CURLOPT_CAINFO, options_.tls.ca_file.c_str());
  if (!options_.tls.cert_file.empty()) set(CURLOPT_SSLCERT, options_.tls.cert_file.c_str());
  if (!options_.tls.key_file.empty()) set(CURLOPT_SSLKEY, options_.tls.key_file.c_str());
  set(CURLOPT_SSL_VERIFYPEER, options_.tls.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, options_.tls.verify ? 2L : 0L);
  set(CURLOPT_WRITEFUNCTION, &HttpClient::OnBody);
  set(CURLOPT_WRITEDATA, &call);
  set(CURLOPT_ERRORBUFFER, call.error);
  return ok ? Status::Ok() : Status::InvalidArgument("libcurl refuses a request to " + options_.url);
}

Status HttpClient::Begin(HttpRequest request) {
  auto call = std::make_unique<Call>(api_, std::move(request));
  call->easy = api_.easy_init();
  if (call->easy == nullptr) return Status::ResourceExhausted("libcurl has no memory");
  SR_RETURN_IF_ERROR(Configure(*call));
  CURL* easy = call->easy;
  calls_.emplace(easy, std::move(call));
  if (api_.multi_add_handle(multi_, easy) == CURLM_OK) return Status::Ok();
  calls_.erase(easy);
  return Status::Internal("libcurl takes no request");
}

Status HttpClient::Advance(std::vector<HttpAnswer>* answers) {
  std::vector<pollfd> ready;
  for (const auto& [fd, events] : sockets_) ready.push_back({fd, events, 0});
  int running = 0;
  bool fine = true;
  if (!ready.empty() && ::poll(ready.data(), ready.size(), 0) > 0) {
    for (const pollfd& p : ready) {
      const int what = ((p.revents & POLLIN) ? CURL_CSELECT_IN : 0) |
                       ((p.revents & POLLOUT) ? CURL_CSELECT_OUT : 0) |
                       ((p.revents & (POLLERR | POLLHUP | POLLNVAL)) ? CURL_CSELECT_ERR : 0);
      if (what != 0) fine &= api_.multi_socket_action(multi_, p.fd, what, &running) == CURLM_OK;
    }
  }
  if (env_->MonotonicNow() >= timer_) {
    timer_ = kMaxTimestamp;
    fine &= api_.multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running) == CURLM_OK;
  }
  if (!fine) return Status::Internal("libcurl cannot go on with the requests to " + options_.url);
  int left = 0;
  while (const CURLMsg* message = api_.multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE) answers->push_back(Finish(message->easy_handle, message->data.result));
  }
  return Status::Ok();
}

HttpAnswer HttpClient::Finish(CURL* easy, CURLcode result) {
  const auto found = calls_.find(easy);
  SR_CHECK(found != calls_.end());
  Call& call = *found->second;
  HttpAnswer answer;
  answer.id = call.request.id;
  if (result == CURLE_OK) {
    long status = 0;
    curl_off_t wait = 0;
    api_.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    api_.easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait);  // seconds, a date is converted
    answer.status = static_cast<int>(status);
    answer.retry_after = std::min<curl_off_t>(wait, kDay / kSecond) * kSecond;
    answer.head = std::move(call.head);
  } else {
    answer.error = call.error[0] != '\0' ? call.error : api_.easy_strerror(result);
    answer.sent = result != CURLE_COULDNT_CONNECT && result != CURLE_COULDNT_RESOLVE_HOST &&
                  result != CURLE_COULDNT_RESOLVE_PROXY && result != CURLE_PEER_FAILED_VERIFICATION;
    answer.hopeless = IsAboutCertificates(result);
  }
  api_.multi_remove_handle(multi_, easy);
  calls_.erase(found);
  return answer;
}

void HttpClient::AddWait(WaitSpec& wait) const {
  for (const auto& [fd, events] : sockets_) wait.descriptors.push_back({fd, events});
  wait.deadline = std::min(wait.deadline, timer_);
}

}  // namespace streamrun::http
