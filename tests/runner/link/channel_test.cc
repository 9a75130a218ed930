// Channels over real sockets: order, values, back pressure, and that damage, gaps and foreign attempts are
// errors.
#include <zmq.h>

#include <cstring>
#include <string>

#include "core/data/column_builder.h"
#include "tests/runner/link/channel_fixture.h"

namespace streamrun {
namespace {

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
  // Until nothing goes any more; what is on its way from one thread of ZeroMQ to another may take a while.
  for (int quiet = 0, waits = 0; quiet < 5 || (sent < 14 && waits < 1'500);) {
    auto result = pair.out->TrySend(Records(std::to_string(1'000'000 + sent) + bytes, {64 * 1024 + 7}));
    REQUIRE(result.ok());
    if (*result) ++sent;
    quiet = *result ? 0 : quiet + 1;
    if (!*result) ::usleep(20'000), ++waits;
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
  const auto hello = Await(pair.in->socket(), [&] { return pair.in->TryReceiveHello(); });
  REQUIRE(hello.ok());
  REQUIRE(*hello);
  const auto none = Await(
      pair.in->socket(), [&] { return pair.in->TryReceive(); }, 100 * kMillisecond);
  REQUIRE(none.ok());
  CHECK(!none->has_value());
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

TEST_CASE("an endpoint path that is too long is an error that names it") {
  LinkContext context;
  const std::string endpoint = "ipc:///tmp/" + std::string(120, 'd') + "/3";
  const auto in = ZmqInChannel::Bind(context, Encodeds(endpoint));
  REQUIRE(!in.ok());
  CHECK(in.status().message().find(endpoint) != std::string::npos);
}

}  // namespace
}  // namespace streamrun
