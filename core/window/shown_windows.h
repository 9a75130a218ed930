// What was shown of each window, so that later results are changes against it.
#pragma once

#include <map>
#include <utility>

#include "core/window/aggregation_state.h"

namespace streamrun {

/// A Changelog a window, ordered as windows close. Without windows there is one. Not thread-safe.
class ShownWindows {
 public:
  /// `plan` outlives it.
  explicit ShownWindows(const AggregationPlan& plan) : plan_(plan) {}

  /// Calls f(Changelog&) with what was shown of a window.
  template <typename F>
  void Change(const Window& window, const F& f) {
    Changelog& shown = Of(window);
    const size_t before = shown.MemoryBytes();
    f(shown);
    bytes_ += shown.MemoryBytes() - before;
  }
  /// Windows that end here or before are final.
  void Forget(Timestamp end);

  size_t bytes() const { return bytes_; }
  /// Rows of ShownState.
  Status Save(const TakeRows& take) const;
  void Track(int64_t most);
  int64_t changed() const;
  int64_t rows() const;
  Status SaveChanges(const TakeRows& removed, const TakeRows& rows) const;
  Status Load(const BatchPtr& state);

 private:
  using Key = std::pair<Timestamp, Timestamp>;  // end, start

  Changelog& Of(const Window& window);

  const AggregationPlan& plan_;
  std::map<Key, Changelog> windows_;
  size_t bytes_ = 0;
  int64_t tracks_ = 0;     // at most so many changes
  std::vector<Key> gone_;  // windows that are final; one may be there again
};

}  // namespace streamrun
