// Drives one bound source or sink by hand, the way a worker does: poll, wait for its descriptors, poll again.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/operators/operator_fixture.h"

namespace streamrun::testing {

/// Everything a source gave, as text.
class SourceRecorder final : public SourceOutput {
 public:
  void EmitChunk(Chunk chunk) override {
    ++emitted_in_poll;
    headers.push_back(chunk.header ? *chunk.header : "");
    splits.push_back(*chunk.split);
    if (chunk.record_ends) {
      uint32_t begin = 0;
      for (size_t i = 0; i < chunk.record_ends->size() / 4; ++i) {
        const uint32_t end = chunk.record_ends->as<uint32_t>()[i];
        records.emplace_back(chunk.bytes->view().substr(begin, end - begin));
        begin = end;
      }
    } else {
      std::string_view rest = chunk.bytes->view();
      while (!rest.empty()) {
        const size_t end = rest.find('\n');
        records.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      }
    }
  }
  void EmitBatch(BatchPtr batch, Ordinal ordinal) override {
    ++emitted_in_poll;
    for (std::string& row : TextOf(*batch)) records.push_back(std::move(row));
    batches.push_back(std::move(batch));
    ordinals.push_back(ordinal);
  }
  void FailRecord(const std::shared_ptr<const std::string>& split, int64_t, std::string_view raw,
                  std::string code, std::string) override {
    failures.push_back(code + ": " + std::string(raw));
    failed_splits.push_back(*split);
  }
  void Progress(Ordinal next) override { progress = next; }
  void EndUnit(std::string_view mark) override { marks.emplace_back(mark); }

  std::vector<std::string> records, headers, splits, failures, failed_splits, marks;
  std::vector<BatchPtr> batches;
  std::vector<Ordinal> ordinals;
  Ordinal progress = 0;
  int emitted_in_poll = 0;
};

/// What binding said, one finding a line.
inline std::string TextOf(const Diagnostics& diagnostics) {
  std::string text;
  for (const Finding& f : diagnostics.findings()) text += f.code + ": " + f.message + "\n";
  return text;
}

class TestBind final : public BindContext {
 public:
  TestBind(const ConfigValue& config, Diagnostics& diagnostics)
      : BindContext("node", "the node", config, {}, diagnostics) {}
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent&) override { return nullptr; }
};

struct BindResult {
  std::shared_ptr<const BoundSource> source;
  std::shared_ptr<const BoundSink> sink;
  std::string problems;
};

inline BindResult BindSource(std::string_view connector, const Conf& conf) {
  Diagnostics diagnostics;
  TestBind context(conf.value(), diagnostics);
  BindResult result;
  result.source = Registry::Global().FindSource(connector)->bind(context);
  result.problems = TextOf(diagnostics);
  return result;
}

inline BindResult BindSink(std::string_view connector, const Conf& conf) {
  Diagnostics diagnostics;
  TestBind context(conf.value(), diagnostics);
  BindResult result;
  result.sink = Registry::Global().FindSink(connector)->bind(context);
  result.problems = TextOf(diagnostics);
  return result;
}

/// For what has to come: only a test that fails waits so long.
inline constexpr Duration kPatience = 30 * kSecond;

/// Waits as the worker's poll does, at most 50 ms at a time.
inline void WaitFor(const WaitSpec& wait) {
  std::vector<pollfd> fds;
  for (const WaitSpec::Descriptor& d : wait.descriptors) fds.push_back({d.fd, d.events, 0});
  const Timestamp now = Env::Default()->MonotonicNow();
  const Duration left = wait.deadline == kMaxTimestamp ? 50 * kMillisecond : wait.deadline - now;
  const Duration time = std::clamp<Duration>(left, 0, 50 * kMillisecond);
  ::poll(fds.data(), fds.size(), static_cast<int>((time + 999) / 1000));
}

/// A running source with what it gave.
struct RunningSource {
  BindResult bound;
  std::unique_ptr<Source> source;
  SourceContext context;
  SourceRecorder out;
  bool done = false;

