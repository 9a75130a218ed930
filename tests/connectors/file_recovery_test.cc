// The file sink under checkpoints: whatever moment the process dies at, the files hold each row once.
#include <sys/stat.h>

#include "connectors/file/sink_part.h"
#include "tests/connectors/file_sink_fixture.h"

namespace streamrun {
namespace {

using Handles = std::vector<std::string>;

// A sink that dies when it is destroyed.
struct Run {
  Run(const Fields& fields, SinkContext given) : context(std::move(given)), sink(FileSink(fields)) {
    opened = sink->Open(context);
  }
  // A new process on the handles of the restored epoch, which the host commits again before the first row.
  Run(const Fields& fields, SinkContext given, const Handles& all, int instance = 0, int parallelism = 1)
      : context(std::move(given)), sink(FileSink(fields)) {
    context.start = OutputStart::kResume;
    context.instance = instance;
    context.parallelism = parallelism;
    context.all_handles = all;
    for (size_t i = static_cast<size_t>(instance); i < all.size(); i += static_cast<size_t>(parallelism))
      context.handles.push_back(all[i]);
    opened = sink->Open(context);
    for (const std::string& handle : context.handles) {
      if (opened.ok()) opened = sink->Commit(1, handle).status();
    }
  }
  Run& Write(const std::string& text) {
    CHECK(sink->WriteBytes(RecordLines(text)).status().ToString() == "ok");
    return *this;
  }
  // What a barrier does before the decision.
  std::string Prepare(uint64_t epoch = 1) {
    CHECK(*sink->Flush() == SinkOutcome::kAccepted);
    const Result<Prepared> prepared = sink->Prepare(epoch);
    REQUIRE(prepared.ok());
    last = *prepared;
    for (const std::string& file : last.files) CHECK(std::filesystem::exists(file));
    for (const std::string& directory : last.directories) CHECK(std::filesystem::is_directory(directory));
    return last.handle;
  }
  std::string Checkpoint(uint64_t epoch = 1) {
    const std::string handle = Prepare(epoch);
    CHECK(sink->Commit(epoch, handle).status().ToString() == "ok");
    return handle;
  }
  std::string Finish() {
    CHECK(*sink->Finish(true) == SinkOutcome::kAccepted);
    return Prepare();
  }
  void Complete() { CHECK(sink->Commit(1, Finish()).status().ToString() == "ok"); }

