// Rows put into the order of their event time: what reordering and every operator over ordered rows wait in.
#pragma once

#include <functional>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/data/batch.h"
#include "core/data/selection.h"

namespace streamrun {

/// Holds rows and gives those at or before a watermark, by time; rows of one time in the order in which they
/// came. Batches are kept as they came, each with its rows sorted, and merged when they are given, so that a
/// row is copied once; small batches are joined while they wait (as the components of a log-structured merge
/// tree: O'Neil et al., 1996). Beside its batch a row takes 12 bytes.
///
/// Rows keep their origin and change kind; a batch of rows from several splits has no origin. Not
/// thread-safe.
class TimeOrdered {
 public:
  /// Takes the chosen rows (ascending) of a batch; times[row] is a row's time.
  void Add(const BatchPtr& batch, const Selection& rows, const std::vector<int64_t>& times);

  /// Time of the first row; kMaxTimestamp when there is none.
  Timestamp first() const { return first_; }
  /// The next rows at or before `watermark`, at most `most` of them; null when there are none. `times`, if
  /// given, gets their times.
  BatchPtr Release(Timestamp watermark, int64_t most, std::vector<int64_t>* times = nullptr);

  int64_t rows() const { return rows_; }
  size_t MemoryBytes() const;

  /// Hands out all rows in the order in which they came, with times[row] of each batch. Adding them to an
  /// empty one gives the same again.
  using TakeTimed = std::function<Status(const BatchPtr&, const std::vector<int64_t>& times)>;
  Status Save(const TakeTimed& take) const;

 private:
  // Rows that came one behind the other; the runs stand in the order in which they came.
  struct Run {
    BatchPtr batch;
    std::vector<uint32_t> order;  // rows of `batch` by time
    std::vector<int64_t> times;   // of the rows in `order`
    size_t next = 0;              // what lies before was given
    size_t bytes = 0;             // of `batch`

    size_t left() const { return order.size() - next; }
  };
  struct Place {
    uint32_t run;
    uint32_t row;  // among those that are given of its run
  };

  static Run Sorted(const BatchPtr& batch, const std::vector<int64_t>& times);
  static void Compact(Run* run);
  static Run Join(Run a, Run b);
  std::vector<Place> Choose(Timestamp watermark, int64_t most, std::vector<Selection>* chosen,
                            std::vector<int64_t>* times);
  BatchPtr Gather(const std::vector<Place>& places, const std::vector<Selection>& chosen) const;
  void DropGiven();

  std::vector<Run> runs_;
  int64_t rows_ = 0;
  Timestamp first_ = kMaxTimestamp;
};

}  // namespace streamrun
