#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>

#include "tests/connectors/endpoint_fixture.h"

namespace streamrun::testing {
namespace {

using Lines = std::vector<std::string>;

std::string Tcp(int port) { return "tcp://127.0.0.1:" + std::to_string(port); }

/// A blocking client or server end of a test, closed with the object.
struct Plain {
  int fd = -1;
  Plain() = default;
  explicit Plain(int f) : fd(f) {}
  Plain(Plain&& o) noexcept : fd(std::exchange(o.fd, -1)) {}
  ~Plain() { Close(); }
  void Close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  /// Closes with a reset instead of an orderly end.
  void Reset() {
    const linger hard = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Close();
  }
  void Send(std::string_view text) const {
    REQUIRE(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  /// What has arrived by now.
  std::string Received() const {
    std::string all;
    char bytes[65536];
    for (;;) {
      const ssize_t n = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
      if (n <= 0) return all;
      all.append(bytes, static_cast<size_t>(n));
    }
  }
  std::string ReceiveToEnd() const {
    std::string all;
    char bytes[65536];
    pollfd ready = {fd, POLLIN, 0};
    while (::poll(&ready, 1, 5000) > 0) {
      const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0) return all;
      all.append(bytes, static_cast<size_t>(n));
    }
    FAIL("the peer did not close");
    return all;
  }
};

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Plain ConnectTo(int port, int type = SOCK_STREAM) {
  Plain client(::socket(AF_INET, type, 0));
  const sockaddr_in address = Loopback(port);
  REQUIRE(::connect(client.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return client;
}

Plain ListenOn(int port, int type = SOCK_STREAM) {
  Plain server(::socket(AF_INET, type, 0));
  const int on = 1;
  setsockopt(server.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = Loopback(port);
  REQUIRE(::bind(server.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  if (type == SOCK_STREAM) REQUIRE(::listen(server.fd, 16) == 0);
  return server;
}

Plain AcceptFrom(const Plain& server) {
  pollfd ready = {server.fd, POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 5000) == 1);
  return Plain(::accept(server.fd, nullptr, nullptr));
}

std::string TemporaryPath(const char* name) {
  return (std::filesystem::temp_directory_path() / ("sr_" + std::to_string(getpid()) + "_" + name)).string();
}

// --- Source ----------------------------------------------------------------------------------------------

TEST_CASE("lines of several clients arrive, each client in its order") {
  const int port = FreePort();
  RunningSource run("socket", {{"listen", Tcp(port).c_str()}});
  run.MustOpen();
  const Plain a = ConnectTo(port), b = ConnectTo(port);
  a.Send("a1\na2\na");
  b.Send("b1\n");
  run.RunUntilRecords(3);
  a.Send("3\n");
  run.RunUntilRecords(4);
  Lines of_a;
  for (const std::string& r : run.out.records) {
    if (r[0] == 'a') of_a.push_back(r);
  }
  CHECK(of_a == Lines{"a1", "a2", "a3"});
  CHECK(std::count(run.out.records.begin(), run.out.records.end(), "b1") == 1);
  CHECK(run.out.splits[0].starts_with(Tcp(port) + " from 127.0.0.1:"));
}

TEST_CASE("a peer that leaves within a record gives a failed record that names it") {
  for (const bool reset : {false, true}) {
    const int port = FreePort();
    RunningSource run("socket", {{"listen", Tcp(port).c_str()}});
    run.context.once = true;
    run.MustOpen();
    Plain client = ConnectTo(port);
    client.Send("whole\nhal");
    run.RunUntilRecords(1);
    run.Settle();
    reset ? client.Reset() : client.Close();
    run.RunToEnd();
    CHECK(run.out.records == Lines{"whole"});
    CHECK(run.out.failures == Lines{"record.truncated: hal"});
    REQUIRE(run.out.failed_splits.size() == 1);
    CHECK(run.out.failed_splits[0].starts_with(Tcp(port) + " from 127.0.0.1:"));
  }
}

TEST_CASE("a record that is too long is skipped and the connection goes on") {
  const int port = FreePort();
  RunningSource run("socket", {{"listen", Tcp(port).c_str()}});
  run.context.max_record = 100;
  run.MustOpen();
  const Plain client = ConnectTo(port);
  client.Send("before\n" + std::string(5000, 'x') + "\nafter\n");
  run.RunUntilRecords(2);
  CHECK(run.out.records == Lines{"before", "after"});
  REQUIRE(run.out.failures.size() == 1);
  CHECK(run.out.failures[0].starts_with("record.too_long: xxx"));
}

TEST_CASE("length framing reads both byte orders and records with newlines in them") {
  using namespace std::string_literals;
  for (const bool little : {false, true}) {
    const int port = FreePort();
    RunningSource run(
        "socket",
        {{"listen", Tcp(port).c_str()}, {"framing", "length"}, {"length_order", little ? "little" : "big"}});
    run.MustOpen();
    const Plain client = ConnectTo(port);
    client.Send(little ? "\3\0\0\0a\nb\1\0\0\0c"s : "\0\0\0\3a\nb\0\0\0\1c"s);
    run.RunUntilRecords(2);
    CHECK(run.out.records == Lines{"a\nb", "c"});
  }
}

TEST_CASE("each connection has a header line of its own") {
  const int port = FreePort();
  RunningSource run("socket", {{"listen", Tcp(port).c_str()}}, FormatTraits{.header = true});
  run.MustOpen();
  const Plain a = ConnectTo(port);
  a.Send("x,");
  run.Settle();
  a.Send("y\n1,2\n");
  run.RunUntilRecords(1);
  const Plain b = ConnectTo(port);
  b.Send("y,x\n3,4\n");
  run.RunUntilRecords(2);
  CHECK(run.out.records == Lines{"1,2", "3,4"});
  CHECK(run.out.headers == Lines{"x,y", "y,x"});
}

TEST_CASE("clients beyond max_connections wait until one leaves") {
  const int port = FreePort();
  RunningSource run("socket", {{"listen", Tcp(port).c_str()}, {"max_connections", "1"}});
  run.MustOpen();
  Plain first = ConnectTo(port);
  first.Send("1\n");
  run.RunUntilRecords(1);
  const Plain second = ConnectTo(port);
  second.Send("2\n");
  run.Settle();
  CHECK(run.out.records == Lines{"1"});
  first.Close();
  run.RunUntilRecords(2);
  CHECK(run.out.records == Lines{"1", "2"});
}

TEST_CASE("a source that is not polled stops reading") {
  const int port = FreePort();
  RunningSource run("socket", {{"listen", Tcp(port).c_str()}});
  run.MustOpen();
  const Plain client = ConnectTo(port);
  client.Send("x\n");
  run.RunUntilRecords(1);
  const std::string line(1023, 'y');
  size_t sent = 0;
  for (; sent < (64u << 20); sent += 1024) {
    if (::send(client.fd, (line + "\n").data(), 1024, MSG_DONTWAIT | MSG_NOSIGNAL) != 1024) break;
  }
  CHECK(sent < (64u << 20));
}

TEST_CASE("connect reads the peer to its end, or calls it again") {
  const int port = FreePort();
  const Plain server = ListenOn(port);
  RunningSource once("socket", {{"connect", Tcp(port).c_str()}, {"reconnect", "false"}});
  CHECK(once.bound.source->bounded);
  once.MustOpen();
  once.Settle();
  {
    const Plain peer = AcceptFrom(server);
    peer.Send("1\n2\n");
  }
  once.RunToEnd();
  CHECK(once.out.records == Lines{"1", "2"});

  RunningSource again("socket", {{"connect", Tcp(port).c_str()}});
  CHECK_FALSE(again.bound.source->bounded);
  again.MustOpen();
  again.Settle();
  {
    const Plain peer = AcceptFrom(server);
    peer.Send("3\n");
  }
  again.RunUntilRecords(1);
  again.Settle();
  CHECK(again.source->Trouble() == Tcp(port) + ": the peer closed the connection");
  bool sent = false;
  Plain peer;
  again.RunUntil([&] {
    pollfd ready = {server.fd, POLLIN, 0};
    if (!sent && ::poll(&ready, 1, 0) == 1) {
      Plain next = AcceptFrom(server);
      std::swap(peer.fd, next.fd);
      peer.Send("4\n");
      sent = true;
    }
    return again.out.records.size() == 2;
  });
  CHECK(again.out.records == Lines{"3", "4"});
}

TEST_CASE("a peer that is not there yet is tried again, with the reason at hand") {
  const int port = FreePort();
  RunningSource run("socket", {{"connect", Tcp(port).c_str()}, {"reconnect", "false"}});
  run.MustOpen();
  run.RunUntil([&] { return !run.source->Trouble().empty(); });
  CHECK(run.source->Trouble() == Tcp(port) + ": Connection refused");
  const Plain server = ListenOn(port);
  bool sent = false;
  run.RunUntil([&] {
    pollfd ready = {server.fd, POLLIN, 0};
    if (!sent && ::poll(&ready, 1, 0) == 1) {
      AcceptFrom(server).Send("here\n");
      sent = true;
    }
    return false;
  });
  CHECK(run.out.records == Lines{"here"});
}

TEST_CASE("a port that is taken is an environment error that names it and what to change") {
  const int port = FreePort();
  const Plain other = ListenOn(port);
  RunningSource run("socket", {{"listen", Tcp(port).c_str()}});
  const Status s = run.Open();
  CHECK(s.code() == Code::kAlreadyExists);
  CHECK(s.fault() == Fault::kExternal);
  CHECK_FALSE(s.retryable());
  CHECK(s.message() ==
        "cannot listen on " + Tcp(port) +
            ": another process has it; end that process or set sources.node.listen to a free address");
}

TEST_CASE("IPv6 works") {
  const int port = FreePort();
  const std::string address = "tcp://[::1]:" + std::to_string(port);
  RunningSource run("socket", {{"listen", address.c_str()}});
  const Status opened = run.Open();
  if (!opened.ok()) {
    MESSAGE("skipped, no IPv6 loopback: ", opened.message());
    return;
  }
  RunningSink sink("socket", {{"connect", address.c_str()}});
  sink.MustOpen();
  sink.Write(EncodedOf({"six\n"}), [&] { run.Settle(1); });
  run.RunUntilRecords(1);
  CHECK(run.out.records == Lines{"six"});
  CHECK(run.out.splits[0].starts_with(address + " from [::1]:"));
}

TEST_CASE("a unix socket has mode 0600, replaces a dead one, spares a live one and goes with its source") {
  const std::string path = TemporaryPath("socket");
  const std::string address = "unix://" + path;
  {
    Plain dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un un = {};
    un.sun_family = AF_UNIX;
    std::snprintf(un.sun_path, sizeof un.sun_path, "%s", path.c_str());
    REQUIRE(::bind(dead.fd, reinterpret_cast<sockaddr*>(&un), sizeof un) == 0);
  }
  {
    RunningSource run("socket", {{"listen", address.c_str()}});
    run.MustOpen();
    struct stat info = {};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    RunningSource thief("socket", {{"listen", address.c_str()}});
    CHECK(thief.Open().code() == Code::kAlreadyExists);
    RunningSink sink("socket", {{"connect", address.c_str()}});
    sink.MustOpen();
    sink.Write(EncodedOf({"u1\n", "u2\n"}));
    run.RunUntilRecords(2);
    CHECK(run.out.records == Lines{"u1", "u2"});
  }
  CHECK_FALSE(std::filesystem::exists(path));
  { (void)std::fclose(std::fopen(path.c_str(), "w")); }
  RunningSource file("socket", {{"listen", address.c_str()}});
  CHECK(file.Open().message().find("a file that is no socket has this name") != std::string::npos);
  CHECK(std::filesystem::exists(path));
  std::filesystem::remove(path);
}

TEST_CASE("a datagram holds lines, or is one record") {
  for (const bool whole : {false, true}) {
    const int port = FreePort(SOCK_DGRAM);
    const std::string address = "udp://127.0.0.1:" + std::to_string(port);
    RunningSource run("socket", {{"listen", address.c_str()}, {"framing", whole ? "datagram" : "newline"}});
    run.context.max_record = 1000;
    run.MustOpen();
    const Plain client = ConnectTo(port, SOCK_DGRAM);
    client.Send("a\nb");
    client.Send(std::string(1001, 'x'));
    client.Send("c\n");
    run.RunUntilRecords(whole ? 2 : 3);
    CHECK(run.out.records == (whole ? Lines{"a\nb", "c\n"} : Lines{"a", "b", "c"}));
    REQUIRE(run.out.failures.size() == 1);
    CHECK(run.out.failures[0].starts_with("record.too_long: xxx"));
  }
}

TEST_CASE("datagrams that the kernel drops are counted: received and dropped add up") {
  const int port = FreePort(SOCK_DGRAM);
  const std::string address = "udp://127.0.0.1:" + std::to_string(port);
  RunningSource run("socket", {{"listen", address.c_str()}, {"framing", "datagram"}});
  run.MustOpen();
  const Plain client = ConnectTo(port, SOCK_DGRAM);
  const std::string payload(60000, 'p');
  constexpr int kSent = 1500;  // 90 MB, more than any receive buffer this source asks for
  for (int i = 0; i < kSent; ++i) client.Send(payload);
  run.Settle();
  // The count comes with the next datagram that finds room.
  client.Send("last");
  run.RunUntil([&] { return !run.out.records.empty() && run.out.records.back() == "last"; });
  CHECK(run.source->Dropped() > 0);
  CHECK(static_cast<int64_t>(run.out.records.size()) + run.source->Dropped() == kSent + 1);
}

// --- Sink ------------------------------------------------------------------------------------------------

TEST_CASE("a connected sink sends records, newline or length framed, and ends orderly") {
  using namespace std::string_literals;
  for (const bool length : {false, true}) {
    const int port = FreePort();
    const Plain server = ListenOn(port);
    RunningSink sink("socket", {{"connect", Tcp(port).c_str()}, {"framing", length ? "length" : "newline"}});
    sink.context.preamble = "head\n";
    sink.MustOpen();
    sink.Write(EncodedOf({"one\n", "two\n"}));
    const Plain peer = AcceptFrom(server);
    sink.Finish();
    CHECK(peer.ReceiveToEnd() == (length ? "\0\0\0\4head\0\0\0\3one\0\0\0\3two"s : "head\none\ntwo\n"s));
  }
}

TEST_CASE("after a lost connection the record that was cut off comes whole on the next one") {
  const int port = FreePort();
  const Plain server = ListenOn(port);
  RunningSink sink("socket", {{"connect", Tcp(port).c_str()}});
  sink.MustOpen();
  Lines records;
  for (int i = 0; i < 16; ++i) records.push_back(std::string(1 << 20, static_cast<char>('a' + i)) + "\n");
  const Encoded event = EncodedOf(records);
  REQUIRE_FALSE(sink.TryWrite(event));
  {
    Plain peer = AcceptFrom(server);
    REQUIRE_FALSE(sink.TryWrite(event));
    pollfd ready = {peer.fd, POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 5000) == 1);
    CHECK(peer.Received().starts_with("aaaa"));
    peer.Reset();
  }
  Plain next;
  std::string got;
  sink.Write(event, [&] {
    pollfd ready = {server.fd, POLLIN, 0};
    if (next.fd < 0 && ::poll(&ready, 1, 0) == 1) {
      Plain peer = AcceptFrom(server);
      std::swap(next.fd, peer.fd);
    }
    if (next.fd >= 0) got += next.Received();
  });
  sink.Finish([&] { got += next.Received(); });
  got += next.ReceiveToEnd();
  // Whole records only, up to the last one.
  REQUIRE(got.size() % ((1 << 20) + 1) == 0);
  CHECK(got.size() > 0);
  for (size_t at = 0; at < got.size(); at += (1 << 20) + 1) {
    CHECK(got[at] == got[at + (1 << 20) - 1]);
    CHECK(got[at + (1 << 20)] == '\n');
  }
  CHECK(got[got.size() - 2] == 'p');
}

TEST_CASE("a listening sink waits for its first client and sends to all of them") {
  const int port = FreePort();
  RunningSink sink("socket", {{"listen", Tcp(port).c_str()}});
  CHECK(sink.bound.sink->guarantee == SinkGuarantee::kAtMostOnce);
  sink.MustOpen();
  CHECK_FALSE(sink.TryWrite(EncodedOf({"1\n"})));
  CHECK(sink.sink->Trouble() == "no client on " + Tcp(port));
  const Plain a = ConnectTo(port);
  sink.Write(EncodedOf({"1\n"}));
  const Plain b = ConnectTo(port);
  sink.Write(EncodedOf({"2\n"}));
  sink.Finish();
  CHECK(a.ReceiveToEnd() == "1\n2\n");
  CHECK(b.ReceiveToEnd() == "2\n");
}

TEST_CASE("a slow client holds the sink back, or is disconnected") {
  const std::string big(16 << 20, 'z');
  const int port = FreePort();
  RunningSink blocked("socket", {{"listen", Tcp(port).c_str()}});
  blocked.MustOpen();
  const Plain lazy = ConnectTo(port);
  CHECK_FALSE(blocked.TryWrite(EncodedOf({big + "\n"})));
  CHECK_FALSE(blocked.TryWrite(EncodedOf({big + "\n"})));

  const int other = FreePort();
  RunningSink strict("socket",
                     {{"listen", Tcp(other).c_str()}, {"slow_client", "disconnect"}, {"slow_after", "20ms"}});
  strict.MustOpen();
  const Plain sleepy = ConnectTo(other);
  const Plain eager = ConnectTo(other);
  std::string got;
  strict.Write(EncodedOf({big + "\n"}), [&] { got += eager.Received(); });
  strict.Finish([&] { got += eager.Received(); });
  got += eager.ReceiveToEnd();
  CHECK(got.size() == big.size() + 1);
  CHECK(sleepy.ReceiveToEnd().size() < big.size());
}

TEST_CASE("a udp sink sends one datagram a record and counts what cannot be sent") {
  const int port = FreePort(SOCK_DGRAM);
  const Plain server = ListenOn(port, SOCK_DGRAM);
  const std::string address = "udp://127.0.0.1:" + std::to_string(port);
  RunningSink sink("socket", {{"connect", address.c_str()}, {"framing", "datagram"}});
  sink.MustOpen();
  sink.Write(EncodedOf({"one\n", std::string(70000, 'x') + "\n", "two\n"}));
  sink.Finish();
  char bytes[100];
  CHECK(std::string(bytes, static_cast<size_t>(::recv(server.fd, bytes, sizeof bytes, 0))) == "one");
  CHECK(std::string(bytes, static_cast<size_t>(::recv(server.fd, bytes, sizeof bytes, 0))) == "two");
  CHECK(sink.sink->Dropped() == 1);
}

// --- Configuration ---------------------------------------------------------------------------------------

TEST_CASE("equal addresses have one name, whatever their spelling") {
  CHECK(BindSource("socket", {{"listen", "tcp://localhost:9000"}}).source->exclusive == "tcp:127.0.0.1:9000");
  CHECK(BindSource("socket", {{"listen", "tcp://:9000"}}).source->exclusive == "tcp:127.0.0.1:9000");
  CHECK(BindSource("socket", {{"listen", "tcp://[0:0::1]:9000"}}).source->exclusive == "tcp:[::1]:9000");
  CHECK(BindSource("socket", {{"connect", "tcp://127.0.0.1:9000"}}).source->exclusive.empty());
}

TEST_CASE("mistakes in a socket's configuration are reported") {
  const auto problem = [](const Conf& conf) { return BindSource("socket", conf).problems; };
  CHECK(problem({{"framing", "newline"}}) == "config.missing_field: a socket needs 'listen' or 'connect'\n");
  CHECK(problem({{"listen", "tcp://:1"}, {"connect", "tcp://:1"}}) ==
        "config.conflict: 'listen' and 'connect' exclude each other\n");
  CHECK(problem({{"listen", "127.0.0.1:1"}}) ==
        "config.address: '127.0.0.1:1' is not an address: write tcp://host:port, udp://host:port or "
        "unix:///path\n");
  CHECK(problem({{"listen", "tcp://::1:80"}}) ==
        "config.address: 'tcp://::1:80' is not an address: an IPv6 address stands in brackets, as in "
        "tcp://[::1]:9000\n");
  CHECK(problem({{"listen", "tcp://h:0"}}) ==
        "config.address: 'tcp://h:0' is not an address: the port is a number from 1 to 65535\n");
  CHECK(problem({{"listen", "udp://:5"}, {"framing", "length"}}) ==
        "config.conflict: a datagram has its own length\n");
  CHECK(problem({{"connect", "udp://h:5"}}) == "config.conflict: a udp source has no peer to connect to\n");
  CHECK(BindSink("socket", {{"listen", "udp://:5"}}).problems ==
        "config.conflict: a udp sink has no clients to wait for\n");
}

}  // namespace
}  // namespace streamrun::testing
