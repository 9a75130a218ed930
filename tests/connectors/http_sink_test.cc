#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "connectors/http/batch_body.h"
#include "connectors/http/gzip_body.h"
#include "connectors/http/poster.h"
#include "connectors/http/stage_segment.h"
#include "tests/connectors/http_fixture.h"

namespace streamrun::testing {
namespace {

using Lines = std::vector<std::string>;

struct Directory {
  std::string path;
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "sr-http-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Lines files() const {
    Lines names;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      names.push_back(entry.path().extension());
    std::sort(names.begin(), names.end());
    return names;
  }
};

std::string Ok(size_t, const ScriptedServer::Request&) { return ScriptedServer::Reply(200); }

/// A sink that is driven as a task drives it, with what was refused.
struct Fixture {
  RunningSink running;
  std::vector<RefusedRecord> refused;

  Fixture(const ScriptedServer& server, const std::string& more, const std::string& stage = "",
          OutputStart start = OutputStart::kFresh, const Lines& handles = {})
      : running("http",
                Flow("{url: '" + server.url() + "', retry: {initial: 10ms, max: 50ms}" + more + "}")) {
    running.context.stage_directory = stage;
    running.context.start = start;
    running.context.handles = running.context.all_handles = handles;
    running.context.pipeline = "p";
    running.context.node = "n";
    running.context.identity = "id";
    running.MustOpen();
  }
  Sink& sink() { return *running.sink; }
  void Take() {
    for (RefusedRecord& r : sink().TakeRefused()) refused.push_back(std::move(r));
  }
  template <typename Call>
  Status Until(Call call) {
    const Timestamp deadline = Env::Default()->MonotonicNow() + kPatience;
    for (;;) {
      const Result<SinkOutcome> outcome = call();
      Take();
      if (!outcome.ok()) return outcome.status();
      if (*outcome == SinkOutcome::kAccepted) return Status::Ok();
      REQUIRE(Env::Default()->MonotonicNow() < deadline);
      WaitFor(sink().Wait());
    }
  }
  Status Write(const Lines& records) {
    const Encoded encoded = EncodedOf(records);
    return Until([&] { return sink().WriteBytes(encoded); });
  }
  Status Flush() {
    return Until([&] { return sink().Flush(); });
  }
  std::string Prepare(uint64_t epoch) {
    const Result<Prepared> prepared = sink().Prepare(epoch);
    REQUIRE(prepared.ok());
    for (const std::string& file : prepared->files) REQUIRE(Env::Default()->SyncFile(file).ok());
    return prepared->handle;
  }
  Status Commit(uint64_t epoch, const std::string& handle) {
    return Until([&] { return sink().Commit(epoch, handle); });
  }
};

Lines BodiesOf(const ScriptedServer& server) {
  Lines bodies;
  for (const auto& request : server.requests()) bodies.push_back(request.body);
  return bodies;
}

TEST_CASE("what an answer means") {
  using http::Verdict;
  struct Row {
    int status;
    Verdict first, later;
  };
  for (const Row& row : std::vector<Row>{{0, Verdict::kAgain, Verdict::kAgain},
                                         {200, Verdict::kDelivered, Verdict::kDelivered},
                                         {204, Verdict::kDelivered, Verdict::kDelivered},
                                         {301, Verdict::kFatal, Verdict::kFatal},
                                         {400, Verdict::kRefused, Verdict::kRefused},
                                         {404, Verdict::kRefused, Verdict::kRefused},
                                         {408, Verdict::kAgain, Verdict::kAgain},
                                         {409, Verdict::kAgain, Verdict::kAgain},
                                         {413, Verdict::kRefused, Verdict::kRefused},
                                         {422, Verdict::kRefused, Verdict::kFatal},
                                         {425, Verdict::kAgain, Verdict::kAgain},
                                         {429, Verdict::kAgain, Verdict::kAgain},
                                         {500, Verdict::kAgain, Verdict::kAgain},
                                         {503, Verdict::kAgain, Verdict::kAgain}}) {
    INFO(row.status);
    CHECK(http::Judge(row.status, false) == row.first);
    CHECK(http::Judge(row.status, true) == row.later);
  }
}

TEST_CASE("bodies and their records, there and back") {
  const Lines records{"{\"a\":1}", "{\"a\":2}", "{\"b\":\"x\"}"};
  for (const bool gzip : {false, true}) {
    for (const auto& [form, preamble, expected] :
         std::vector<std::tuple<http::BodyForm, std::string, std::string>>{
             {http::BodyForm::kLines, "", "{\"a\":1}\n{\"a\":2}\n{\"b\":\"x\"}\n"},
             {http::BodyForm::kLines, "head\n", "head\n{\"a\":1}\n{\"a\":2}\n{\"b\":\"x\"}\n"},
             {http::BodyForm::kArray, "", "[{\"a\":1},{\"a\":2},{\"b\":\"x\"}]"}}) {
      http::BodyOptions options{form, gzip, 10, 1000, preamble};
      http::BodyBuilder builder(options);
      for (const std::string& record : records) CHECK(builder.Add(record + "\n"));
      const http::BatchBody body = builder.Finish();
      CHECK(builder.empty());
      if (gzip) {
        const Result<std::string> content = http::InflateAll(body.bytes, expected.size());
        REQUIRE(content.ok());
        CHECK(*content == expected);
        CHECK(body.bytes == http::Deflate(expected));
      } else {
        CHECK(body.bytes == expected);
      }
      const auto back = http::RecordsOf(body.bytes, body.ends, options);
      REQUIRE_MESSAGE(back.ok(), back.status().ToString());
      CHECK(*back == records);
    }
  }
}

TEST_CASE("a body is full by records or bytes, and a long record goes alone") {
  http::BodyBuilder builder({http::BodyForm::kLines, false, 2, 10, ""});
  CHECK(builder.Add("aaa\n"));
  CHECK(builder.Add("bb\n"));
  CHECK(builder.full());
  CHECK_FALSE(builder.Add("c\n"));
  CHECK(builder.Finish().records() == 2);
  CHECK(builder.Add("aaa\n"));
  CHECK_FALSE(builder.Add("bbbbbbb\n"));
  (void)builder.Finish();
  CHECK(builder.Add(std::string(50, 'x') + "\n"));
  CHECK(builder.full());
}

TEST_CASE("a segment gives back what was written; every flipped bit and every cut is seen") {
  const Directory directory;
  Env* env = Env::Default();
  const std::string path = directory.path + "/s.seg";
  {
    auto writer = http::SegmentWriter::Create(env, path);
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Append({"ab", {1, 2}}).ok());
    REQUIRE((*writer)->Append({std::string("\0\xff", 2), {2}}).ok());
    CHECK((*writer)->bodies() == 2);
    REQUIRE((*writer)->Close().ok());
  }
  const std::string whole = *env->ReadFile(path, 1000);
  // The bytes of docs/formats/http_stage.md.
  CHECK(whole.substr(0, 12) == std::string("srhttp1\n\x0e\0\0\0", 12));
  CHECK(whole.substr(16, 14) == std::string("\2\0\0\0\1\0\0\0\2\0\0\0ab", 14));
  const auto read = [&](const std::string& bytes) -> std::string {
    std::ofstream(path, std::ios::trunc | std::ios::binary) << bytes;
    auto reader = http::SegmentReader::Open(env, path, whole.size());
    if (!reader.ok()) return reader.status().ToString();
    std::string all;
    for (;;) {
      const auto body = (*reader)->Next();
      if (!body.ok()) return body.status().ToString();
      if (!*body) return all;
      all += std::to_string((*body)->ends.size()) + ":" + (*body)->bytes + ";";
    }
  };
  CHECK(read(whole) == std::string("2:ab;1:\0\xff;", 10));
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    INFO("bit ", bit);
    CHECK(read(bytes).starts_with("corruption"));
  }
  for (size_t size = 0; size < whole.size(); ++size)
    CHECK(read(whole.substr(0, size)).starts_with("corruption"));
}

