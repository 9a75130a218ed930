// Brings bodies to a server and does not let go: what the server did not take for good reasons is tried
// again, under a retry policy and a circuit breaker; what it refuses for good is told (RELIABILITY 1.6).
//
// | answer | what it means here |
// | --- | --- |
// | 2xx | delivered |
// | none, 408, 425, 429, 409, 5xx | tried again; 429 and 503 say with Retry-After when |
// | 422 to a body that may have been sent before | its key was used with another body: the pipeline fails |
// | 3xx | the url is wrong: the pipeline fails |
// | other 4xx | refused: its records are dead letters |
// | none, for a certificate that is not believed | the pipeline fails |
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/http/http_client.h"
#include "core/base/env.h"
#include "core/stream/circuit_breaker.h"
#include "core/stream/retry_policy.h"

namespace streamrun::http {

enum class WhenOpen : uint8_t { kWait, kDeadLetter };

struct PosterOptions {
  ClientOptions client;
  /// Bodies under way at the same time.
  int64_t concurrency = 1;
  /// Name of the header for keys; empty: none is sent.
  std::string key_header;
  RetryOptions retry;
  BreakerOptions breaker;
  WhenOpen when_open = WhenOpen::kWait;
};

struct Post {
  uint64_t id = 0;
  std::shared_ptr<const std::string> body;
  std::string key;
  /// The server may have seen it already, if only from an earlier process.
  bool maybe_sent = false;
};

/// What became of a post. `code` is empty when it was delivered, else "http.status.400", "http.given_up",
/// "http.circuit_open".
struct Settled {
  uint64_t id = 0;
  std::string code;
  std::string message;
  bool delivered() const { return code.empty(); }
};

/// What an answer means. A pure function, for the table above.
enum class Verdict : uint8_t { kDelivered, kAgain, kRefused, kFatal };
Verdict Judge(int status, bool maybe_sent);

/// Not thread-safe.
class Poster {
 public:
  static Result<std::unique_ptr<Poster>> Open(PosterOptions options, Env* env);

  bool HasRoom() const { return static_cast<int64_t>(posts_.size()) < options_.concurrency; }
  bool empty() const { return posts_.empty(); }
  /// Only while HasRoom.
  void Add(Post post);
  /// Does what can be done now. What was settled is appended. An error is final: the server must not be asked
  /// again.
  Status Advance(std::vector<Settled>* settled);
  void AddWait(WaitSpec& wait) const;
  /// "http://h/p: 503 Service Unavailable, trying again in 2 s; circuit open"; empty when all is well.
  std::string Trouble() const;

 private:
  struct Item {
    Post post;
    int64_t attempts = 0;
    Timestamp begun = 0;  // the first attempt
    Timestamp next = 0;   // the next attempt may begin
    bool under_way = false;
  };
  Poster(PosterOptions options, Env* env)
      : options_(std::move(options)), retry_(options_.retry), breaker_(options_.breaker), env_(env) {}
  Status BeginDue(std::vector<Settled>* settled);
  Status OnAnswer(const HttpAnswer& answer, std::vector<Settled>* settled);
  void TryAgain(Item& item, const HttpAnswer& answer, std::vector<Settled>* settled);

  const PosterOptions options_;
  const RetryPolicy retry_;
  CircuitBreaker breaker_;
  Env* const env_;
  std::unique_ptr<HttpClient> client_;
  std::map<uint64_t, Item> posts_;  // in the order of their ids, so ordered with a concurrency of 1
  std::string trouble_;             // of the last attempt; empty after a good one
};

}  // namespace streamrun::http
