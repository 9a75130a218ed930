#include "runner/process/watched_worker.h"

#include <poll.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "core/base/logging.h"

namespace streamrun {

namespace {

// How long a hung worker is waited for. Tests of hangs shorten it: STREAMRUN_PATIENCE="beat,compute,abort" in
// milliseconds, beside the failpoints that make the hang.
struct Patience {
  Duration beat = 10 * kSecond;
  Duration compute = 60 * kSecond;
  Duration abort = 5 * kSecond;
};

const Patience& WithPatience() {
  static const Patience patience = [] {
    Patience given;
    const char* text = std::getenv("STREAMRUN_PATIENCE");
    long long beat = 0, compute = 0, abort = 0;
    if (text != nullptr && std::sscanf(text, "%lld,%lld,%lld", &beat, &compute, &abort) == 3) {
      given = {beat * kMillisecond, compute * kMillisecond, abort * kMillisecond};
    }
    return given;
  }();
  return patience;
}

std::string Seconds(Duration duration) { return std::to_string(duration / kSecond) + " s"; }

}  // namespace

void WatchedWorker::Read(const Listener& listener) {
  if (gone_) return;
  // Whether it died is asked first and acted on last, so that its last words are heard.
  const std::optional<std::string> how = process_->Reap();
  while (listening_) {
    auto message = process_->control().Receive();
    if (!message.ok()) {
      listening_ = false;
      if (message.status().code() != Code::kUnavailable) listener.on_broken(message.status());
      break;
    }
    if (!message->has_value()) break;
    Hear(**message);
    listener.on_message(std::move(**message));
  }
  if (!how) return;
  gone_ = true;
  listening_ = false;
  listener.on_gone(*how + hang_);
}

void WatchedWorker::Hear(const ControlMessage& message) {
  last_beat_ = env_->MonotonicNow();
  const auto* beat = std::get_if<BeatMessage>(&message);
  if (beat == nullptr) return;
  if (beat->steps != steps_ || !beat->blocked_on.empty()) last_step_ = last_beat_;
  steps_ = beat->steps;
  blocked_on_ = beat->blocked_on;
}

void WatchedWorker::Watch(Timestamp now, bool computes) {
  if (gone_) return;
  if (now >= abort_deadline_) {
    abort_deadline_ = kMaxTimestamp;
    process_->Signal(SIGKILL);
    return;
  }
  if (!hang_.empty()) return;
  if (now - last_beat_ >= WithPatience().beat) {
    hang_ = " after it had not been heard of for " + Seconds(WithPatience().beat);
  } else if (computes && blocked_on_.empty() && now - last_step_ >= WithPatience().compute) {
    hang_ = " after a component had not returned for " + Seconds(WithPatience().compute);
  } else {
    return;
  }
  LogError("worker " + name_ + " hangs; ending it");
  process_->Signal(SIGABRT);
  abort_deadline_ = now + WithPatience().abort;
}

Timestamp WatchedWorker::Deadline() const {
  if (gone_) return kMaxTimestamp;
  return hang_.empty() ? last_beat_ + WithPatience().beat : abort_deadline_;
}

void WatchedWorker::AppendDescriptors(std::vector<pollfd>* fds) const {
  if (gone_) return;
  fds->push_back({process_->pidfd(), POLLIN, 0});
  if (listening_) fds->push_back({process_->control().fd(), POLLIN, 0});
}

}  // namespace streamrun
