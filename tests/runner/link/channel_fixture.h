// What the tests of channels share: settings, a connected pair, waiting within bounds, and another process.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

#include "core/base/env.h"
#include "runner/link/poller.h"
#include "runner/link/zmq_channel.h"

namespace streamrun {

struct TempDirectory {
  std::string path = "/tmp/srlinkXXXXXX";
  TempDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~TempDirectory() { [[maybe_unused]] const int r = std::system(("rm -rf " + path).c_str()); }
};

inline ChannelSettings Encodeds(const std::string& endpoint) {
  ChannelSettings s;
  s.endpoint = endpoint;
  s.channel = 3;
  s.generation = 7;
  s.attempt = 2;
  s.encoded = true;
  return s;
}

inline Encoded Records(const std::string& bytes, const std::vector<uint32_t>& ends) {
  return {Buffer::Copy(bytes), Buffer::Copy({reinterpret_cast<const char*>(ends.data()), ends.size() * 4}),
          1};
}

struct Pair {
  LinkContext context;
  std::unique_ptr<ZmqInChannel> in;
  std::unique_ptr<ZmqOutChannel> out;

  explicit Pair(const ChannelSettings& settings) {
    auto bound = ZmqInChannel::Bind(context, settings);
    REQUIRE_MESSAGE(bound.ok(), bound.status().ToString());
    in = std::move(*bound);
    auto connected = ZmqOutChannel::Connect(context, settings);
    REQUIRE_MESSAGE(connected.ok(), connected.status().ToString());
    out = std::move(*connected);
  }
};

// Waits at most two seconds for `ready` to give something else than "not yet".
template <typename Function>
auto Await(LinkSocket& socket, Function ready) {
  Poller poller;
  poller.Add(&socket);
  const Timestamp end = Env::Default()->MonotonicNow() + 2 * kSecond;
  auto result = ready();
  while (result.ok() && !static_cast<bool>(*result) && Env::Default()->MonotonicNow() < end) {
    CHECK(poller.Wait(Env::Default(), {}, end).ok());
    result = ready();
  }
  return result;
}

inline Result<std::optional<Event>> Next(ZmqInChannel& in) {
  auto hello = Await(in.socket(), [&] { return in.TryReceiveHello(); });
  if (!hello.ok()) return hello.status();
  REQUIRE(*hello);
  return Await(in.socket(), [&] { return in.TryReceive(); });
}

inline Status SendAll(ZmqOutChannel& out, const Event& event) {
  auto sent = Await(out.socket(), [&] { return out.TrySend(event); });
  if (!sent.ok()) return sent.status();
  CHECK(*sent);
  return Status::Ok();
}

// Runs `body` in a child process without any ZeroMQ state of ours.
template <typename Function>
pid_t InChild(Function body) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    body();
    ::_exit(0);
  }
  return pid;
}

// One process tells another that it is bound. The socket's file is no sign: it appears before anyone listens.
struct BoundSignal {
  int fds[2] = {-1, -1};
  BoundSignal() { REQUIRE(::pipe(fds) == 0); }
  ~BoundSignal() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  void Give() const {
    if (::write(fds[1], "b", 1) != 1) ::_exit(1);
  }
  void Await() const {
    char byte;
    if (::read(fds[0], &byte, 1) != 1) ::_exit(1);
  }
};

}  // namespace streamrun
