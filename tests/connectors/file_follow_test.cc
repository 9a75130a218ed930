// Following: growth, rotation by rename and by truncation, files that come and go, restarts.
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "connectors/file/follow_source.h"
#include "tests/connectors/file_fixture.h"

namespace streamrun {
namespace {

// Prints itself, so that a failing check shows the rows.
struct Lines : std::vector<std::string> {
  using std::vector<std::string>::vector;
};
std::ostream& operator<<(std::ostream& out, const Lines& lines) {
  for (const std::string& line : lines) out << '[' << line << ']';
  return out;
}

FollowOptions Options(std::vector<std::string> patterns) {
  FollowOptions options;
  options.patterns = std::move(patterns);
  options.poll_interval = kMillisecond;
  options.rotate_wait = 30 * kMillisecond;
  return options;
}

class Follower {
 public:
  explicit Follower(const FollowOptions& options, const std::vector<std::string>& positions = {},
                    bool once = false)
      : source_(CreateFollowSource(options)) {
    context_ = TestSourceContext();
    context_.once = once;
    opened_ = source_->Open(context_, positions);
  }

  /// Everything there is to read now: until the source has waited twice, so that rotation was looked for.
  Lines Take() {
    const size_t before = out.records.size();
    for (int waits = 0; waits < 3;) {
      const Result<SourceOutcome> outcome = source_->Poll(out);
      REQUIRE(outcome.status().ToString() == "ok");
      if (*outcome == SourceOutcome::kDone) break;
      if (*outcome == SourceOutcome::kMore) continue;
      ++waits;
      context_.env->Sleep(2 * kMillisecond);
    }
    const std::vector<std::string> lines = out.Lines();
    return Lines(lines.begin() + static_cast<ptrdiff_t>(before), lines.end());
  }

  const Status& opened() const { return opened_; }
  Source& source() { return *source_; }
  RecordingOutput out;

 private:
  std::unique_ptr<Source> source_;
  SourceContext context_;
  Status opened_;
};

void WaitForRotation() { Env::Default()->Sleep(40 * kMillisecond); }

TEST_CASE("a growing file gives whole lines as they are finished") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "one\ntw");
  Follower follower(Options({directory / "log"}));
  CHECK(follower.Take() == Lines{"one"});
  AppendText(directory / "log", "o\nthree\n");
  CHECK(follower.Take() == Lines{"two", "three"});
  CHECK(follower.out.records[1].offset == 4);
  CHECK(*follower.out.chunks[0].split == "file:" + (directory / "log"));
  CHECK(follower.out.chunks[0].ordinal == kNoOrdinal);
}

TEST_CASE("start: end skips what is there, but not a line that is being written") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "old\nbegun");
  FollowOptions options = Options({directory / "*"});
  options.from_end = true;
  Follower follower(options);
  CHECK(follower.Take().empty());
  AppendText(directory / "log", " line\n");
  CHECK(follower.Take() == Lines{"begun line"});
  WriteText(directory / "new", "from its beginning\n");
  CHECK(follower.Take() == Lines{"from its beginning"});
}

TEST_CASE("rotation by rename: the old file is finished first, also rows written to it late") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\n");
  FollowOptions options = Options({directory / "log"});
  options.rotate_wait = kHour;
  Follower follower(options);
  CHECK(follower.Take() == Lines{"1"});
  AppendText(directory / "log", "2\n");
  std::filesystem::rename(directory / "log", directory / "log.1");
  WriteText(directory / "log", "4\n");
  AppendText(directory / "log.1", "3\n");
  CHECK(follower.Take() == Lines{"2", "3", "4"});
  AppendText(directory / "log.1", "late\n");
  CHECK(follower.Take() == Lines{"late"});
  AppendText(directory / "log", "5\n");
  CHECK(follower.Take() == Lines{"5"});
}

TEST_CASE("an unfinished last line of a rotated file becomes a row when its time is over") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\nhalf");
  FollowOptions options = Options({directory / "log"});
  options.rotate_wait = 500 * kMillisecond;
  Follower follower(options);
  CHECK(follower.Take() == Lines{"1"});
  std::filesystem::rename(directory / "log", directory / "log.1");
  WriteText(directory / "log", "2\n");
  CHECK(follower.Take() == Lines{"2"});
  Env::Default()->Sleep(510 * kMillisecond);
  CHECK(follower.Take() == Lines{"half"});
  Env::Default()->Sleep(510 * kMillisecond);
  AppendText(directory / "log.1", "unseen\n");
  CHECK(follower.Take().empty());
}

