// Peers that die, stop or are cut off from each other: what was sent whole arrives, then there is an error,
// and nothing ever comes back.
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "tests/runner/link/channel_fixture.h"
#include "tests/sanitized.h"

namespace streamrun {
namespace {

TEST_CASE("a sender that is killed is an error after everything it had sent was read") {
  TempDirectory directory;
  const ChannelSettings settings = Encodeds("ipc://" + directory.path + "/3");
  const Signal bound;
  const pid_t child = InChild([&] {
    if (!bound.Await()) ::_exit(1);
    LinkContext context;
    auto out = ZmqOutChannel::Connect(context, settings);
    if (!out.ok() || !(*out)->TrySend(Idle{}).ok()) ::_exit(1);
    ::pause();
  });
  LinkContext context;
  auto in = ZmqInChannel::Bind(context, settings);
  REQUIRE(in.ok());
  bound.Give();
  auto event = Next(**in);
  REQUIRE_MESSAGE(event.ok(), event.status().ToString());
  REQUIRE(event->has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  event = Next(**in);
  REQUIRE(!event.ok());
  CHECK(event.status().message() == "channel 3: the sender went away");
  CHECK(event.status().code() == Code::kUnavailable);
}

TEST_CASE(
    "a receiver that is killed is an error for a sender under back pressure, and nothing reaches a "
    "successor") {
  TempDirectory directory;
  const ChannelSettings settings = Encodeds("ipc://" + directory.path + "/3");
  const Signal bound;
  const auto bind_and_pause = [&] {
    LinkContext context;
    auto in = ZmqInChannel::Bind(context, settings);
    if (!in.ok()) ::_exit(1);
    bound.Give();
    ::pause();
  };
  const pid_t child = InChild(bind_and_pause);
  REQUIRE(bound.Await());
  LinkContext context;
  auto out = ZmqOutChannel::Connect(context, settings);
  REQUIRE(out.ok());
  const std::string bytes(64 * 1024, 'x');
  Result<bool> sent = true;
  for (int refused = 0; refused < 10 && sent.ok();) {
    sent = (*out)->TrySend(Records(bytes, {64 * 1024}));
    if (sent.ok() && !*sent) ++refused, ::usleep(5'000);
  }
  REQUIRE(sent.ok());
  CHECK(!*sent);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(AwaitGone(**out).message() == "channel 3: the receiver went away");

  auto successor = ZmqInChannel::Bind(context, settings);
  REQUIRE(successor.ok());
  ::usleep(200'000);
  const auto hello = (*successor)->TryReceiveHello();
  REQUIRE(hello.ok());
  CHECK(!*hello);
}

TEST_CASE("a stopped receiver holds the sender back and gets everything when it goes on") {
  TempDirectory directory;
  const ChannelSettings settings = Encodeds("ipc://" + directory.path + "/3");
  constexpr int kEvents = 200;
  const Signal bound;
  const pid_t child = InChild([&] {
    LinkContext context;
    auto in = ZmqInChannel::Bind(context, settings);
    bound.Give();
    for (int i = 0; i < kEvents; ++i) {
      const auto event = Next(**in);
      if (!event.ok() || !event->has_value()) ::_exit(2);
    }
    ::_exit(std::holds_alternative<EndOfStream>(**Next(**in)) ? 7 : 3);
  });
  REQUIRE(bound.Await());
  ::kill(child, SIGSTOP);
  LinkContext context;
  auto out = ZmqOutChannel::Connect(context, settings);
  REQUIRE(out.ok());
  const Event event = Records(std::string(64 * 1024, 'x'), {64 * 1024});
  int sent = 0;
  for (int refused = 0; refused < 20;) {
    auto result = (*out)->TrySend(event);
    REQUIRE(result.ok());
    *result ? ++sent : ++refused;
    if (!*result) ::usleep(5'000);
  }
  CHECK(sent < 24);
  ::kill(child, SIGCONT);
  for (; sent < kEvents; ++sent) CHECK(SendAll(**out, event).ok());
  CHECK(SendAll(**out, EndOfStream{}).ok());
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 7);
}

// --- Connections that break while both processes live (RELIABILITY 8, scenario 26) -----------------------

// The descriptor of this process's end of the connection to the socket at `path`. A TCP channel would be
// reset with `ss -K`; on a unix socket shutdown(2) of either end does the same.
int Connection(const std::string& path, int (*name_of)(int, sockaddr*, socklen_t*)) {
  for (int fd = 3; fd < 256; ++fd) {
    sockaddr_un name{};
    socklen_t length = sizeof(name);
    if (name_of(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0 || name.sun_family != AF_UNIX) continue;
    int listens = 0;
    socklen_t size = sizeof(listens);
    ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    if (listens == 0 && name.sun_path == path) return fd;
  }
  return -1;
}

std::string Failure(Result<std::optional<Event>> event) {
  return event.ok() ? (event->has_value() ? "an event" : "nothing") : event.status().message();
}

TEST_CASE("a connection that is cut at either end is an error on both sides at once, and stays one") {
  for (const bool at_receiver : {true, false}) {
    CAPTURE(at_receiver);
    TempDirectory directory;
    Pair pair(Encodeds("ipc://" + directory.path + "/3"));
    CHECK(SendAll(*pair.out, Records("one", {3})).ok());
    CHECK(Next(*pair.in).ok());
    const int fd = Connection(directory.path + "/3", at_receiver ? ::getsockname : ::getpeername);
    REQUIRE(fd >= 0);
    const Timestamp cut = Env::Default()->MonotonicNow();
    REQUIRE(::shutdown(fd, SHUT_RDWR) == 0);
    CHECK(Failure(Next(*pair.in)) == "channel 3: the sender went away");
    CHECK(AwaitGone(*pair.out).message() == "channel 3: the receiver went away");
    CHECK(Env::Default()->MonotonicNow() - cut < (kSanitized ? 20 : 5) * kSecond);
    ::usleep(300'000);  // long enough for a reconnection, which there is not
    CHECK(Failure(pair.in->TryReceive()) == "channel 3: the sender went away");
    CHECK(!pair.out->TrySend(Idle{}).ok());
  }
}

TEST_CASE("a connection that is cut within a frame gives the whole frames in front of it and an error") {
  constexpr size_t kSize = 90'000;  // the kernel's buffer holds some, and a part of the next
  TempDirectory directory;
  const std::string path = directory.path + "/3";
  const Signal bound, reads;
  const pid_t child = InChild([&] {
    LinkContext context;
    auto in = ZmqInChannel::Bind(context, Encodeds("ipc://" + path));
    bound.Give();
    for (int whole = 0;; ++whole) {
      const auto event = Next(**in);
      if (!event.ok()) ::_exit(event.status().code() == Code::kUnavailable ? whole : 100);
      const auto* records = event->has_value() ? std::get_if<Encoded>(&**event) : nullptr;
      if (records == nullptr) ::_exit(101);
      const std::string_view bytes = records->bytes->view();
      if (bytes.size() != kSize || bytes.substr(0, 3) != std::to_string(100 + whole)) ::_exit(102);
      if (whole == 0) reads.Give();
    }
  });
  REQUIRE(bound.Await());
  LinkContext context;
  auto out = ZmqOutChannel::Connect(context, Encodeds("ipc://" + path));
  REQUIRE(out.ok());
  // The handshake and a frame, then nobody reads.
  REQUIRE(SendAll(**out, Records("100" + std::string(kSize - 3, 'x'), {kSize})).ok());
  REQUIRE(reads.Await());
  ::kill(child, SIGSTOP);
  int sent = 1;
  for (int refused = 0; refused < 20;) {
    auto result = (*out)->TrySend(
        Records(std::to_string(100 + sent) + std::string(kSize - 3, 'x'), {static_cast<uint32_t>(kSize)}));
    REQUIRE(result.ok());
    *result ? ++sent : ++refused;
    if (!*result) ::usleep(5'000);
  }
  const int fd = Connection(path, ::getpeername);
  REQUIRE(fd >= 0);
  REQUIRE(::shutdown(fd, SHUT_RDWR) == 0);
  ::kill(child, SIGCONT);
  int status = 0;
  ::waitpid(child, &status, 0);
  const int whole = WEXITSTATUS(status);
  CHECK(whole >= 1);
  CHECK(whole < sent);
}

}  // namespace
}  // namespace streamrun