TEST_CASE("a sent log survives a torn end") {
  const Directory directory;
  Env* env = Env::Default();
  const std::string path = directory.path + "/s.sent";
  for (const uint32_t body : {7u, 3u}) {
    auto log = http::SentLog::Open(env, path);
    REQUIRE(log.ok());
    REQUIRE((*log)->Add(body).ok());
  }
  std::ofstream(path, std::ios::app | std::ios::binary) << "torn";
  {
    auto log = http::SentLog::Open(env, path);
    REQUIRE(log.ok());
    CHECK((*log)->Contains(7));
    CHECK((*log)->Contains(3));
    CHECK_FALSE((*log)->Contains(0));
    REQUIRE((*log)->Add(9).ok());
  }
  auto log = http::SentLog::Open(env, path);
  CHECK((*log)->Contains(9));
  CHECK(env->Info(path)->size == 24);
}

TEST_CASE("direct: bodies leave when they are full or old enough, in order, with their headers") {
  ScriptedServer server(Ok);
  Fixture f(server,
            ", delivery: direct, batch: {rows: 2, linger: 30ms}, token: t0ken, headers: {X-Tenant: acme}");
  const Timestamp begin = Env::Default()->MonotonicNow();
  REQUIRE(f.Write({"a\n", "b\n", "c\n"}).ok());
  REQUIRE(f.Flush().ok());
  CHECK(Env::Default()->MonotonicNow() - begin >= 30 * kMillisecond);
  CHECK(BodiesOf(server) == Lines{"a\nb\n", "c\n"});
  const std::string head = server.requests()[0].head;
  CHECK(head.starts_with("POST /in HTTP/1.1\r\n"));
  CHECK(HeaderOf(head, "Content-Type") == "application/x-ndjson");
  CHECK(HeaderOf(head, "Authorization") == "Bearer t0ken");
  CHECK(HeaderOf(head, "X-Tenant") == "acme");
  CHECK(HeaderOf(head, "Expect").empty());
  CHECK(server.requests()[0].key().size() == 32);
  CHECK(server.requests()[0].key() != server.requests()[1].key());
}

