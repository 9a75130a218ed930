#include "runner/checkpoint/live_segments.h"

#include <algorithm>
#include <utility>

#include "core/base/failpoint.h"

namespace streamrun {

namespace {

// More are joined: each is a file to open and to verify at a start.
constexpr size_t kMostLinks = 64;

// So many bytes of changes are held in memory to join a chain, or to read it back.
constexpr uint64_t kMostChanges = uint64_t{1} << 30;

uint64_t ChangedBytes(const std::vector<SegmentInfo>& segments) {
  uint64_t bytes = 0;
  for (const SegmentInfo& segment : segments) bytes += segment.whole ? 0 : segment.bytes;
  return bytes;
}

}  // namespace

LiveSegments::LiveSegments(Env* env, std::string directory) : env_(env), directory_(std::move(directory)) {}

bool LiveSegments::Begin() {
  if (directory_.empty() || !env_->MakeDirectories(directory_).ok()) return false;
  const Result<std::vector<std::string>> left = env_->List(directory_);
  if (!left.ok()) return false;
  for (const std::string& file : *left) {
    if (!env_->Remove(Path(file)).ok()) return false;
  }
  const Result<std::unique_ptr<WritableFile>> probe = env_->OpenForWrite(Path("probe"), WriteMode::kCreate);
  links_ = probe.ok() && (*probe)->Close().ok() && env_->Link(Path("probe"), Path("link")).ok();
  (void)env_->Remove(Path("link")).ok();
  (void)env_->Remove(Path("probe")).ok();
  return links_;
}

Result<std::vector<SegmentInfo>> LiveSegments::Store(const std::string& epoch_directory, uint64_t epoch,
                                                     const std::string& prefix, const TableSnapshot& table) {
  Chain& chain = chains_[prefix + table.name];
  const bool follows = chain.epoch != 0 && chain.epoch == table.since;
  chain.epoch = 0;  // until this one is stored
  if (!table.whole && !follows) {
    return Status::Unavailable("state '" + table.name + "' was saved as changes since epoch " +
                               std::to_string(table.since) + ", which was not stored");
  }
  SR_RETURN_IF_ERROR(table.whole ? StoreWhole(epoch_directory, epoch, prefix, table, &chain)
                                 : StoreChanges(epoch_directory, epoch, prefix, table, &chain));
  std::vector<SegmentInfo> segments = chain.segments;
  chain.epoch = epoch;
  return segments;
}

Result<SegmentInfo> LiveSegments::Write(const std::string& epoch_directory, uint64_t epoch,
                                        const std::string& prefix, const TableSnapshot& table) {
  SegmentInfo segment;
  segment.file = prefix + table.name + "." + std::to_string(epoch) + ".seg";
  const std::string path = epoch_directory + "/" + segment.file;
  SR_RETURN_IF_ERROR(WriteSegment(env_, path, table, &segment));
  if (links_) SR_RETURN_IF_ERROR(env_->Link(path, Path(segment.file)));
  return segment;
}

Status LiveSegments::StoreWhole(const std::string& epoch_directory, uint64_t epoch, const std::string& prefix,
                                const TableSnapshot& table, Chain* chain) {
  SR_ASSIGN_OR_RETURN(SegmentInfo segment, Write(epoch_directory, epoch, prefix, table));
  Drop(std::exchange(chain->segments, {std::move(segment)}));
  chain->tried = 0;
  return Status::Ok();
}

Status LiveSegments::StoreChanges(const std::string& epoch_directory, uint64_t epoch,
                                  const std::string& prefix, const TableSnapshot& table, Chain* chain) {
  for (const SegmentInfo& segment : chain->segments) {
    SR_RETURN_IF_ERROR(env_->Link(Path(segment.file), epoch_directory + "/" + segment.file));
  }
  SR_RETURN_IF_ERROR(SR_FAILPOINT("changes.linked"));
  if (table.rows.empty() && table.removed.empty()) return Status::Ok();
  SR_ASSIGN_OR_RETURN(SegmentInfo segment, Write(epoch_directory, epoch, prefix, table));
  chain->segments.push_back(std::move(segment));
  return Status::Ok();
}

void LiveSegments::Keep(uint64_t epoch) {
  for (auto it = chains_.begin(); it != chains_.end();) {
    if (it->second.epoch == epoch) {
      ++it;
      continue;
    }
    Drop(it->second.segments);
    it = chains_.erase(it);
  }
}

void LiveSegments::Join() {
  for (auto& [table, chain] : chains_) {
    if (chain.segments.size() < 2) continue;
    const uint64_t changes = ChangedBytes(chain.segments);
    const bool grown =
        changes > std::min(chain.segments.front().bytes, kMostChanges) || chain.segments.size() > kMostLinks;
    if (!grown || changes < 2 * chain.tried) continue;
    if (!JoinChain(table, &chain).ok()) chain.tried = changes;
  }
}

Status LiveSegments::JoinChain(const std::string& table, Chain* chain) {
  std::vector<std::string> paths;
  for (const SegmentInfo& segment : chain->segments) paths.push_back(Path(segment.file));
  SegmentInfo joined;
  joined.file = table + "." + std::to_string(chain->epoch) + ".joined.seg";
  Status status = CompactChain(env_, paths, Path(joined.file), &joined);
  if (!status.ok()) {
    (void)env_->Remove(Path(joined.file)).ok();
    return status;
  }
  Drop(std::exchange(chain->segments, {std::move(joined)}));
  chain->tried = 0;
  return SR_FAILPOINT("changes.joined");
}

// A file that cannot be removed goes with the directory.
void LiveSegments::Drop(const std::vector<SegmentInfo>& segments) {
  if (!links_) return;
  for (const SegmentInfo& segment : segments) (void)env_->Remove(Path(segment.file)).ok();
}

}  // namespace streamrun
