// Appending to a file: a run whose first epoch was decided and not committed goes on, and the next run
// appends to all of it.
#include "tests/connectors/file_sink_fixture.h"

namespace streamrun {
namespace {

TEST_CASE("what an epoch counts that nobody heard of stays when the next run appends") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  const Fields fields = Fields().Set("path", directory / "out").Set("if_exists", "append");
  SinkContext context = TestSinkContext();
  context.stage_directory = state / "stage/out";
  WriteText(directory / "out", "theirs\n");
  std::string handle;
  {
    SinkContext first = context;
    const auto sink = FileSink(fields);
    REQUIRE(sink->Open(first).ok());
    const Result<Prepared> prepared = sink->Prepare(1);
    REQUIRE(prepared.ok());
    handle = prepared->handle;
  }  // killed behind the decision
  {
    SinkContext second = context;
    second.start = OutputStart::kResume;
    second.handles = second.all_handles = {handle};
    const auto sink = FileSink(fields);
    REQUIRE(sink->Open(second).ok());
    CHECK(sink->Commit(1, handle).ok());
    CHECK(sink->WriteBytes(RecordLines("one\n")).ok());
    CHECK(Complete(*sink).ok());
  }
  SinkContext next = context;
  const auto sink = FileSink(fields);
  REQUIRE(sink->Open(next).ok());
  CHECK(sink->WriteBytes(RecordLines("two\n")).ok());
  CHECK(Complete(*sink).ok());
  CHECK(ReadText(directory / "out") == "theirs\none\ntwo\n");
}

}  // namespace
}  // namespace streamrun
