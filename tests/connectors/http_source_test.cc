#include <doctest/doctest.h>

#include <thread>

#include "connectors/http/gzip_body.h"
#include "connectors/http/listen_address.h"
#include "tests/connectors/http_fixture.h"

namespace streamrun::testing {
namespace {

using Lines = std::vector<std::string>;

struct Fixture {
  int port = FreePort();
  RunningSource running;

  Fixture(const std::string& more, const std::vector<std::string>& positions, const FormatTraits& format = {})
      : running("http", Flow("{listen: '127.0.0.1:" + std::to_string(port) + "', path: /in" + more + "}"),
                format) {
    running.context.max_record = 64;
    running.MustOpen(positions);
  }
  explicit Fixture(const std::string& more = "", bool buffered = false, const FormatTraits& format = {},
                   std::vector<std::string> marks = {})
      : running("http", Flow("{listen: '127.0.0.1:" + std::to_string(port) + "', path: /in" + more + "}"),
                format) {
    running.context.buffered = buffered;
    running.context.marks = std::move(marks);
    running.context.max_record = 64;
    running.MustOpen();
  }
  const Lines& records() const { return running.out.records; }
  /// Polls until the answer is there.
  std::string Exchange(HttpPeer& peer) {
    running.RunUntil([&] { return peer.HasAnswer(); });
    return peer.Answer();
  }
  /// As an epoch does.
  void Epoch(uint64_t number) {
    CHECK(running.source->Position().empty());
    REQUIRE(running.source->Commit(number).ok());
  }
};

/// Who has an answer first, with nobody polling the source; nullptr when nobody gets one.
HttpPeer* FirstAnswered(const std::vector<HttpPeer*>& peers) {
  const Timestamp end = Env::Default()->MonotonicNow() + kPatience;
  while (Env::Default()->MonotonicNow() < end) {
    for (HttpPeer* peer : peers) {
      if (peer->HasAnswer()) return peer;
    }
    ::usleep(1'000);
  }
  return nullptr;
}

TEST_CASE("a request is answered when the epoch that follows it is committed, not before") {
  Fixture f;
  HttpPeer first(f.port), second(f.port);
  first.Post("one\ntwo");
  f.running.RunUntilRecords(2);
  f.running.Settle();
  CHECK(f.records() == Lines{"one", "two"});
  CHECK(f.running.source->Position().empty());  // the barrier stands here
  second.Post("three\n\nfour\n");
  f.running.RunUntilRecords(5);
  CHECK_FALSE(first.HasAnswer());
  REQUIRE(f.running.source->Commit(1).ok());
  CHECK(first.Answer() == R"(200 {"records":2})");
  ::usleep(20'000);
  CHECK_FALSE(second.HasAnswer());
  f.Epoch(2);
  CHECK(second.Answer() == R"(200 {"records":2})");  // an empty line is none
}

TEST_CASE("an epoch that was given up answers nobody; the next one answers all") {
  Fixture f;
  HttpPeer first(f.port), second(f.port);
  first.Post("one\n");
  f.running.RunUntilRecords(1);
  CHECK(f.running.source->Position().empty());  // of epoch 1, which never comes
  second.Post("two\n");
  f.running.RunUntilRecords(2);
  f.Epoch(2);
  CHECK(first.Answer() == R"(200 {"records":1})");
  CHECK(second.Answer() == R"(200 {"records":1})");
}

TEST_CASE("buffered: answered when all of the request is stored") {
  Fixture f("", true);
  HttpPeer first(f.port), second(f.port);
  first.Post("one\n" + std::string(100, 'x') + "\nthree\n");
  f.running.RunUntilRecords(2);
  f.running.Settle();
  REQUIRE(f.running.out.failures.size() == 1);
  second.Post("four");
  f.running.RunUntilRecords(3);
  f.running.Settle();
  // Given out: one, a failed record, three, four.
  f.running.source->Stored(2);
  ::usleep(20'000);
  CHECK_FALSE(first.HasAnswer());
  f.running.source->Stored(3);
  CHECK(first.Answer() == R"(200 {"records":2,"failed":1})");
  CHECK_FALSE(second.HasAnswer());
  REQUIRE(f.running.source->Commit(7).ok());
  ::usleep(20'000);
  CHECK_FALSE(second.HasAnswer());
  f.running.source->Stored(4);
  CHECK(second.Answer() == R"(200 {"records":1})");
  HttpPeer nothing(f.port);
  nothing.Post("");
  CHECK(f.Exchange(nothing) == R"(200 {"records":0})");
}

TEST_CASE("ack: received answers at once") {
  Fixture f(", ack: received");
  HttpPeer peer(f.port);
  peer.Post("one\ntwo\n", "", "/in", "PUT");
  CHECK(f.Exchange(peer) == R"(202 {"records":2})");
  peer.Post("three\n");  // the connection lives on
  CHECK(f.Exchange(peer) == R"(202 {"records":1})");
  CHECK(f.running.out.splits[0] != f.running.out.splits[1]);
  CHECK(f.running.out.splits[0].starts_with("http://127.0.0.1:" + std::to_string(f.port) +
                                            "/in from 127.0.0.1:"));
}

std::string Key(const std::string& key) { return "Idempotency-Key: " + key + "\r\n"; }

TEST_CASE("a request that comes again is answered as it was, and not taken again") {
  Fixture f(", deduplicate: {required: false}");
  HttpPeer first(f.port), again(f.port), other(f.port), none(f.port);
  first.Post("one\ntwo\n", Key("k"));
  f.running.RunUntilRecords(2);
  again.Post("one\ntwo\n", Key("k"));
  CHECK(f.Exchange(again).starts_with("409 "));
  other.Post("one\n", Key("k"));
  CHECK(f.Exchange(other).starts_with("422 "));
  const std::string position = f.running.source->Position();
  REQUIRE(f.running.source->Commit(1).ok());
  CHECK(first.Answer() == R"(200 {"records":2})");
  again.Post("one\ntwo\n", Key("k"));
  CHECK(f.Exchange(again) == R"(200 {"records":2})");
  none.Post("three\n");
  f.running.RunUntilRecords(3);
  CHECK(f.records() == Lines{"one", "two", "three"});
  // In another process that goes on from the checkpoint.
  Fixture restored(", deduplicate: {}", {position});
  HttpPeer later(restored.port);
  later.Post("one\ntwo\n", Key("k"));
  CHECK(restored.Exchange(later) == R"(200 {"records":2})");
  later.Post("four\n");
  CHECK(restored.Exchange(later).starts_with("400 "));
  CHECK(restored.records().empty());
}

TEST_CASE("what a checkpoint has of a request is not given out again") {
  FormatTraits csv;
  csv.header = true;
  // A record that is too long ends a chunk.
  const std::string body =
      "a,b\none\n" + std::string(100, 'x') + "\ntwo\n" + std::string(100, 'y') + "\nthree\n";
  for (size_t given = 1; given <= 3; ++given) {
    CAPTURE(given);
    Fixture f(", deduplicate: {}", false, csv);
    HttpPeer first(f.port);
    first.Post(body, Key("cut"));
    f.running.RunUntilRecords(given);
    REQUIRE(f.records().size() == given);
    Fixture restored(", deduplicate: {}", {f.running.source->Position()}, csv);
    HttpPeer later(restored.port);
    later.Post(body, Key("cut"));
    if (given < 3) {
      restored.running.RunUntilRecords(3 - given);
      restored.running.Settle();
      CHECK(restored.records() == (given == 1 ? Lines{"two", "three"} : Lines{"three"}));
      CHECK(restored.running.out.failures.size() == 3 - given);
      CHECK(restored.running.out.headers.front() == "a,b");
      // Once it is whole, the part is forgotten.
      CHECK(restored.running.source->Position().find(R"("parts":[])") != std::string::npos);
      REQUIRE(restored.running.source->Commit(2).ok());
    }
    CHECK(restored.Exchange(later) == R"(200 {"records":3,"failed":2})");
  }
}

TEST_CASE("buffered: units have their marks, and the source finds them again") {
  Fixture f(", deduplicate: {max_keys: 2}", true);
  HttpPeer peer(f.port);
  for (const std::string key : {"a", "b", "c"}) {
    peer.Post(key + "\n", Key(key));
    f.running.RunUntil([&] { return f.running.out.marks.size() == 1u + (key[0] - 'a'); });
    CHECK(f.running.source->Marks().size() < 3 * 40);
    f.running.source->Stored(static_cast<uint64_t>(key[0] - 'a') + 1);
    CHECK(peer.Answer() == R"(200 {"records":1})");
  }
  CHECK(f.running.source->Marks().size() == 2 * 40);
  CHECK(f.running.source->Trouble().find("max_keys") != std::string::npos);
  Fixture again(", deduplicate: {}", true, {}, {f.running.source->Marks(), f.running.out.marks[0]});
  HttpPeer later(again.port);
  for (const std::string key : {"a", "b", "c"}) {
    later.Post(key + "\n", Key(key));
    CHECK(again.Exchange(later) == R"(200 {"records":1})");
  }
  CHECK(again.records().empty());
}

TEST_CASE("chunked bodies, and a CSV header for each request") {
  FormatTraits csv;
  csv.header = true;
  csv.splittable = false;
  csv.quote = '"';
  Fixture f(", ack: received", false, csv);
  HttpPeer peer(f.port);
  peer.Send("POST /in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\na,b\r\n1\r\n");
  peer.Send("a\r\n,\"2\n3\"\n4,5\r\n0\r\n\r\n");
  CHECK(f.Exchange(peer) == R"(202 {"records":2})");
  CHECK(f.running.out.headers == Lines{"a,b", "a,b"});  // the last record has no newline
  peer.Post("b,a\n7,8\n");
  CHECK(f.Exchange(peer) == R"(202 {"records":1})");
  CHECK(f.running.out.headers == Lines{"a,b", "a,b", "b,a"});
}

TEST_CASE("what is wrong with a request is told at once, without the pipeline") {
  Fixture f(", token: s3cret, max_body: 100B");
  const std::string token = "Authorization: Bearer s3cret\r\n";
  struct Row {
    std::string method, path, headers, body, answer;
  };
  const std::vector<Row> table{
      {"POST", "/in", "", "x", "401"},
      {"POST", "/in", "Authorization: Bearer s3cre\r\n", "x", "401"},
      {"POST", "/in", "Authorization: Bearer s3cretx\r\n", "x", "401"},
      {"POST", "/in", "Authorization: Basic s3cret\r\n", "x", "401"},
      {"POST", "/other", token, "x", "404"},
      {"POST", "/in/", token, "x", "404"},
      {"DELETE", "/in", token, "x", "405"},
      {"GET", "/in", token, "", "405"},
      {"POST", "/in", token + "Content-Encoding: br\r\n", "x", "415"},
      {"POST", "/in", token + "Content-Encoding: gzip\r\n", "plain", "400"},
      {"POST", "/in", token + "Content-Encoding: gzip\r\n", http::Deflate("x").substr(0, 15), "400"},
      {"POST", "/in", token, std::string(101, 'x'), "413"},
  };
  for (const Row& row : table) {
    INFO(row.method, " ", row.path, " ", row.headers, row.body.size());
    HttpPeer peer(f.port);
    peer.Post(row.body, row.headers, row.path, row.method);
    CHECK(peer.Answer().substr(0, 3) == row.answer);
  }
  HttpPeer chunked(f.port);
  chunked.Send("POST /in HTTP/1.1\r\nHost: x\r\n" + token + "Transfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) chunked.Send("a\r\n0123456789\r\n");
  chunked.Send("0\r\n\r\n");
  CHECK(chunked.Answer().substr(0, 3) == "413");
  HttpPeer good(f.port);
  good.Post("record\n", "authorization: bearer s3cret\r\n");
  f.running.RunUntilRecords(1);
  f.Epoch(1);
  CHECK(good.Answer() == R"(200 {"records":1})");
  CHECK(f.records() == Lines{"record"});
}

TEST_CASE("gzip bodies, several members, within their limits") {
  Fixture f(", ack: received, max_body: 4MiB");
  const std::string gzip = "Content-Encoding: gzip\r\n";
  HttpPeer peer(f.port);
  peer.Post(http::Deflate("one\n") + http::Deflate("two\n"), gzip);
  CHECK(f.Exchange(peer) == R"(202 {"records":2})");
  peer.Post(http::Deflate(std::string(3 << 20, '0')), gzip);  // a ratio of 1,000
  CHECK(peer.Answer().substr(0, 3) == "413");
  std::string lines;
  uint64_t seed = 1;
  while (lines.size() < (3 << 20)) {
    for (int i = 0; i < 40; ++i) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      lines += static_cast<char>('a' + (seed >> 60));
    }
    lines += '\n';
  }
  const size_t before = f.records().size();
  HttpPeer other(f.port);
  other.Post(http::Deflate(lines), gzip);
  CHECK(f.Exchange(other) == "202 {\"records\":" + std::to_string(lines.size() / 41) + "}");
  CHECK(f.records().size() - before == lines.size() / 41);
  HttpPeer large(f.port);
  large.Post(http::Deflate(lines + lines), gzip);
  CHECK(large.Answer().substr(0, 3) == "413");
}

TEST_CASE("a pipeline that does not keep up: 429 at once, and no memory") {
  Fixture f(", ack: received, max_requests: 2");
  HttpPeer a(f.port), b(f.port), c(f.port);
  const std::vector<HttpPeer*> peers{&a, &b, &c};
  for (HttpPeer* peer : peers) peer->Post("one\n");
  // Nobody polls. Which two of three came first is for the kernel to say, that two fit is not.
  HttpPeer* refused = FirstAnswered(peers);
  REQUIRE(refused != nullptr);
  CHECK(refused->Answer().substr(0, 3) == "429");
  CHECK(HeaderOf(refused->head, "Retry-After") == "1");
  f.running.RunUntilRecords(2);
  for (HttpPeer* peer : peers) {
    if (peer != refused) CHECK(peer->Answer() == R"(202 {"records":1})");
  }
  refused->Post("three\n");
  CHECK(f.Exchange(*refused) == R"(202 {"records":1})");

  Fixture small(", ack: received, max_body: 1KiB, max_memory: 1500B");
  HttpPeer d(small.port), e(small.port);
  d.Post(std::string(1000, 'd'));
  e.Post(std::string(1000, 'e'));
  HttpPeer* second = FirstAnswered({&d, &e});
  REQUIRE(second != nullptr);
  CHECK(second->Answer().substr(0, 3) == "429");
  CHECK(small.Exchange(second == &d ? e : d).substr(0, 3) == "202");
  second->Post(std::string(1000, 'e'));
  CHECK(small.Exchange(*second).substr(0, 3) == "202");
}

TEST_CASE("a full disk: 503, also for what waits; then all is well again") {
  Fixture f("", true);
  HttpPeer waiting(f.port), late(f.port);
  waiting.Post("one\n");
  ::usleep(100'000);
  f.running.source->StorageFull(true);
  CHECK(f.running.source->Trouble().find("503") != std::string::npos);
  CHECK(waiting.Answer().substr(0, 3) == "503");
  CHECK(HeaderOf(waiting.head, "Retry-After") == "5");
  late.Post("two\n");
  CHECK(late.Answer().substr(0, 3) == "503");
  f.running.source->StorageFull(false);
  late.Post("two\n");
  f.running.RunUntilRecords(1);
  f.running.Settle();
  f.running.source->Stored(1);
  CHECK(late.Answer() == R"(200 {"records":1})");
  CHECK(f.records() == Lines{"two"});
}

void AwaitReadable(const WaitSpec& wait) {
  REQUIRE(wait.descriptors.size() == 1);
  pollfd ready{wait.descriptors[0].fd, POLLIN, 0};
  REQUIRE(::poll(&ready, 1, static_cast<int>(kPatience / kMillisecond)) == 1);
}

TEST_CASE("a source that closes answers 503 to all whose records are not safe") {
  auto f = std::make_unique<Fixture>();
  HttpPeer given(f->port), queued(f->port), gone(f->port);
  given.Post("one\n");
  f->running.RunUntilRecords(1);
  gone.Post("two\n");
  f->running.RunUntilRecords(2);
  f->running.Settle();
  queued.Post("four\n");
  AwaitReadable(f->running.source->Wait());  // it is in the queue, and stays there
  {
    const HttpPeer closes(f->port);
    closes.Post("three\n");
  }  // its client does not wait for an answer
  ::usleep(100'000);
  f = nullptr;
  CHECK(given.Answer().substr(0, 3) == "503");
  CHECK(gone.Answer().substr(0, 3) == "503");
  CHECK(queued.Answer().substr(0, 3) == "503");
}

TEST_CASE("an address that is taken names the field") {
  Fixture f;
  RunningSource second("http", Flow("{listen: '127.0.0.1:" + std::to_string(f.port) + "'}"));
  const Status s = second.Open();
  CHECK(s.code() == Code::kAlreadyExists);
  CHECK(s.message().find("set sources.node.listen") != std::string::npos);
}

TEST_CASE("addresses") {
  struct Row {
    const char* text;
    const char* printed;
    bool loopback;
  };
  for (const Row& row : std::vector<Row>{{":80", "127.0.0.1:80", true},
                                         {"localhost:80", "127.0.0.1:80", true},
                                         {"0.0.0.0:8080", "0.0.0.0:8080", false},
                                         {"127.9.9.9:1", "127.9.9.9:1", true},
                                         {"[::1]:65535", "[::1]:65535", true},
                                         {"[::]:80", "[::]:80", false}}) {
    const Result<http::ListenAddress> address = http::ParseListenAddress(row.text);
    REQUIRE_MESSAGE(address.ok(), address.status().ToString());
    CHECK(address->ToString() == row.printed);
    CHECK(address->loopback == row.loopback);
  }
  for (const char* text :
       {"", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:8x", "::1:80",
        "[127.0.0.1]:80", "example.org:80", "http://127.0.0.1:80"}) {
    INFO(text);
    CHECK_FALSE(http::ParseListenAddress(text).ok());
  }
}

}  // namespace
}  // namespace streamrun::testing
