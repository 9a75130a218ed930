#include "runner/exec/drift_gate.h"

#include <algorithm>

#include "core/component/config_spec.h"

namespace streamrun {

namespace {

// A reason that changed is sent to the supervisor; the exact distance changes all the time.
constexpr Duration kExplainAgain = 200 * kMillisecond;

// In whole units of the largest that fits: "3d", "5m", "250ms".
std::string Coarse(Duration duration) {
  for (const Duration unit : {kDay, kHour, kMinute, kSecond, kMillisecond}) {
    if (duration >= unit) return PrintDuration(duration / unit * unit);
  }
  return PrintDuration(duration);
}

}  // namespace

DriftGate::DriftGate(TimeBoard* board, const Plan& plan, int node, int instance)
    : board_(board),
      plan_(plan),
      node_(node),
      instance_(instance),
      max_drift_(plan.node(node).event_time.max_drift) {}

void DriftGate::Tell(Timestamp watermark, TimeBoard::Standing standing) {
  watermark_ = watermark;
  if (board_ != nullptr) board_->Tell(node_, instance_, watermark, standing);
}

bool DriftGate::Closed(Timestamp monotonic_now) {
  if (board_ == nullptr || !max_drift_ || watermark_ == kMinTimestamp) return false;
  const TimeBoard::Least least = board_->LeastBeside(node_);
  // Unsigned: between the least and the greatest time lies more than a Duration holds.
  const uint64_t ahead = static_cast<uint64_t>(watermark_) - static_cast<uint64_t>(least.watermark);
  if (least.watermark >= watermark_ || ahead <= static_cast<uint64_t>(*max_drift_)) {
    explain_again_ = kMinTimestamp;
    return false;
  }
  Explain(least, monotonic_now);
  return true;
}

void DriftGate::Explain(const TimeBoard::Least& least, Timestamp now) {
  if (now < explain_again_) return;
  explain_again_ = now + kExplainAgain;
  const uint64_t behind = static_cast<uint64_t>(watermark_) - static_cast<uint64_t>(least.watermark);
  const auto distance = static_cast<Duration>(std::min<uint64_t>(behind, kMaxTimestamp));
  const std::string how = !least.started                     ? "not started"
                          : least.watermark == kMinTimestamp ? "no event time yet"
                                                             : "event time " + Coarse(distance) + " behind";
  reason_ = "waits for " + plan_.node(least.node).name + " (" + how + ")";
}

}  // namespace streamrun
