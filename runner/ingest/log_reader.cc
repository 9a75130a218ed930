#include "runner/ingest/log_reader.h"

#include <algorithm>
#include <utility>

#include "runner/ingest/log_writer.h"

namespace streamrun {

namespace {

constexpr size_t kBlock = 1 << 20;

}  // namespace

Status LogReader::OpenSegment(uint64_t first) {
  path_ = directory_ + "/" + LogSegmentName(first);
  SR_ASSIGN_OR_RETURN(file_, env_->OpenForRead(path_));
  segment_first_ = first;
  file_offset_ = 0;
  block_.clear();
  at_ = 0;
  return Status::Ok();
}

void LogReader::ForgetBlock() {
  file_offset_ -= block_.size() - at_;
  block_.clear();
  at_ = 0;
}

// Has `at_least` bytes behind at_, or all there are.
Status LogReader::Fill(size_t at_least) {
  if (block_.size() - at_ >= at_least) return Status::Ok();
  block_.erase(0, at_);
  at_ = 0;
  const size_t had = block_.size();
  block_.resize(std::max(at_least, kBlock));
  size_t filled = had;
  while (filled < at_least) {
    SR_ASSIGN_OR_RETURN(const size_t count,
                        file_->ReadAt(file_offset_, block_.size() - filled, block_.data() + filled));
    if (count == 0) break;
    file_offset_ += count;
    filled += count;
  }
  block_.resize(filled);
  return Status::Ok();
}

// Opens the file that would hold `seq`: the last one that begins at or before it. False: there is none.
Result<bool> LogReader::GoToSegmentOf(uint64_t seq) {
  SR_ASSIGN_OR_RETURN(const std::vector<uint64_t> firsts, ListLogSegments(env_, directory_));
  const auto behind = std::upper_bound(firsts.begin(), firsts.end(), seq);
  if (behind == firsts.begin()) return false;
  const uint64_t first = *std::prev(behind);
  if (!file_ || first != segment_first_) SR_RETURN_IF_ERROR(OpenSegment(first));
  return true;
}

Status LogReader::Seek(std::optional<uint64_t> seq, uint64_t limit) {
  SR_ASSIGN_OR_RETURN(const std::vector<uint64_t> firsts, ListLogSegments(env_, directory_));
  file_.reset();
  if (!seq) seq = firsts.empty() ? 0 : firsts.front();
  next_ = *seq;
  if (firsts.empty()) return Status::Ok();
  if (*seq < firsts.front()) {
    return Status::NotFound("the log begins with record " + std::to_string(firsts.front()));
  }
  SR_RETURN_IF_ERROR(GoToSegmentOf(*seq).status());
  // Over those before it. What is damaged among them was judged when it was read.
  next_ = segment_first_;
  while (next_ < *seq) {
    SR_ASSIGN_OR_RETURN(const Item item, Next(limit));
    if (!item.record && !item.damage) break;
  }
  next_ = *seq;
  return Status::Ok();
}

Result<LogReader::Item> LogReader::Next(uint64_t limit) {
  if (next_ >= limit) return Item{};
  if (next_ >= block_limit_) {
    ForgetBlock();
    block_limit_ = limit;
  }
  if (!file_) {
    SR_ASSIGN_OR_RETURN(const bool found, GoToSegmentOf(next_));
    if (!found) return FindBehindDamage(limit);
  }
  for (size_t want = 8;;) {
    SR_RETURN_IF_ERROR(Fill(want));
    const std::string_view rest = std::string_view(block_).substr(at_);
    LogRecord record;
    size_t size = 0;
    const LogParse parsed = ParseLogRecord(rest, &record, &size);
    if (parsed == LogParse::kShort && rest.size() >= want) {
      want = 2 * rest.size() + kBlock;
      continue;
    }
    if (parsed == LogParse::kWhole && record.seq == next_) {
      at_ += size;
      ++next_;
      return Item{record, std::nullopt};
    }
    if (parsed == LogParse::kWhole && record.seq > next_) {
      LogDamage damage{next_, record.seq, path_, file_offset_ - (block_.size() - at_), ""};
      next_ = record.seq;
      return Item{std::nullopt, std::move(damage)};
    }
    // The file is read to its end, and the next one begins with the number that is due.
    const uint64_t before = segment_first_;
    if (rest.empty()) {
      SR_ASSIGN_OR_RETURN(const bool found, GoToSegmentOf(next_));
      if (found && segment_first_ != before) return Next(limit);
    }
    return FindBehindDamage(limit);
  }
}

// Record next_ cannot be read: which is the next that can?
Result<LogReader::Item> LogReader::FindBehindDamage(uint64_t limit) {
  LogDamage damage;
  damage.first = next_;
  damage.end = limit;
  std::optional<uint64_t> following;  // the next file's first record
  SR_ASSIGN_OR_RETURN(const std::vector<uint64_t> firsts, ListLogSegments(env_, directory_));
  const auto behind = std::upper_bound(firsts.begin(), firsts.end(), next_);
  if (behind != firsts.end() && *behind < limit) following = *behind;
  if (file_) {
    SR_ASSIGN_OR_RETURN(const FileInfo info, file_->Info());
    damage.offset = file_offset_ - (block_.size() - at_);
    SR_RETURN_IF_ERROR(Fill(info.size > damage.offset ? info.size - damage.offset : 0));
    const std::string_view rest = std::string_view(block_).substr(at_);
    const auto further = FindLogRecord(rest, next_, following.value_or(limit));
    const size_t lost = further.value_or(rest.size());
    if (lost > 0) damage.file = path_;
    damage.raw = rest.substr(0, lost);
    at_ += lost;
    if (further) {
      LogRecord record;
      size_t size = 0;
      ParseLogRecord(rest.substr(lost), &record, &size);
      damage.end = record.seq;
      next_ = record.seq;
      return Item{std::nullopt, std::move(damage)};
    }
  }
  if (following) {
    damage.end = *following;
    SR_RETURN_IF_ERROR(OpenSegment(*following));
  }
  next_ = damage.end;
  return Item{std::nullopt, std::move(damage)};
}

}  // namespace streamrun
