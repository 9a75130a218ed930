// A savepoint that somebody asked for: the supervisor's loop says what becomes of it, any thread asks.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace streamrun {

struct SavepointReport {
  enum class Phase : uint8_t { kWaiting, kTaken, kFailed };
  Phase phase = Phase::kWaiting;
  uint64_t epoch = 0;  // kTaken
  std::string path;    // kTaken: its directory
  /// kWaiting: why the last attempt was given up, empty: none was. kFailed: why.
  std::string note;
};

class SavepointTicket {
 public:
  explicit SavepointTicket(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  SavepointReport Get() const {
    const std::lock_guard lock(mutex_);
    return report_;
  }
  void Set(SavepointReport report) {
    const std::lock_guard lock(mutex_);
    report_ = std::move(report);
  }

 private:
  const std::string name_;
  mutable std::mutex mutex_;
  SavepointReport report_;
};
using SavepointTicketPtr = std::shared_ptr<SavepointTicket>;

}  // namespace streamrun