  SinkContext context;
  std::unique_ptr<Sink> sink;
  Status opened;
  Prepared last;
};

SinkContext Bounded(std::string preamble = "") { return TestSinkContext(true, std::move(preamble)); }
SinkContext Endless(std::string preamble = "") { return TestSinkContext(false, std::move(preamble)); }

TEST_CASE("a bounded run that dies goes on behind the last epoch; rows since then are cut off") {
  const TemporaryDirectory directory;
  WriteText(directory / "out", "old\n");
  const Fields fields = Fields().Set("path", directory / "out");
  std::string handle;
  {
    Run first(fields, Bounded("head\n"));
    handle = first.Write("one\n").Checkpoint();
    CHECK(first.last.files == Handles{directory / ".out.inprogress"});
    CHECK(first.last.directories == Handles{directory.path()});
    first.Write("lost\n");
    CHECK(*first.sink->Flush() == SinkOutcome::kAccepted);
  }
  CHECK(ReadText(directory / ".out.inprogress") == "head\none\nlost\n");
  Run second(fields, Bounded("head\n"), {handle});
  CHECK(second.opened.ToString() == "ok");
  CHECK(ReadText(directory / ".out.inprogress") == "head\none\n");
  second.Write("two\n");
  const std::string final = second.Finish();
  CHECK(ReadText(directory / "out") == "old\n");
  CHECK(*second.sink->Commit(2, final) == SinkOutcome::kAccepted);
  CHECK(ReadText(directory / "out") == "head\none\ntwo\n");
  CHECK(Names(directory.path()) == Handles{"out"});
}

TEST_CASE(
    "scenario 38: a crash between the rename and its report: the target is recognised, no second file") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out");
  std::string final;
  {
    Run first(fields, Bounded());
    final = first.Write("one\n").Finish();
    CHECK(*first.sink->Commit(1, final) == SinkOutcome::kAccepted);
    CHECK(*first.sink->Commit(1, final) == SinkOutcome::kAccepted);
  }
  SUBCASE("committed again, no rows follow") {
    Run second(fields, Bounded(), {final});
    CHECK(second.opened.ToString() == "ok");
    second.Complete();
    CHECK(ReadText(directory / "out") == "one\n");
  }
  SUBCASE("before the rename: it is made up for") {
    std::filesystem::rename(directory / "out", directory / ".out.inprogress");
    Run second(fields, Bounded(), {final});
    CHECK(second.opened.ToString() == "ok");
    CHECK(ReadText(directory / "out") == "one\n");
  }
  SUBCASE("rows follow: the run was stopped and goes on, also after another crash") {
    {
      Run second(fields, Bounded(), {final});
      second.Write("void\n");
      CHECK(*second.sink->Flush() == SinkOutcome::kAccepted);
      CHECK(ReadText(directory / ".out.inprogress") == "one\nvoid\n");
    }
    Run third(fields, Bounded(), {final});
    CHECK(ReadText(directory / "out") == "one\n");
    third.Write("two\n").Complete();
    CHECK(ReadText(directory / "out") == "one\ntwo\n");
  }
  SUBCASE("neither file is there") {
    std::filesystem::remove(directory / "out");
    const Run second(fields, Bounded(), {final});
    CHECK(second.opened.ToString() == "corruption: neither " + (directory / ".out.inprogress") + " nor " +
                                          (directory / "out") +
                                          " holds the 4 bytes that the checkpoint counts on; bring the file "
                                          "back or start over with --reset-state");
  }
  SUBCASE("a file of another length has the name") {
    WriteText(directory / "out", "other\n");
    CHECK(Run(fields, Bounded(), {final}).opened.code() == Code::kCorruption);
  }
  CHECK(!std::filesystem::exists(directory / ".out.inprogress"));
}

TEST_CASE("scenario 39: a file that is shorter than its checkpoint fails loudly, with both sizes") {
  const TemporaryDirectory directory;
  for (const bool bounded : {true, false}) {
    const std::string written = directory / (bounded ? ".out.inprogress" : "out");
    const Fields fields = Fields().Set("path", directory / "out");
    const std::string handle = Run(fields, TestSinkContext(bounded)).Write("one\ntwo\n").Checkpoint();
    WriteText(written, "one\n");
    CHECK(
        Run(fields, TestSinkContext(bounded), {handle}).opened.ToString() ==
        "corruption: " + written +
            " has 4 bytes, but the checkpoint was made when it had 8; bring the file back or start over with "
            "--reset-state");
    CHECK(ReadText(written) == "one\n");
    std::filesystem::remove(written);
    CHECK(Run(fields, TestSinkContext(bounded), {handle}).opened.code() == Code::kCorruption);
  }
}

TEST_CASE("a file that grows where it is is cut back to the epoch, again and again") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out");
  std::string handle = Run(fields, Endless("head\n")).Write("0\n").Checkpoint();
  std::string expected = "head\n0\n";
  for (int i = 1; i < 5; ++i) {
    { Run(fields, Endless("head\n"), {handle}).Write("void\n").Prepare(); }
    CHECK(ReadText(directory / "out") == expected + "void\n");
    Run next(fields, Endless("head\n"), {handle});
    CHECK(ReadText(directory / "out") == expected);
    handle = next.Write(std::to_string(i) + "\n").Checkpoint();
    expected += std::to_string(i) + "\n";
  }
  CHECK(ReadText(directory / "out") == expected);
}

