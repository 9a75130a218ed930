// The ingest worker's machine: takes what a source gives, makes it safe in the log, and only then lets the
// source acknowledge. Stepped like a task; nothing in it waits but the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/stream/source.h"
#include "runner/ingest/log_tail.h"
#include "runner/ingest/log_writer.h"
#include "runner/plan/plan.h"

namespace streamrun {

struct IngestOptions {
  Env* env = nullptr;
  std::string directory;  // of the log
  std::string run_directory;
  uint64_t generation = 0;
  bool once = false;
  /// No checkpoint goes on from an earlier run.
  bool fresh = false;
};

class Ingest final : private SourceOutput {
 public:
  /// `node`: a source of the plan with a buffer.
  Ingest(PlanPtr plan, int node, IngestOptions options);
  ~Ingest() override;

  /// Opens the log, tells the reader how far it is safe, then opens the source.
  Status Open();
  /// One poll of the source, and a commit when one is due. True: call again; false: wait. After an error the
  /// process must end without another word to its peers.
  Result<bool> Step();
  WaitSpec Wait();
  /// Makes safe and acknowledges what was taken.
  Status Finish();
  /// The input came to its end and the log says so.
  bool ended() const { return log_ && log_->ended() && log_->pending_bytes() == 0; }
  /// What it waits for: "input", "space in the log", or what the source says is amiss.
  std::string BlockedOn() const;

 private:
  Status CommitNow();
  Status CheckRoom();
  void SetFull(bool full);

  // SourceOutput
  void EmitChunk(Chunk chunk) override;
  void EmitBatch(BatchPtr batch, Ordinal ordinal) override;
  void FailRecord(const std::shared_ptr<const std::string>& split, int64_t offset, std::string_view raw,
                  std::string code, std::string message) override;
  void Progress(Ordinal) override {}
  void BeginUnit() override { unit_open_ = true; }
  void EndUnit(std::string_view mark) override;

  PlanPtr plan_;
  const PlanNode& node_;
  IngestOptions options_;
  SourceContext context_;
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<LogTail> tail_;
  std::unique_ptr<Source> source_;
  uint64_t emitted_ = 0;      // chunks and failed records since Open
  uint64_t stored_ = 0;       // of those
  int64_t dropped_ = 0;       // as the log says
  uint64_t bytes_ = 0;        // of the log on disk, now and then
  uint64_t bytes_since_ = 0;  // committed since it was looked up
  Timestamp first_pending_ = 0;
  Timestamp look_again_ = 0;  // full: for room
  bool full_ = false;
  bool waits_ = false;
  bool done_ = false;
  bool unit_open_ = false;
  Status failure_;
};

}  // namespace streamrun
