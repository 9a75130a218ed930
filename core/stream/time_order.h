// Rows put into the order of their event time: what reordering and every operator over ordered rows wait in.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/data/batch.h"
#include "core/data/selection.h"
#include "core/stream/spilled_run.h"

namespace streamrun {

/// Holds rows and gives those at or before a watermark, by time; rows of one time in the order in which they
/// came. Batches are kept as they came, each with its rows sorted, and merged when they are given, so that a
/// row is copied once; small batches are joined while they wait (as the components of a log-structured merge
/// tree: O'Neil et al., 1996). Beside its batch a row takes 12 bytes.
///
/// Rows keep their origin and change kind; a batch of rows from several splits has no origin. A column that
/// is pruned in some rows is pruned in all. Not thread-safe.
class TimeOrdered {
 public:
  /// Takes the chosen rows (ascending) of a batch; times[row] is a row's time.
  void Add(const BatchPtr& batch, const Selection& rows, const std::vector<int64_t>& times);

  /// Time of the first row; kMaxTimestamp when there is none.
  Timestamp first() const { return first_; }
  /// The next rows at or before `watermark`, at most `most` of them; null when there are none (or when
  /// spilled rows cannot be read, see status). `times`, if given, gets their times.
  BatchPtr Release(Timestamp watermark, int64_t most, std::vector<int64_t>* times = nullptr);

  int64_t rows() const { return rows_; }
  size_t MemoryBytes() const;

  /// What memory may hold, and where the rest goes.
  struct SpillPlace {
    Env* env = nullptr;
    std::string directory;  // made when it is needed; empty: there is none
    int64_t max_rows = 0;
    int64_t max_bytes = 0;
  };
  void set_spill_place(SpillPlace place) { place_ = std::move(place); }
  /// When more waits in memory than the place allows, writes all of it to a file, as one run. Beside what is
  /// in memory each run takes its next block, about kSpillBlockBytes.
  Status SpillIfLarge();
  int64_t spilled_rows() const;
  /// Why spilled rows cannot be read or written; Ok when they can.
  const Status& status() const { return status_; }

  /// Hands out all rows in the order in which they came, with times[row] of each batch. Adding them to an
  /// empty one gives the same again.
  using TakeTimed = std::function<Status(const BatchPtr&, const std::vector<int64_t>& times)>;
  Status Save(const TakeTimed& take) const;

  static constexpr size_t kSpillBlockBytes = 64 << 10;

 private:
  // Rows that came one behind the other; the runs stand in the order in which they came, spilled ones first.
  struct Run {
    BatchPtr batch;
    std::vector<uint32_t> order;  // rows of `batch` by time
    std::vector<int64_t> times;   // of the rows in `order`
    size_t next = 0;              // what lies before was given
    size_t bytes = 0;             // of `batch`

    // A run that was spilled: the block in `batch`, and what follows it in the file.
    std::shared_ptr<const SpilledRun> file;
    uint64_t place = 0;
    int64_t rows_behind = 0;  // in the file, behind the block
    int level = 0;            // how often its rows were written

    size_t left() const { return order.size() - next; }
  };
  struct Place {
    uint32_t run;
    uint32_t row;  // among those that are given of its run
  };

  void Prune(const Batch& batch);
  static Run Sorted(const BatchPtr& batch, const std::vector<int64_t>& times);
  static void Compact(Run* run);
  static Run Join(Run a, Run b);
  std::vector<Place> Choose(Timestamp watermark, int64_t most, std::vector<Selection>* chosen,
                            std::vector<int64_t>* times);
  BatchPtr Gather(const std::vector<Place>& places, const std::vector<Selection>& chosen) const;
  void DropGiven();
  Status ReadBlock(Run* run) const;
  Result<Run> Write(std::vector<Run> runs, int level);
  Status MergeSpilled();

  std::vector<Run> runs_;
  std::vector<bool> pruned_;  // by column
  SpillPlace place_;
  uint64_t files_ = 0;  // made so far
  Status status_;
  int64_t rows_ = 0;
  Timestamp first_ = kMaxTimestamp;
};

}  // namespace streamrun
