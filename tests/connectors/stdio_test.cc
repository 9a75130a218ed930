// stdin and stdout over real pipes put in place of descriptors 0 and 1.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/connectors/file_fixture.h"

namespace streamrun {
namespace {

// Puts `fd` in the place of `target` for the life of the object.
class Redirect {
 public:
  Redirect(int target, int fd) : target_(target), saved_(::fcntl(target, F_DUPFD_CLOEXEC, 100)) {
    REQUIRE(::dup2(fd, target) == target);
    ::close(fd);
  }
  ~Redirect() {
    saved_ >= 0 ? ::dup2(saved_, target_) : ::close(target_);
    if (saved_ >= 0) ::close(saved_);
  }

 private:
  int target_;
  int saved_;
};

void Put(int fd, std::string_view text) {
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

Encoded Lines(const std::string& text) {
  BufferBuilder ends;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ends.Push(static_cast<uint32_t>(i + 1));
  }
  return {Buffer::Copy(text), ends.Finish()};
}

std::unique_ptr<Source> Stdin(FormatTraits format = {}) {
  Diagnostics diagnostics;
  return BindSource("stdin", {}, diagnostics)->Create(format);
}
std::unique_ptr<Sink> Stdout() {
  Diagnostics diagnostics;
  return BindSink("stdout", {}, diagnostics)->Create();
}

TEST_CASE("stdin gives records as they come, waits in between and ends with its writer") {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const Redirect redirect(0, pipe[0]);
  const auto source = Stdin();
  SourceContext context = TestSourceContext();
  REQUIRE(source->Open(context, {}).ok());
  RecordingOutput out;
  CHECK(*source->Poll(out) == SourceOutcome::kWait);
  REQUIRE(source->Wait().descriptors.size() == 1);
  CHECK(source->Wait().descriptors[0].fd == 0);
  Put(pipe[1], "one\ntw");
  CHECK(*source->Poll(out) == SourceOutcome::kMore);
  CHECK(*source->Poll(out) == SourceOutcome::kMore);
  CHECK(out.Lines() == std::vector<std::string>{"one"});
  CHECK(*source->Poll(out) == SourceOutcome::kWait);
  Put(pipe[1], "o\nthree");
  ::close(pipe[1]);
  CHECK(RunToEnd(*source, out).ok());
  CHECK(out.Lines() == std::vector<std::string>{"one", "two", "three"});
  CHECK(out.records.back().offset == 8);
  CHECK((::fcntl(0, F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("stdin takes the header line of a format that has one") {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const Redirect redirect(0, pipe[0]);
  FormatTraits format;
  format.header = true;
  const auto source = Stdin(format);
  SourceContext context = TestSourceContext();
  REQUIRE(source->Open(context, {}).ok());
  RecordingOutput out;
  Put(pipe[1], "a,b");
  CHECK(*source->Poll(out) == SourceOutcome::kMore);
  CHECK(*source->Poll(out) == SourceOutcome::kWait);
  Put(pipe[1], "\n1,2\n");
  ::close(pipe[1]);
  CHECK(RunToEnd(*source, out).ok());
  CHECK(out.Lines() == std::vector<std::string>{"1,2"});
  REQUIRE(out.chunks.size() == 1);
  CHECK(*out.chunks[0].header == "a,b");
}

TEST_CASE("stdin that is a file is read like one; stdin that is closed is an error") {
  const TemporaryDirectory directory;
  WriteText(directory / "in", "one\ntwo\n");
  SourceContext context = TestSourceContext();
  {
    const Redirect redirect(0, ::open((directory / "in").c_str(), O_RDONLY | O_CLOEXEC));
    const auto source = Stdin();
    REQUIRE(source->Open(context, {}).ok());
    RecordingOutput out;
    CHECK(RunToEnd(*source, out).ok());
    CHECK(out.records.size() == 2);
  }
  const Redirect redirect(0, ::open("/dev/null", O_RDONLY));
  ::close(0);
  const auto source = Stdin();
  REQUIRE(source->Open(context, {}).ok());
  RecordingOutput out;
  CHECK(RunToEnd(*source, out).message().find("standard input is not open") != std::string::npos);
}

// What happened while descriptor 1 was redirected; doctest writes there too, so checks come afterwards.
struct Written {
  Status opened, written;
  int busy = 0;
  bool same_flags = false;
  std::string received;
};

// Writes `text` to a stdout that is `ends[1]`, reading ends[0] only when the sink is busy.
Written WriteAll(const int (&ends)[2], const std::string& text, const std::string& preamble) {
  Written result;
  std::string block(1 << 16, '\0');
  const Redirect redirect(1, ends[1]);
  const int flags = ::fcntl(1, F_GETFL);
  const auto sink = Stdout();
  SinkContext context;
  context.env = Env::Default();
  context.preamble = preamble;
  result.opened = sink->Open(context);
  result.same_flags = ::fcntl(1, F_GETFL) == flags;
  const Encoded records = Lines(text);
  while (result.opened.ok()) {
    const Result<SinkOutcome> outcome = sink->WriteBytes(records);
    result.written = outcome.status();
    if (!outcome.ok() || *outcome == SinkOutcome::kAccepted) break;
    ++result.busy;
    result.received.append(
        block, 0, static_cast<size_t>(std::max<ssize_t>(::read(ends[0], block.data(), block.size()), 0)));
  }
  pollfd more{ends[0], POLLIN, 0};
  while (::poll(&more, 1, 0) > 0 && (more.revents & POLLIN)) {
    result.received.append(
        block, 0, static_cast<size_t>(std::max<ssize_t>(::read(ends[0], block.data(), block.size()), 0)));
  }
  return result;
}

TEST_CASE("stdout that is read slowly makes the sink busy and loses nothing") {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "record " + std::to_string(i) + "\n";
  int ends[2];
  SUBCASE("a pipe") { REQUIRE(::pipe(ends) == 0); }
  SUBCASE("a socket") { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
  const Written result = WriteAll(ends, text, "head\n");
  ::close(ends[0]);
  CHECK(result.opened.ok());
  CHECK(result.same_flags);
  CHECK(result.written.ok());
  CHECK(result.busy > 0);
  CHECK((result.received == "head\n" + text));
}

TEST_CASE("stdout that is a file is written in place") {
  const TemporaryDirectory directory;
  int idle[2];
  REQUIRE(::pipe(idle) == 0);
  const int ends[2] = {idle[0], ::open((directory / "out").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600)};
  const Written result = WriteAll(ends, "one\ntwo\n", "");
  ::close(idle[0]);
  ::close(idle[1]);
  CHECK(result.written.ok());
  CHECK(ReadText(directory / "out") == "one\ntwo\n");
}

TEST_CASE("a reader that goes away ends the pipeline politely") {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  Status status;
  bool first = false;
  {
    const Redirect redirect(1, pipe[1]);
    const auto sink = Stdout();
    SinkContext context;
    context.env = Env::Default();
    first = sink->Open(context).ok() && sink->WriteBytes(Lines("one\n")).ok();
    ::close(pipe[0]);
    status = sink->WriteBytes(Lines("two\n")).status();
  }
  CHECK(first);
  CHECK(status.ToString() == "cancelled: stdout was closed by its reader");
}

}  // namespace
}  // namespace streamrun