TEST_CASE("a pattern that matches the rotated name reads nothing twice") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\n");
  Follower follower(Options({directory / "log*"}));
  CHECK(follower.Take() == Lines{"1"});
  for (int i = 2; i < 6; ++i) {
    for (int old = 4; old > 0; --old) {
      const std::string from = directory / ("log." + std::to_string(old));
      if (std::filesystem::exists(from))
        std::filesystem::rename(from, directory / ("log." + std::to_string(old + 1)));
    }
    AppendText(directory / "log", "last before " + std::to_string(i) + "\n");
    std::filesystem::rename(directory / "log", directory / "log.1");
    WriteText(directory / "log", std::to_string(i) + "\n");
    CHECK(follower.Take() == Lines{"last before " + std::to_string(i), std::to_string(i)});
  }
  WaitForRotation();
  AppendText(directory / "log.1", "still followed\n");
  CHECK(follower.Take() == Lines{"still followed"});
}

TEST_CASE("rotation by copy and truncate: the file is read from its beginning again") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\n2\nhalf");
  Follower follower(Options({directory / "log"}));
  CHECK(follower.Take() == Lines{"1", "2"});
  SUBCASE("shorter than before") {
    WriteText(directory / "log", "3\n");
    CHECK(follower.Take() == Lines{"half", "3"});
  }
  SUBCASE("already longer than before when it is looked at") {
    WriteText(directory / "log", "three\nfour\nfive\nsix\n");
    CHECK(follower.Take() == Lines{"half", "three", "four", "five", "six"});
  }
  SUBCASE("empty for a while") {
    WriteText(directory / "log", "");
    CHECK(follower.Take() == Lines{"half"});
    AppendText(directory / "log", "3\n");
    CHECK(follower.Take() == Lines{"3"});
  }
  CHECK(follower.out.records[3].offset == 0);
}

TEST_CASE("a file that vanishes is read to its end; one that comes back is a new one") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\n");
  Follower follower(Options({directory / "log"}));
  CHECK(follower.Take() == Lines{"1"});
  AppendText(directory / "log", "2\n");
  std::filesystem::remove(directory / "log");
  CHECK(follower.Take() == Lines{"2"});
  WaitForRotation();
  CHECK(follower.Take().empty());
  WriteText(directory / "log", "3\n");
  CHECK(follower.Take() == Lines{"3"});
}

TEST_CASE("several files are read in turn and new ones appear, compressed copies are left out") {
  const TemporaryDirectory directory;
  FollowOptions options = Options({directory / "*.log", directory / "sub/*.log"});
  Follower follower(options);
  CHECK(follower.opened().ok());
  CHECK(follower.Take().empty());
  WriteText(directory / "a.log", "a1\n");
  std::filesystem::create_directory(directory / "sub");
  WriteText(directory / "sub/b.log", "b1\n");
  WriteText(directory / "z.log", "\x1f\x8b\x08 compressed\n");
  std::filesystem::create_symlink(directory / "a.log", directory / "link.log");
  CHECK(follower.Take() == Lines{"a1", "b1"});
  AppendText(directory / "sub/b.log", "b2\n");
  AppendText(directory / "a.log", "a2\n");
  Lines lines = follower.Take();
  std::sort(lines.begin(), lines.end());
  CHECK(lines == Lines{"a2", "b2"});
}

TEST_CASE("headers and byte order marks are taken off every file, also after rotation and restart") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "\xef\xbb\xbfx,");
  FollowOptions options = Options({directory / "log"});
  options.format.header = true;
  Follower follower(options);
  CHECK(follower.Take().empty());
  AppendText(directory / "log", "y\n1,2\n");
  CHECK(follower.Take() == Lines{"1,2"});
  CHECK(*follower.out.chunks.back().header == "x,y");
  std::filesystem::rename(directory / "log", directory / "old");
  WriteText(directory / "log", "u,v\n3,4\n");
  CHECK(follower.Take() == Lines{"3,4"});
  CHECK(*follower.out.chunks.back().header == "u,v");
  WaitForRotation();
  follower.Take();
  follower.Take();
  Follower again(options, {follower.source().Position()});
  CHECK(again.opened().ToString() == "ok");
  AppendText(directory / "log", "5,6\n");
  CHECK(again.Take() == Lines{"5,6"});
  CHECK(*again.out.chunks.back().header == "u,v");
}

TEST_CASE("a restart goes on where it was, through a rotation that happened meanwhile") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\nunfinished");
  Follower follower(Options({directory / "log"}));
  CHECK(follower.Take() == Lines{"1"});
  const std::string position = follower.source().Position();
  AppendText(directory / "log", " no more\n2\n");
  SUBCASE("no rotation") {
    CAPTURE(position);
    Follower again(Options({directory / "log"}), {position});
    CHECK(again.Take() == Lines{"unfinished no more", "2"});
  }
  SUBCASE("renamed") {
    std::filesystem::rename(directory / "log", directory / "log.1");
    WriteText(directory / "log", "3\n");
    Follower again(Options({directory / "log"}), {position});
    CHECK(again.Take() == Lines{"unfinished no more", "2", "3"});
  }
  SUBCASE("rotated away and gone") {
    WriteText(directory / "other", "3\n");
    std::filesystem::rename(directory / "other", directory / "log");
    Follower again(Options({directory / "log"}), {position});
    CHECK(again.opened().message().find("start over with --reset-state") != std::string::npos);
  }
  SUBCASE("truncated and written anew") {
    WriteText(directory / "log", "something else\n");
    Follower again(Options({directory / "log"}), {position});
    CHECK(again.opened().message().find("start over with --reset-state") != std::string::npos);
  }
  SUBCASE("removed") {
    std::filesystem::remove(directory / "log");
    FollowOptions options = Options({directory / "log"});
    options.allow_empty = true;
    Follower again(options, {position});
    CHECK(again.Take().empty());
    REQUIRE(again.out.failures.size() == 1);
    CHECK(again.out.failures[0].code == "file.vanished");
    CHECK(again.out.failures[0].offset == 2);
  }
}

