// What the two ends of an ingest log tell each other while they run: how far it is safe, and a wake-up.
//
// A small file that both map, and a FIFO beside it, in the run directory. Neither outlives the machine nor
// needs to: the log itself says where it ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/status.h"

namespace streamrun {

class LogTail {
 public:
  /// In the writer: makes the files or takes over those of an earlier writer of this generation.
  static Result<std::unique_ptr<LogTail>> Make(const std::string& run_directory, const std::string& node,
                                               uint64_t generation, uint64_t synced);
  /// In readers. kUnavailable: no writer of this generation has come so far.
  static Result<std::unique_ptr<LogTail>> Open(const std::string& run_directory, const std::string& node,
                                               uint64_t generation);
  ~LogTail();
  LogTail(const LogTail&) = delete;
  LogTail& operator=(const LogTail&) = delete;

  /// Writer: records with lower numbers are safe; wakes the reader. `bytes`: of the log on disk.
  void Publish(uint64_t synced, uint64_t bytes);
  uint64_t synced() const { return shared_->synced.load(std::memory_order_acquire); }
  uint64_t bytes() const { return shared_->bytes.load(std::memory_order_relaxed); }
  /// Readable when something was published since Drain.
  int wake_fd() const { return wake_fd_; }
  void Drain();

 private:
  struct Shared {
    std::atomic<uint64_t> generation;  // 0: not ready
    std::atomic<uint64_t> synced;
    std::atomic<uint64_t> bytes;
  };
  static_assert(std::atomic<uint64_t>::is_always_lock_free);

  LogTail() = default;
  Status Map(const std::string& path, int flags);

  Shared* shared_ = nullptr;
  int wake_fd_ = -1;
};

}  // namespace streamrun
