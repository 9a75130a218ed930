// The contract of a source connector: where bytes or rows enter.
//
// A byte source hands out chunks of whole records (framing is the source's job, see framing.h) and a Decoder
// of the configured format turns them into batches in the same worker. A row source (generate, CDC) makes
// batches itself. Called by the worker's data thread only; nothing blocks for longer than a local file read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/data/batch.h"
#include "core/stream/event.h"
#include "core/stream/operator.h"
#include "core/stream/wait.h"

namespace streamrun {

/// Whole records of one split.
struct Chunk {
  /// Record bytes with their separators as they came. Buffer::kPadding readable bytes follow (Wrap users: see
  /// to it).
  BufferPtr bytes;
  /// When the transport delimits records itself (datagrams, ZeroMQ, length framing): end of each record
  /// (uint32, ascending). Null: the format finds the ends (newline).
  BufferPtr record_ends;
  std::shared_ptr<const std::string> split;
  /// Origin of the first byte (byte offset), or with record_ends of the first record (sequence number).
  int64_t offset = 0;
  Ordinal ordinal = kNoOrdinal;
  /// The header line (without separator) of the file or connection, when the format asked for one; it is not
  /// part of `bytes`. Every chunk carries it, so that splits of one file decode alone.
  std::shared_ptr<const std::string> header;
};

enum class SourceOutcome : uint8_t {
  kMore,  // call Poll again
  kWait,  // nothing now: see Wait()
  kDone,  // bounded input is at its end; what was given out still counts
};

/// Where a source puts what it read. At most one Chunk or Batch per Poll.
class SourceOutput {
 public:
  virtual ~SourceOutput() = default;
  virtual void EmitChunk(Chunk chunk) = 0;
  virtual void EmitBatch(BatchPtr batch, Ordinal ordinal) = 0;
  /// A record that could not even be framed (too long, truncated): goes to `errors` as raw bytes (a prefix).
  virtual void FailRecord(const std::shared_ptr<const std::string>& split, int64_t offset,
                          std::string_view raw, std::string code, std::string message) = 0;
  /// Every chunk after the one of this Poll has an ordinal >= `next`. A source with ordinals calls it with
  /// the last chunk of each ordinal, else a merge downstream waits for the next chunk to learn it.
  virtual void Progress(Ordinal next) = 0;
  /// A source that knows event time better than its rows do (punctuation, replayed tests): no row at or
  /// before `time` will follow.
  virtual void AdvanceTime(Timestamp time) { (void)time; }
  /// All that is given out from BeginUnit to EndUnit, over several Polls that do not wait, came in one piece
  /// that its sender may send again: a buffer stores all of it or nothing, with `mark`, which says what it
  /// was and comes back in SourceContext::marks. Only sources that say so (BoundSource::marks_units) call
  /// them.
  virtual void BeginUnit() {}
  virtual void EndUnit(std::string_view mark) { (void)mark; }
  /// The source has nothing for now and must not hold back event time; rows end the idleness by themselves.
  virtual void GoIdle() {}
};

struct SourceContext {
  Env* env = nullptr;
  int instance = 0;
  int parallelism = 1;
  /// Directory for this pipeline's run files (sockets), private to the user.
  std::string run_directory;
  /// Which start of the pipeline this is (restarts after a failure belong to the same one): what a run leaves
  /// in run_directory is valid for one generation. 0: unknown.
  uint64_t generation = 0;
  /// True when the pipeline should end at the current end of a followed input (tests, `run --once`).
  bool once = false;
  /// Columns a row source must fill; empty = all. Others may be left pruned.
  std::vector<bool> wanted;
  /// Row sources: fill Batch::origin (a node downstream can fail on a row).
  bool origin = false;
  /// Longest record in bytes; longer ones go to FailRecord.
  size_t max_record = 1 << 20;
  /// What is given out goes to a log on disk first (`buffer: durable`): Stored() tells how far it is safe,
  /// and Commit never comes. False: it goes straight into the pipeline and is safe with Commit.
  bool buffered = false;
  /// Buffered sources that mark units: what Marks() gave last, then the marks of units that were stored
  /// since.
  std::vector<std::string> marks;
};

class Source {
 public:
  virtual ~Source() = default;
  /// Connects or opens. `positions` is empty at a fresh start; after a checkpoint it holds what Position()
  /// gave: that of this instance alone when there are as many instances as then, else those of all of them in
  /// order, to be dealt anew (a source that cannot says so). Of a source whose chunks have ordinals all were
  /// taken behind the same ordinal.
  /// A kUnavailable status is retried by the host with back-off; others end the region.
  virtual Status Open(SourceContext& context, const std::vector<std::string>& positions) = 0;
  virtual Result<SourceOutcome> Poll(SourceOutput& out) = 0;
  /// Valid after kWait until the next Poll.
  virtual WaitSpec Wait() { return {}; }
  /// Where to continue so that everything emitted so far is not read again (JSON text, the connector's own
  /// form). Asked between two Polls, when all that the last one emitted has been taken. Empty: nowhere, this
  /// source cannot be read again.
  virtual std::string Position() const { return {}; }
  /// Everything up to the position that was asked for at `epoch` is safe downstream, whatever happens:
  /// acknowledge, prune. Epochs ascend; some are left out.
  virtual Status Commit(uint64_t epoch) {
    (void)epoch;
    return Status::Ok();
  }
  /// Buffered sources: the first `count` chunks and failed records (together, in the order they were given
  /// out since Open) survive a crash of everything: acknowledge them.
  virtual void Stored(uint64_t count) { (void)count; }
  /// Buffered sources that mark units: all that Open must find again of units that are known to be stored
  /// (Stored), whatever becomes of them in the log.
  virtual std::string Marks() const { return {}; }
  /// Buffered sources: while `full`, nothing more can be stored and Poll is not called; what comes now is to
  /// be refused with that reason where the transport can say so.
  virtual void StorageFull(bool full) { (void)full; }
  /// Bytes of input in all (bounded sources, for progress) and read so far, over this instance's share; -1
  /// unknown.
  struct Extent {
    int64_t total = -1;
    int64_t read = 0;
  };
  virtual Extent Progress() const { return {}; }
  /// Records that the transport says it lost before this source could read them (kernel drops of UDP).
  virtual int64_t Dropped() const { return 0; }
  /// What it is waiting for when something outside is amiss ("tcp://db:9000: connection refused"), empty when
  /// all is well: for `status` and the log. Asked after kWait.
  virtual std::string Trouble() const { return {}; }
};

}  // namespace streamrun
