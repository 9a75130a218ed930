// Orders to take dead letters in again: what is on disk, who takes what, and which letters are the same one.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "core/data/column_builder.h"
#include "core/stream/dead_letter.h"
#include "runner/exec/dead_letter_files.h"
#include "runner/exec/dead_letters.h"
#include "runner/exec/replay_feed.h"
#include "runner/exec/replay_order.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

struct StateDir {
  std::string path = (std::filesystem::temp_directory_path() / "sr-replay-XXXXXX").string();
  StateDir() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~StateDir() { std::filesystem::remove_all(path); }
};

ReplayLine Row(const std::string& node, int number, int input = 0) {
  ReplayLine line;
  line.node = node;
  line.token = "t" + std::to_string(number);
  line.source = "file:in";
  line.offset = number;
  line.entry.input = input;
  line.row = "{\"n\":" + std::to_string(number) + ".10000000000000000000001}";
  return line;
}

ReplayLine Record(const std::string& node, const std::string& raw) {
  ReplayLine line;
  line.node = node;
  line.token = "r";
  line.entry.header = "a,b";
  line.raw = raw;
  return line;
}

std::vector<ReplayLine> ReadAll(const std::string& path) {
  auto reader = ReplayReader::Open(Env::Default(), path);
  REQUIRE(reader.ok());
  std::vector<ReplayLine> lines;
  for (;;) {
    auto line = (*reader)->Next();
    REQUIRE(line.ok());
    if (!*line) return lines;
    lines.push_back(std::move(**line));
  }
}

TEST_CASE("an order is read as it was written, bytes and long numbers too") {
  StateDir dir;
  Env* env = Env::Default();
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  ReplayLine deleted = Row("b", 7, 1);
  deleted.entry.change = ChangeKind::kDelete;
  REQUIRE(WriteReplayOrder(env, dir.path, 1, 12, {Row("a", 1), Record("s", bytes), deleted}).ok());
  const auto lines = ReadAll(ReplayPath(dir.path, 1));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].row == "{\"n\":1.10000000000000000000001}");
  CHECK(lines[0].offset == 1);
  CHECK(lines[1].raw == bytes);
  CHECK(lines[1].entry.header == "a,b");
  CHECK(lines[1].offset == -1);
  CHECK(lines[2].entry == deleted.entry);
  const auto orders = ListReplayOrders(env, dir.path);
  REQUIRE(orders.ok());
  REQUIRE(orders->size() == 1);
  CHECK((*orders)[0].epoch == 12);
  CHECK((*orders)[0].rows == 3);
  CHECK((*orders)[0].nodes == std::vector<std::string>{"a", "s", "b"});
  CHECK(VerifyReplayOrder(env, dir.path, 1).ok());
}

TEST_CASE("a number is given once, also after its order was dropped") {
  StateDir dir;
  Env* env = Env::Default();
  CHECK(*NextReplayNumber(env, dir.path) == 1);
  REQUIRE(WriteReplayOrder(env, dir.path, 1, 1, {Row("a", 1)}).ok());
  CHECK(WriteReplayOrder(env, dir.path, 1, 1, {Row("a", 2)}).code() == Code::kAlreadyExists);
  CHECK(ReadAll(ReplayPath(dir.path, 1))[0].token == "t1");
  CHECK(*NextReplayNumber(env, dir.path) == 2);
  REQUIRE(DropReplayOrder(env, dir.path, 1).ok());
  CHECK(ListReplayOrders(env, dir.path)->empty());
  CHECK(*NextReplayNumber(env, dir.path) == 2);
  // What a command that was killed had written under another name is nobody's order.
  for (const auto& entry : std::filesystem::directory_iterator(ReplayDirectory(dir.path))) {
    CHECK(entry.path().extension() == ".dropped");
  }
}

