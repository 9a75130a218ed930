#include "core/base/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <vector>

#include "core/base/env.h"

namespace streamrun {

namespace {

enum class Action : uint8_t { kKill, kStop, kDelay, kError, kCrashOn };

struct Armed {
  size_t point = 0;
  Action action = Action::kKill;
  int64_t argument = 0;  // milliseconds, or errno
  std::string text;      // kCrashOn
  int64_t hit = 1;       // 0: each
  std::string mark;      // path, empty: none
};

// Written before there is a second thread.
std::vector<Armed> entries;
std::array<std::atomic<int64_t>, kFailpoints.size()> hits;

Status Wrong(std::string_view entry, std::string_view why) {
  return Status::InvalidArgument("STREAMRUN_FAILPOINTS: '" + std::string(entry) + "': " + std::string(why));
}

bool ParseNumber(std::string_view text, int64_t* number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), *number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() && *number > 0;
}

// "kill", "stop", "delay(20)", "error(EIO)".
bool ParseAction(std::string_view text, Armed* armed) {
  const size_t open = text.find('(');
  const std::string_view name = text.substr(0, open);
  std::string_view argument;
  if (open != std::string_view::npos) {
    if (!text.ends_with(')')) return false;
    argument = text.substr(open + 1, text.size() - open - 2);
  }
  if (name == "kill" || name == "stop") {
    armed->action = name == "kill" ? Action::kKill : Action::kStop;
    return open == std::string_view::npos;
  }
  if (name == "delay") {
    armed->action = Action::kDelay;
    return ParseNumber(argument, &armed->argument);
  }
  if (name == "crash_on") {
    armed->action = Action::kCrashOn;
    armed->text = argument;
    return !argument.empty();
  }
  armed->action = Action::kError;
  armed->argument = argument == "ENOSPC" ? ENOSPC : argument == "EIO" ? EIO : 0;
  return name == "error" && armed->argument != 0;
}

// What stands behind the last `mark`, which goes with it; empty: there is none.
std::string_view CutBehind(std::string_view* text, char mark) {
  const size_t at = text->rfind(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view behind = text->substr(at + 1);
  *text = text->substr(0, at);
  return behind;
}

// Appends the entry when it is for this process.
Status Parse(std::string_view entry, std::string_view marks, FamilyProcess self, std::vector<Armed>* to) {
  std::string_view text = entry;
  const std::string_view process = CutBehind(&text, '@');
  const std::string_view hit = CutBehind(&text, ':');
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos)
    return Wrong(entry, "name=action[:hit][@worker|@supervisor] expected");
  const auto point = std::find_if(kFailpoints.begin(), kFailpoints.end(),
                                  [&](const Failpoint& p) { return p.name == text.substr(0, equals); });
  if (point == kFailpoints.end()) return Wrong(entry, "there is no such failpoint");
  Armed armed;
  armed.point = static_cast<size_t>(point - kFailpoints.begin());
  if (!ParseAction(text.substr(equals + 1), &armed)) {
    return Wrong(entry, "the action is kill, stop, delay(MS), error(ENOSPC), error(EIO) or crash_on(TEXT)");
  }
  if (armed.action == Action::kError && !point->fails) return Wrong(entry, "nothing can fail there");
  if (hit == "*") {
    armed.hit = 0;
  } else if (!hit.empty() && !ParseNumber(hit, &armed.hit)) {
    return Wrong(entry, "the hit is a number from 1 on, or *");
  }
  if (!process.empty() && process != "worker" && process != "supervisor") {
    return Wrong(entry, "the process is worker or supervisor");
  }
  const bool named = process.empty() || (process == "worker") == (self == FamilyProcess::kWorker);
  if (!named || point->process != self) return Status::Ok();
  if (!marks.empty() && armed.hit != 0) {
    armed.mark = std::string(marks) + "/" + std::string(point->name) + "." + std::to_string(armed.hit);
  }
  to->push_back(std::move(armed));
  return Status::Ok();
}

// The first process of the family that gets there takes the entry.
bool Take(const Armed& armed) {
  if (armed.mark.empty()) return true;
  const int fd = ::open(armed.mark.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  ::close(fd);
  return true;
}

Status Act(const Armed& armed) {
  switch (armed.action) {
    case Action::kKill:
      ::kill(::getpid(), SIGKILL);
      for (;;) ::pause();  // another thread may be the one that the signal finds
    case Action::kStop:
      ::kill(::getpid(), SIGSTOP);
      return Status::Ok();
    case Action::kDelay:
      Env::Default()->Sleep(armed.argument * kMillisecond);
      return Status::Ok();
    case Action::kCrashOn:  // CrashOn
      return Status::Ok();
    case Action::kError:
      break;
  }
  return Status::FromErrno(static_cast<int>(armed.argument),
                           "failpoint " + std::string(kFailpoints[armed.point].name));
}

}  // namespace

namespace failpoint_internal {

std::atomic<bool> armed{false};

Status Reached(size_t number) {
  const int64_t hit = hits[number].fetch_add(1, std::memory_order_relaxed) + 1;
  for (const Armed& entry : entries) {
    if (entry.point != number || entry.action == Action::kCrashOn) continue;
    if (entry.hit != 0 && entry.hit != hit) continue;
    if (Take(entry)) SR_RETURN_IF_ERROR(Act(entry));
  }
  return Status::Ok();
}

void CrashOn(size_t number, const std::function<bool(std::string_view text)>& holds) {
  for (const Armed& entry : entries) {
    if (entry.point != number || entry.action != Action::kCrashOn || !holds(entry.text)) continue;
    if (!Take(entry)) continue;
    // As a wild pointer would.
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
  }
}

}  // namespace failpoint_internal

Status ArmFailpoints(std::string_view text, std::string_view marks, FamilyProcess self) {
  failpoint_internal::armed.store(false, std::memory_order_relaxed);
  entries.clear();
  for (auto& hit : hits) hit.store(0, std::memory_order_relaxed);
  std::vector<Armed> parsed;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) SR_RETURN_IF_ERROR(Parse(text.substr(0, comma), marks, self, &parsed));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  entries = std::move(parsed);
  failpoint_internal::armed.store(!entries.empty(), std::memory_order_relaxed);
  return Status::Ok();
}

Status ArmFailpointsFromEnvironment(FamilyProcess self) {
  const char* text = std::getenv("STREAMRUN_FAILPOINTS");
  const char* marks = std::getenv("STREAMRUN_FAILPOINT_MARKS");
  return ArmFailpoints(text != nullptr ? text : "", marks != nullptr ? marks : "", self);
}

}  // namespace streamrun
