// The file sink: what stands on disk at each moment, as a reader beside it sees it.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "connectors/file/bounded_source.h"
#include "tests/connectors/file_sink_fixture.h"

namespace streamrun {
namespace {

Encoded Lines(const std::string& text) { return RecordLines(text); }
SinkContext Context(bool bounded = true, std::string preamble = "") {
  return TestSinkContext(bounded, std::move(preamble));
}

// Opens, writes each text as one event and finishes.
Status WriteAll(const Fields& fields, const std::vector<std::string>& texts, SinkContext context = Context(),
                bool complete = true) {
  const auto sink = FileSink(fields);
  SR_RETURN_IF_ERROR(sink->Open(context));
  for (const std::string& text : texts) SR_RETURN_IF_ERROR(sink->WriteBytes(Lines(text)).status());
  return Complete(*sink, complete);
}

TEST_CASE("a bounded run's file appears whole at the end; until then the old one stands") {
  const TemporaryDirectory directory;
  WriteText(directory / "out", "old\n");
  const auto sink = FileSink(Fields().Set("path", directory / "out"));
  SinkContext context = Context(true, "head\n");
  REQUIRE(sink->Open(context).ok());
  REQUIRE(sink->WriteBytes(Lines("one\n")).ok());
  REQUIRE(sink->Flush().ok());
  CHECK(ReadText(directory / "out") == "old\n");
  CHECK(ReadText(directory / ".out.inprogress") == "head\none\n");
  REQUIRE(sink->Finish(true).ok());
  CHECK(ReadText(directory / "out") == "old\n");
  REQUIRE(Complete(*sink).ok());
  CHECK(ReadText(directory / "out") == "head\none\n");
  CHECK(Names(directory.path()) == std::vector<std::string>{"out"});
}

TEST_CASE("a stop publishes what was delivered; a crash publishes nothing and the next run starts clean") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out");
  CHECK(WriteAll(fields, {"one\n"}, Context(), false).ok());
  CHECK(ReadText(directory / "out") == "one\n");
  {
    const auto crashed = FileSink(fields);
    SinkContext context = Context();
    REQUIRE(crashed->Open(context).ok());
    REQUIRE(crashed->WriteBytes(Lines("half\n")).ok());
    REQUIRE(crashed->Flush().ok());
  }
  CHECK(ReadText(directory / "out") == "one\n");
  CHECK(WriteAll(fields, {"two\n"}).ok());
  CHECK(ReadText(directory / "out") == "two\n");
  CHECK(Names(directory.path()) == std::vector<std::string>{"out"});
}

TEST_CASE("a file without rows is published with its preamble, and missing directories are made") {
  const TemporaryDirectory directory;
  CHECK(WriteAll(Fields().Set("path", directory / "a/b/out"), {}, Context(true, "x,y\n")).ok());
  CHECK(ReadText(directory / "a/b/out") == "x,y\n");
}

TEST_CASE("endless input grows the file where it is, a flush shows it") {
  const TemporaryDirectory directory;
  const auto sink = FileSink(Fields().Set("path", directory / "out"));
  SinkContext context = Context(false);
  REQUIRE(sink->Open(context).ok());
  REQUIRE(sink->WriteBytes(Lines("one\n")).ok());
  CHECK(ReadText(directory / "out").empty());
  REQUIRE(*sink->Flush() == SinkOutcome::kAccepted);
  CHECK(ReadText(directory / "out") == "one\n");
}

TEST_CASE("append goes on behind what is there, without a second preamble and on a line of its own") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out").Set("if_exists", "append");
  CHECK(WriteAll(fields, {"one\n"}, Context(true, "head\n")).ok());
  CHECK(WriteAll(fields, {"two\n"}, Context(true, "head\n")).ok());
  CHECK(ReadText(directory / "out") == "head\none\ntwo\n");
  AppendText(directory / "out", "torn");
  CHECK(WriteAll(fields, {"three\n"}, Context(true, "head\n")).ok());
  CHECK(ReadText(directory / "out") == "head\none\ntwo\ntorn\nthree\n");
}

TEST_CASE("if_exists: fail leaves an existing file alone, at the start and at the end") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out").Set("if_exists", "fail");
  auto sink = FileSink(fields);
  SinkContext context = Context();
  REQUIRE(sink->Open(context).ok());
  WriteText(directory / "out", "someone else's\n");
  CHECK(Complete(*sink).code() == Code::kAlreadyExists);
  sink.reset();
  CHECK(WriteAll(fields, {}).message().find("if_exists: replace") != std::string::npos);
  CHECK(ReadText(directory / "out") == "someone else's\n");
}

