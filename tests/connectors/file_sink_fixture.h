// What the tests of the file sink share: sinks made as a pipeline makes them, and the end of a run as the
// host makes it.
#pragma once

#include <string>
#include <vector>

#include "connectors/file/bounded_source.h"
#include "core/stream/sink.h"
#include "tests/connectors/file_fixture.h"

namespace streamrun {

inline Encoded RecordLines(const std::string& text) {
  BufferBuilder ends;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ends.Push(static_cast<uint32_t>(i + 1));
  }
  return {Buffer::Copy(text), ends.Finish()};
}

inline std::unique_ptr<Sink> FileSink(const Fields& fields) {
  Diagnostics diagnostics;
  const auto bound = BindSink("file", fields, diagnostics);
  for (const Finding& finding : diagnostics.findings()) MESSAGE(finding.message);
  REQUIRE(bound);
  return bound->Create();
}

inline SinkContext TestSinkContext(bool bounded = true, std::string preamble = "") {
  SinkContext context;
  context.env = Env::Default();
  context.bounded = bounded;
  context.preamble = std::move(preamble);
  return context;
}

/// The end of a run: the final epoch, made durable and committed.
inline Status Complete(Sink& sink, bool complete = true) {
  SR_RETURN_IF_ERROR(sink.Finish(complete).status());
  SR_ASSIGN_OR_RETURN(const Prepared prepared, sink.Prepare(1));
  for (const std::string& file : prepared.files) SR_RETURN_IF_ERROR(Env::Default()->Info(file).status());
  for (const std::string& directory : prepared.directories)
    SR_RETURN_IF_ERROR(Env::Default()->SyncDirectory(directory));
  SR_ASSIGN_OR_RETURN(const SinkOutcome outcome, sink.Commit(1, prepared.handle));
  CHECK(outcome == SinkOutcome::kAccepted);
  return Status::Ok();
}

/// Without the locks of sinks that are open.
inline std::vector<std::string> Names(const std::string& directory) {
  std::vector<std::string> names = *Env::Default()->List(directory);
  std::erase_if(names, [](const std::string& name) { return name.ends_with(".lock"); });
  return names;
}

/// Every record of a file, read as the source reads it, compressed or not.
inline std::string Decompressed(const std::string& path) {
  BoundedFileOptions options;
  options.list.patterns = {path};
  const auto source = CreateBoundedFileSource(options);
  SourceContext context = TestSourceContext();
  REQUIRE(source->Open(context, {}).ToString() == "ok");
  RecordingOutput out;
  CHECK(RunToEnd(*source, out).ToString() == "ok");
  std::string text;
  for (const std::string& line : out.Lines()) text += line + "\n";
  return text;
}

}  // namespace streamrun
