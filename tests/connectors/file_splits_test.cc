// Bounded reads: any number of workers and any chunk size give every record once and in order.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "connectors/file/bounded_source.h"
#include "tests/connectors/file_fixture.h"

namespace streamrun {
namespace {

using Lines = std::vector<std::string>;

std::vector<std::string> SplitLines(const std::string& text) {
  Lines lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t newline = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, newline - begin));
    begin = newline + 1;
  }
  return lines;
}

BoundedFileOptions Options(std::vector<std::string> patterns, uint64_t split_bytes = 1 << 20) {
  BoundedFileOptions options;
  options.list.patterns = std::move(patterns);
  options.split_bytes = split_bytes;
  return options;
}

// Runs all workers and merges what they gave by ordinal, as an ordered fan-in does.
struct Merged {
  std::vector<RecordingOutput::Record> records;
  std::vector<RecordingOutput::Failure> failures;
  std::vector<Chunk> chunks;
  Lines lines() const {
    Lines lines;
    for (const auto& record : records) lines.push_back(record.bytes);
    return lines;
  }
};

Merged RunWorkers(const BoundedFileOptions& options, int workers, size_t max_record = 1 << 20,
                  const std::vector<std::string>& positions = {}) {
  Merged merged;
  for (int w = 0; w < workers; ++w) {
    SourceContext context = TestSourceContext(w, workers);
    context.max_record = max_record;
    const auto source = CreateBoundedFileSource(options);
    REQUIRE(source->Open(context, positions).ToString() == "ok");
    RecordingOutput out;
    CHECK(RunToEnd(*source, out).ToString() == "ok");
    for (const Chunk& chunk : out.chunks)
      CHECK(chunk.ordinal % static_cast<Ordinal>(workers) == static_cast<Ordinal>(w));
    const Source::Extent extent = source->Progress();
    if (extent.total >= 0) CHECK(extent.read == extent.total);
    merged.records.insert(merged.records.end(), out.records.begin(), out.records.end());
    merged.failures.insert(merged.failures.end(), out.failures.begin(), out.failures.end());
    merged.chunks.insert(merged.chunks.end(), out.chunks.begin(), out.chunks.end());
  }
  std::stable_sort(merged.records.begin(), merged.records.end(),
                   [](const auto& a, const auto& b) { return a.ordinal < b.ordinal; });
  return merged;
}

TEST_CASE("every chunk size and number of workers gives each record once, in order, at its offset") {
  const TemporaryDirectory directory;
  const std::string path = directory / "in";
  const Lines texts = {"",
                       "a",
                       "\n",
                       "\n\n",
                       "a\n",
                       "one\ntwo\nthree\n",
                       "one\n\n\ntwo",
                       "\r\nx\r\n",
                       "longer line here\nb\nc"};
  for (const std::string& text : texts) {
    WriteText(path, text);
    for (uint64_t split = 1; split <= text.size() + 1; ++split) {
      for (const int workers : {1, 2, 3, 5}) {
        const Merged merged = RunWorkers(Options({path}, split), workers);
        CHECK(merged.lines() == SplitLines(text));
        for (const auto& r : merged.records)
          CHECK(text.substr(static_cast<size_t>(r.offset), r.bytes.size()) == r.bytes);
      }
    }
  }
}

TEST_CASE("random files: chunks, workers, limits and headers do not change what arrives") {
  const TemporaryDirectory directory;
  std::mt19937 random(11);
  for (int round = 0; round < 150; ++round) {
    std::vector<std::string> paths;
    Lines expected;
    size_t failed = 0;
    const size_t max = 5 + random() % 60;
    const bool header = random() % 2 == 0;
    const bool mark = random() % 3 == 0;
    for (size_t f = 0; f <= random() % 3; ++f) {
      std::string text = mark ? "\xef\xbb\xbf" : "";
      if (header) text += "h" + std::to_string(f) + "\n";
      const size_t lines = random() % 60;
      for (size_t i = 0; i < lines; ++i) {
        const std::string line(random() % (random() % 9 == 0 ? 200 : 20), static_cast<char>('a' + i % 26));
        text += line;
        if (i + 1 < lines || line.empty() || random() % 2) text += '\n';
        line.size() <= max ? expected.push_back(line) : void(++failed);
      }
      paths.push_back(directory / std::to_string(f));
      WriteText(paths.back(), text);
    }
    BoundedFileOptions options = Options(paths, 1 + random() % 150);
    options.format.header = header;
    options.format.splittable = random() % 4 != 0;
    const Merged merged = RunWorkers(options, 1 + static_cast<int>(random() % 4), max);
    CHECK(merged.lines() == expected);
    CHECK(merged.failures.size() == failed);
    for (const Chunk& chunk : merged.chunks) {
      CHECK((chunk.header != nullptr) == header);
      if (header) CHECK("file:" + (directory / chunk.header->substr(1)) == *chunk.split);
    }
  }
}

