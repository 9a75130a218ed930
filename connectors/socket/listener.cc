#include "connectors/socket/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <cerrno>

namespace streamrun::socket {
namespace {

constexpr int kBacklog = 128;
/// What the kernel may hold for us between two polls of a busy UDP source; it caps this at net.core.rmem_max.
constexpr int kDatagramBuffer = 8 << 20;

Status Taken(const Address& address, const std::string& field) {
  return Status(Code::kAlreadyExists, "cannot listen on " + address.ToString() +
                                          ": another process has it; end that process or set " + field +
                                          " to a free address")
      .WithFault(Fault::kExternal);
}

void SetOption(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

Descriptor NewSocket(const SocketAddress& at, Transport transport) {
  const int type = transport == Transport::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  Descriptor fd(::socket(at.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  if (transport == Transport::kTcp) SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  // [::] takes IPv4 clients as well, whatever the machine's default is.
  if (at.family() == AF_INET6) SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (transport == Transport::kUdp) {
    SetOption(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, 1);
    SetOption(fd.get(), SOL_SOCKET, SO_RCVBUF, kDatagramBuffer);
    SetOption(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, kDatagramBuffer);
  }
  // Linux gives the file of a unix socket the mode of the socket, so there is no moment with another mode.
  if (transport == Transport::kUnix) fchmod(fd.get(), 0600);
  return fd;
}

/// True when no process listens on the socket file any more.
bool Dead(const SocketAddress& at) {
  Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe && ::connect(probe.get(), at.get(), at.length) != 0 && errno == ECONNREFUSED;
}

}  // namespace

Listener::Listener(Listener&& other) noexcept { *this = std::move(other); }

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this != &other) {
    Release();
    socket_ = std::move(other.socket_);
    file_ = std::exchange(other.file_, {});
    inode_ = other.inode_;
  }
  return *this;
}

void Listener::Release() {
  struct stat info;
  // Someone may have put another socket in its place: that one stays.
  if (!file_.empty() && lstat(file_.c_str(), &info) == 0 && info.st_ino == inode_) unlink(file_.c_str());
  file_.clear();
  socket_.Close();
}

Result<Listener> Listener::Open(const Address& address, const std::string& field) {
  Address local = address;
  // A name may mean both families; to listen, it is the IPv4 loopback as the default host is.
  if (local.host == "localhost") local.host = "127.0.0.1";
  SR_ASSIGN_OR_RETURN(const std::vector<SocketAddress> found, Resolve(local));
  const SocketAddress& at = found.front();
  Descriptor fd = NewSocket(at, address.transport);
  const std::string what = "cannot listen on " + address.ToString();
  if (!fd) return Status::FromErrno(errno, what);
  int bound = ::bind(fd.get(), at.get(), at.length);
  struct stat info;
  if (bound != 0 && errno == EADDRINUSE && address.transport == Transport::kUnix) {
    if (lstat(address.path.c_str(), &info) == 0 && !S_ISSOCK(info.st_mode)) {
      return Status(Code::kAlreadyExists, what +
                                              ": a file that is no socket has this name; remove it or set " +
                                              field + " to another path")
          .WithFault(Fault::kExternal);
    }
    if (Dead(at) && unlink(address.path.c_str()) == 0)
      bound = ::bind(fd.get(), at.get(), at.length);
    else
      errno = EADDRINUSE;
  }
  if (bound != 0 || (address.transport != Transport::kUdp && ::listen(fd.get(), kBacklog) != 0)) {
    return errno == EADDRINUSE ? Taken(address, field)
                               : Status::FromErrno(errno, what).WithFault(Fault::kExternal);
  }
  Listener listener;
  listener.socket_ = std::move(fd);
  if (address.transport == Transport::kUnix && lstat(address.path.c_str(), &info) == 0) {
    listener.file_ = address.path;
    listener.inode_ = info.st_ino;
  }
  return listener;
}

Result<Descriptor> Listener::Accept(std::string* peer_name) {
  SocketAddress peer;
  peer.length = sizeof peer.storage;
  const int fd = ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return Status::FromErrno(errno, "cannot accept a client");
    }
    // EAGAIN, or a client that left before it was accepted.
    return Descriptor();
  }
  Descriptor client(fd);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  *peer_name = PrintSocketAddress(peer);
  return client;
}

}  // namespace streamrun::socket
