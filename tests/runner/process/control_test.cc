// Control messages survive the wire, large ones by memfd, and strange ones are refused.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "core/base/env.h"
#include "runner/process/control_channel.h"

namespace streamrun {
namespace {

struct Pair {
  ControlChannel supervisor{-1};
  ControlChannel worker{-1};
  Pair() {
    auto ends = ControlChannel::MakePair();
    REQUIRE(ends.ok());
    supervisor = ControlChannel(ends->supervisor);
    worker = ControlChannel(ends->worker);
  }
};

template <typename Message>
Message Receive(ControlChannel& channel) {
  auto got = channel.Receive();
  REQUIRE_MESSAGE(got.ok(), got.status().ToString());
  REQUIRE(got->has_value());
  REQUIRE(std::holds_alternative<Message>(**got));
  return std::get<Message>(std::move(**got));
}

TEST_CASE("an assignment of any size arrives as it was sent") {
  Pair pair;
  for (const size_t size : {size_t{10}, ControlChannel::kInline, size_t{3'000'000}}) {
    AssignMessage assign;
    assign.pipeline = std::string(size, 'p') + "\"\\\n\xC3\xA4";
    assign.plan_hash = "0123456789abcdef";
    assign.stage = 3;
    assign.instance = 1;
    assign.generation = ~uint64_t{0};
    assign.attempt = 9;
    assign.endpoint_directory = "/run/x";
    assign.once = true;
    assign.log_level = LogLevel::kWarning;
    auto sent = pair.supervisor.Send(assign);
    REQUIRE(sent.ok());
    CHECK(*sent);
    const auto got = Receive<AssignMessage>(pair.worker);
    CHECK(got.pipeline == assign.pipeline);
    CHECK(got.plan_hash == assign.plan_hash);
    CHECK(got.stage == 3);
    CHECK(got.instance == 1);
    CHECK(got.generation == assign.generation);
    CHECK(got.attempt == 9);
    CHECK(got.endpoint_directory == "/run/x");
    CHECK(got.once);
    CHECK(got.log_level == LogLevel::kWarning);
  }
}

TEST_CASE("counters and failures keep every field") {
  Pair pair;
  BeatMessage beat{41, "output to dear", {}};
  NodeCounters node;
  node.node = 2;
  node.rows_in = 10;
  node.fates[static_cast<size_t>(Fate::kFiltered)] = 4;
  node.port_rows = {6, 0};
  node.watermark = kMinTimestamp;
  beat.counters.nodes = {node};
  beat.counters.channels = {{7, true, 6, 600, 5}};
  CHECK(pair.worker.Send(beat).ok());
  const auto got = Receive<BeatMessage>(pair.supervisor);
  CHECK(got.steps == 41);
  CHECK(got.blocked_on == "output to dear");
  REQUIRE(got.counters.nodes.size() == 1);
  CHECK(got.counters.nodes[0].fates == node.fates);
  CHECK(got.counters.nodes[0].port_rows == node.port_rows);
  CHECK(got.counters.nodes[0].watermark == kMinTimestamp);
  REQUIRE(got.counters.channels.size() == 1);
  CHECK(got.counters.channels[0].full_us == 5);

  const Status status = Status::IoError("disk \xFF gone").WithFault(Fault::kUser).WithRetry(true);
  CHECK(pair.worker.Send(FailMessage{status, true, true}).ok());
  const auto fail = Receive<FailMessage>(pair.supervisor);
  CHECK(fail.status.code() == Code::kIoError);
  CHECK(fail.status.fault() == Fault::kUser);
  CHECK(fail.status.retryable());
  CHECK(fail.status.message() == "disk \xEF\xBF\xBD gone");  // bytes that are no UTF-8 are replaced
  CHECK(fail.opening);
  CHECK(fail.peer_gone);
}

TEST_CASE("the end of the other side is an error of its own, a quiet one is nothing") {
  Pair pair;
  auto nothing = pair.worker.Receive();
  REQUIRE(nothing.ok());
  CHECK(!nothing->has_value());
  CHECK(pair.supervisor.Send(CommitMessage{7}).ok());
  pair.supervisor = ControlChannel(-1);
  CHECK(Receive<CommitMessage>(pair.worker).epoch == 7);  // what was sent before the end is read first
  const auto end = pair.worker.Receive();
  REQUIRE(!end.ok());
  CHECK(end.status().code() == Code::kUnavailable);
  CHECK(!pair.worker.Send(BoundMessage{}).ok());
}

TEST_CASE("a receiver that does not read makes Send say so instead of blocking") {
  Pair pair;
  bool full = false;
  for (int i = 0; i < 100'000 && !full; ++i) {
    const auto sent = pair.worker.Send(BoundMessage{});
    REQUIRE(sent.ok());
    full = !*sent;
  }
  CHECK(full);
}

TEST_CASE("text that is no control message is refused") {
  for (const char* text : {"", "{", "[]", "{}", "{\"kind\":\"NOTHING\"}", "{\"kind\":\"REGISTER\"}",
                           "{\"kind\":\"REGISTER\",\"pid\":\"x\"}",
                           "{\"kind\":\"FAIL\",\"code\":99,\"fault\":0,\"message\":\"\",\"opening\":false,"
                           "\"peer_gone\":false,\"retryable\":"
                           "false}"}) {
    const auto message = DecodeControl(text);
    CHECK_MESSAGE(!message.ok(), text);
    CHECK(message.status().code() == Code::kCorruption);
  }
}

TEST_CASE("the documented example is what a failure encodes to") {
  const auto page = Env::Default()->ReadFile(SR_SOURCE_DIR "/docs/formats/control.md", 1 << 20);
  REQUIRE(page.ok());
  const std::string text = EncodeControl(
      FailMessage{Status::NotFound("cannot open in.jsonl").WithFault(Fault::kExternal), true, false});
  CHECK_MESSAGE(page->find("```json\n" + text + "\n```") != std::string::npos, text);
}

}  // namespace
}  // namespace streamrun
