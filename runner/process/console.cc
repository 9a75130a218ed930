#include "runner/process/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/logging.h"

namespace streamrun {

namespace {

constexpr Duration kDrawInterval = 250 * kMillisecond;
constexpr Duration kRateWindow = 3 * kSecond;
constexpr Duration kLineInterval = 10 * kSecond;

// Rows on the terminal and a live block would overwrite each other.
bool WritesToTerminal(const Plan& plan) {
  if (::isatty(STDOUT_FILENO) == 0) return false;
  return std::any_of(plan.nodes.begin(), plan.nodes.end(), [](const PlanNode& n) {
    return n.kind == ComponentKind::kSink && n.component == "stdout";
  });
}

}  // namespace

Console::Console(const RunOptions& options, const Plan& plan)
    : options_(options), plan_(plan), display_(STDERR_FILENO) {}

Console::~Console() {
  LeaveTerminal();
  for (const int fd : {read_fd_, write_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

Status Console::Open(Timestamp now) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return Status::FromErrno(errno, "cannot make a pipe for worker logs");
  read_fd_ = fds[0];
  write_fd_ = fds[1];
  ::fcntl(read_fd_, F_SETFL, O_NONBLOCK);
  live_ = !options_.quiet && !options_.log_json && ::isatty(STDERR_FILENO) != 0 && !WritesToTerminal(plan_);
  if (live_) {
    StartLogging(
        {options_.log_level, options_.log_json, [this](std::string_view line) { display_.WriteAbove(line); }},
        {plan_.pipeline, plan_.hash.substr(0, 8), "", -1});
  }
  if (!options_.quiet) next_show_ = now + (live_ ? kDrawInterval : kLineInterval);
  return Status::Ok();
}

void Console::LeaveTerminal() {
  if (!std::exchange(live_, false)) return;
  display_.Clear();
  StartLogging({options_.log_level, options_.log_json, nullptr},
               {plan_.pipeline, plan_.hash.substr(0, 8), "", -1});
}

void Console::Relay() {
  char bytes[16 * 1024];
  ssize_t n;
  while ((n = ::read(read_fd_, bytes, sizeof(bytes))) > 0) {
    rest_.append(bytes, static_cast<size_t>(n));
    size_t end = rest_.rfind('\n');
    if (end == std::string::npos && rest_.size() > sizeof(bytes)) end = rest_.size() - 1;
    if (end == std::string::npos) continue;
    const std::string lines = rest_.substr(0, end + 1);
    rest_.erase(0, end + 1);
    live_ ? display_.WriteAbove(lines) : WriteAll(STDERR_FILENO, lines);
  }
}

void Console::Show(const PipelineStatusPtr& status, Timestamp now) {
  next_show_ = now + (live_ ? kDrawInterval : kLineInterval);
  const PipelineStatus* before = shown_.empty() ? nullptr : shown_.front().get();
  if (live_) {
    display_.Draw(RenderLive(*status, before, display_.width()));
  } else {
    LogInfo(RenderLine(*status, before));
  }
  // Workers report once a second: rates over some seconds are steady enough to read.
  shown_.push_back(status);
  while (shown_.size() > 1 && (!live_ || status->elapsed - shown_[1]->elapsed >= kRateWindow))
    shown_.pop_front();
}

void Console::Dump(const PipelineStatus& status) const {
  LogInfo(RenderLine(status, nullptr), {{"residue", std::to_string(status.residue)}});
  for (const StageStatus& stage : status.stages) {
    for (const WorkerStatus& w : stage.workers) {
      LogInfo("worker " + stage.name + "[" + std::to_string(w.instance) + "]",
              {{"pid", std::to_string(w.pid)},
               {"state", w.state},
               {"blocked_on", w.blocked_on.empty() ? "nothing" : w.blocked_on},
               {"steps", std::to_string(w.steps)},
               {"beat_age_ms", std::to_string(w.beat_age / kMillisecond)}});
    }
  }
}

void Console::Close(const PipelineStatus& status) {
  LeaveTerminal();
  if (options_.log_json) {
    LogInfo(RenderLine(status, nullptr), {{"residue", std::to_string(status.residue)}});
  } else if (!options_.quiet) {
    WriteAll(STDERR_FILENO, RenderSummary(status));
  }
}

}  // namespace streamrun