  RunningSource(std::string_view connector, const Conf& conf, const FormatTraits& format = {})
      : bound(BindSource(connector, conf)) {
    REQUIRE_MESSAGE(bound.source != nullptr, bound.problems);
    source = bound.source->Create(format);
    context.env = Env::Default();
  }
  Status Open(const std::vector<std::string>& positions = {}) { return source->Open(context, positions); }
  void MustOpen(const std::vector<std::string>& positions = {}) {
    const Status s = Open(positions);
    REQUIRE_MESSAGE(s.ok(), s.ToString());
  }
  /// Polls until `enough` or the end of the source; fails the test when that takes too long.
  template <typename F>
  void RunUntil(F enough) {
    const Timestamp deadline = Env::Default()->MonotonicNow() + kPatience;
    while (!done && !enough()) {
      REQUIRE(Env::Default()->MonotonicNow() < deadline);
      out.emitted_in_poll = 0;
      const Result<SourceOutcome> outcome = source->Poll(out);
      REQUIRE_MESSAGE(outcome.ok(), outcome.status().ToString());
      REQUIRE(out.emitted_in_poll <= 1);
      done = *outcome == SourceOutcome::kDone;
      if (*outcome == SourceOutcome::kWait && !enough()) WaitFor(source->Wait());
    }
  }
  void RunUntilRecords(size_t count) {
    RunUntil([&] { return out.records.size() >= count; });
  }
  void RunToEnd() {
    RunUntil([] { return false; });
  }
  /// Polls for `rounds` rounds of nothing new.
  void Settle(int rounds = 3) {
    for (int i = 0; i < rounds && !done; ++i) {
      const Result<SourceOutcome> outcome = source->Poll(out);
      REQUIRE(outcome.ok());
      done = *outcome == SourceOutcome::kDone;
      if (*outcome == SourceOutcome::kWait) ::usleep(2000);
      if (*outcome == SourceOutcome::kMore) --i;
    }
  }
};

/// Text records as an encoder makes them.
inline Encoded EncodedOf(const std::vector<std::string>& records) {
  BufferBuilder bytes, ends;
  for (const std::string& record : records) {
    bytes.Append(record.data(), record.size());
    ends.Push(static_cast<uint32_t>(bytes.size()));
  }
  return {bytes.Finish(), ends.Finish(), kNoOrdinal};
}

struct RunningSink {
  BindResult bound;
  std::unique_ptr<Sink> sink;
  SinkContext context;

  RunningSink(std::string_view connector, const Conf& conf) : bound(BindSink(connector, conf)) {
    REQUIRE_MESSAGE(bound.sink != nullptr, bound.problems);
    sink = bound.sink->Create();
    context.env = Env::Default();
  }
  void MustOpen() {
    const Status s = sink->Open(context);
    REQUIRE_MESSAGE(s.ok(), s.ToString());
  }
  bool TryWrite(const Encoded& records) {
    const Result<SinkOutcome> outcome = sink->WriteBytes(records);
    REQUIRE_MESSAGE(outcome.ok(), outcome.status().ToString());
    return *outcome == SinkOutcome::kAccepted;
  }
  /// Writes as a worker does; `meanwhile` runs between attempts.
  template <typename F>
  void Write(const Encoded& records, F meanwhile) {
    const Timestamp deadline = Env::Default()->MonotonicNow() + kPatience;
    while (!TryWrite(records)) {
      REQUIRE(Env::Default()->MonotonicNow() < deadline);
      meanwhile();
      WaitFor(sink->Wait());
    }
  }
  void Write(const Encoded& records) {
    Write(records, [] {});
  }
  template <typename F>
  void Finish(F meanwhile) {
    const Timestamp deadline = Env::Default()->MonotonicNow() + kPatience;
    for (;;) {
      const Result<SinkOutcome> outcome = sink->Finish(true);
      REQUIRE_MESSAGE(outcome.ok(), outcome.status().ToString());
      if (*outcome == SinkOutcome::kAccepted) return;
      REQUIRE(Env::Default()->MonotonicNow() < deadline);
      meanwhile();
      WaitFor(sink->Wait());
    }
  }
  void Finish() {
    Finish([] {});
  }
};

/// A port of the loopback interface that the kernel says is free.
inline int FreePort(int type = SOCK_STREAM) {
  const int fd = ::socket(AF_INET, type, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace streamrun::testing
