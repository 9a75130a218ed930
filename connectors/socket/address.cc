#include "connectors/socket/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstring>

namespace streamrun::socket {
namespace {

constexpr std::string_view kForms = "write tcp://host:port, udp://host:port or unix:///path";

std::string_view Scheme(Transport transport) {
  switch (transport) {
    case Transport::kTcp:
      return "tcp";
    case Transport::kUdp:
      return "udp";
    default:
      return "unix";
  }
}

Status Bad(std::string_view text, std::string_view why) {
  return Status::InvalidArgument("'" + std::string(text) + "' is not an address: " + std::string(why));
}

std::string HostPort(const std::string& host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

/// The one spelling of a numeric host; names stay as they are.
std::string CanonicalHost(const std::string& host) {
  if (host.empty() || host == "localhost") return "127.0.0.1";
  unsigned char bytes[16];
  char text[INET6_ADDRSTRLEN];
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, host.c_str(), bytes) == 1 && inet_ntop(family, bytes, text, sizeof text) != nullptr)
      return text;
  }
  return host;
}

Result<Address> ParseUnix(std::string_view text, std::string_view path) {
  if (path.empty() || path[0] != '/')
    return Bad(text, "a unix socket has an absolute path, as in unix:///run/x.sock");
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return Bad(text, "the path of a unix socket has at most 107 bytes");
  return Address{.transport = Transport::kUnix, .path = std::string(path)};
}

}  // namespace

std::string Address::ToString() const {
  if (transport == Transport::kUnix) return "unix://" + path;
  return std::string(Scheme(transport)) + "://" + HostPort(host.empty() ? "127.0.0.1" : host, port);
}

std::string Address::Exclusive() const {
  if (transport == Transport::kUnix) return "unix:" + path;
  return std::string(Scheme(transport)) + ":" + HostPort(CanonicalHost(host), port);
}

Result<Address> ParseAddress(std::string_view text) {
  const size_t mark = text.find("://");
  if (mark == std::string_view::npos) return Bad(text, kForms);
  const std::string_view scheme = text.substr(0, mark);
  std::string_view rest = text.substr(mark + 3);
  if (scheme == "unix") return ParseUnix(text, rest);
  if (scheme != "tcp" && scheme != "udp") return Bad(text, kForms);
  Address address{.transport = scheme == "tcp" ? Transport::kTcp : Transport::kUdp};
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || rest.ends_with(']')) return Bad(text, "the port is missing");
  std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Bad(text, "an IPv6 address stands in brackets, as in tcp://[::1]:9000");
  }
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0) {
    return Bad(text, "the port is a number from 1 to 65535");
  }
  address.host = std::string(host);
  address.port = number;
  return address;
}

Result<std::vector<SocketAddress>> Resolve(const Address& address) {
  if (address.transport == Transport::kUnix) {
    SocketAddress result;
    auto* un = reinterpret_cast<sockaddr_un*>(&result.storage);
    un->sun_family = AF_UNIX;
    std::memcpy(un->sun_path, address.path.c_str(), address.path.size() + 1);
    result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
    return std::vector<SocketAddress>{result};
  }
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = address.transport == Transport::kTcp ? SOCK_STREAM : SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV;
  const std::string host = address.host.empty() ? "127.0.0.1" : address.host;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (error != 0) {
    const std::string message = "cannot find the host of " + address.ToString() + ": " + gai_strerror(error);
    return error == EAI_AGAIN ? Status::Unavailable(message)
                              : Status::NotFound(message).WithFault(Fault::kExternal);
  }
  std::vector<SocketAddress> result;
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    SocketAddress entry;
    std::memcpy(&entry.storage, a->ai_addr, a->ai_addrlen);
    entry.length = a->ai_addrlen;
    result.push_back(entry);
  }
  freeaddrinfo(list);
  return result;
}

std::string PrintSocketAddress(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return HostPort(text, ntohs(in->sin_port));
  }
  if (address.family() == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    return HostPort(text, ntohs(in6->sin6_port));
  }
  return "client";
}

}  // namespace streamrun::socket
