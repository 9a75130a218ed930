// What people see of a running pipeline: a live block on a terminal, a line now and then elsewhere, a closing
// summary. Text is made by pure functions of snapshots.
#pragma once

#include <string>
#include <string_view>

#include "runner/process/status.h"

namespace streamrun {

/// "1,234,567".
std::string GroupDigits(int64_t number);
/// "512 B", "1.5 KiB", "3.2 GiB".
std::string HumanBytes(double bytes);
/// "0.42 s", "12.3 s", "3 m 05 s", "2 h 03 m".
std::string HumanDuration(Duration duration);

/// One line per stage with rates since `before` (or since the start when null), elapsed time and, for bounded
/// input, the time left. Lines are at most `width` columns and end with a newline.
std::string RenderLive(const PipelineStatus& now, const PipelineStatus* before, int width);
/// The same in one line for logs, without a newline.
std::string RenderLine(const PipelineStatus& now, const PipelineStatus* before);
/// Says where every row of every node went, whether the ledger balances, where dead letters lie, and what a
/// restart may have repeated.
std::string RenderSummary(const PipelineStatus& status);

/// Draws the live block on a terminal and keeps other output from tearing it. Used by one thread.
class LiveDisplay {
 public:
  explicit LiveDisplay(int fd) : fd_(fd) {}
  void Draw(const std::string& block);
  /// Removes the block.
  void Clear();
  /// Writes text (whole lines) above the block.
  void WriteAbove(std::string_view text);
  int width() const;

 private:
  int fd_;
  std::string block_;
};

/// Writes everything to a descriptor; failures are ignored (there is nowhere to report them).
void WriteAll(int fd, std::string_view text);

}  // namespace streamrun