TEST_CASE("a lost response, 503, 429 and 409: the same bytes with the same key until it is taken") {
  ScriptedServer server([](size_t number, const ScriptedServer::Request&) -> std::string {
    const int statuses[] = {0, 503, 429, 409, 408, 200, 201};
    return number == 0 ? "" : ScriptedServer::Reply(statuses[number]);
  });
  Fixture f(server, ", delivery: direct, batch: {rows: 1, linger: 0s}");
  REQUIRE(f.Write({"a\n", "b\n"}).ok());
  REQUIRE(f.Flush().ok());
  CHECK(BodiesOf(server) == Lines{"a\n", "a\n", "a\n", "a\n", "a\n", "a\n", "b\n"});
  std::set<std::string> keys;
  for (const auto& request : server.requests()) keys.insert(request.key());
  CHECK(keys.size() == 2);
}

TEST_CASE("Retry-After is waited for, and Trouble says so") {
  ScriptedServer server([](size_t number, const ScriptedServer::Request&) {
    return number == 0 ? ScriptedServer::Reply(429, "Retry-After: 1\r\n", "busy\nnow")
                       : ScriptedServer::Reply(200);
  });
  Fixture f(server, ", delivery: direct, batch: {rows: 1}");
  const Timestamp begin = Env::Default()->MonotonicNow();
  REQUIRE(f.Write({"a\n"}).ok());
  std::string trouble;
  REQUIRE(f.Until([&] {
             const auto outcome = f.sink().Flush();
             if (trouble.empty()) trouble = f.sink().Trouble();
             return outcome;
           }).ok());
  CHECK(Env::Default()->MonotonicNow() - begin >= 1 * kSecond);
  // What is left of the second when it is looked at.
  CHECK_MESSAGE(trouble.starts_with(server.url() + ": status 429 (busy now), trying again "), trouble);
  CHECK(f.sink().Trouble().empty());
}