TEST_CASE(
    "after a restart the output of the earlier attempt is replaced, or goes on behind its last whole "
    "record") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out");
  for (const bool bounded : {true, false}) {
    const std::string written = directory / (bounded ? ".out.inprogress" : "out");
    WriteText(written, "one\ntwo\nto");
    SinkContext context = Context(bounded, "head\n");
    context.start = OutputStart::kContinue;
    CHECK(WriteAll(fields, {"three\n"}, context).ok());
    CHECK(ReadText(directory / "out") == "one\ntwo\nthree\n");
    WriteText(written, "one\ntwo\nto");
    context.start = OutputStart::kReread;
    CHECK(WriteAll(fields, {"three\n"}, context).ok());
    CHECK(ReadText(directory / "out") == "head\nthree\n");
  }
}

TEST_CASE(
    "roll by size: parts are cut at records, get the preamble and are complete when they have their name") {
  const TemporaryDirectory directory;
  const Fields fields =
      Fields().Set("path", directory / "out.jsonl").Set("roll", Fields().Set("size", "10B"));
  CHECK(WriteAll(fields, {"aaaa\nbbbb\ncccc\n", "dddd\neeee\n", "f\n"}).ok());
  CHECK(Names(directory.path()) ==
        std::vector<std::string>{"out-00001.jsonl", "out-00002.jsonl", "out-00003.jsonl"});
  CHECK(ReadText(directory / "out-00001.jsonl") == "aaaa\nbbbb\n");
  CHECK(ReadText(directory / "out-00002.jsonl") == "cccc\ndddd\n");
  CHECK(ReadText(directory / "out-00003.jsonl") == "eeee\nf\n");
  SUBCASE("a new run replaces the parts of the old one") {
    CHECK(WriteAll(fields, {"x\n"}, Context(false, "h\n")).ok());
    CHECK(Names(directory.path()) == std::vector<std::string>{"out-00001.jsonl"});
    CHECK(ReadText(directory / "out-00001.jsonl") == "h\nx\n");
  }
  SUBCASE("or counts on behind them") {
    CHECK(WriteAll(Fields(fields).Set("if_exists", "append"), {"x\n"}).ok());
    CHECK(ReadText(directory / "out-00004.jsonl") == "x\n");
    CHECK(ReadText(directory / "out-00001.jsonl") == "aaaa\nbbbb\n");
  }
  SUBCASE("or refuses") {
    CHECK(WriteAll(Fields(fields).Set("if_exists", "fail"), {"x\n"}).code() == Code::kAlreadyExists);
  }
}

TEST_CASE("roll by age: a part that is old enough is published by the next epoch, also when no rows come") {
  const TemporaryDirectory directory;
  const auto sink =
      FileSink(Fields().Set("path", directory / "p{n}").Set("roll", Fields().Set("age", "500ms")));
  SinkContext context = Context(false);
  REQUIRE(sink->Open(context).ok());
  CHECK(*sink->Flush() == SinkOutcome::kAccepted);
  REQUIRE(sink->WriteBytes(Lines("one\n")).ok());
  CHECK(*sink->Flush() == SinkOutcome::kAccepted);
  REQUIRE(sink->Commit(1, sink->Prepare(1)->handle).ok());
  context.env->Sleep(510 * kMillisecond);
  CHECK(Names(directory.path()) == std::vector<std::string>{".p00001.inprogress"});
  REQUIRE(sink->Commit(2, sink->Prepare(2)->handle).ok());
  CHECK(ReadText(directory / "p00001") == "one\n");
  REQUIRE(Complete(*sink).ok());
  CHECK(Names(directory.path()) == std::vector<std::string>{"p00001"});
}

TEST_CASE("several workers write a file each when the path has {worker}") {
  const TemporaryDirectory directory;
  Diagnostics diagnostics;
  const auto bound = BindSink("file", Fields().Set("path", directory / "out.{worker}"), diagnostics);
  REQUIRE(bound);
  CHECK(!bound->single_writer);
  for (int worker = 0; worker < 2; ++worker) {
    SinkContext context = Context();
    context.instance = worker;
    CHECK(WriteAll(Fields().Set("path", directory / "out.{worker}"), {std::to_string(worker) + "\n"}, context)
              .ok());
  }
  CHECK(ReadText(directory / "out.0") == "0\n");
  CHECK(ReadText(directory / "out.1") == "1\n");
}

