#include "runner/process/control_channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace streamrun {

namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Status Gone() { return Status::Unavailable("the control channel was closed by the other side"); }

// A sealed memfd with `text`: the receiver can map it without fear of it changing.
Status Seal(const std::string& text, Descriptor& memory) {
  memory.fd = ::memfd_create("streamrun-control", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory.fd < 0) return Status::FromErrno(errno, "cannot make a memfd");
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(memory.fd, text.data() + at, text.size() - at);
    if (n < 0) return Status::FromErrno(errno, "cannot write a memfd");
    at += static_cast<size_t>(n);
  }
  if (::fcntl(memory.fd, F_ADD_SEALS, kSeals) != 0) return Status::FromErrno(errno, "cannot seal a memfd");
  return Status::Ok();
}

Result<std::string> ReadSealed(int fd) {
  struct stat s;
  if (::fstat(fd, &s) != 0) return Status::FromErrno(errno, "cannot stat a control memfd");
  if ((::fcntl(fd, F_GET_SEALS) & kSeals) != kSeals)
    return Status::Corruption("a control memfd is not sealed");
  if (s.st_size < 0 || static_cast<size_t>(s.st_size) > ControlChannel::kMaxMessage) {
    return Status::Corruption("a control message is too long");
  }
  std::string text(static_cast<size_t>(s.st_size), '\0');
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = ::pread(fd, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (n <= 0) return Status::FromErrno(n < 0 ? errno : EIO, "cannot read a control memfd");
    at += static_cast<size_t>(n);
  }
  return text;
}

union FdBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

}  // namespace

ControlChannel::ControlChannel(int fd) : fd_(fd) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
}

ControlChannel::~ControlChannel() {
  if (fd_ >= 0) ::close(fd_);
}

ControlChannel& ControlChannel::operator=(ControlChannel&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Result<ControlChannel::Ends> ControlChannel::MakePair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    return Status::FromErrno(errno, "cannot make a control channel");
  }
  return Ends{fds[0], fds[1]};
}

Result<bool> ControlChannel::Send(const ControlMessage& message) {
  const std::string text = EncodeControl(message);
  Descriptor memory;
  FdBuffer control{};
  char marker = 'm';  // a packet of one byte announces a memfd; no JSON message is that short
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (text.size() > kInline) {
    SR_RETURN_IF_ERROR(Seal(text, memory));
    part = {&marker, 1};
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof(control.bytes);
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(c), &memory.fd, sizeof(int));
  }
  for (;;) {
    if (::sendmsg(fd_, &header, MSG_NOSIGNAL) >= 0) return true;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == ENOBUFS) return false;
    if (errno == EPIPE || errno == ECONNRESET) return Gone();
    return Status::FromErrno(errno, "cannot send a control message");
  }
}

Result<std::optional<ControlMessage>> ControlChannel::Receive() {
  static thread_local std::string packet(kInline, '\0');
  FdBuffer control{};
  iovec part{packet.data(), packet.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof(control.bytes);
  ssize_t n;
  do {
    n = ::recvmsg(fd_, &header, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<ControlMessage>();
  if (n == 0 || (n < 0 && errno == ECONNRESET)) return Gone();
  if (n < 0) return Status::FromErrno(errno, "cannot receive a control message");
  Descriptor memory;
  if (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr && c->cmsg_type == SCM_RIGHTS) {
    std::memcpy(&memory.fd, CMSG_DATA(c), sizeof(int));
  }
  if ((header.msg_flags & MSG_TRUNC) != 0) return Status::Corruption("a control message was cut");
  std::string_view text(packet.data(), static_cast<size_t>(n));
  std::string large;
  if (memory.fd >= 0) {
    SR_ASSIGN_OR_RETURN(large, ReadSealed(memory.fd));
    text = large;
  }
  SR_ASSIGN_OR_RETURN(ControlMessage message, DecodeControl(text));
  return std::optional<ControlMessage>(std::move(message));
}

}  // namespace streamrun