TEST_CASE("a position taken anywhere continues at any parallelism without loss or repetition") {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 200; ++i) text += "line " + std::to_string(i) + "\n";
  WriteText(directory / "a", text);
  WriteText(directory / "b", text);
  const BoundedFileOptions options = Options({directory / "*"}, 64);
  const Lines all = RunWorkers(options, 1).lines();
  for (int polls = 0; polls < 130; polls += 7) {
    const auto source = CreateBoundedFileSource(options);
    SourceContext context = TestSourceContext();
    REQUIRE(source->Open(context, {}).ok());
    RecordingOutput before;
    for (int i = 0; i < polls; ++i) REQUIRE(source->Poll(before).ok());
    for (const int workers : {1, 3}) {
      Lines lines = before.Lines();
      for (const std::string& line : RunWorkers(options, workers, 1 << 20, {source->Position()}).lines())
        lines.push_back(line);
      CHECK(lines == all);
    }
  }
}

TEST_CASE("a position within an unsplittable file continues there") {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "line " + std::to_string(i) + "\n";
  WriteText(directory / "a", text);
  BoundedFileOptions options = Options({directory / "a"});
  options.format.splittable = false;
  const auto source = CreateBoundedFileSource(options);
  SourceContext context = TestSourceContext();
  REQUIRE(source->Open(context, {}).ok());
  RecordingOutput before;
  while (before.chunks.size() < 2) REQUIRE(source->Poll(before).ok());
  const auto second = CreateBoundedFileSource(options);
  REQUIRE(second->Open(context, {source->Position()}).ok());
  RecordingOutput after;
  CHECK(RunToEnd(*second, after).ok());
  Lines lines = before.Lines();
  for (const auto& line : after.Lines()) lines.push_back(line);
  CHECK(lines == SplitLines(text));
  CHECK(after.records.back().offset == static_cast<int64_t>(text.size()) - 11);
}

TEST_CASE("a position is refused when the file is another one") {
  const TemporaryDirectory directory;
  const std::string path = directory / "in";
  WriteText(path, "one\ntwo\n");
  const BoundedFileOptions options = Options({path});
  SourceContext context = TestSourceContext();
  const auto source = CreateBoundedFileSource(options);
  REQUIRE(source->Open(context, {}).ok());
  const std::string position = source->Position();
  SUBCASE("another beginning under the same inode") { WriteText(path, "ONE\nTWO\n"); }
  SUBCASE("another inode") {
    WriteText(directory / "new", "one\ntwo\n");
    std::filesystem::rename(directory / "new", path);
  }
  const Status status = CreateBoundedFileSource(options)->Open(context, {position});
  CHECK(status.message().find("--reset-state") != std::string::npos);
  CHECK(status.message().find(path) != std::string::npos);
}