TEST_CASE("append: bytes of others stay, whatever is cut off") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  const Fields fields = Fields().Set("path", directory / "out").Set("if_exists", "append");
  SinkContext context = Bounded("head\n");
  context.stage_directory = state / "stage/out";
  WriteText(directory / "out", "theirs\ntorn");
  SUBCASE("a crash before the first checkpoint: the rows come again") {
    for (const OutputStart start : {OutputStart::kFresh, OutputStart::kReread, OutputStart::kFresh}) {
      context.start = start;
      Run run(fields, context);
      run.Write("one\n");
      CHECK(*run.sink->Flush() == SinkOutcome::kAccepted);
      CHECK(ReadText(directory / "out") == "theirs\ntorn\none\n");
    }
    context.start = OutputStart::kFresh;
    Run(fields, context).Write("one\n").Complete();
    CHECK(ReadText(directory / "out") == "theirs\ntorn\none\n");
    // What counts is kept by the next run.
    Run(fields, context).Write("two\n").Complete();
    CHECK(ReadText(directory / "out") == "theirs\ntorn\none\ntwo\n");
  }
  SUBCASE("a crash after it") {
    std::string handle = Run(fields, context).Write("one\n").Checkpoint();
    { Run(fields, context, {handle}).Write("void\n").Prepare(); }
    handle = Run(fields, context, {handle}).Write("two\n").Checkpoint();
    CHECK(ReadText(directory / "out") == "theirs\ntorn\none\ntwo\n");
  }
  SUBCASE("another file took its place before the run starts again") {
    { Run(fields, context).Write("one\n").Prepare(); }
    WriteText(directory / "new", "a new file that is longer\n");
    std::filesystem::rename(directory / "new", directory / "out");
    Run(fields, context).Write("two\n").Complete();
    CHECK(ReadText(directory / "out") == "a new file that is longer\ntwo\n");
  }
}

TEST_CASE("an epoch that is given up is part of the next one, full parts too") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "p{n}").Set("roll", Fields().Set("size", "4B"));
  Run run(fields, Endless());
  run.Write("one\n").Prepare(1);
  run.Write("two\n").Prepare(2);
  CHECK(Names(directory.path()) == Handles{".p00001.inprogress", ".p00002.inprogress", ".p00003.inprogress"});
  run.Write("three\n").Checkpoint(3);
  CHECK(ReadText(directory / "p00001") == "one\n");
  CHECK(ReadText(directory / "p00002") == "two\n");
  CHECK(ReadText(directory / "p00003") == "three\n");
  CHECK(Names(directory.path()) == Handles{".p00004.inprogress", "p00001", "p00002", "p00003"});
}

TEST_CASE("roll: full parts get their name at the commit, the current one goes on after a crash") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "p{n}").Set("roll", Fields().Set("size", "8B"));
  std::string handle;
  {
    Run first(fields, Endless("h\n"));
    handle = first.Write("1\n2\n3\n4\n").Prepare();
    first.Write("void\nvoid\nvoid\n").Prepare();
  }
  CHECK(!std::filesystem::exists(directory / "p00001"));
  Run second(fields, Endless("h\n"), {handle});
  CHECK(second.opened.ToString() == "ok");
  CHECK(Names(directory.path()) == Handles{".p00002.inprogress", "p00001"});
  CHECK(ReadText(directory / "p00001") == "h\n1\n2\n3\n");
  CHECK(ReadText(directory / ".p00002.inprogress") == "h\n4\n");
  second.Write("5\n6\n7\n").Complete();
  CHECK(ReadText(directory / "p00002") == "h\n4\n5\n6\n");
  CHECK(ReadText(directory / "p00003") == "h\n7\n");
  CHECK(Names(directory.path()) == Handles{"p00001", "p00002", "p00003"});
}

TEST_CASE("roll: an empty last part is not left behind, and not missed by the epoch before") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "p{n}").Set("roll", Fields().Set("size", "4B"));
  std::string handle;
  {
    Run first(fields, Bounded());
    handle = first.Write("one\n").Checkpoint();
    first.Finish();  // and dies before the epoch is decided
  }
  Run second(fields, Bounded(), {handle});
  CHECK(second.opened.ToString() == "ok");
  const std::string final = second.Finish();
  second.sink->Commit(2, final).value();
  CHECK(Names(directory.path()) == Handles{"p00001"});
  Run third(fields, Bounded(), {final});
  third.Complete();
  CHECK(Names(directory.path()) == Handles{"p00001"});
}

