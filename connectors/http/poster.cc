#include "connectors/http/poster.h"

#include <algorithm>
#include <optional>

namespace streamrun::http {
namespace {

constexpr size_t kShownBytes = 200;

// "503 Service Unavailable"-like: the number and what the server said, on one line.
std::string Describe(const HttpAnswer& answer) {
  if (answer.status == 0) return answer.error;
  std::string text = "status " + std::to_string(answer.status);
  std::string said = answer.head.substr(0, kShownBytes);
  std::replace_if(
      said.begin(), said.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  while (!said.empty() && said.back() == ' ') said.pop_back();
  return said.empty() ? text : text + " (" + said + ")";
}

std::string Seconds(Duration duration) {
  const Duration tenths = (std::max<Duration>(duration, 0) + kSecond / 10 - 1) / (kSecond / 10);
  return std::to_string(tenths / 10) +
         (tenths % 10 != 0 && tenths < 100 ? "." + std::to_string(tenths % 10) : "") + " s";
}

// Says that the server is unwell, which is what a breaker is about. A server that is busy (429) or knows the
// key already (409) is well.
bool IsFailure(int status) { return status == 0 || status == 408 || status >= 500; }

}  // namespace

Verdict Judge(int status, bool maybe_sent) {
  if (status >= 200 && status < 300) return Verdict::kDelivered;
  if (status == 0 || status >= 500 || status == 408 || status == 409 || status == 425 || status == 429) {
    return Verdict::kAgain;
  }
  // A key that was never sent cannot have been used: then 422 is about the body.
  if (status == 422) return maybe_sent ? Verdict::kFatal : Verdict::kRefused;
  return status >= 400 ? Verdict::kRefused : Verdict::kFatal;
}

Result<std::unique_ptr<Poster>> Poster::Open(PosterOptions options, Env* env) {
  std::unique_ptr<Poster> poster(new Poster(std::move(options), env));
  SR_ASSIGN_OR_RETURN(poster->client_, HttpClient::Open(poster->options_.client, env));
  return poster;
}

void Poster::Add(Post post) {
  SR_CHECK(HasRoom());
  Item item;
  const uint64_t id = post.id;
  item.post = std::move(post);
  posts_.emplace(id, std::move(item));
}

Status Poster::Advance(std::vector<Settled>* settled) {
  SR_RETURN_IF_ERROR(BeginDue(settled));
  std::vector<HttpAnswer> answers;
  SR_RETURN_IF_ERROR(client_->Advance(&answers));
  for (const HttpAnswer& answer : answers) SR_RETURN_IF_ERROR(OnAnswer(answer, settled));
  return Status::Ok();
}

Status Poster::BeginDue(std::vector<Settled>* settled) {
  const Timestamp now = env_->MonotonicNow();
  for (auto it = posts_.begin(); it != posts_.end();) {
    Item& item = it->second;
    if (item.under_way || now < item.next) {
      ++it;
      continue;
    }
    if (!breaker_.Allow(now)) {
      if (options_.when_open == WhenOpen::kWait || breaker_.state() != CircuitBreaker::State::kOpen)
        return Status::Ok();
      settled->push_back({it->first, "http.circuit_open", options_.client.url + ": " + trouble_});
      it = posts_.erase(it);
      continue;
    }
    if (item.attempts++ == 0) item.begun = now;
    item.under_way = true;
    HttpRequest request;
    request.id = it->first;
    request.body = item.post.body;
    if (!options_.key_header.empty()) request.headers.push_back(options_.key_header + ": " + item.post.key);
    SR_RETURN_IF_ERROR(client_->Begin(std::move(request)));
    ++it;
  }
  return Status::Ok();
}

Status Poster::OnAnswer(const HttpAnswer& answer, std::vector<Settled>* settled) {
  const auto found = posts_.find(answer.id);
  SR_CHECK(found != posts_.end());
  Item& item = found->second;
  item.under_way = false;
  const Timestamp now = env_->MonotonicNow();
  const Verdict verdict = Judge(answer.status, item.post.maybe_sent);
  item.post.maybe_sent = item.post.maybe_sent || answer.sent;
  if (IsFailure(answer.status)) {
    breaker_.OnFailure(now);
  } else if (verdict == Verdict::kAgain) {
    breaker_.OnNeither();
  } else {
    breaker_.OnSuccess();
  }
  const std::string said = options_.client.url + ": " + Describe(answer);
  if (answer.hopeless) {
    return Status::InvalidArgument(said + "; mend the certificates, or the sink's `tls`: nothing was sent");
  }
  switch (verdict) {
    case Verdict::kAgain:
      trouble_ = Describe(answer);
      TryAgain(item, answer, settled);
      return Status::Ok();
    case Verdict::kFatal:
      return Status::InvalidArgument(
          answer.status == 422
              ? said + ": the server has seen the key " + item.post.key +
                    " with another body; let nothing else write with these keys, or use another " +
                    options_.key_header
              : said + ": the server answers elsewhere; set `url` to where it is");
    case Verdict::kDelivered:
      settled->push_back({answer.id, {}, {}});
      break;
    case Verdict::kRefused:
      settled->push_back({answer.id, "http.status." + std::to_string(answer.status), said});
      break;
  }
  trouble_.clear();
  posts_.erase(found);
  return Status::Ok();
}

void Poster::TryAgain(Item& item, const HttpAnswer& answer, std::vector<Settled>* settled) {
  const Timestamp now = env_->MonotonicNow();
  const RetryPolicy::Decision decision =
      retry_.OnFailure(item.attempts, now - item.begun, answer.retry_after, env_->Random64());
  if (decision.again) {
    item.next = now + decision.pause;
    return;
  }
  settled->push_back({answer.id, "http.given_up",
                      options_.client.url + ": " + Describe(answer) + ", given up after " +
                          std::to_string(item.attempts) + " attempts"});
  posts_.erase(answer.id);
}

void Poster::AddWait(WaitSpec& wait) const {
  client_->AddWait(wait);
  for (const auto& [id, item] : posts_) {
    if (item.under_way) continue;
    const bool open = breaker_.state() == CircuitBreaker::State::kOpen;
    // While another one is the probe, its answer ends the wait.
    if (breaker_.state() == CircuitBreaker::State::kHalfOpen && item.next <= env_->MonotonicNow()) continue;
    wait.deadline = std::min(wait.deadline, open ? std::max(item.next, breaker_.probe_at()) : item.next);
  }
}

std::string Poster::Trouble() const {
  if (trouble_.empty() || posts_.empty()) return {};
  const Timestamp now = env_->MonotonicNow();
  std::optional<Timestamp> next;
  for (const auto& [id, item] : posts_) {
    if (!item.under_way) next = std::min(next.value_or(kMaxTimestamp), item.next);
  }
  std::string text = options_.client.url + ": " + trouble_;
  const bool open = breaker_.state() == CircuitBreaker::State::kOpen;
  if (next && open) next = std::max(*next, breaker_.probe_at());
  text += next ? ", trying again in " + Seconds(*next - now) : ", trying again now";
  return open ? text + "; circuit open" : text;
}

}  // namespace streamrun::http