TEST_CASE("a byte more, less or different in an order is found") {
  StateDir dir;
  Env* env = Env::Default();
  REQUIRE(WriteReplayOrder(env, dir.path, 1, 1, {Row("a", 1), Row("a", 2)}).ok());
  const std::string path = ReplayPath(dir.path, 1);
  const std::string text = *env->ReadFile(path, 1 << 20);
  const auto verify = [&](const std::string& changed) {
    REQUIRE(env->WriteFileAtomically(path, changed).ok());
    return VerifyReplayOrder(env, dir.path, 1).code();
  };
  CHECK(verify(text) == Code::kOk);
  CHECK(verify(text + "{}\n") == Code::kCorruption);
  CHECK(verify(text.substr(0, text.size() - 1)) == Code::kCorruption);
  for (size_t at = text.find('\n') + 1; at < text.size(); at += 7) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK(verify(changed) == Code::kCorruption);
  }
  // Another order under this name.
  REQUIRE(WriteReplayOrder(env, dir.path, 2, 1, {Row("a", 1), Row("a", 2)}).ok());
  std::filesystem::rename(ReplayPath(dir.path, 2), path);
  CHECK(VerifyReplayOrder(env, dir.path, 1).code() == Code::kCorruption);
}

TEST_CASE("an order that was given is there after any crash, one that was not is whole or not there") {
  bool given = false;
  for (uint64_t stop = 0; !given; ++stop) {
    REQUIRE(stop < 100);
    for (uint64_t seed = 0; seed < 50; ++seed) {
      CrashEnv env;
      REQUIRE(env.MakeDirectories("/state", 0700).ok());
      REQUIRE(env.SyncDirectory("/").ok());
      env.Crash(seed);
      env.StopAt(stop);
      given = WriteReplayOrder(&env, "/state", 1, 1, {Row("a", 1), Row("b", 2)}).ok();
      env.Crash(seed);
      const auto orders = ListReplayOrders(&env, "/state");
      REQUIRE(orders.ok());
      CHECK(orders->size() <= 1);
      if (given) CHECK(orders->size() == 1);
      if (!orders->empty()) CHECK(VerifyReplayOrder(&env, "/state", 1).ok());
    }
  }
}

std::vector<std::string> Tokens(ReplayFeed& feed) {
  std::vector<std::string> tokens;
  while (feed.waits()) {
    auto next = feed.Next();
    REQUIRE(next.ok());
    for (const ReplayLine& line : next->lines) tokens.push_back(line.token);
  }
  return tokens;
}

TEST_CASE("the instances of a node share the lines of every order, each line once") {
  StateDir dir;
  Env* env = Env::Default();
  std::set<std::string> all;
  for (uint64_t number = 1; number <= 3; ++number) {
    std::vector<ReplayLine> lines;
    for (int i = 0; i < 2500; ++i) {
      const int id = static_cast<int>(number) * 10000 + i;
      lines.push_back(Row(i % 3 == 0 ? "other" : "mine", id, i % 5 == 0));
      if (i % 3 != 0 && number != 1) all.insert("t" + std::to_string(id));
    }
    REQUIRE(WriteReplayOrder(env, dir.path, number, 1, lines).ok());
  }
  for (const int parallelism : {1, 2, 7}) {
    std::set<std::string> taken;
    size_t lines = 0;
    for (int instance = 0; instance < parallelism; ++instance) {
      ReplayFeed feed(env, dir.path, std::vector<std::string>{"mine"}, 1,
                      [&](const ReplayLine&, int64_t index) { return index % parallelism == instance; });
      CHECK_FALSE(feed.waits());
      feed.Extend(3);
      const std::vector<std::string> tokens = Tokens(feed);
      lines += tokens.size();
      taken.insert(tokens.begin(), tokens.end());
      CHECK(feed.applied() == 3);
    }
    CHECK(lines == all.size());
    CHECK(taken == all);
  }
}

