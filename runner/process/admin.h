// How the admin API reaches the supervisor: it reads snapshots and posts commands, nothing else. runner/api
// implements the server; the command line hands it in.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "runner/process/savepoint_ticket.h"
#include "runner/process/status.h"

namespace streamrun {

struct AdminCommand {
  enum class Kind : uint8_t { kStop, kDump, kSavepoint, kReplay };
  Kind kind;
  SavepointTicketPtr savepoint = nullptr;  // kSavepoint: to be answered
  uint64_t order = 0;                      // kReplay: the order that was given
};

/// Commands from other threads to the supervisor's loop.
class CommandQueue {
 public:
  CommandQueue();
  ~CommandQueue();
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;
  /// Any thread.
  void Post(AdminCommand command);
  /// The loop: readable when there is a command.
  int fd() const { return fd_; }
  std::optional<AdminCommand> Take();

 private:
  int fd_;
  std::mutex mutex_;
  std::deque<AdminCommand> commands_;
};

/// A running server; destruction stops it.
class AdminServer {
 public:
  virtual ~AdminServer() = default;
};

/// `board` and `commands` outlive the server.
using StartAdmin = std::function<Result<std::unique_ptr<AdminServer>>(
    const std::string& socket_path, const StatusBoard* board, CommandQueue* commands)>;

}  // namespace streamrun
