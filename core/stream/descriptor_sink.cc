#include "core/stream/descriptor_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace streamrun {

namespace {

// How a write to the descriptor is kept from blocking.
enum class Way : uint8_t {
  kPlain,        // a regular file never makes anyone wait
  kNonBlocking,  // an open file description of our own with O_NONBLOCK
  kSend,         // a socket: MSG_DONTWAIT
  kSmall,        // poll, then at most PIPE_BUF bytes, which fit when POLLOUT says so (pipe(7))
};

class DescriptorSink final : public Sink {
 public:
  DescriptorSink(int shared, std::string name) : shared_(shared), name_(std::move(name)) {}
  ~DescriptorSink() override {
    if (own_ >= 0) ::close(own_);
  }

  Status Open(SinkContext& context) override {
    // A closed reader must be an error of write(), not the end of the process.
    struct sigaction action;
    if (::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL)
      ::signal(SIGPIPE, SIG_IGN);
    SR_RETURN_IF_ERROR(shared_ >= 0 ? Adopt() : OpenPath());
    preamble_ = context.preamble;
    return Status::Ok();
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    SR_ASSIGN_OR_RETURN(const bool begun, Drain(preamble_, &preamble_written_));
    if (!begun) return SinkOutcome::kBusy;
    SR_ASSIGN_OR_RETURN(const bool all, Drain(records.bytes->view(), &written_));
    if (!all) return SinkOutcome::kBusy;
    written_ = 0;
    return SinkOutcome::kAccepted;
  }

  Result<SinkOutcome> Finish(bool) override {
    SR_ASSIGN_OR_RETURN(const bool all, Drain(preamble_, &preamble_written_));
    return all ? SinkOutcome::kAccepted : SinkOutcome::kBusy;
  }

  WaitSpec Wait() override {
    WaitSpec wait;
    wait.descriptors.push_back({descriptor(), POLLOUT});
    return wait;
  }

 private:
  int descriptor() const { return own_ >= 0 ? own_ : shared_; }

  // O_NONBLOCK belongs to the open file description, which a shell and other programs share with us: open the
  // same pipe or terminal again instead of setting it.
  Status Adopt() {
    struct stat s;
    if (::fstat(shared_, &s) != 0) return Status::FromErrno(errno, name_ + " is not open");
    if (S_ISREG(s.st_mode) || S_ISBLK(s.st_mode)) {
      way_ = Way::kPlain;
    } else if (S_ISSOCK(s.st_mode)) {
      way_ = Way::kSend;
    } else {
      const std::string path = "/proc/self/fd/" + std::to_string(shared_);
      own_ = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
      if (own_ < 0 && errno == ENXIO) return Closed();
      way_ = own_ >= 0 ? Way::kNonBlocking : Way::kSmall;
    }
    return Status::Ok();
  }

  Status OpenPath() {
    own_ = ::open(name_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (own_ < 0 && errno == ENXIO) return Status::Unavailable("nobody reads the pipe " + name_ + " yet");
    if (own_ < 0) return Status::FromErrno(errno, "cannot open " + name_ + " for writing");
    way_ = Way::kNonBlocking;
    return Status::Ok();
  }

  Status Closed() const { return Status::Cancelled(name_ + " was closed by its reader"); }

  // Writes `bytes` from *done on. False: the reader must take some first.
  Result<bool> Drain(std::string_view bytes, size_t* done) {
    while (*done < bytes.size()) {
      const ssize_t n = WriteSome(bytes.substr(*done));
      if (n >= 0) {
        *done += static_cast<size_t>(n);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return false;
      } else if (errno == EPIPE || errno == ECONNRESET) {
        return Closed();
      } else if (errno != EINTR) {
        return Status::FromErrno(errno, "cannot write " + name_);
      }
    }
    return true;
  }

  ssize_t WriteSome(std::string_view bytes) {
    switch (way_) {
      case Way::kSend:
        return ::send(shared_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      case Way::kSmall: {
        pollfd ready{shared_, POLLOUT, 0};
        if (::poll(&ready, 1, 0) == 0) {
          errno = EAGAIN;
          return -1;
        }
        return ::write(shared_, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
      }
      case Way::kPlain:
      case Way::kNonBlocking:
        break;
    }
    return ::write(descriptor(), bytes.data(), bytes.size());
  }

  const int shared_;  // -1: name_ is a path to open
  const std::string name_;
  int own_ = -1;
  Way way_ = Way::kPlain;
  std::string preamble_;
  size_t preamble_written_ = 0;
  size_t written_ = 0;  // of the event that WriteBytes is called with
};

}  // namespace

std::unique_ptr<Sink> CreateDescriptorSink(int fd, std::string name) {
  return std::make_unique<DescriptorSink>(fd, std::move(name));
}

std::unique_ptr<Sink> CreateDescriptorSink(std::string path) {
  return std::make_unique<DescriptorSink>(-1, std::move(path));
}

}  // namespace streamrun
