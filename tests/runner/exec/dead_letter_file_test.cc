// How much room dead letters take, over attempts and generations.
#include "runner/exec/dead_letter_file.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "runner/exec/dead_letters.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

constexpr char kDirectory[] = "/state/dlq";

// `count` letters of about 200 bytes, numbered from `first`.
BatchPtr Letters(int first, int count) {
  LetterBuilder builder("node", "errors", "revision", 1);
  const auto split = std::make_shared<const std::string>("file:in.jsonl");
  for (int i = 0; i < count; ++i) builder.AddRecord(split, first + i, "{oops", "json.syntax", "no JSON");
  return builder.Finish();
}
std::vector<StoredLetters> Stored(Env* env) {
  Result<std::vector<StoredLetters>> stored = ListDeadLetters(env, kDirectory);
  REQUIRE(stored.ok());
  return std::move(*stored);
}
int64_t SizeOf(Env* env) {
  int64_t bytes = 0;
  for (const StoredLetters& file : Stored(env)) bytes += static_cast<int64_t>(file.size);
  return bytes;
}
int64_t CountOf(Env* env) {
  int64_t letters = 0;
  for (const StoredLetters& file : Stored(env)) {
    letters += *CountDeadLetters(env, std::string(kDirectory) + "/" + file.file);
  }
  return letters;
}

TEST_CASE("without room no letter is taken, whatever starts in between") {
  CrashEnv env;
  REQUIRE(env.MakeDirectories("/state", 0755).ok());
  constexpr int64_t kRoom = 20'000;
  int64_t written = 0;
  std::string refused;
  for (uint64_t generation = 1; generation <= 3; ++generation) {
    for (uint64_t attempt = 1; attempt <= 2; ++attempt) {
      DeadLetterFile file(&env, kDirectory, {generation, attempt, 0, 0}, {kRoom, false, 1});
      for (int i = 0; i < 20; ++i) {
        const Status status = file.Write(Letters(static_cast<int>(written), 1));
        if (status.ok()) {
          ++written;
        } else {
          CHECK(status.code() == Code::kInvalidArgument);
          refused = status.message();
        }
      }
      CHECK(file.dropped() == 0);
    }
  }
  CHECK(SizeOf(&env) <= kRoom);
  CHECK(SizeOf(&env) > kRoom - 1'000);
  CHECK(CountOf(&env) == written);
  CHECK(refused.find("settings.dead_letter.max_size") != std::string::npos);
  CHECK(refused.find("max_size (20000B), ") != std::string::npos);
  CHECK(refused.find("streamrun dlq") != std::string::npos);
}

TEST_CASE("workers share the room that earlier generations left") {
  CrashEnv env;
  REQUIRE(env.MakeDirectories("/state", 0755).ok());
  DeadLetterFile before(&env, kDirectory, {1, 1, 0, 0}, {40'000, false, 1});
  for (int i = 0; i < 60; ++i) REQUIRE(before.Write(Letters(i, 1)).ok());
  const int64_t earlier = SizeOf(&env);
  DeadLetterFile one(&env, kDirectory, {2, 1, 0, 0}, {40'000, false, 2});
  DeadLetterFile other(&env, kDirectory, {2, 1, 0, 1}, {40'000, false, 2});
  int64_t first = 0, second = 0;
  while (one.Write(Letters(0, 1)).ok()) ++first;
  while (other.Write(Letters(0, 1)).ok()) ++second;
  CHECK(first > 0);
  CHECK(first == second);
  CHECK(SizeOf(&env) <= 40'000);
  CHECK(SizeOf(&env) > 40'000 - 2'000);
  CHECK(earlier < 40'000);
}

TEST_CASE("the oldest letters make room, are counted, and the newest are there") {
  CrashEnv env;
  REQUIRE(env.MakeDirectories("/state", 0755).ok());
  constexpr int64_t kRoom = 20'000;
  int64_t written = 0, dropped = 0;
  for (uint64_t generation = 1; generation <= 2; ++generation) {
    const Result<int64_t> earlier = DropOldestLetters(&env, kDirectory, kRoom / 2);
    REQUIRE(earlier.ok());
    dropped += *earlier;
    for (uint64_t attempt = 1; attempt <= 2; ++attempt) {
      DeadLetterFile file(&env, kDirectory, {generation, attempt, 0, 0}, {kRoom, true, 1});
      for (int i = 0; i < 300; ++i, ++written) {
        REQUIRE(file.Write(Letters(static_cast<int>(written), 1)).ok());
        REQUIRE(SizeOf(&env) <= kRoom);
      }
      dropped += file.dropped();
      const Result<Prepared> prepared = file.Prepare();
      REQUIRE(prepared.ok());
      // All that a checkpoint knows of is there.
      for (const std::string& path : prepared->files) CHECK(env.Info(path).ok());
    }
  }
  CHECK(dropped > 0);
  CHECK(CountOf(&env) == written - dropped);
  CHECK(SizeOf(&env) > kRoom / 4);
  const std::vector<StoredLetters> stored = Stored(&env);
  const std::string newest = *env.ReadFile(std::string(kDirectory) + "/" + stored.back().file, 1 << 20);
  CHECK(newest.find("\"offset\":" + std::to_string(written - 1)) != std::string::npos);
}

TEST_CASE("letters that alone are too many are written when others make room, and refused when they do not") {
  CrashEnv env;
  REQUIRE(env.MakeDirectories("/state", 0755).ok());
  DeadLetterFile drops(&env, kDirectory, {1, 1, 0, 0}, {4'096, true, 1});
  CHECK(drops.Write(Letters(0, 100)).ok());
  CHECK(drops.Write(Letters(100, 100)).ok());
  CHECK(drops.dropped() == 100);
  CHECK(CountOf(&env) == 100);
  DeadLetterFile refuses(&env, "/state/other", {1, 1, 0, 0}, {4'096, false, 1});
  CHECK(refuses.Write(Letters(0, 100)).code() == Code::kInvalidArgument);
  CHECK(refuses.Write(Letters(0, 1)).ok());
}

TEST_CASE("names of dead-letter files are read as they are printed, and nothing else is one") {
  for (const DeadLetterName& name : {DeadLetterName{1, 2, 3, 4, 0}, DeadLetterName{10, 20, 0, 11, 12}}) {
    const auto read = DeadLetterName::Parse(name.Print());
    REQUIRE(read);
    CHECK(read->Print() == name.Print());
  }
  CHECK(DeadLetterName{1, 2, 3, 4, 0}.Print() == "1.2-3-4.jsonl");
  CHECK(DeadLetterName{1, 2, 3, 4, 5}.Print() == "1.2-3-4.5.jsonl");
  for (const char* other : {"1.2-3-4", "1.2-3-4.", "1.2-3-4.jsonl.gz", "1.2-3-4.5", "1.2-3-4..jsonl",
                            "replay.json", "1.2-3.jsonl", "1.2-3-4.5x.jsonl"}) {
    CHECK(!DeadLetterName::Parse(other));
  }
}

}  // namespace
}  // namespace streamrun
