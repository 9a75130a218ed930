// Places at which a test may kill, stop, delay or fail this process: what a crash at that very moment leaves
// behind is then tried, not argued about (RELIABILITY 6.3; the idea is FreeBSD's fail(9)).
//
// STREAMRUN_FAILPOINTS="name=action[:hit][@worker|@supervisor],..." arms them for a whole family:
//   kill          SIGKILL to itself          stop       SIGSTOP to itself, until somebody sends SIGCONT
//   delay(MS)     sleeps                     error(E)   the call fails with ENOSPC or EIO
//   crash_on(TEXT)  SIGSEGV when the data that passes contains TEXT (only SR_CRASH_ON looks)
// `hit` is the how-many-th time that the process gets there (1), `*` each time. With
// STREAMRUN_FAILPOINT_MARKS naming a directory, each entry acts once in a family, restarts included, and
// leaves the file
// "<name>.<hit>" there; without it, once in each process.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace streamrun {

/// Who may get there.
enum class FamilyProcess : uint8_t { kSupervisor = 1, kWorker = 2 };

struct Failpoint {
  std::string_view name;
  FamilyProcess process;
  /// The call that it is in can fail there; elsewhere `error` cannot be armed.
  bool fails;
};

/// Every one, so that the list is complete and a misspelt name does not compile. In the order of an epoch.
inline constexpr std::array kFailpoints = {
    // Beginning and going on (RELIABILITY 1.4).
    Failpoint{"recover.begin", FamilyProcess::kSupervisor, true},
    Failpoint{"recover.verified", FamilyProcess::kSupervisor, true},
    Failpoint{"recover.cleaned", FamilyProcess::kSupervisor, true},
    Failpoint{"letters.trim", FamilyProcess::kSupervisor, true},
    Failpoint{"region.spawned", FamilyProcess::kSupervisor, true},
    Failpoint{"region.connect", FamilyProcess::kSupervisor, false},
    Failpoint{"region.started", FamilyProcess::kSupervisor, false},
    Failpoint{"worker.assigned", FamilyProcess::kWorker, true},
    Failpoint{"worker.bound", FamilyProcess::kWorker, true},
    Failpoint{"worker.connected", FamilyProcess::kWorker, true},
    Failpoint{"restore.opened", FamilyProcess::kWorker, true},
    Failpoint{"restore.table", FamilyProcess::kWorker, true},
    Failpoint{"file.restore", FamilyProcess::kWorker, true},
    Failpoint{"sink.restored.commit", FamilyProcess::kWorker, true},
    Failpoint{"sink.restored.committed", FamilyProcess::kWorker, true},
    Failpoint{"worker.ready", FamilyProcess::kWorker, true},
    Failpoint{"worker.started", FamilyProcess::kWorker, true},
    Failpoint{"worker.stepped", FamilyProcess::kWorker, true},
    Failpoint{"source.poll", FamilyProcess::kWorker, true},
    Failpoint{"operator.rows", FamilyProcess::kWorker, true},
    Failpoint{"letters.write", FamilyProcess::kWorker, true},
    // The ingest log (RELIABILITY 2.2), only where a source has a buffer.
    Failpoint{"ingest.recovered", FamilyProcess::kWorker, true},
    Failpoint{"ingest.poll", FamilyProcess::kWorker, true},
    Failpoint{"ingest.marked", FamilyProcess::kWorker, true},
    Failpoint{"ingest.rolled", FamilyProcess::kWorker, true},
    Failpoint{"ingest.appended", FamilyProcess::kWorker, true},
    Failpoint{"ingest.synced", FamilyProcess::kWorker, true},
    Failpoint{"ingest.published", FamilyProcess::kWorker, true},
    Failpoint{"ingest.acknowledged", FamilyProcess::kWorker, true},
    Failpoint{"ingest.removed", FamilyProcess::kWorker, true},
    // What an http sink stages and posts (docs/formats/http_stage.md), only where there is one.
    Failpoint{"http.opened", FamilyProcess::kWorker, true},
    Failpoint{"http.voided", FamilyProcess::kWorker, true},
    Failpoint{"http.created", FamilyProcess::kWorker, true},
    Failpoint{"http.staged", FamilyProcess::kWorker, true},
    Failpoint{"http.closed", FamilyProcess::kWorker, true},
    Failpoint{"http.post", FamilyProcess::kWorker, true},
    Failpoint{"http.answered", FamilyProcess::kWorker, true},
    Failpoint{"http.noted", FamilyProcess::kWorker, true},
    Failpoint{"http.sent", FamilyProcess::kWorker, true},
    Failpoint{"http.done", FamilyProcess::kWorker, true},
    Failpoint{"http.removed", FamilyProcess::kWorker, true},
    Failpoint{"http.forgotten", FamilyProcess::kWorker, true},
    // An epoch (RELIABILITY 1.3).
    Failpoint{"ckpt.begun", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.triggered", FamilyProcess::kSupervisor, false},
    Failpoint{"source.triggered", FamilyProcess::kWorker, false},
    Failpoint{"source.places.sent", FamilyProcess::kWorker, true},
    Failpoint{"ckpt.bound.sent", FamilyProcess::kSupervisor, false},
    Failpoint{"source.bound", FamilyProcess::kWorker, true},
    Failpoint{"source.barrier", FamilyProcess::kWorker, true},
    Failpoint{"operator.barrier", FamilyProcess::kWorker, true},
    Failpoint{"sink.flushed", FamilyProcess::kWorker, true},
    Failpoint{"sink.prepared", FamilyProcess::kWorker, true},
    Failpoint{"sink.barrier", FamilyProcess::kWorker, true},
    Failpoint{"letters.prepared", FamilyProcess::kWorker, true},
    Failpoint{"segment.written", FamilyProcess::kWorker, true},
    Failpoint{"segment.synced", FamilyProcess::kWorker, true},
    // Only where tables are large enough to be stored as changes.
    Failpoint{"changes.linked", FamilyProcess::kWorker, true},
    Failpoint{"changes.joined", FamilyProcess::kWorker, true},
    Failpoint{"snapshot.synced", FamilyProcess::kWorker, true},
    Failpoint{"snapshot.stored", FamilyProcess::kWorker, true},
    Failpoint{"ack.sent", FamilyProcess::kWorker, false},
    Failpoint{"ckpt.ack.received", FamilyProcess::kSupervisor, false},
    Failpoint{"ckpt.decide", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.manifest.written", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.epoch.renamed", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.high.written", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.current.written", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.commit.sent", FamilyProcess::kSupervisor, false},
    Failpoint{"source.committed", FamilyProcess::kWorker, true},
    Failpoint{"sink.commit", FamilyProcess::kWorker, true},
    Failpoint{"file.publish", FamilyProcess::kWorker, true},
    Failpoint{"file.published", FamilyProcess::kWorker, true},
    Failpoint{"sink.committed", FamilyProcess::kWorker, true},
    Failpoint{"committed.sent", FamilyProcess::kWorker, true},
    Failpoint{"ckpt.committed.received", FamilyProcess::kSupervisor, false},
    Failpoint{"ckpt.marker", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.marker.written", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.gc.hidden", FamilyProcess::kSupervisor, true},
    Failpoint{"ckpt.gc.removed", FamilyProcess::kSupervisor, true},
    // An epoch that is given up, only where something else fails too.
    Failpoint{"ckpt.aborted", FamilyProcess::kSupervisor, false},
    Failpoint{"ckpt.abandoned", FamilyProcess::kSupervisor, false},
    Failpoint{"worker.aborted", FamilyProcess::kWorker, true},
    // Letters that are taken in again, only where an order was given.
    Failpoint{"replay.order.written", FamilyProcess::kSupervisor, true},
    Failpoint{"replay.order.renamed", FamilyProcess::kSupervisor, true},
    Failpoint{"replay.drop", FamilyProcess::kSupervisor, true},
    Failpoint{"replay.settle", FamilyProcess::kSupervisor, true},
    Failpoint{"replay.found", FamilyProcess::kSupervisor, true},
    Failpoint{"replay.sent", FamilyProcess::kSupervisor, false},
    Failpoint{"replay.opened", FamilyProcess::kWorker, true},
    Failpoint{"replay.rows", FamilyProcess::kWorker, true},
    Failpoint{"replay.applied", FamilyProcess::kWorker, true},
    Failpoint{"replay.applied.received", FamilyProcess::kSupervisor, false},
    // The end.
    Failpoint{"sink.finished", FamilyProcess::kWorker, true},
    Failpoint{"worker.done", FamilyProcess::kWorker, true},
    Failpoint{"region.leaving", FamilyProcess::kSupervisor, false},
    Failpoint{"worker.leaving", FamilyProcess::kWorker, false},
};

consteval size_t FailpointNumber(std::string_view name) {
  for (size_t i = 0; i < kFailpoints.size(); ++i) {
    if (kFailpoints[i].name == name) return i;
  }
  throw "not in kFailpoints";
}

/// Arms this process, before it has a second thread. Nothing in `text`: nothing is armed. kInvalidArgument
/// names the entry that cannot be understood; nothing is armed then.
Status ArmFailpoints(std::string_view text, std::string_view marks, FamilyProcess self);
/// From the two environment variables.
Status ArmFailpointsFromEnvironment(FamilyProcess self);

namespace failpoint_internal {
extern std::atomic<bool> armed;
Status Reached(size_t number);
void CrashOn(size_t number, const std::function<bool(std::string_view text)>& holds);
}  // namespace failpoint_internal

}  // namespace streamrun

/// A Status; costs one relaxed load while nothing is armed. May be reached by any thread.
#define SR_FAILPOINT(name)                                                            \
  (::streamrun::failpoint_internal::armed.load(std::memory_order_relaxed)             \
       ? ::streamrun::failpoint_internal::Reached(::streamrun::FailpointNumber(name)) \
       : ::streamrun::Status::Ok())

/// A component that crashes on some data, for tests: crash_on(TEXT) acts when `holds(TEXT)`.
#define SR_CRASH_ON(name, holds)                                                             \
  (::streamrun::failpoint_internal::armed.load(std::memory_order_relaxed)                    \
       ? ::streamrun::failpoint_internal::CrashOn(::streamrun::FailpointNumber(name), holds) \
       : void())
