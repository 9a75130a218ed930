// What the tests of channels share: settings, a connected pair, waiting within bounds, and another process.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

#include "core/base/env.h"
#include "runner/link/poller.h"
#include "runner/link/zmq_channel.h"
#include "tests/lifeline.h"

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

// Waits for `ready` to give something else than "not yet"; only what never comes takes so long.
template <typename Function>
auto Await(LinkSocket& socket, Function ready, Duration patience = 30 * kSecond) {
  Poller poller;
  poller.Add(&socket);
  const Timestamp end = Env::Default()->MonotonicNow() + patience;
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

// Sends until the receiver is said to be gone. What is sent before that is noticed is taken, and a channel
// that took something is not waited for: this one says that it wants to know.
inline Status AwaitGone(ZmqOutChannel& out) {
  return Await(out.socket(),
               [&]() -> Result<bool> {
                 auto sent = out.TrySend(Idle{});
                 out.socket().wanted = true;
                 return sent.ok() ? Result<bool>(false) : sent;
               })
      .status();
}

// Runs `body` in a child process without any ZeroMQ state of ours.
template <typename Function>
pid_t InChild(Function body) {
  const pid_t parent = ::getpid(), pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    EndWith(parent);
    body();
    ::_exit(0);
  }
  return pid;
}

// One process tells another that it has got so far: that it is bound, say. The socket's file is no sign, it
// appears before anyone listens.
struct Signal {
  int fds[2] = {-1, -1};
  Signal() { REQUIRE(::pipe(fds) == 0); }
  ~Signal() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  void Give() const {
    if (::write(fds[1], "b", 1) != 1) ::_exit(1);
  }
  // False when the other one will never say it.
  bool Await() const {
    pollfd said{fds[0], POLLIN, 0};
    char byte;
    return ::poll(&said, 1, 30'000) == 1 && ::read(fds[0], &byte, 1) == 1;
  }
};

}  // namespace streamrun
