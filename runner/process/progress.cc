#include "runner/process/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace streamrun {

namespace {

template <typename... Args>
std::string Format(const char* format, Args... args) {
  char text[128];
  std::snprintf(text, sizeof(text), format, args...);
  return text;
}

double Rate(int64_t now, int64_t before, Duration time) {
  if (time <= 0 || now < before) return 0;
  return static_cast<double>(now - before) * static_cast<double>(kSecond) / static_cast<double>(time);
}

std::string HumanRate(double rows) {
  if (rows >= 1e6) return Format("%.2f M rows/s", rows / 1e6);
  if (rows >= 1e4) return Format("%.0f k rows/s", rows / 1e3);
  return Format("%.0f rows/s", rows);
}

// Time left at the present speed, from the bytes of bounded sources; negative when it cannot be told.
Duration TimeLeft(const PipelineStatus& now, const PipelineStatus* before) {
  int64_t total = 0, read = 0, read_before = 0;
  for (size_t i = 0; i < now.nodes.size(); ++i) {
    const NodeStatus& node = now.nodes[i];
    if (node.kind != "source") continue;
    if (node.total_bytes < 0) return -1;
    total += node.total_bytes;
    read += node.now.bytes_in;
    if (before != nullptr && i < before->nodes.size()) read_before += before->nodes[i].now.bytes_in;
  }
  const double rate = Rate(read, read_before, now.elapsed - (before != nullptr ? before->elapsed : 0));
  if (total <= 0 || rate <= 0 || read > total) return -1;
  return static_cast<Duration>(static_cast<double>(total - read) / rate * static_cast<double>(kSecond));
}

std::string Headline(const PipelineStatus& now, const PipelineStatus* before) {
  std::string line =
      now.pipeline + " " + std::string(PhaseName(now.phase)) + " " + HumanDuration(now.elapsed);
  if (const Duration left = TimeLeft(now, before); left >= 0 && now.phase == Phase::kRunning) {
    line += ", about " + HumanDuration(left) + " left";
  }
  if (now.restarts > 0)
    line += ", " + std::to_string(now.restarts) + (now.restarts == 1 ? " restart" : " restarts");
  if (now.dead_letters > 0) line += ", " + GroupDigits(now.dead_letters) + " dead letters";
  return line;
}

int64_t StageRows(const PipelineStatus* status, size_t stage, int64_t StageStatus::*field) {
  return status != nullptr && stage < status->stages.size() ? status->stages[stage].*field : 0;
}

// "12,345 filtered, 3 dead-lettered"; forwarded rows are the column beside it.
std::string OtherFates(const NodeStatus& node) {
  std::string text;
  for (size_t i = 0; i < kFateCount; ++i) {
    const Fate fate = static_cast<Fate>(i);
    if (fate == Fate::kForwarded || node.now.fates[i] == 0) continue;
    std::string name(FateName(fate));
    std::replace(name.begin(), name.end(), '_', '-');
    text += (text.empty() ? "" : ", ") + GroupDigits(node.now.fates[i]) + " " + name;
  }
  if (node.now.replayed > 0)
    text += (text.empty() ? "" : ", ") + GroupDigits(node.now.replayed) + " replayed";
  // Rows by port, where there is more than one way on.
  int ways = 0;
  for (const PortStatus& port : node.ports) ways += port.rows > 0;
  if (ways > 1) {
    for (const PortStatus& port : node.ports) {
      if (port.rows > 0) text += (text.empty() ? "" : ", ") + GroupDigits(port.rows) + " by " + port.name;
    }
  }
  if (node.residue > 0) text += (text.empty() ? "" : ", ") + GroupDigits(node.residue) + " under way";
  if (!node.place.empty()) {
    const int64_t bytes = node.kind == "source" ? node.now.bytes_in : node.now.bytes_out;
    text += (text.empty() ? "" : "; ") + node.place;
    if (bytes > 0) text += " (" + HumanBytes(static_cast<double>(bytes)) + ")";
  }
  return text;
}

using Row = std::vector<std::string>;

// Columns padded to their widest cell; numbers (columns 2 and 3) to the right; the last one is left as it is.
std::string Table(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = " ";
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string pad(c + 1 == row.size() ? 0 : widths[c] - row[c].size(), ' ');
      const bool number = c == 2 || c == 3;
      line += " " + (number ? pad + row[c] : row[c] + pad) + " ";
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string GroupDigits(int64_t number) {
  std::string text = std::to_string(number);
  for (int at = static_cast<int>(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

std::string HumanBytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) bytes /= 1024, ++unit;
  return Format(unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
}

std::string HumanDuration(Duration duration) {
  const double seconds = static_cast<double>(duration) / static_cast<double>(kSecond);
  if (seconds < 9.995) return Format("%.2f s", seconds);
  if (seconds < 59.95) return Format("%.1f s", seconds);
  const int64_t whole = std::llround(seconds);
  if (whole < 3600)
    return Format("%lld m %02lld s", static_cast<long long>(whole / 60), static_cast<long long>(whole % 60));
  return Format("%lld h %02lld m", static_cast<long long>(whole / 3600),
                static_cast<long long>(whole / 60 % 60));
}

std::string RenderLive(const PipelineStatus& now, const PipelineStatus* before, int width) {
  const Duration time = now.elapsed - (before != nullptr ? before->elapsed : 0);
  size_t name_width = 0;
  for (const StageStatus& stage : now.stages) name_width = std::max(name_width, stage.name.size() + 4);
  std::string text;
  const auto add = [&](std::string line) {
    if (width > 0 && line.size() > static_cast<size_t>(width)) line.resize(static_cast<size_t>(width));
    text += line + "\n";
  };
  add(Headline(now, before));
  for (size_t i = 0; i < now.stages.size(); ++i) {
    const StageStatus& stage = now.stages[i];
    std::string name = stage.name;
    if (stage.workers.size() > 1) name += " x" + std::to_string(stage.workers.size());
    name.resize(std::max(name.size(), name_width), ' ');
    const double rows = Rate(stage.rows, StageRows(before, i, &StageStatus::rows), time);
    const double bytes = Rate(stage.bytes, StageRows(before, i, &StageStatus::bytes), time);
    add("  " + name + " " + Format("%16s", HumanRate(rows).c_str()) +
        Format("%13s/s", HumanBytes(bytes).c_str()) + Format("%16s rows", GroupDigits(stage.rows).c_str()));
  }
  return text;
}

std::string RenderLine(const PipelineStatus& now, const PipelineStatus* before) {
  const Duration time = now.elapsed - (before != nullptr ? before->elapsed : 0);
  std::string line = Headline(now, before);
  for (size_t i = 0; i < now.stages.size(); ++i) {
    const StageStatus& stage = now.stages[i];
    line += "; " + stage.name + " " + GroupDigits(stage.rows) + " rows, " +
            HumanRate(Rate(stage.rows, StageRows(before, i, &StageStatus::rows), time)) + ", " +
            HumanBytes(Rate(stage.bytes, StageRows(before, i, &StageStatus::bytes), time)) + "/s";
  }
  return line;
}

std::string RenderSummary(const PipelineStatus& s) {
  std::string text =
      s.pipeline + " " + std::string(PhaseName(s.phase)) + " after " + HumanDuration(s.elapsed);
  if (s.restarts > 0)
    text += " and " + std::to_string(s.restarts) + (s.restarts == 1 ? " restart" : " restarts");
  text += "\n\n";
  std::vector<Row> rows = {{"node", "kind", "rows in", "rows out", "what became of the others"}};
  for (const NodeStatus& n : s.nodes) {
    rows.push_back({n.name, n.kind, GroupDigits(n.now.rows_in), GroupDigits(n.now.rows_out), OtherFates(n)});
  }
  text += Table(rows) + "\n";
  if (s.residue != 0) {
    text += "  ledger: " + GroupDigits(s.residue) + " rows were still under way\n";
  } else if (s.phase == Phase::kFailed) {
    text += "  the run failed: these are the last counts that were heard of\n";
  } else {
    text += "  ledger balances: every row is accounted for\n";
  }
  if (s.dead_letters > 0) {
    text += "  dead letters: " + GroupDigits(s.dead_letters) +
            (s.dead_letters == 1 ? " row in " : " rows in ") + s.dead_letter_directory;
    if (s.dead_letters_dropped > 0) {
      text += ", " + GroupDigits(s.dead_letters_dropped) + " dropped there for newer ones";
    }
    text += "\n";
  }
  for (const std::string& remark : s.remarks) text += "  " + remark + "\n";
  if (s.phase == Phase::kFailed && !s.last_failure.empty()) text += "  failed: " + s.last_failure + "\n";
  return text;
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

int LiveDisplay::width() const {
  winsize size{};
  return ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void LiveDisplay::Draw(const std::string& block) {
  std::string text;
  std::swap(block_, text);
  const auto lines = std::count(text.begin(), text.end(), '\n');
  // Up over the old block, then erase to the end of the screen (ECMA-48 CUU, ED).
  text = lines > 0 ? "\x1b[" + std::to_string(lines) + "A\x1b[J" : std::string();
  block_ = block;
  WriteAll(fd_, text + block_);
}

void LiveDisplay::Clear() { Draw(""); }

void LiveDisplay::WriteAbove(std::string_view text) {
  const std::string block = block_;
  Clear();
  WriteAll(fd_, text);
  Draw(block);
}

}  // namespace streamrun
