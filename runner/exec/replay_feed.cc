#include "runner/exec/replay_feed.h"

#include <algorithm>

#include "core/base/failpoint.h"

namespace streamrun {

namespace {

constexpr size_t kMaxLines = 1024;
constexpr size_t kMaxBytes = 256 * 1024;

bool SameKind(const ReplayLine& a, const ReplayLine& b) {
  return a.source == b.source && a.raw.has_value() == b.raw.has_value() && a.entry.input == b.entry.input &&
         a.entry.header == b.entry.header;
}

}  // namespace

ReplayFeed::ReplayFeed(Env* env, std::string state_directory, std::vector<std::string> names,
                       uint64_t applied, Mine mine)
    : env_(env),
      state_directory_(std::move(state_directory)),
      names_(std::move(names)),
      mine_(std::move(mine)),
      applied_(applied),
      to_(applied) {}

bool ReplayFeed::IsOurs(const std::string& node) const {
  return std::find(names_.begin(), names_.end(), node) != names_.end();
}

// False: there is none that has lines of this node.
Result<bool> ReplayFeed::OpenNext() {
  while (applied_ < to_) {
    Result<std::unique_ptr<ReplayReader>> reader =
        ReplayReader::Open(env_, ReplayPath(state_directory_, applied_ + 1));
    // A number without a file is that of an order that was dropped.
    if (!reader.ok() && reader.status().code() != Code::kNotFound) return reader.status();
    SR_RETURN_IF_ERROR(SR_FAILPOINT("replay.opened"));
    if (reader.ok()) {
      const auto& nodes = (*reader)->order().nodes;
      if (std::any_of(nodes.begin(), nodes.end(), [&](const std::string& node) { return IsOurs(node); })) {
        if ((*reader)->order().settled) {
          return Status::Corruption("replay order " + std::to_string(applied_ + 1) +
                                    " is to be applied, but its rows were removed");
        }
        reader_ = std::move(*reader);
        index_ = 0;
        return true;
      }
    }
    ++applied_;
  }
  return false;
}

Result<std::optional<ReplayLine>> ReplayFeed::NextLine() {
  if (ahead_) return std::exchange(ahead_, std::nullopt);
  for (;;) {
    SR_ASSIGN_OR_RETURN(std::optional<ReplayLine> line, reader_->Next());
    if (!line || (IsOurs(line->node) && mine_(*line, index_++))) return line;
  }
}

Result<ReplayFeed::Lines> ReplayFeed::Next() {
  Lines next;
  size_t bytes = 0;
  while (next.lines.empty()) {
    if (!reader_) {
      SR_ASSIGN_OR_RETURN(const bool opened, OpenNext());
      if (!opened) return next;
    }
    next.order = reader_->order().number;
    while (next.lines.size() < kMaxLines && bytes < kMaxBytes) {
      SR_ASSIGN_OR_RETURN(std::optional<ReplayLine> line, NextLine());
      if (!line) {
        reader_.reset();
        ++applied_;
        break;
      }
      if (!next.lines.empty() && !SameKind(next.lines.front(), *line)) {
        ahead_ = std::move(line);
        break;
      }
      bytes += line->raw ? line->raw->size() : line->row->size();
      next.lines.push_back(std::move(*line));
    }
  }
  return next;
}

}  // namespace streamrun