TEST_CASE("a refused body leaves as its records; 422 to a first attempt does too") {
  ScriptedServer server([](size_t number, const ScriptedServer::Request&) {
    return ScriptedServer::Reply(number == 0 ? 400 : number == 1 ? 422 : 200, "", "no good");
  });
  for (const char* how : {"", ", compression: gzip", ", body: array, compression: gzip"}) {
    INFO(how);
    ScriptedServer fresh([](size_t number, const ScriptedServer::Request&) {
      return ScriptedServer::Reply(number == 0 ? 400 : number == 1 ? 422 : 200, "", "no good");
    });
    Fixture f(fresh, std::string(", delivery: direct, batch: {rows: 2, linger: 0s}") + how);
    REQUIRE(f.Write({"1\n", "2\n", "3\n", "4\n", "5\n"}).ok());
    REQUIRE(f.Flush().ok());
    REQUIRE(f.refused.size() == 4);
    for (size_t i = 0; i < 4; ++i) {
      CHECK(f.refused[i].raw == std::to_string(i + 1));
      CHECK(f.refused[i].number == static_cast<int64_t>(i % 2));
      CHECK(f.refused[i].code == (i < 2 ? "http.status.400" : "http.status.422"));
    }
    CHECK(f.refused[0].message == fresh.url() + ": status 400 (no good)");
    CHECK(*f.refused[0].place != *f.refused[2].place);
    CHECK(fresh.requests().size() == 3);
  }
}

TEST_CASE("422 to a key that was sent before, and a redirect, end the region") {
  ScriptedServer reused([](size_t number, const ScriptedServer::Request&) {
    return number == 0 ? std::string() : ScriptedServer::Reply(422);
  });
  Fixture f(reused, ", delivery: direct, batch: {rows: 1}");
  (void)f.Write({"a\n"}).ok();
  const Status s = f.Flush();
  CHECK(s.code() == Code::kInvalidArgument);
  CHECK(s.message().find("has seen the key " + reused.requests()[0].key() + " with another body") !=
        std::string::npos);
  ScriptedServer elsewhere([](size_t, const ScriptedServer::Request&) { return ScriptedServer::Reply(301); });
  Fixture g(elsewhere, ", delivery: direct, batch: {rows: 1}");
  (void)g.Write({"a\n"}).ok();
  CHECK(g.Flush().message().find("set `url`") != std::string::npos);
}

TEST_CASE("attempts that are used up, and an open circuit, make dead letters where that is asked for") {
  ScriptedServer server([](size_t, const ScriptedServer::Request&) { return ScriptedServer::Reply(500); });
  {
    RunningSink running(
        "http", Flow("{url: '" + server.url() +
                     "', delivery: direct, batch: {rows: 1, linger: 0s}, retry: {initial: 1ms, max: 1ms, "
                     "max_attempts: 3}}"));
    running.MustOpen();
    running.Write(EncodedOf({"a\n"}));
    running.Finish();
    const auto refused = running.sink->TakeRefused();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].code == "http.given_up");
    CHECK(server.requests().size() == 3);
  }
  RunningSink running(
      "http", Flow("{url: '" + server.url() +
                   "', delivery: direct, batch: {rows: 1, linger: 0s}, retry: {initial: 1ms, max: 1ms}, "
                   "circuit_breaker: {failures: 2, open: 10s, on_open: dead_letter}}"));
  running.MustOpen();
  running.Write(EncodedOf({"a\n", "b\n"}));
  running.Finish();
  const auto refused = running.sink->TakeRefused();
  REQUIRE(refused.size() == 2);
  CHECK(refused[1].code == "http.circuit_open");
  CHECK(server.requests().size() == 5);
}