TEST_CASE("roll: an older epoch is restored: parts behind it are void, its own is written on") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "p{n}").Set("roll", Fields().Set("size", "8B"));
  std::string older;
  {
    Run first(fields, Endless());
    older = first.Write("1111\n").Checkpoint(1);
    first.Write("2222\n3333\n4444\n5555\n").Checkpoint(2);
  }
  CHECK(Names(directory.path()) == Handles{".p00003.inprogress", "p00001", "p00002"});
  Run second(fields, Endless(), {older});
  CHECK(second.opened.ToString() == "ok");
  CHECK(Names(directory.path()) == Handles{".p00001.inprogress"});
  second.Write("two\n").Checkpoint();
  CHECK(ReadText(directory / "p00001") == "1111\ntwo\n");
}

TEST_CASE("if_exists: fail: a foreign file under the name is found at the commit, a restart is no reason") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out").Set("if_exists", "fail");
  const std::string handle = Run(fields, Bounded()).Write("one\n").Checkpoint();
  Run second(fields, Bounded(), {handle});
  const std::string final = second.Finish();
  WriteText(directory / "out", "someone else's\n");
  CHECK(second.sink->Commit(2, final).status().code() == Code::kAlreadyExists);
  std::filesystem::remove(directory / "out");
  CHECK(second.sink->Commit(2, final).ok());
  CHECK(second.sink->Commit(2, final).ok());
  CHECK(ReadText(directory / "out") == "one\n");
}

TEST_CASE("compressed files can be cut at every epoch and are whole for their tools") {
  for (const std::string extension : {".gz", ".zst"}) {
    for (const bool bounded : {true, false}) {
      const TemporaryDirectory directory;
      const Fields fields = Fields().Set("path", directory / ("out" + extension));
      const SinkContext context = TestSinkContext(bounded, "head\n");
      std::string block;
      for (int i = 0; i < 3000; ++i) block += "record number " + std::to_string(i * 7919 % 3000) + "\n";
      std::string handle;
      {
        Run first(fields, context);
        handle = first.Write(block).Checkpoint();
        const auto size = std::filesystem::file_size(first.last.files[0]);
        first.Checkpoint();  // nothing new: no empty frames
        CHECK(std::filesystem::file_size(first.last.files[0]) == size);
        CHECK(Decompressed(first.last.files[0]) == "head\n" + block);
        first.Write("void\n" + block);
        CHECK(*first.sink->Flush() == SinkOutcome::kAccepted);
      }
      Run second(fields, context, {handle});
      CHECK(second.opened.ToString() == "ok");
      second.Write("more\n").Complete();
      CHECK((Decompressed(directory / ("out" + extension)) == "head\n" + block + "more\n"));
      const std::string tool = extension == ".gz" ? "gzip -t " : "zstd -tq ";
      if (std::system(("command -v " + tool.substr(0, 4) + " >/dev/null").c_str()) == 0)
        CHECK(std::system((tool + (directory / ("out" + extension))).c_str()) == 0);
    }
  }
}

TEST_CASE("a run without rows is one empty compressed file, also through a restart") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out.gz");
  const std::string handle = Run(fields, Bounded()).Checkpoint();
  Run(fields, Bounded(), {handle}).Complete();
  CHECK(std::filesystem::file_size(directory / "out.gz") > 0);
  CHECK(Decompressed(directory / "out.gz").empty());
}

TEST_CASE("workers come and go: no file is lost, none gets a row twice, each has its name at the end") {
  for (const bool bounded : {true, false}) {
    const TemporaryDirectory directory;
    const Fields fields = Fields().Set("path", directory / "out.{worker}");
    const SinkContext context = TestSinkContext(bounded);
    Handles handles;
    for (int i = 0; i < 3; ++i) {
      SinkContext own = context;
      own.instance = i;
      own.parallelism = 3;
      Run run(fields, own);
      handles.push_back(run.Write("three " + std::to_string(i) + "\n").Checkpoint());
      run.Write("void\n").Prepare();
    }
    for (const int parallelism : {2, 3, 1, 4}) {
      Handles next;
      for (int i = 0; i < parallelism; ++i) {
        Run run(fields, context, handles, i, parallelism);
        CHECK(run.opened.ToString() == "ok");
        next.push_back(run.Write(std::to_string(parallelism) + " " + std::to_string(i) + "\n").Checkpoint());
        run.Write("void\n").Prepare();
      }
      handles = next;
    }
    for (int i = 0; i < 2; ++i) {
      Run run(fields, context, handles, i, 2);
      CHECK(run.opened.ToString() == "ok");
      run.Complete();
    }
    CHECK(ReadText(directory / "out.0") == "three 0\n2 0\n3 0\n1 0\n4 0\n");
    CHECK(ReadText(directory / "out.1") == "three 1\n2 1\n3 1\n4 1\n");
    CHECK(ReadText(directory / "out.2") == "three 2\n3 2\n4 2\n");
    CHECK(ReadText(directory / "out.3") == "4 3\n");
    CHECK(Names(directory.path()) == Handles{"out.0", "out.1", "out.2", "out.3"});
  }
}

