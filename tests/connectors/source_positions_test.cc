// Sources that go on from a checkpoint: what was given out before it and what comes after are together every
// row once, at any parallelism.
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "connectors/file/bounded_source.h"
#include "connectors/file/follow_source.h"
#include "tests/connectors/file_fixture.h"

namespace streamrun {
namespace {

using Lines = std::vector<std::string>;
using Positions = std::vector<std::string>;

std::string Numbers(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

BoundedFileOptions Options(std::vector<std::string> patterns, uint64_t split_bytes) {
  BoundedFileOptions options;
  options.list.patterns = std::move(patterns);
  options.split_bytes = split_bytes;
  return options;
}

// All instances of a file source, each with what it gave.
struct Instances {
  Instances(const BoundedFileOptions& options, int parallelism, const Positions& positions) {
    for (int i = 0; i < parallelism; ++i) {
      sources.push_back(CreateBoundedFileSource(options));
      SourceContext context = TestSourceContext(i, parallelism);
      context.max_record = 1000;
      const bool own = positions.size() == static_cast<size_t>(parallelism);
      const Positions given = own ? Positions{positions[static_cast<size_t>(i)]} : positions;
      REQUIRE(sources.back()->Open(context, given).ToString() == "ok");
    }
    outputs.resize(sources.size());
    done.resize(sources.size());
  }
  bool Poll(size_t i) {
    const Result<SourceOutcome> outcome = sources[i]->Poll(outputs[i]);
    REQUIRE(outcome.status().ToString() == "ok");
    done[i] = *outcome == SourceOutcome::kDone;
    return !done[i];
  }
  // The barrier stands behind everything that any instance has begun: no chunk from `barrier` on was given
  // out, and each goes on until it has said that its next one is at or behind it.
  Positions Barrier() {
    Ordinal barrier = 0;
    for (const RecordingOutput& out : outputs) {
      if (!out.chunks.empty()) barrier = std::max(barrier, out.chunks.back().ordinal + 1);
      // A chunk without records was passed as well.
      if (out.progress > 0) barrier = std::max(barrier, out.progress - sources.size() + 1);
    }
    Positions positions;
    for (size_t i = 0; i < sources.size(); ++i) {
      while (Next(i) < barrier && Poll(i)) {
      }
      positions.push_back(sources[i]->Position());
    }
    return positions;
  }
  // The ordinal at which instance i goes on, from what it said or, before that, from its position.
  Ordinal Next(size_t i) const {
    if (outputs[i].progress > 0) return outputs[i].progress;
    return nlohmann::json::parse(sources[i]->Position())["next"];
  }
  std::vector<std::pair<Ordinal, std::string>> Records() const {
    std::vector<std::pair<Ordinal, std::string>> records;
    for (const RecordingOutput& out : outputs) {
      for (const auto& record : out.records) records.emplace_back(record.ordinal, record.bytes);
    }
    return records;
  }
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<RecordingOutput> outputs;
  std::vector<bool> done;
};

TEST_CASE("bounded files: one worker, then three, then two, with uneven progress between the barriers") {
  const TemporaryDirectory directory;
  WriteText(directory / "a", Numbers(0, 400));
  WriteText(directory / "b", Numbers(400, 410) + std::string(5000, 'x') + "\n" + Numbers(410, 420));
  WriteText(directory / "c", "");
  WriteText(directory / "d", Numbers(420, 900));
  const BoundedFileOptions options = Options({directory / "*"}, 64);
  Lines all;
  for (int i = 0; i < 900; ++i) all.push_back("line " + std::to_string(i));
  for (const int polls : {0, 1, 7, 20, 60, 1000}) {
    CAPTURE(polls);
    std::vector<std::pair<Ordinal, std::string>> records;
    size_t failures = 0;
    Positions positions;
    for (const int parallelism : {1, 3, 2, 2, 5}) {
      Instances now(options, parallelism, positions);
      for (size_t i = 0; i < now.sources.size(); ++i) {
        for (int n = 0; n < polls / static_cast<int>(i + 1) && now.Poll(i); ++n) {
        }
      }
      positions = now.Barrier();
      for (auto& record : now.Records()) records.push_back(std::move(record));
      for (const RecordingOutput& out : now.outputs) failures += out.failures.size();
    }
    Instances rest(options, 3, positions);
    for (size_t i = 0; i < 3; ++i) {
      while (rest.Poll(i)) {
      }
      const Source::Extent extent = rest.sources[i]->Progress();
      CHECK(extent.read == extent.total);
    }
    for (auto& record : rest.Records()) records.push_back(std::move(record));
    for (const RecordingOutput& out : rest.outputs) failures += out.failures.size();
    std::stable_sort(records.begin(), records.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Lines lines;
    for (auto& record : records) lines.push_back(std::move(record.second));
    CHECK((lines == all));
    CHECK(failures == 1);
    // Behind the end there is nothing, for any number of workers.
    Positions end;
    for (const auto& source : rest.sources) end.push_back(source->Position());
    for (const int parallelism : {1, 2, 3, 4}) {
      Instances none(options, parallelism, end);
      for (size_t i = 0; i < none.sources.size(); ++i) CHECK(!none.Poll(i));
      CHECK(none.Records().empty());
    }
  }
}

TEST_CASE("bounded files: positions that do not stand behind one part are refused") {
  const TemporaryDirectory directory;
  WriteText(directory / "a", Numbers(0, 400));
  const BoundedFileOptions options = Options({directory / "a"}, 64);
  Instances two(options, 2, {});
  for (int i = 0; i < 9; ++i) two.Poll(0);
  SourceContext context = TestSourceContext();
  const Status status = CreateBoundedFileSource(options)->Open(
      context, {two.sources[0]->Position(), two.sources[1]->Position()});
  CHECK(status.code() == Code::kCorruption);
  CHECK(status.message().find("do not stand behind the same part") != std::string::npos);
  BoundedFileOptions whole = options;
  whole.format.splittable = false;
  CHECK(CreateBoundedFileSource(whole)
            ->Open(context, {two.sources[0]->Position()})
            .message()
            .find("--reset-state") != std::string::npos);
}

TEST_CASE("bounded files: a position keeps the size of the parts it counts") {
  const TemporaryDirectory directory;
  WriteText(directory / "a", Numbers(0, 400));
  Instances first(Options({directory / "a"}, 64), 1, {});
  for (int i = 0; i < 9; ++i) first.Poll(0);
  Instances second(Options({directory / "a"}, 1000), 2, {first.sources[0]->Position()});
  size_t records = first.Records().size();
  for (size_t i = 0; i < 2; ++i) {
    while (second.Poll(i)) {
    }
  }
  CHECK(records + second.Records().size() == 400);
}

TEST_CASE("bounded files: a file that is done with may go, one that is to be read may not") {
  const TemporaryDirectory directory;
  WriteText(directory / "a", Numbers(0, 100));
  WriteText(directory / "b", Numbers(100, 200));
  const BoundedFileOptions options = Options({directory / "*"}, 100);
  Instances first(options, 1, {});
  while (first.Records().size() < 110) first.Poll(0);
  const std::string position = first.sources[0]->Position();
  std::filesystem::remove(directory / "a");
  Instances second(options, 1, {position});
  while (second.Poll(0)) {
  }
  CHECK(first.Records().size() + second.Records().size() == 200);
  SourceContext context = TestSourceContext();
  std::filesystem::remove(directory / "b");
  const Status gone = CreateBoundedFileSource(options)->Open(context, {position});
  CHECK(gone.code() == Code::kNotFound);
  CHECK(gone.message().find("bring it back as it was or start over with --reset-state") != std::string::npos);
}

TEST_CASE("bounded files: a position anywhere within a unit, also of one that was not read on from") {
  const TemporaryDirectory directory;
  const std::string text =
      Numbers(0, 40000) + std::string(700000, 'x') + "\n" + Numbers(40000, 80000) + "the end";
  bool gzip = false;
  SUBCASE("plain") {}
  SUBCASE("compressed") { gzip = true; }
  if (gzip) {
    const gzFile file = ::gzopen((directory / "a").c_str(), "wb");
    REQUIRE(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())) ==
            static_cast<int>(text.size()));
    ::gzclose(file);
  } else {
    WriteText(directory / "a", text);
  }
  BoundedFileOptions options = Options({directory / "a"}, 1 << 20);
  options.format.splittable = false;
  for (int polls = 0; polls < 30; ++polls) {
    Instances first(options, 1, {});
    for (int i = 0; i < polls && first.Poll(0); ++i) {
    }
    // A restart that dies before it reads anything stands where it began.
    Instances second(options, 1, {first.sources[0]->Position()});
    Instances third(options, 1, {second.sources[0]->Position()});
    while (third.Poll(0)) {
    }
    CHECK(first.Records().size() + third.Records().size() == 80001);
    CHECK(first.outputs[0].failures.size() + third.outputs[0].failures.size() == 1);
    if (third.outputs[0].records.empty()) continue;
    CHECK(third.outputs[0].records.back().bytes == "the end");
  }
}

// Everything there is to read now.
void Take(Source& source, RecordingOutput& out) {
  for (int waits = 0; waits < 3;) {
    const Result<SourceOutcome> outcome = source.Poll(out);
    REQUIRE(outcome.status().ToString() == "ok");
    if (*outcome != SourceOutcome::kWait) continue;
    ++waits;
    Env::Default()->Sleep(2 * kMillisecond);
  }
}

TEST_CASE("followed files: any poll can be the last one before a restart") {
  const TemporaryDirectory directory;
  const std::string text = Numbers(0, 40000) + std::string(700000, 'x') + "\n" + Numbers(40000, 80000);
  WriteText(directory / "a", text);
  WriteText(directory / "b", Numbers(0, 1000));
  FollowOptions options;
  options.patterns = {directory / "*"};
  options.poll_interval = kMillisecond;
  for (int polls = 0; polls < 20; ++polls) {
    SourceContext context = TestSourceContext();
    context.max_record = 1000;
    const auto first = CreateFollowSource(options);
    REQUIRE(first->Open(context, {}).ok());
    RecordingOutput before, after;
    for (int i = 0; i < polls; ++i) REQUIRE(first->Poll(before).ok());
    const auto second = CreateFollowSource(options);
    REQUIRE(second->Open(context, {first->Position()}).ToString() == "ok");
    Take(*second, after);
    CHECK(before.records.size() + after.records.size() == 81000);
    CHECK(before.failures.size() + after.failures.size() == 1);
  }
}

TEST_CASE("followed files: one that was rotated and read to its end may be gone after a restart") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", "1\n");
  FollowOptions options;
  options.patterns = {directory / "log"};
  options.poll_interval = kMillisecond;
  SourceContext context = TestSourceContext();
  const auto first = CreateFollowSource(options);
  REQUIRE(first->Open(context, {}).ok());
  RecordingOutput before;
  Take(*first, before);
  std::filesystem::rename(directory / "log", directory / "old");
  WriteText(directory / "log", "2\n");
  Take(*first, before);
  CHECK(before.Lines() == Lines{"1", "2"});
  std::filesystem::remove(directory / "old");
  AppendText(directory / "log", "3\n");
  const auto second = CreateFollowSource(options);
  REQUIRE(second->Open(context, {first->Position()}).ToString() == "ok");
  RecordingOutput after;
  Take(*second, after);
  CHECK(after.Lines() == Lines{"3"});
  CHECK(after.failures.empty());
}

TEST_CASE("followed files: one that lost its end while it was not watched is not read again") {
  const TemporaryDirectory directory;
  WriteText(directory / "log", Numbers(0, 2000));
  FollowOptions options;
  options.patterns = {directory / "log"};
  SourceContext context = TestSourceContext();
  const auto first = CreateFollowSource(options);
  REQUIRE(first->Open(context, {}).ok());
  RecordingOutput out;
  Take(*first, out);
  std::filesystem::resize_file(directory / "log", 10000);
  const Status status = CreateFollowSource(options)->Open(context, {first->Position()});
  CHECK(status.message().find("now ends at byte 10000") != std::string::npos);
  CHECK(status.message().find("--reset-state") != std::string::npos);
}

TEST_CASE("stdin goes on where it is and refuses only a position that it never gave") {
  Diagnostics diagnostics;
  const auto bound = BindSource("stdin", {}, diagnostics);
  SourceContext context = TestSourceContext();
  const auto source = bound->Create({});
  CHECK(source->Position().empty());
  CHECK(source->Open(context, {""}).ok());
  CHECK(bound->Create({})->Open(context, {"{}"}).code() == Code::kUnsupported);
}

}  // namespace
}  // namespace streamrun
