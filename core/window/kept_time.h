// How far time has come, as state: what every operator over time keeps beside its rows.
#pragma once

#include <functional>
#include <string>

#include "core/base/time.h"
#include "core/window/kept_state.h"

namespace streamrun {

/// "time": one row without a key, {time, timer bigint}: the event time that the operator was told last
/// (kMinTimestamp: none) and when something of it is due in processing time (kMaxTimestamp: nothing). The
/// last watermark is not told again to a restored operator.
StateShape TimeState();

/// Of the rows that several instances saved the least of each counts: what the one behind still held must not
/// be closed early. Not thread-safe.
class KeptTime final : public StateTable {
 public:
  /// `time` and `timer` are the operator's own; without a timer nothing is ever due. `loaded` is called after
  /// each load.
  explicit KeptTime(Timestamp* time, Timestamp* timer = nullptr, std::function<void()> loaded = nullptr)
      : time_(time), timer_(timer), loaded_(std::move(loaded)) {}

  const std::string& name() const override { return name_; }
  Status Save(const TakeRows& take) const override;
  Status Load(const BatchPtr& rows) override;
  int64_t keys() const override { return 0; }
  size_t MemoryBytes() const override { return 0; }

 private:
  std::string name_ = "time";
  Timestamp* time_;
  Timestamp* timer_;
  std::function<void()> loaded_;
  bool any_ = false;  // a row was loaded
};

}  // namespace streamrun
