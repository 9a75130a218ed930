// Channels over real sockets: order, back pressure, and that damage, gaps, foreign attempts and dead peers
// are errors.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/data/column_builder.h"
#include "runner/link/poller.h"
#include "runner/link/zmq_channel.h"

namespace streamrun {
namespace {

struct TempDirectory {
  std::string path = "/tmp/srlinkXXXXXX";
  TempDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~TempDirectory() { [[maybe_unused]] const int r = std::system(("rm -rf " + path).c_str()); }
};

ChannelSettings Encodeds(const std::string& endpoint) {
  ChannelSettings s;
  s.endpoint = endpoint;
  s.channel = 3;
  s.generation = 7;
  s.attempt = 2;
  s.encoded = true;
  return s;
}

IpcLayout TwoColumns() {
  IpcLayout layout;
  layout.schema = std::make_shared<Schema>(
      std::vector<Field>{{"a", DataType(TypeId::kBigint)}, {"b", DataType(TypeId::kText)}});
  layout.live = {0, 1};
  return layout;
}

BatchPtr NumberedBatch(const IpcLayout& layout, int64_t first, int64_t rows) {
  ColumnBuilder a{DataType(TypeId::kBigint)};
  ColumnBuilder b{DataType(TypeId::kText)};
  for (int64_t i = 0; i < rows; ++i) {
    a.Append<int64_t>(first + i);
    b.AppendText("row " + std::to_string(first + i));
  }
  return std::make_shared<Batch>(layout.schema, rows, std::vector<ColumnPtr>{a.Finish(), b.Finish()});
}

Encoded Records(const std::string& bytes, const std::vector<uint32_t>& ends) {
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

Result<std::optional<Event>> Next(ZmqInChannel& in) {
  auto hello = Await(in.socket(), [&] { return in.TryReceiveHello(); });
  if (!hello.ok()) return hello.status();
  REQUIRE(*hello);
  return Await(in.socket(), [&] { return in.TryReceive(); });
}

Status SendAll(ZmqOutChannel& out, const Event& event) {
  auto sent = Await(out.socket(), [&] { return out.TrySend(event); });
  if (!sent.ok()) return sent.status();
  CHECK(*sent);
  return Status::Ok();
}

TEST_CASE("events arrive in order with all their fields, over ipc and inproc") {
  TempDirectory directory;
  for (const std::string& endpoint : {"ipc://" + directory.path + "/3", std::string("inproc://order")}) {
    CAPTURE(endpoint);
    Pair pair(Encodeds(endpoint));
    CHECK(SendAll(*pair.out, Records("one\ntwo\n", {4, 8})).ok());
    CHECK(SendAll(*pair.out, Watermark{-3, 9}).ok());
    CHECK(SendAll(*pair.out, Idle{}).ok());
    CHECK(SendAll(*pair.out, Active{}).ok());
    CHECK(SendAll(*pair.out, Barrier{5, BarrierKind::kFinal}).ok());
    CHECK(SendAll(*pair.out, EndOfStream{false}).ok());
    auto event = Next(*pair.in);
    REQUIRE_MESSAGE(event.ok(), event.status().ToString());
    const auto& records = std::get<Encoded>(**event);
    CHECK(records.bytes->view() == "one\ntwo\n");
    CHECK(records.records() == 2);
    CHECK(records.record_ends->as<uint32_t>()[0] == 4);
    CHECK(records.ordinal == 1);
    event = Next(*pair.in);
    CHECK(std::get<Watermark>(**event).time == -3);
    CHECK(std::get<Watermark>(**event).next_ordinal == 9);
    CHECK(std::holds_alternative<Idle>(**Next(*pair.in)));
    CHECK(std::holds_alternative<Active>(**Next(*pair.in)));
    event = Next(*pair.in);
    CHECK(std::get<Barrier>(**event).epoch == 5);
    CHECK(std::get<Barrier>(**event).kind == BarrierKind::kFinal);
    CHECK(!std::get<EndOfStream>(**Next(*pair.in)).complete);
  }
}

TEST_CASE("batches arrive with their values; large ones without a copy") {
  TempDirectory directory;
  ChannelSettings settings = Encodeds("ipc://" + directory.path + "/3");
  settings.encoded = false;
  settings.layout = TwoColumns();
  Pair pair(settings);
  for (const int64_t rows : {1, 100, 20'000}) {
    CHECK(SendAll(*pair.out, Rows{NumberedBatch(settings.layout, 1000, rows), 4}).ok());
    const int64_t copied = pair.in->counters().copied;
    auto event = Next(*pair.in);
    REQUIRE_MESSAGE(event.ok(), event.status().ToString());
    const auto& got = std::get<Rows>(**event);
    CHECK(got.ordinal == 4);
    REQUIRE(got.batch->rows() == rows);
    CHECK(got.batch->column(0)->values<int64_t>()[rows - 1] == 1000 + rows - 1);
    CHECK(got.batch->column(1)->Text(rows - 1) == "row " + std::to_string(1000 + rows - 1));
    if (rows == 20'000) CHECK(pair.in->counters().copied == copied);
  }
}

TEST_CASE("a full channel refuses, loses nothing, and takes more once it was read") {
  TempDirectory directory;
  Pair pair(Encodeds("ipc://" + directory.path + "/3"));
  const std::string bytes(64 * 1024, 'x');
  int64_t sent = 0;
  for (int quiet = 0; quiet < 5;) {
    auto result = pair.out->TrySend(Records(std::to_string(1'000'000 + sent) + bytes, {64 * 1024 + 7}));
    REQUIRE(result.ok());
    if (*result) ++sent;
    quiet = *result ? 0 : quiet + 1;
    if (!*result) ::usleep(20'000);
  }
  // HWM 8 on each side (HELLO counts), what the encoder and decoder hold, and the kernel's buffer.
  CHECK(sent >= 14);
  CHECK(sent <= 24);
  for (int64_t i = 0; i < sent; ++i) {
    auto event = Next(*pair.in);
    REQUIRE_MESSAGE(event.ok(), event.status().ToString());
    CHECK(std::get<Encoded>(**event).bytes->view().substr(0, 7) == std::to_string(1'000'000 + i));
  }
  CHECK(SendAll(*pair.out, Idle{}).ok());
  CHECK(std::holds_alternative<Idle>(**Next(*pair.in)));
}

TEST_CASE("a poller sleeps until its deadline when no wanted channel changes") {
  Pair pair(Encodeds("inproc://sleep"));
  auto first = Next(*pair.in);  // takes HELLO, waits two seconds for the next event: none comes
  REQUIRE(first.ok());
  CHECK(!first->has_value());
  CHECK(SendAll(*pair.out, Idle{}).ok());
  Poller poller;
  poller.Add(&pair.in->socket());
  pair.in->socket().wanted = false;  // readable, but nobody asked
  const Timestamp begin = Env::Default()->MonotonicNow();
  CHECK(poller.Wait(Env::Default(), {}, begin + 50 * kMillisecond).ok());
  CHECK(Env::Default()->MonotonicNow() - begin >= 50 * kMillisecond);
  pair.in->socket().wanted = true;
  CHECK(poller.Wait(Env::Default(), {}, kMaxTimestamp).ok());  // returns at once
}

// A raw PUSH socket that sends what no ZmqOutChannel would.
struct RawSender {
  LinkContext context;
  void* socket;
  explicit RawSender(const std::string& endpoint) : socket(zmq_socket(context.handle(), ZMQ_PUSH)) {
    REQUIRE(zmq_connect(socket, endpoint.c_str()) == 0);
  }
  ~RawSender() {
    const int linger = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_close(socket);
  }
  void Send(std::string_view bytes, bool more = false) {
    REQUIRE(zmq_send(socket, bytes.data(), bytes.size(), more ? ZMQ_SNDMORE : 0) >= 0);
  }
  void Send(FrameHeader h, bool more = false) {
    h.channel = 3;
    if (h.generation == 0) h.generation = 7;
    if (h.attempt == 0) h.attempt = 2;
    const FrameBytes bytes = EncodeFrameHeader(h);
    Send(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), more);
  }
};

// The error that a receiver gives after the good HELLO and what `send` sends.
template <typename Function>
std::string ErrorAfter(Function send) {
  TempDirectory directory;
  const std::string endpoint = "ipc://" + directory.path + "/3";
  LinkContext context;
  auto in = ZmqInChannel::Bind(context, Encodeds(endpoint));
  REQUIRE(in.ok());
  RawSender sender(endpoint);
  sender.Send(FrameHeader{});
  send(sender);
  const auto event = Next(**in);
  return event.ok() ? "no error" : event.status().message();
}

TEST_CASE("frames that break the sequence, come from another attempt or are damaged are refused") {
  using H = FrameHeader;
  CHECK(ErrorAfter([](RawSender& s) { s.Send(H{.kind = FrameKind::kIdle, .seq = 2}); }) ==
        "channel 3: expected frame 1, got 2");
  CHECK(ErrorAfter([](RawSender& s) { s.Send(H{.kind = FrameKind::kIdle, .attempt = 1, .seq = 1}); }) ==
        "channel 3: a frame of attempt 7.1 came in attempt 7.2");
  CHECK(ErrorAfter([](RawSender& s) { s.Send(H{.kind = FrameKind::kIdle, .generation = 6, .seq = 1}); }) ==
        "channel 3: a frame of attempt 6.2 came in attempt 7.2");
  CHECK(ErrorAfter([](RawSender& s) { s.Send("garbage"); }) ==
        "channel 3: frame header: is 7 bytes long, expected 80");
  CHECK(ErrorAfter([](RawSender& s) {
          s.Send(H{.kind = FrameKind::kEncoded, .records = 1, .seq = 1, .payload = 4}, true);
          s.Send("abc", true);
          s.Send("\3\0\0\0");
        }) == "channel 3: a part has 3 bytes, its header says 4");
  CHECK(ErrorAfter([](RawSender& s) {
          s.Send(H{.kind = FrameKind::kEncoded, .records = 2, .seq = 1, .payload = 4}, true);
          s.Send("abcd", true);
          s.Send(std::string_view("\5\0\0\0\4\0\0\0", 8));
        }) == "channel 3: record ends are not ascending");
  CHECK(ErrorAfter([](RawSender& s) {
          s.Send(H{.kind = FrameKind::kEncoded, .records = 1, .seq = 1, .payload = 4}, true);
          s.Send("abcd", true);
          s.Send(std::string_view("\3\0\0\0", 4));
        }) == "channel 3: the last record does not end where the bytes end");
  CHECK(ErrorAfter([](RawSender& s) {
          s.Send(H{.kind = FrameKind::kEncoded, .records = 1, .seq = 1, .payload = 4}, true);
          s.Send("abcd");
        }) == "channel 3: a message part is missing");
  CHECK(ErrorAfter([](RawSender& s) {
          s.Send(H{.kind = FrameKind::kIdle, .seq = 1}, true);
          s.Send("more");
        }) == "channel 3: a frame of kind idle has the wrong number of parts");
}

TEST_CASE("a HELLO with another schema is refused with both schemas") {
  TempDirectory directory;
  ChannelSettings settings = Encodeds("ipc://" + directory.path + "/3");
  settings.encoded = false;
  settings.layout = TwoColumns();
  LinkContext context;
  auto in = ZmqInChannel::Bind(context, settings);
  REQUIRE(in.ok());
  settings.layout.schema = std::make_shared<Schema>(
      std::vector<Field>{{"a", DataType(TypeId::kBigint)}, {"c", DataType(TypeId::kText)}});
  auto out = ZmqOutChannel::Connect(context, settings);
  REQUIRE(out.ok());
  const auto hello = Await((*in)->socket(), [&] { return (*in)->TryReceiveHello(); });
  REQUIRE(!hello.ok());
  CHECK(hello.status().message() ==
        "channel 3: the sender's schema is (a bigint, c text), ours is (a bigint, b text)");
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

TEST_CASE("a sender that is killed is an error after everything it had sent was read") {
  TempDirectory directory;
  const ChannelSettings settings = Encodeds("ipc://" + directory.path + "/3");
  const BoundSignal bound;
  const pid_t child = InChild([&] {
    bound.Await();
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
  const BoundSignal bound;
  const auto bind_and_pause = [&] {
    LinkContext context;
    auto in = ZmqInChannel::Bind(context, settings);
    if (!in.ok()) ::_exit(1);
    bound.Give();
    ::pause();
  };
  const pid_t child = InChild(bind_and_pause);
  bound.Await();
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
  const auto broken = Await((*out)->socket(), [&] { return (*out)->TrySend(Idle{}); });
  REQUIRE(!broken.ok());
  CHECK(broken.status().message() == "channel 3: the receiver went away");

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
  const BoundSignal bound;
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
  bound.Await();
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

// --- Connections that break while both processes live (RELIABILITY 8, scenario 26)
// ---------------------------

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

TEST_CASE("a connection that is cut at either end is an error on both sides within a second, and stays one") {
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
    const auto broken = Await(pair.out->socket(), [&]() -> Result<bool> {
      auto sent = pair.out->TrySend(Idle{});
      return sent.ok() ? Result<bool>(false) : sent;
    });
    REQUIRE(!broken.ok());
    CHECK(broken.status().message() == "channel 3: the receiver went away");
    CHECK(Env::Default()->MonotonicNow() - cut < kSecond);
    ::usleep(300'000);  // long enough for a reconnection, which there is not
    CHECK(Failure(pair.in->TryReceive()) == "channel 3: the sender went away");
    CHECK(!pair.out->TrySend(Idle{}).ok());
  }
}

TEST_CASE("a connection that is cut within a frame gives the whole frames in front of it and an error") {
  constexpr size_t kSize = 90'000;  // the kernel's buffer holds some, and a part of the next
  TempDirectory directory;
  const std::string path = directory.path + "/3";
  const BoundSignal bound;
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
    }
  });
  bound.Await();
  LinkContext context;
  auto out = ZmqOutChannel::Connect(context, Encodeds("ipc://" + path));
  REQUIRE(out.ok());
  // The handshake, then nobody reads.
  REQUIRE(SendAll(**out, Records("100" + std::string(kSize - 3, 'x'), {kSize})).ok());
  ::usleep(200'000);
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

TEST_CASE("an endpoint path that is too long is an error that names it") {
  LinkContext context;
  const std::string endpoint = "ipc:///tmp/" + std::string(120, 'd') + "/3";
  const auto in = ZmqInChannel::Bind(context, Encodeds(endpoint));
  REQUIRE(!in.ok());
  CHECK(in.status().message().find(endpoint) != std::string::npos);
}

}  // namespace
}  // namespace streamrun