TEST_CASE(
    "workers that share a run directory share one list, even when files grow or appear between their "
    "starts") {
  const TemporaryDirectory directory;
  const TemporaryDirectory run;
  std::string text;
  for (int i = 0; i < 50; ++i) text += "line " + std::to_string(i) + "\n";
  WriteText(directory / "a", text);
  WriteText(directory / "c", text);
  std::vector<RecordingOutput::Record> records;
  std::vector<std::unique_ptr<Source>> sources;
  for (int w = 0; w < 2; ++w) {
    sources.push_back(CreateBoundedFileSource(Options({directory / "*"}, 100)));
    SourceContext context = TestSourceContext(w, 2);
    context.run_directory = run.path();
    context.generation = 7;
    REQUIRE(sources.back()->Open(context, {}).ToString() == "ok");
    AppendText(directory / "a", text);
    WriteText(directory / "b", text);
  }
  for (const auto& source : sources) {
    RecordingOutput out;
    CHECK(RunToEnd(*source, out).ToString() == "ok");
    records.insert(records.end(), out.records.begin(), out.records.end());
  }
  CHECK(records.size() == 100);
  // Another start lists anew and leaves nothing of this one behind.
  size_t again = 0;
  for (int w = 0; w < 2; ++w) {
    const auto source = CreateBoundedFileSource(Options({directory / "*"}, 100));
    SourceContext context = TestSourceContext(w, 2);
    context.run_directory = run.path();
    context.generation = 8;
    REQUIRE(source->Open(context, {}).ToString() == "ok");
    RecordingOutput out;
    CHECK(RunToEnd(*source, out).ToString() == "ok");
    again += out.records.size();
  }
  CHECK(again == 250);
  CHECK(Env::Default()->List(run.path())->size() == 1);
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
#elif defined(__has_feature)
constexpr bool kAddressSanitizer = __has_feature(address_sanitizer);
#else
constexpr bool kAddressSanitizer = false;
#endif

TEST_CASE("a line of a gigabyte is reported once, costs little memory, and its neighbours arrive") {
  const TemporaryDirectory directory;
  const std::string path = directory / "big";
  WriteText(path, "before\n");
  REQUIRE(::truncate(path.c_str(), 1 << 30) == 0);
  AppendText(path, "\nafter\n");
  rusage usage_before;
  ::getrusage(RUSAGE_SELF, &usage_before);
  const Merged merged = RunWorkers(Options({path}), 2);
  rusage usage_after;
  ::getrusage(RUSAGE_SELF, &usage_after);
  CHECK(merged.lines() == Lines{"before", "after"});
  REQUIRE(merged.failures.size() == 1);
  CHECK(merged.failures[0].offset == 7);
  CHECK(merged.failures[0].raw.size() == 1024);
  CHECK(merged.failures[0].split == "file:" + path);
  // The address sanitizer keeps freed memory for a while.
  if (!kAddressSanitizer) CHECK(usage_after.ru_maxrss - usage_before.ru_maxrss < 32 * 1024);  // KiB
}

TEST_CASE("a file that shrinks while it is read is an error with both sizes") {
  const TemporaryDirectory directory;
  const std::string path = directory / "in";
  WriteText(path, std::string(5000, 'x') + "\n" + std::string(4999, 'y'));
  const auto source = CreateBoundedFileSource(Options({path}, 4096));
  SourceContext context = TestSourceContext();
  context.max_record = 100;
  REQUIRE(source->Open(context, {}).ok());
  RecordingOutput out;
  REQUIRE(source->Poll(out).ok());
  REQUIRE(::truncate(path.c_str(), 4200) == 0);
  const Status status = RunToEnd(*source, out);
  CHECK(status.message() ==
        path + " shrank while it was read: it had 10000 bytes when the run began and now ends at byte 4200");
}

TEST_CASE("what cannot be read as a file says why and what to do") {
  const TemporaryDirectory directory;
  WriteText(directory / "bids.jsonl", "x\n");
  std::filesystem::create_directory(directory / "sub");
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  const auto open = [](const std::string& path) {
    SourceContext context = TestSourceContext();
    return CreateBoundedFileSource(Options({path}))->Open(context, {});
  };
  CHECK(open(directory / "bidz.jsonl").ToString() == "not_found: the file " + (directory / "bidz.jsonl") +
                                                         " does not exist; did you mean " +
                                                         (directory / "bids.jsonl") + "?");
  CHECK(open("no/such.file").message().find("relative paths start at /") != std::string::npos);
  CHECK(open(directory / "sub").message().find("is a directory; write " + (directory / "sub/*")) !=
        std::string::npos);
  CHECK(open(directory / "pipe").message().find("connector: stdin") != std::string::npos);
  CHECK(open(directory / "*.nothing").ToString() == "not_found: no file matches " +
                                                        (directory / "*.nothing") +
                                                        "; set allow_empty: true when that is fine");
  BoundedFileOptions fine = Options({directory / "*.nothing"});
  fine.list.allow_empty = true;
  CHECK(RunWorkers(fine, 2).records.empty());
}

TEST_CASE("a file whose size the system does not tell is read to its end") {
  const Merged merged = RunWorkers(Options({"/proc/filesystems"}), 1);
  CHECK(merged.records.size() > 10);
}

TEST_CASE("patterns find files in order, pass over hidden ones and walk directories") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "d/e");
  for (const char* name :
       {"b.log", "a.log", ".a.log.inprogress", ".hidden.log", "d/c.log", "d/e/f.log", "x[1].log", "x1.log"}) {
    WriteText(directory / name, std::string(name) + "\n");
  }
  std::filesystem::create_symlink(directory / "a.log", directory / "link.log");
  CHECK(RunWorkers(Options({directory / "?.log"}), 1).lines() == Lines{"a.log", "b.log"});
  CHECK(RunWorkers(Options({directory / "b.log", directory / "[ab].log"}), 1).lines() ==
        Lines{"b.log", "a.log"});
  CHECK(RunWorkers(Options({directory / "*/*.log"}), 1).lines() == Lines{"d/c.log"});
  CHECK(RunWorkers(Options({directory / "d/**"}), 1).lines() == Lines{"d/c.log", "d/e/f.log"});
  CHECK(RunWorkers(Options({directory / "**/f.log"}), 1).lines() == Lines{"d/e/f.log"});
  CHECK(RunWorkers(Options({directory / "x[1].log"}), 1).lines() == Lines{"x[1].log"});
  CHECK(RunWorkers(Options({directory / "link.log"}), 1).lines() == Lines{"a.log"});
}

TEST_CASE("the file source tells the planner what it can") {
  Diagnostics diagnostics;
  const auto bound = BindSource("file", Fields().Set("path", "a/b.jsonl"), diagnostics);
  REQUIRE(bound);
  CHECK(bound->bounded);
  CHECK(bound->replayable);
  CHECK(bound->parallel);
  CHECK(bound->ordered);
  CHECK(bound->place == "file a/b.jsonl");
  CHECK(!BindSource("file", Fields().Set("path", "/dev/stdin"), diagnostics));
  CHECK(diagnostics.findings().back().suggestion == "write `connector: stdin`");
}

}  // namespace
}  // namespace streamrun
