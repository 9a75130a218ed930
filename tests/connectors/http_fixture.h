// Clients and servers of http over plain sockets, so that nothing of what is tested tests itself.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/connectors/endpoint_fixture.h"

namespace streamrun::testing {

/// A flow map of YAML as these tests write them: {key: scalar, key: {...}}; quotes stand around a whole
/// value.
inline ConfigValue FlowValue(std::string_view& text) {
  const SourceMark mark{"test.yaml", 1, 1};
  const auto skip = [&] {
    while (!text.empty() && (text.front() == ' ' || text.front() == ',')) text.remove_prefix(1);
  };
  const auto take = [&](std::string_view ends) {
    const bool quoted = text.starts_with('\'');
    if (quoted) text.remove_prefix(1);
    const size_t size = text.find_first_of(quoted ? "'" : ends);
    ConfigValue scalar = ConfigValue::Scalar(std::string(text.substr(0, size)), quoted, mark);
    text.remove_prefix(size + (quoted ? 1 : 0));
    return scalar;
  };
  skip();
  if (!text.starts_with('{')) return take(",}");
  text.remove_prefix(1);
  std::vector<ConfigValue::Entry> entries;
  for (skip(); !text.starts_with('}'); skip()) {
    ConfigValue key = take(":");
    text.remove_prefix(1);
    ConfigValue value = FlowValue(text);
    entries.emplace_back(std::move(key), std::move(value));
  }
  text.remove_prefix(1);
  return ConfigValue::Map(std::move(entries), mark);
}
inline Conf Flow(std::string_view text) { return Conf(FlowValue(text)); }

/// The value of a header in a message head, empty when it is absent.
inline std::string HeaderOf(const std::string& head, const std::string& name) {
  const size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const size_t begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

/// A connection of a client. Reads give up in the end.
class HttpPeer {
 public:
  explicit HttpPeer(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience = {kPatience / kSecond, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~HttpPeer() { ::close(fd_); }
  HttpPeer(const HttpPeer&) = delete;

  void Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0) return;  // the server has closed: its answer says why
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void Post(std::string_view body, const std::string& more = "", const std::string& path = "/in",
            const std::string& method = "POST") const {
    Send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + more + "\r\n" + std::string(body));
  }
  bool HasAnswer() const {
    pollfd ready{fd_, POLLIN, 0};
    return ::poll(&ready, 1, 0) > 0;
  }
  /// "200 {"records":1}": the status and the body of the next answer. Its head is kept.
  std::string Answer() {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!Read()) return "none";
    }
    const size_t end = buffer_.find("\r\n\r\n");
    head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    const std::string length = HeaderOf(head, "Content-Length");
    const size_t size = length.empty() ? 0 : std::stoul(length);
    while (buffer_.size() < size && Read()) {
    }
    const std::string body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return head.substr(9, 3) + " " + body;
  }

  std::string head;

 private:
  bool Read() {
    char bytes[4096];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n > 0) buffer_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }
  int fd_;
  std::string buffer_;
};

/// A server that answers by script: what it returns for a request is sent, an empty string closes the
/// connection without an answer.
class ScriptedServer {
 public:
  struct Request {
    std::string head;
    std::string body;
    std::string key() const { return HeaderOf(head, "Idempotency-Key"); }
  };
  using Script = std::function<std::string(size_t number, const Request&)>;

  explicit ScriptedServer(Script script)
      : script_(std::move(script)), listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening_, 64) == 0);
    socklen_t size = sizeof address;
    getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ScriptedServer() {
    stop_ = true;
    thread_.join();
    ::close(listening_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port) + "/in"; }
  std::vector<Request> requests() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }
  static std::string Reply(int status, const std::string& more = "", const std::string& body = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + more + "\r\n" + body;
  }

  int port = 0;

 private:
  void Serve() {
    std::vector<std::pair<int, std::string>> clients;
    while (!stop_) {
      std::vector<pollfd> fds{{listening_, POLLIN, 0}};
      for (const auto& [fd, text] : clients) fds.push_back({fd, POLLIN, 0});
      ::poll(fds.data(), fds.size(), 10);
      if (fds[0].revents != 0) clients.emplace_back(::accept(listening_, nullptr, nullptr), "");
      for (size_t i = 1; i < fds.size(); ++i) {
        auto& [fd, text] = clients[i - 1];
        if (fds[i].revents == 0 || Talk(fd, &text)) continue;
        ::close(fd);
        fd = -1;
      }
      std::erase_if(clients, [](const auto& client) { return client.first < 0; });
    }
    for (const auto& [fd, text] : clients) ::close(fd);
  }

  bool Talk(int fd, std::string* text) {
    char bytes[65536];
    const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    text->append(bytes, static_cast<size_t>(n));
    const size_t end = text->find("\r\n\r\n");
    if (end == std::string::npos) return true;
    Request request;
    request.head = text->substr(0, end + 2);
    const size_t size = std::stoul(HeaderOf(request.head, "Content-Length"));
    if (text->size() < end + 4 + size) return true;
    request.body = text->substr(end + 4, size);
    text->erase(0, end + 4 + size);
    size_t number = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      number = requests_.size();
      requests_.push_back(request);
    }
    const std::string reply = script_(number, request);
    if (reply.empty()) return false;
    return ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(reply.size());
  }

  const Script script_;
  int listening_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace streamrun::testing
