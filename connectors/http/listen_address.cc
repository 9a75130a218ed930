#include "connectors/http/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace streamrun::http {
namespace {

constexpr int kBacklog = 512;

bool IsIPv6(const std::string& host) { return host.find(':') != std::string::npos; }

bool ParseHost(const std::string& host, bool* loopback) {
  in_addr four = {};
  in6_addr six = {};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) {
    *loopback = (ntohl(four.s_addr) >> 24) == 127;
    return true;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &six) != 1) return false;
  *loopback = IN6_IS_ADDR_LOOPBACK(&six);
  return true;
}

socklen_t Fill(const ListenAddress& address, sockaddr_storage* storage) {
  if (IsIPv6(address.host)) {
    auto* six = reinterpret_cast<sockaddr_in6*>(storage);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(address.port);
    ::inet_pton(AF_INET6, address.host.c_str(), &six->sin6_addr);
    return sizeof *six;
  }
  auto* four = reinterpret_cast<sockaddr_in*>(storage);
  four->sin_family = AF_INET;
  four->sin_port = htons(address.port);
  ::inet_pton(AF_INET, address.host.c_str(), &four->sin_addr);
  return sizeof *four;
}

}  // namespace

std::string ListenAddress::ToString() const {
  return (IsIPv6(host) ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return Status::InvalidArgument(
        "'" + std::string(text) + "' is no address to listen on: " + why +
        "; write for example 127.0.0.1:8080, [::]:8080, or :8080 for this machine only");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("it has no port");
  ListenAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || address.port == 0) {
    return wrong("the port is a number from 1 to 65535");
  }
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  address.host = host.empty() || host == "localhost" ? "127.0.0.1" : std::string(host);
  if (IsIPv6(address.host) != brackets) return wrong("an IPv6 address stands in brackets");
  if (!ParseHost(address.host, &address.loopback)) return wrong("the host is an IP address of this machine");
  return address;
}

Result<int> Listen(const ListenAddress& address, const std::string& field) {
  const std::string what = "cannot listen on " + address.ToString();
  sockaddr_storage storage = {};
  const socklen_t size = Fill(address, &storage);
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Status::FromErrno(errno, what);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) == 0 && ::listen(fd, kBacklog) == 0)
    return fd;
  const int error = errno;
  ::close(fd);
  if (error == EADDRINUSE) {
    return Status(Code::kAlreadyExists, what + ": another process has it; end that process or set " + field)
        .WithFault(Fault::kExternal);
  }
  return Status::FromErrno(error, what);
}

}  // namespace streamrun::http