TEST_CASE("a long line in a followed file is passed over with little memory") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\n" + std::string(5 << 20, 'x'));
  Follower follower(Options({directory / "log"}));
  CHECK(follower.Take() == Lines{"1"});
  AppendText(directory / "log", "xx\n2\n");
  CHECK(follower.Take() == Lines{"2"});
  REQUIRE(follower.out.failures.size() == 1);
  CHECK(follower.out.failures[0].offset == 2);
}

TEST_CASE("once: a followed input ends where it is now, with its last line") {
  const TemporaryDirectory directory;
  WriteText(directory / "a", "1\n2");
  WriteText(directory / "b", "3\n");
  Follower follower(Options({directory / "*"}), {}, true);
  CHECK(RunToEnd(follower.source(), follower.out).ok());
  std::vector<std::string> given = follower.out.Lines();
  Lines lines(given.begin(), given.end());
  std::sort(lines.begin(), lines.end());
  CHECK(lines == Lines{"1", "2", "3"});
}

TEST_CASE("a missing path to follow is an error unless it may come later") {
  const TemporaryDirectory directory;
  FollowOptions options = Options({directory / "log"});
  CHECK(Follower(options).opened().code() == Code::kNotFound);
  options.allow_empty = true;
  Follower follower(options);
  CHECK(follower.opened().ok());
  WriteText(directory / "log", "1\n");
  CHECK(follower.Take() == Lines{"1"});
}

TEST_CASE("the system tells at once when a followed file grows") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\n");
  FollowOptions options = Options({directory / "log"});
  options.poll_interval = kHour;
  Follower follower(options);
  CHECK(follower.Take() == Lines{"1"});
  CHECK(follower.source().Wait().descriptors.size() == 1);
  AppendText(directory / "log", "2\n");
  CHECK(follower.Take() == Lines{"2"});
  std::filesystem::rename(directory / "log", directory / "log.1");
  WriteText(directory / "log", "3\n");
  CHECK(follower.Take() == Lines{"3"});
}

TEST_CASE("a writer that rotates all the time loses no row and none comes twice") {
  const TemporaryDirectory directory;
  constexpr int kRows = 20000;
  WriteText(directory / "log", "");
  FollowOptions options = Options({directory / "log"});
  options.rotate_wait = kSecond;
  Follower follower(options);
  std::atomic<int> taken = 0;
  std::thread writer([&] {
    std::ofstream file(directory / "log", std::ios::app);
    for (int i = 0; i < kRows; ++i) {
      file << i << '\n';
      if (i % 1000 == 999) {
        // Rotation faster than anyone looks would hide a file that has no name any more.
        for (int n = 0; n < 2000 && taken <= i - 999 + i / 1000; ++n)
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        std::filesystem::rename(directory / "log", directory / ("log." + std::to_string(i)));
        file << "late " << i << '\n';
        file.close();
        file.open(directory / "log", std::ios::app);
      }
      if (i % 50 == 0) file.flush();
    }
  });
  Lines lines;
  for (int round = 0; round < 2000 && lines.size() < kRows + kRows / 1000; ++round) {
    for (const std::string& line : follower.Take()) lines.push_back(line);
    taken = static_cast<int>(lines.size());
  }
  writer.join();
  for (const std::string& line : follower.Take()) lines.push_back(line);
  CHECK(lines.size() == kRows + kRows / 1000);
  std::sort(lines.begin(), lines.end());
  CHECK(std::unique(lines.begin(), lines.end()) == lines.end());
}

TEST_CASE("options of following need `follow`, and compressed files cannot be followed") {
  Diagnostics diagnostics;
  CHECK(!BindSource("file", Fields().Set("path", "x").Set("start", "end"), diagnostics));
  CHECK(diagnostics.findings().back().message == "'start' needs `follow: true`");
  CHECK(!BindSource("file", Fields().Set("path", "x").Set("follow", "true").Set("compression", "gzip"),
                    diagnostics));
  const auto bound = BindSource("file", Fields().Set("path", "x").Set("follow", "true"), diagnostics);
  REQUIRE(bound);
  CHECK(!bound->bounded);
  CHECK(!bound->parallel);
  CHECK(bound->replayable);
}

}  // namespace
}  // namespace streamrun
