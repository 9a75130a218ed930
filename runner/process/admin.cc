#include "runner/process/admin.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace streamrun {

CommandQueue::CommandQueue() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { SR_CHECK(fd_ >= 0); }
CommandQueue::~CommandQueue() { ::close(fd_); }

void CommandQueue::Post(AdminCommand command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof(one));  // full means readable anyway
}

std::optional<AdminCommand> CommandQueue::Take() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(fd_, &count, sizeof(count));
  const std::lock_guard lock(mutex_);
  if (commands_.empty()) return std::nullopt;
  AdminCommand command = std::move(commands_.front());
  commands_.pop_front();
  return command;
}

}  // namespace streamrun
