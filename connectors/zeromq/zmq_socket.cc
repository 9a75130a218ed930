#include "connectors/zeromq/zmq_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

namespace streamrun::zeromq {
namespace {

constexpr int kFirstReconnect = 10;      // milliseconds; the default of 100 delays every start
constexpr int kLongestReconnect = 2000;  // milliseconds

Status Failed(const std::string& what) {
  const int error = zmq_errno();
  return Status(error == EACCES ? Code::kPermissionDenied : Code::kIoError, what + ": " + zmq_strerror(error))
      .WithFault(Fault::kExternal);
}

Status Taken(const std::string& address, const std::string& field) {
  return Status(Code::kAlreadyExists, "cannot bind " + address +
                                          ": another process has it; end that process or set " + field +
                                          " to a free address")
      .WithFault(Fault::kExternal);
}

/// A process answers on the socket file. libzmq would take such a file away from it.
bool Alive(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int rc = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  const bool alive = rc == 0 || errno == EAGAIN;
  ::close(fd);
  return alive;
}

}  // namespace

Context SharedContext() {
  static std::mutex mutex;
  static std::weak_ptr<void> shared;
  const std::lock_guard<std::mutex> lock(mutex);
  Context context = shared.lock();
  if (!context) {
    void* raw = zmq_ctx_new();
    zmq_ctx_set(raw, ZMQ_IO_THREADS, 1);
    context = Context(raw, [](void* c) { zmq_ctx_term(c); });
    shared = context;
  }
  return context;
}

ZmqSocket::ZmqSocket(ZmqSocket&& other) noexcept
    : context_(std::move(other.context_)), socket_(std::exchange(other.socket_, nullptr)) {}

ZmqSocket& ZmqSocket::operator=(ZmqSocket&& other) noexcept {
  if (this != &other) {
    Close(0);
    context_ = std::move(other.context_);
    socket_ = std::exchange(other.socket_, nullptr);
  }
  return *this;
}

void ZmqSocket::Close(Duration linger) {
  if (socket_ == nullptr) return;
  const int milliseconds = static_cast<int>(linger / kMillisecond);
  zmq_setsockopt(socket_, ZMQ_LINGER, &milliseconds, sizeof milliseconds);
  zmq_close(std::exchange(socket_, nullptr));
}

Result<ZmqSocket> ZmqSocket::Open(const SocketOptions& options) {
  ZmqSocket socket;
  socket.context_ = SharedContext();
  socket.socket_ = zmq_socket(socket.context_.get(), options.type);
  if (socket.socket_ == nullptr) return Failed("cannot make a ZeroMQ socket");
  SR_RETURN_IF_ERROR(socket.Configure(options));
  for (const std::string& address : options.bind)
    SR_RETURN_IF_ERROR(socket.Bind(address, options.bind_field));
  for (const std::string& address : options.connect) {
    if (zmq_connect(socket.socket_, address.c_str()) != 0) return Failed("cannot connect to " + address);
  }
  return socket;
}

Status ZmqSocket::Configure(const SocketOptions& options) {
  const auto set = [this](int option, int value, std::string_view what) {
    return Set(option, &value, sizeof value, what);
  };
  SR_RETURN_IF_ERROR(set(ZMQ_SNDHWM, options.high_water_mark, "ZMQ_SNDHWM"));
  SR_RETURN_IF_ERROR(set(ZMQ_RCVHWM, options.high_water_mark, "ZMQ_RCVHWM"));
  SR_RETURN_IF_ERROR(set(ZMQ_IPV6, 1, "ZMQ_IPV6"));
  SR_RETURN_IF_ERROR(set(ZMQ_TCP_KEEPALIVE, 1, "ZMQ_TCP_KEEPALIVE"));
  SR_RETURN_IF_ERROR(set(ZMQ_RECONNECT_IVL, kFirstReconnect, "ZMQ_RECONNECT_IVL"));
  SR_RETURN_IF_ERROR(set(ZMQ_RECONNECT_IVL_MAX, kLongestReconnect, "ZMQ_RECONNECT_IVL_MAX"));
  SR_RETURN_IF_ERROR(Set(ZMQ_MAXMSGSIZE, &options.max_message, sizeof options.max_message, "ZMQ_MAXMSGSIZE"));
  // Messages queue for a peer that is there, not for one that may never come.
  if (options.type == ZMQ_PUSH) SR_RETURN_IF_ERROR(set(ZMQ_IMMEDIATE, 1, "ZMQ_IMMEDIATE"));
  if (options.no_drop) SR_RETURN_IF_ERROR(set(ZMQ_XPUB_NODROP, 1, "ZMQ_XPUB_NODROP"));
  for (const std::string& topic : options.topics) {
    SR_RETURN_IF_ERROR(Set(ZMQ_SUBSCRIBE, topic.data(), topic.size(), "ZMQ_SUBSCRIBE"));
  }
  return Status::Ok();
}

Status ZmqSocket::Set(int option, const void* value, size_t size, std::string_view what) {
  if (zmq_setsockopt(socket_, option, value, size) == 0) return Status::Ok();
  return Failed("cannot set " + std::string(what));
}

Status ZmqSocket::Bind(const std::string& address, const std::string& field) {
  const bool ipc = address.starts_with("ipc://");
  const std::string path = ipc ? address.substr(6) : std::string();
  if (ipc && Alive(path)) return Taken(address, field);
  if (zmq_bind(socket_, address.c_str()) != 0) {
    return zmq_errno() == EADDRINUSE ? Taken(address, field) : Failed("cannot bind " + address);
  }
  if (ipc) ::chmod(path.c_str(), 0600);
  return Status::Ok();
}

int ZmqSocket::fd() const {
  int fd = -1;
  size_t size = sizeof fd;
  zmq_getsockopt(socket_, ZMQ_FD, &fd, &size);
  return fd;
}

bool ZmqSocket::Ready(int events) const {
  int now = 0;
  size_t size = sizeof now;
  return zmq_getsockopt(socket_, ZMQ_EVENTS, &now, &size) == 0 && (now & events) != 0;
}

}  // namespace streamrun::zeromq