TEST_CASE("compressed output is read back by the source, also after a flush and an append") {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 30000; ++i) text += "record number " + std::to_string(i) + "\n";
  for (const std::string name : {"out.gz", "out.zst"}) {
    for (const char* exists : {"replace", "append"}) {
      const Fields fields = Fields().Set("path", directory / name).Set("if_exists", exists);
      CHECK(WriteAll(fields, {text, text}, Context(true, "head\n")).ok());
    }
    CHECK(std::filesystem::file_size(directory / name) < text.size());
    BoundedFileOptions options;
    options.list.patterns = {directory / name};
    const auto source = CreateBoundedFileSource(options);
    SourceContext context = TestSourceContext();
    REQUIRE(source->Open(context, {}).ok());
    RecordingOutput out;
    CHECK(RunToEnd(*source, out).ToString() == "ok");
    CHECK(out.records.size() == 120001);
    CHECK(out.records[0].bytes == "head");
  }
}

TEST_CASE("a full disk is a clear error, nothing half written is published") {
  const TemporaryDirectory directory;
  const std::string path = directory / "out";
  WriteText(path, "old\n");
  // A limit on file sizes fails writes as a full disk does; its signal must not kill us.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 2 << 20;
  const auto sink = FileSink(Fields().Set("path", path));
  SinkContext context = Context();
  Status status = sink->Open(context);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Encoded records = Lines(std::string(199999, 'x') + "\n");
  for (int i = 0; i < 20 && status.ok(); ++i) status = sink->WriteBytes(records).status();
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(status.code() == Code::kResourceExhausted);
  CHECK(status.message().find("no space left for " + path + "; what was written so far is in " +
                              (directory / ".out.inprogress") + " and is not published") == 0);
  CHECK(ReadText(path) == "old\n");
  CHECK(std::filesystem::exists(directory / ".out.inprogress"));
}

TEST_CASE("a device is written directly, a pipe waits for its reader") {
  const TemporaryDirectory directory;
  CHECK(WriteAll(Fields().Set("path", "/dev/null"), {"one\n"}).ok());
  CHECK(std::filesystem::is_character_file("/dev/null"));
  const std::string pipe = directory / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto sink = FileSink(Fields().Set("path", pipe));
  SinkContext context = Context();
  CHECK(sink->Open(context).code() == Code::kUnavailable);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(sink->Open(context).ok());
  REQUIRE(sink->WriteBytes(Lines("one\n")).ok());
  char block[16];
  CHECK(::read(reader, block, sizeof block) == 4);
  ::close(reader);
  CHECK(sink->WriteBytes(Lines("two\n")).status().code() == Code::kCancelled);
}

TEST_CASE("a symbolic link keeps pointing to the file, which is replaced") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "real");
  WriteText(directory / "real/data", "old\n");
  std::filesystem::create_symlink("real/data", directory / "out");
  CHECK(WriteAll(Fields().Set("path", directory / "out"), {"new\n"}).ok());
  CHECK(std::filesystem::is_symlink(directory / "out"));
  CHECK(ReadText(directory / "real/data") == "new\n");
}

TEST_CASE("a path that is a directory or not writable is named") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "d");
  CHECK(WriteAll(Fields().Set("path", directory / "d"), {}).message() ==
        "cannot write " + (directory / "d") + ": it is a directory");
  WriteText(directory / "file", "x");
  CHECK(WriteAll(Fields().Set("path", directory / "file/out"), {}).message().find(directory / "file") !=
        std::string::npos);
}

TEST_CASE("the file sink tells the planner what it can, and refuses paths it would misread") {
  Diagnostics diagnostics;
  const auto bind = [&](const Fields& fields) { return BindSink("file", fields, diagnostics); };
  const auto bound = bind(Fields().Set("path", "x/../out"));
  REQUIRE(bound);
  CHECK(bound->exclusive == "file:" + std::filesystem::current_path().string() + "/out");
  CHECK(bound->guarantee == SinkGuarantee::kExactlyOnce);
  CHECK(bound->single_writer);
  CHECK(bind(Fields().Set("path", "out").Set("if_exists", "append"))->guarantee ==
        SinkGuarantee::kExactlyOnce);
  CHECK(bind(Fields().Set("path", "/dev/null"))->guarantee == SinkGuarantee::kAtLeastOnce);
  const TemporaryDirectory directory;
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(bind(Fields().Set("path", directory / "pipe"))->guarantee == SinkGuarantee::kAtLeastOnce);
  CHECK(!bind(Fields().Set("path", "out-{n}")));
  CHECK(!bind(Fields().Set("path", "out/")));
}

TEST_CASE("discard takes everything and leaves nothing") {
  Diagnostics diagnostics;
  const auto bound = BindSink("discard", {}, diagnostics);
  REQUIRE(bound);
  CHECK(bound->takes_changes);
  CHECK(!bound->single_writer);
  CHECK(bound->NeededColumns(Schema({{"a", DataType::Parse("bigint").value()}})) == std::vector<bool>{true});
}

}  // namespace
}  // namespace streamrun
