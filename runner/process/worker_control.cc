#include "runner/process/worker_control.h"

#include <poll.h>
#include <unistd.h>

#include <utility>

#include "core/base/failpoint.h"
#include "runner/link/poller.h"
#include "runner/process/worker.h"

namespace streamrun {

WorkerControl::WorkerControl(Env* env) : env_(env), channel_(kControlDescriptor), beater_(&channel_) {}

Status WorkerControl::Send(const ControlMessage& message) {
  for (;;) {
    SR_ASSIGN_OR_RETURN(const bool sent, channel_.Send(message));
    if (sent) return Status::Ok();
    pollfd p{kControlDescriptor, POLLOUT, 0};
    ::poll(&p, 1, -1);
  }
}

Status WorkerControl::Read() {
  for (;;) {
    auto message = channel_.Receive();
    // The supervisor is gone: nobody is left to report to.
    if (!message.ok() && message.status().code() == Code::kUnavailable) ::_exit(1);
    if (!message.ok()) return message.status();
    if (!message->has_value()) return Status::Ok();
    if (auto* assign = std::get_if<AssignMessage>(&**message)) {
      assignment_ = std::move(*assign);
      assigned = true;
    }
    connect |= std::holds_alternative<ConnectMessage>(**message);
    start |= std::holds_alternative<StartMessage>(**message);
    exit_ |= std::holds_alternative<ExitMessage>(**message);
    if (exit_) (void)SR_FAILPOINT("worker.leaving").ok();
    if (exit_) return Status::Cancelled("told to leave");
    // What follows START may have come with it.
    if (start && handler_) SR_RETURN_IF_ERROR(handler_(**message));
  }
}

Status WorkerControl::Await(Timestamp deadline) {
  Poller none;
  SR_RETURN_IF_ERROR(none.Wait(env_, {{kControlDescriptor, POLLIN}}, deadline));
  return Read();
}

Status WorkerControl::AwaitUntil(bool WorkerControl::*told) {
  while (!(this->*told)) SR_RETURN_IF_ERROR(Await(kMaxTimestamp));
  return Status::Ok();
}

Status WorkerControl::AwaitExit() {
  while (!exit_) {
    if (Status status = Await(kMaxTimestamp); !status.ok() && !exit_) return status;
  }
  return Status::Ok();
}

}  // namespace streamrun