TEST_CASE("what comes together has one order, source and entry; dropped orders are left out") {
  StateDir dir;
  Env* env = Env::Default();
  ReplayLine elsewhere = Row("a", 3);
  elsewhere.source = "file:other";
  REQUIRE(WriteReplayOrder(env, dir.path, 1, 1, {Row("a", 1), Row("a", 2), elsewhere, Row("a", 4, 1)}).ok());
  REQUIRE(WriteReplayOrder(env, dir.path, 2, 1, {Row("a", 5)}).ok());
  REQUIRE(WriteReplayOrder(env, dir.path, 3, 1, {Row("a", 6, 1)}).ok());
  REQUIRE(DropReplayOrder(env, dir.path, 2).ok());
  ReplayFeed feed(env, dir.path, std::vector<std::string>{"a"}, 0,
                  [](const ReplayLine&, int64_t) { return true; });
  feed.Extend(3);
  std::vector<std::pair<uint64_t, size_t>> groups;
  while (feed.waits()) {
    auto next = feed.Next();
    REQUIRE(next.ok());
    groups.emplace_back(next->order, next->lines.size());
  }
  CHECK(groups == std::vector<std::pair<uint64_t, size_t>>{{1, 2}, {1, 1}, {1, 1}, {3, 1}});
}

std::string TokenOf(uint64_t run, uint64_t replay, const std::string& node, int64_t offset,
                    const std::string& raw) {
  LetterBuilder builder(node, "errors", "revision", run);
  builder.set_replay(replay);
  builder.AddRecord(std::make_shared<const std::string>("file:in"), offset, raw, "code", "message");
  const BatchPtr letters = builder.Finish();
  const int token = DeadLetterSchema()->Find("token");
  return std::string(letters->column(token)->Text(0));
}

TEST_CASE(
    "a letter keeps its token when its row is read again, and gets another when it fails another time") {
  const std::string token = TokenOf(1, 0, "n", 5, "raw");
  CHECK(TokenOf(1, 0, "n", 5, "raw") == token);
  CHECK(TokenOf(2, 0, "n", 5, "raw") != token);  // a run that began anew
  CHECK(TokenOf(1, 1, "n", 5, "raw") != token);  // taken in by order 1
  CHECK(TokenOf(1, 2, "n", 5, "raw") != TokenOf(1, 1, "n", 5, "raw"));
  CHECK(TokenOf(1, 0, "m", 5, "raw") != token);
  CHECK(TokenOf(1, 0, "n", 6, "raw") != token);
  CHECK(TokenOf(1, 0, "n", 5, "rau") != token);
}

TEST_CASE("a record that is kept in part has no way in again") {
  LetterBuilder builder("n", "errors", "revision", 1);
  const auto split = std::make_shared<const std::string>("file:in");
  builder.AddRecord(split, 0, "whole", "c", "m", ReplayEntry());
  builder.AddRecord(split, 1, std::string(64 * 1024 + 1, 'x'), "c", "m", ReplayEntry());
  builder.AddRecord(split, 2, "prefix", "c", "m");
  const BatchPtr letters = builder.Finish();
  const Column& entry = *letters->column(DeadLetterSchema()->Find("entry"));
  CHECK(entry.Text(0) == "{}");
  CHECK(entry.IsNull(1));
  CHECK(entry.IsNull(2));
}

TEST_CASE("how much of a file a checkpoint knows is what a restart leaves of it") {
  const std::vector<KeptLetters> kept = {{{2, 1, 0, 0}, R"([{"file":"2.1-0-0.jsonl","length":10}])"},
                                         {{2, 1, 0, 1}, ""}};
  const auto file = [](const char* name) { return StoredLetters{name, *DeadLetterName::Parse(name)}; };
  CHECK(*SettledLength(file("2.1-0-0.jsonl"), kept) == 10);
  CHECK(*SettledLength(file("2.1-0-1.jsonl"), kept) == 0);          // begun behind the checkpoint
  CHECK(*SettledLength(file("2.2-0-0.jsonl"), kept) == 0);          // of a later attempt
  CHECK(*SettledLength(file("1.4-0-0.jsonl"), kept) > (1u << 30));  // of an earlier one, whole
  CHECK(*SettledLength(file("1.4-0-0.jsonl"), {}) == 0);            // there is no checkpoint
}

}  // namespace
}  // namespace streamrun