TEST_CASE("staged: nothing leaves before its epoch is decided, then all of it") {
  const Directory directory;
  ScriptedServer server(Ok);
  Fixture f(server, ", batch: {rows: 2}", directory.path);
  REQUIRE(f.Write({"a\n", "b\n", "c\n"}).ok());
  REQUIRE(f.Flush().ok());
  const std::string first = f.Prepare(1);
  ::usleep(30'000);
  CHECK(server.requests().empty());
  // Epoch 1 is given up: its rows are part of epoch 2.
  REQUIRE(f.Write({"d\n"}).ok());
  const std::string second = f.Prepare(2);
  REQUIRE(f.Commit(2, second).ok());
  CHECK(BodiesOf(server) == Lines{"a\nb\n", "c\n", "d\n"});
  CHECK(directory.files() == Lines{".done", ".done"});
  REQUIRE(f.Commit(2, second).ok());  // again: no effect
  CHECK(server.requests().size() == 3);
  REQUIRE(f.Commit(3, f.Prepare(3)).ok());
  CHECK(directory.files().empty());
}

TEST_CASE(
    "staged: a commit that comes again after a crash repeats only what has no answer on record, byte by "
    "byte") {
  const Directory directory;
  std::string handle;
  std::vector<ScriptedServer::Request> before;
  {
    // The third answer is lost, and then the process.
    ScriptedServer server([](size_t number, const ScriptedServer::Request&) {
      return number < 2 ? ScriptedServer::Reply(200) : std::string();
    });
    Fixture f(server, ", batch: {rows: 1}, compression: gzip", directory.path);
    REQUIRE(f.Write({"a\n", "b\n", "c\n", "d\n"}).ok());
    handle = f.Prepare(5);
    const Timestamp deadline = Env::Default()->MonotonicNow() + kPatience;
    while (server.requests().size() < 3 && Env::Default()->MonotonicNow() < deadline) {
      REQUIRE(f.sink().Commit(5, handle).ok());
      WaitFor(f.sink().Wait());
    }
    before = server.requests();
    REQUIRE(f.Write({"void\n"}).ok());  // of an epoch that never comes
    (void)f.Prepare(6);
  }
  ScriptedServer server(Ok);
  Fixture f(server, ", batch: {rows: 1}, compression: gzip", directory.path, OutputStart::kResume, {handle});
  REQUIRE(f.Commit(5, handle).ok());
  const auto after = server.requests();
  REQUIRE(after.size() == 2);
  CHECK(after[0].key() == before[2].key());
  CHECK(after[0].body == before[2].body);
  CHECK(*http::InflateAll(after[1].body, 2) == "d\n");
  CHECK(directory.files() == Lines{".done"});
  // Once more, as when the marker was not written.
  Fixture g(server, "", directory.path, OutputStart::kResume, {handle});
  REQUIRE(g.Commit(5, handle).ok());
  CHECK(server.requests().size() == 2);
}

TEST_CASE("staged: what a committed epoch still owes comes before anything else") {
  // Its refused records were dead letters of the next epoch, which was lost: they are refused again.
  const Directory directory;
  std::string handle;
  ScriptedServer refuses([](size_t number, const ScriptedServer::Request&) {
    return ScriptedServer::Reply(number == 1 || number == 3 ? 400 : 200);
  });
  {
    Fixture f(refuses, ", batch: {rows: 1}", directory.path);
    REQUIRE(f.Write({"a\n", "bad\n", "c\n"}).ok());
    handle = f.Prepare(1);
    REQUIRE(f.Commit(1, handle).ok());
    REQUIRE(f.refused.size() == 1);
    CHECK(directory.files() == Lines{".seg", ".sent"});
  }
  Fixture f(refuses, ", batch: {rows: 1}", directory.path, OutputStart::kResume, {handle});
  REQUIRE(f.Write({"new\n"}).ok());  // the host knows of nothing to commit
  CHECK(BodiesOf(refuses) == Lines{"a\n", "bad\n", "c\n", "bad\n"});
  REQUIRE(f.refused.size() == 1);
  CHECK(f.refused[0].raw == "bad");
  const std::string next = f.Prepare(2);
  REQUIRE(f.Commit(2, next).ok());
  CHECK(BodiesOf(refuses).back() == "new\n");
  CHECK(directory.files() == Lines{".done"});
}

TEST_CASE("staged: 422 to a body of a restored epoch ends the region") {
  const Directory directory;
  std::string handle;
  {
    ScriptedServer server(Ok);
    Fixture f(server, "", directory.path);
    REQUIRE(f.Write({"a\n"}).ok());
    handle = f.Prepare(1);
  }
  ScriptedServer server([](size_t, const ScriptedServer::Request&) { return ScriptedServer::Reply(422); });
  Fixture f(server, "", directory.path, OutputStart::kResume, {handle});
  CHECK(f.Commit(1, handle).code() == Code::kInvalidArgument);
}

TEST_CASE("staged: a server that is away fills the stage up to its limit, then the input waits") {
  const Directory directory;
  std::atomic<bool> well{false};
  ScriptedServer server(
      [&](size_t, const ScriptedServer::Request&) { return ScriptedServer::Reply(well ? 200 : 503); });
  Fixture f(server, ", batch: {rows: 10}, stage_max_bytes: 1KiB", directory.path);
  const std::string record = std::string(99, 'x') + "\n";
  // Rows of the epoch under way are always taken.
  for (int i = 0; i < 20; ++i) REQUIRE(f.running.TryWrite(EncodedOf({record})));
  const std::string handle = f.Prepare(1);
  CHECK(*f.sink().Commit(1, handle) == SinkOutcome::kBusy);
  CHECK_FALSE(f.running.TryWrite(EncodedOf({record})));
  ::usleep(50'000);
  CHECK_FALSE(f.running.TryWrite(EncodedOf({record})));
  CHECK(f.sink().Trouble().find("stage_max_bytes is used up") != std::string::npos);
  well = true;
  REQUIRE(f.Commit(1, handle).ok());
  CHECK(f.running.TryWrite(EncodedOf({record})));
}

TEST_CASE("staged: segments that are gone are not taken for delivered") {
  const Directory directory;
  ScriptedServer server(Ok);
  Fixture f(server, "", directory.path);
  REQUIRE(f.Write({"a\n"}).ok());
  const std::string handle = f.Prepare(1);
  for (const auto& entry : std::filesystem::directory_iterator(directory.path))
    std::filesystem::remove(entry);
  CHECK(f.Commit(1, handle).code() == Code::kCorruption);
  CHECK(f.sink().Commit(1, "{}").status().code() == Code::kCorruption);
  CHECK(f.sink().Commit(1, R"({"segments":[{"name":"../../x"}]})").status().code() == Code::kCorruption);
}

TEST_CASE("concurrency: several bodies are under way at once, each is delivered") {
  ScriptedServer server(Ok);
  const Directory directory;
  Fixture f(server, ", batch: {rows: 1}, concurrency: 8", directory.path);
  Lines records;
  for (int i = 0; i < 50; ++i) records.push_back(std::to_string(i) + "\n");
  REQUIRE(f.Write(records).ok());
  REQUIRE(f.Commit(1, f.Prepare(1)).ok());
  const Lines bodies = BodiesOf(server);
  CHECK(std::set<std::string>(bodies.begin(), bodies.end()).size() == 50);
  CHECK(bodies.size() == 50);
}

}  // namespace
}  // namespace streamrun::testing