TEST_CASE("roll and fewer workers: the part of a worker that is no more is published at once") {
  const TemporaryDirectory directory;
  const Fields fields =
      Fields().Set("path", directory / "p{worker}-{n}").Set("roll", Fields().Set("size", "1KiB"));
  Handles handles;
  for (int i = 0; i < 2; ++i) {
    SinkContext own = Endless();
    own.instance = i;
    own.parallelism = 2;
    handles.push_back(Run(fields, own).Write(std::to_string(i) + "\n").Checkpoint());
  }
  handles = {Run(fields, Endless(), handles).Checkpoint()};
  CHECK(Names(directory.path()) == Handles{".p0-00001.inprogress", "p1-00001"});
  // Worker 1 is back and counts on.
  Run again(fields, Endless(), handles, 1, 2);
  again.Write("more\n").Complete();
  CHECK(ReadText(directory / "p1-00001") == "1\n");
  CHECK(ReadText(directory / "p1-00002") == "more\n");
}

TEST_CASE("another path in the pipeline: the file under the old one is finished as it is") {
  const TemporaryDirectory directory;
  const std::string handle =
      Run(Fields().Set("path", directory / "old"), Bounded()).Write("one\n").Checkpoint();
  Run(Fields().Set("path", directory / "new"), Bounded(), {handle}).Write("two\n").Complete();
  CHECK(ReadText(directory / "old") == "one\n");
  CHECK(ReadText(directory / "new") == "two\n");
  CHECK(Names(directory.path()) == Handles{"new", "old"});
}

TEST_CASE("an input that has no end any more: the staged file gets its name and grows there") {
  const TemporaryDirectory directory;
  const Fields fields = Fields().Set("path", directory / "out");
  const std::string handle = Run(fields, Bounded()).Write("one\n").Checkpoint();
  for (int i = 0; i < 2; ++i) {  // the second time after a crash before the next epoch
    Run second(fields, Endless(), {handle});
    CHECK(second.opened.ToString() == "ok");
    second.Write("two\n").Prepare();
    CHECK(ReadText(directory / "out") == "one\ntwo\n");
  }
  CHECK(Names(directory.path()) == Handles{"out"});
}

TEST_CASE("directories that were made are made durable with the first epoch; sync: false does without") {
  const TemporaryDirectory directory;
  Run run(Fields().Set("path", directory / "a/b/out"), Bounded());
  run.Checkpoint();
  CHECK(run.last.directories == Handles{directory.path(), directory / "a", directory / "a/b"});
  run.Checkpoint();
  CHECK(run.last.directories == Handles{directory / "a/b"});
  Run fast(Fields().Set("path", directory / "c/out").Set("sync", "false"), Bounded());
  fast.Checkpoint();
  CHECK(fast.last.directories.empty());
  CHECK(fast.last.files.empty());
}

TEST_CASE("pipes and devices have no handle; a damaged one is said to be damaged") {
  Run device(Fields().Set("path", "/dev/null"), Endless());
  CHECK(device.Write("one\n").Checkpoint().empty());
  Run again(Fields().Set("path", "/dev/null"), Endless(), {""});
  CHECK(again.opened.ok());
  const TemporaryDirectory directory;
  const Run damaged(Fields().Set("path", directory / "out"), Bounded(), {"{\"parts\": [{}]}"});
  CHECK(damaged.opened.code() == Code::kCorruption);
  CHECK(damaged.opened.message().find("the saved handle of a file sink is damaged") == 0);
}

}  // namespace
}  // namespace streamrun
