#include "runner/checkpoint/checkpoint_directory.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "core/base/crc32c.h"
#include "core/base/failpoint.h"
#include "core/base/sealed_file.h"

namespace streamrun {

namespace {

constexpr uint64_t kMaxManifest = 1 << 30;
constexpr size_t kBlock = 1 << 20;
constexpr std::string_view kBeingWritten = ".tmp";
constexpr std::string_view kBeingRemoved = ".del";

// "17"; nothing for any other name.
std::optional<uint64_t> EpochOf(std::string_view name) {
  uint64_t epoch = 0;
  const char* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data(), end, epoch);
  if (read.ec != std::errc() || read.ptr != end || std::to_string(epoch) != name) return std::nullopt;
  return epoch;
}

// Nothing when it does not exist.
Result<std::optional<FileInfo>> InfoIfAny(Env* env, const std::string& path) {
  auto info = env->Info(path);
  if (info.ok()) return std::optional<FileInfo>(*info);
  if (info.status().code() == Code::kNotFound) return std::optional<FileInfo>();
  return info.status();
}

Result<std::vector<std::string>> ListIfAny(Env* env, const std::string& directory) {
  auto names = env->List(directory);
  if (!names.ok() && names.status().code() == Code::kNotFound) return std::vector<std::string>();
  return names;
}

// A file or a directory with all that is in it.
Status RemoveTree(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(const FileInfo info, env->Info(path));
  if (info.is_directory) {
    SR_ASSIGN_OR_RETURN(const auto names, env->List(path));
    const std::string within = path + "/";
    for (const std::string& name : names) SR_RETURN_IF_ERROR(RemoveTree(env, within + name));
  }
  return env->Remove(path);
}

Status CopyFile(Env* env, const std::string& from, const std::string& to) {
  SR_ASSIGN_OR_RETURN(auto in, env->OpenForRead(from));
  SR_ASSIGN_OR_RETURN(auto out, env->OpenForWrite(to, WriteMode::kReplace));
  std::string block(kBlock, '\0');
  for (uint64_t at = 0;;) {
    SR_ASSIGN_OR_RETURN(const size_t n, in->ReadAt(at, block.size(), block.data()));
    if (n == 0) break;
    SR_RETURN_IF_ERROR(out->Append({block.data(), n}));
    at += n;
  }
  SR_RETURN_IF_ERROR(out->Sync());
  return out->Close();
}

// Presence, size, checksum.
Status VerifyFile(Env* env, const std::string& path, const SegmentInfo& segment) {
  auto file = env->OpenForRead(path);
  if (!file.ok() && file.status().code() == Code::kNotFound) {
    return Status::Corruption(path + " is missing");
  }
  if (!file.ok()) return file.status();
  SR_ASSIGN_OR_RETURN(const FileInfo info, (*file)->Info());
  if (info.size != segment.bytes) {
    return Status::Corruption(path + " has " + std::to_string(info.size) + " bytes instead of " +
                              std::to_string(segment.bytes));
  }
  std::string block(std::min<uint64_t>(kBlock, segment.bytes + 1), '\0');
  uint32_t crc = 0;
  for (uint64_t at = 0;;) {
    SR_ASSIGN_OR_RETURN(const size_t n, (*file)->ReadAt(at, block.size(), block.data()));
    if (n == 0) break;
    crc = Crc32c(block.data(), n, crc);
    at += n;
  }
  if (crc != segment.crc) return Status::Corruption(path + " is damaged: its checksum does not match");
  return Status::Ok();
}

std::vector<SegmentInfo> SegmentsOf(const Manifest& manifest) {
  std::vector<SegmentInfo> segments;
  std::set<std::string> seen;
  for (const Fragment& fragment : manifest.fragments) {
    for (const StoredNode& node : fragment.nodes) {
      for (const StoredTable& table : node.tables) {
        for (const SegmentInfo& segment : table.segments) {
          if (seen.insert(segment.file).second) segments.push_back(segment);
        }
      }
    }
  }
  return segments;
}

// One plain directory, for people and shells; all digits would be an epoch.
bool IsSavepointName(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
  return !name.empty() && name.size() <= 200 && name[0] != '.' && name[0] != '-' &&
         !name.ends_with(kBeingWritten) && name.find_first_not_of(kAllowed) == std::string_view::npos &&
         name.find_first_not_of("0123456789") != std::string_view::npos;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

CheckpointDirectory::CheckpointDirectory(Env* env, std::string state_directory, int retain)
    : env_(env), path_(std::move(state_directory)), retain_(std::max(retain, 1)) {}

std::string CheckpointDirectory::EpochDirectory(uint64_t epoch) const {
  return CheckpointPath() + "/" + std::to_string(epoch);
}

std::string CheckpointDirectory::TemporaryDirectory(uint64_t epoch) const {
  return EpochDirectory(epoch) + std::string(kBeingWritten);
}

// --- What is there ---------------------------------------------------------------------------------------

Result<std::vector<uint64_t>> CheckpointDirectory::Epochs() const {
  SR_ASSIGN_OR_RETURN(const auto names, ListIfAny(env_, CheckpointPath()));
  std::vector<uint64_t> epochs;
  for (const std::string& name : names) {
    if (const auto epoch = EpochOf(name)) epochs.push_back(*epoch);
  }
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

Result<Manifest> CheckpointDirectory::Verify(const std::string& directory) const {
  auto text = env_->ReadFile(directory + "/manifest", kMaxManifest);
  if (!text.ok() && text.status().code() == Code::kNotFound) {
    return Status::Corruption(directory + " is no checkpoint: it has no manifest");
  }
  if (!text.ok()) return text.status();
  auto manifest = ParseManifest(*text);
  if (!manifest.ok()) return manifest.status().WithContext(directory);
  for (const SegmentInfo& segment : SegmentsOf(*manifest)) {
    SR_RETURN_IF_ERROR(VerifyFile(env_, directory + "/" + segment.file, segment));
  }
  return manifest;
}

Result<uint64_t> CheckpointDirectory::EpochHigh() const {
  const auto written = ReadSealedNumber(env_, path_ + "/EPOCH_HIGH");
  if (!written.ok() && written.status().code() != Code::kNotFound) return written.status();
  const auto current = ReadSealedNumber(env_, path_ + "/CURRENT");
  if (!current.ok() && current.status().code() != Code::kNotFound) return current.status();
  return std::max(written.ok() ? *written : 0, current.ok() ? *current : 0);
}

// For Restore and Reset, the ways out of damage: what is readable says enough. Only after a reset does
// EPOCH_HIGH alone know the numbers that sinks have seen.
Result<uint64_t> CheckpointDirectory::GreatestNumber() const {
  const auto written = ReadSealedNumber(env_, path_ + "/EPOCH_HIGH");
  const auto current = ReadSealedNumber(env_, path_ + "/CURRENT");
  SR_ASSIGN_OR_RETURN(const auto epochs, Epochs());
  const uint64_t others = std::max(current.ok() ? *current : 0, epochs.empty() ? 0 : epochs.back());
  if (written.ok()) return std::max(*written, others);
  if (others > 0 || written.status().code() == Code::kNotFound) return others;
  return written.status();
}

Result<bool> CheckpointDirectory::IsCommitted(const std::string& directory, uint64_t epoch) const {
  const auto marker = ReadSealedNumber(env_, directory + "/committed");
  if (marker.ok()) return *marker == epoch;
  // A damaged marker is none: to commit again has no effect.
  const Code code = marker.status().code();
  if (code == Code::kNotFound || code == Code::kCorruption) return false;
  return marker.status();
}

// --- Recovery --------------------------------------------------------------------------------------------

Result<CheckpointDirectory::Found> CheckpointDirectory::Recover() {
  SR_ASSIGN_OR_RETURN(const auto names, ListIfAny(env_, CheckpointPath()));
  const auto current = ReadSealedNumber(env_, path_ + "/CURRENT");
  if (!current.ok() && current.status().code() == Code::kNotFound) {
    if (!names.empty()) return Refusal(Status::Corruption(path_ + "/CURRENT is missing"));
  } else if (!current.ok()) {
    return Refusal(current.status());
  }
  // An older generation may have died between renaming CURRENT and syncing its directory: what is acted upon
  // from here on must not be undone by a power failure.
  if (current.ok()) SR_RETURN_IF_ERROR(env_->SyncDirectory(path_));
  Found found;
  if (current.ok() && *current > 0) {
    auto manifest = Verify(EpochDirectory(*current));
    if (!manifest.ok()) return Refusal(manifest.status());
    if (manifest->epoch != *current) {
      return Refusal(Status::Corruption(EpochDirectory(*current) + " holds the manifest of epoch " +
                                        std::to_string(manifest->epoch)));
    }
    SR_ASSIGN_OR_RETURN(found.committed, IsCommitted(EpochDirectory(*current), *current));
    found.current = std::move(*manifest);
  }
  const auto high = EpochHigh();
  if (!high.ok()) return Refusal(high.status());
  found.epoch_high = *high;
  SR_RETURN_IF_ERROR(SR_FAILPOINT("recover.verified"));
  SR_RETURN_IF_ERROR(RemoveLeftovers(current.ok() ? *current : 0));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("recover.cleaned"));
  return found;
}

Status CheckpointDirectory::Refusal(const Status& why) const {
  // The disk failed, or a newer program wrote it: nothing is known to be damaged.
  if (why.code() != Code::kCorruption) return why;
  std::string choices;
  const auto epochs = Epochs();
  for (const uint64_t epoch : epochs.ok() ? *epochs : std::vector<uint64_t>()) {
    if (!Verify(EpochDirectory(epoch)).ok()) continue;
    choices += (choices.empty() ? "" : ", ") + std::to_string(epoch);
  }
  const std::string restore =
      choices.empty() ? "no epoch is whole" : "--restore takes one of the epochs " + choices;
  return {Code::kCorruption,
          why.message() + "; " + restore + ", --reset-state starts empty. Output may be repeated by either"};
}

Status CheckpointDirectory::RemoveLeftovers(uint64_t current) {
  SR_ASSIGN_OR_RETURN(const auto names, ListIfAny(env_, CheckpointPath()));
  bool removed = false;
  for (const std::string& name : names) {
    const std::string path = CheckpointPath() + "/" + name;
    const auto epoch = EpochOf(name);
    if (epoch && *epoch > current) {
      SR_RETURN_IF_ERROR(RemoveEpoch(*epoch));
    } else if (name.ends_with(kBeingRemoved)) {
      SR_RETURN_IF_ERROR(RemoveHidden(path));
    } else if (name.ends_with(kBeingWritten)) {
      SR_RETURN_IF_ERROR(RemoveTree(env_, path));
    } else {
      continue;
    }
    removed = true;
  }
  if (removed) SR_RETURN_IF_ERROR(env_->SyncDirectory(CheckpointPath()));
  SR_ASSIGN_OR_RETURN(const auto savepoints, ListIfAny(env_, SavepointPath()));
  for (const std::string& name : savepoints) {
    if (name.ends_with(kBeingWritten)) SR_RETURN_IF_ERROR(RemoveTree(env_, SavepointPath() + "/" + name));
  }
  return Status::Ok();
}

// Out of sight first: an epoch that can be seen is whole.
Status CheckpointDirectory::RemoveEpoch(uint64_t epoch) {
  const std::string hidden = EpochDirectory(epoch) + std::string(kBeingRemoved);
  SR_ASSIGN_OR_RETURN(const auto older, InfoIfAny(env_, hidden));
  if (older) SR_RETURN_IF_ERROR(RemoveHidden(hidden));
  SR_RETURN_IF_ERROR(env_->Rename(EpochDirectory(epoch), hidden));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ckpt.gc.hidden"));
  SR_RETURN_IF_ERROR(RemoveHidden(hidden));
  return SR_FAILPOINT("ckpt.gc.removed");
}

// Its new name must be durable before anything in it goes, also when a killed process gave it that name.
Status CheckpointDirectory::RemoveHidden(const std::string& path) {
  SR_RETURN_IF_ERROR(env_->SyncDirectory(CheckpointPath()));
  return RemoveTree(env_, path);
}

// --- An epoch --------------------------------------------------------------------------------------------

Status CheckpointDirectory::Prepare() {
  SR_ASSIGN_OR_RETURN(const auto there, InfoIfAny(env_, CheckpointPath()));
  SR_ASSIGN_OR_RETURN(const auto names, ListIfAny(env_, CheckpointPath()));
  SR_ASSIGN_OR_RETURN(const auto current, InfoIfAny(env_, path_ + "/CURRENT"));
  // From here on a missing CURRENT is damage, also before anything was decided. Where there are checkpoints
  // it stays missing until one of them is restored: 0 would condemn them all.
  if (!current && names.empty()) SR_RETURN_IF_ERROR(WriteSealedNumber(env_, path_ + "/CURRENT", 0));
  if (there) return Status::Ok();
  // Where ckpt/ is, the state directory's own name is durable, also when a later step fails and is tried
  // again.
  SR_RETURN_IF_ERROR(env_->SyncDirectory(ParentOf(path_)));
  SR_RETURN_IF_ERROR(env_->MakeDirectories(CheckpointPath(), 0700));
  return env_->SyncDirectory(path_);
}

Status CheckpointDirectory::Begin(uint64_t epoch) {
  SR_RETURN_IF_ERROR(Prepare());
  SR_ASSIGN_OR_RETURN(const auto whole, InfoIfAny(env_, EpochDirectory(epoch)));
  if (whole) return {Code::kAlreadyExists, EpochDirectory(epoch) + " is there already"};
  SR_RETURN_IF_ERROR(Abandon(epoch));
  SR_RETURN_IF_ERROR(env_->MakeDirectories(TemporaryDirectory(epoch), 0700));
  return SR_FAILPOINT("ckpt.begun");
}

Status CheckpointDirectory::Decide(const Manifest& manifest) {
  const uint64_t epoch = manifest.epoch;
  const std::string written = TemporaryDirectory(epoch);
  SR_ASSIGN_OR_RETURN(const uint64_t current, ReadSealedNumber(env_, path_ + "/CURRENT"));
  if (epoch <= current) {
    return Status::Internal("epoch " + std::to_string(epoch) + " is decided behind epoch " +
                            std::to_string(current));
  }
  for (const SegmentInfo& segment : SegmentsOf(manifest)) {
    SR_ASSIGN_OR_RETURN(const FileInfo info, env_->Info(written + "/" + segment.file));
    if (info.size != segment.bytes)
      return Status::Internal(written + "/" + segment.file + " is not as acknowledged");
  }
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ckpt.decide"));
  // Its sync of the directory also makes the names of the segments durable.
  SR_RETURN_IF_ERROR(env_->WriteFileAtomically(written + "/manifest", PrintManifest(manifest)));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ckpt.manifest.written"));
  SR_RETURN_IF_ERROR(env_->RenameNoReplace(written, EpochDirectory(epoch)));
  SR_RETURN_IF_ERROR(env_->SyncDirectory(CheckpointPath()));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ckpt.epoch.renamed"));
  return MakeCurrent(epoch);
}

bool CheckpointDirectory::IsUndecided(uint64_t epoch) const {
  // It loses this name before CURRENT is touched.
  return env_->Info(TemporaryDirectory(epoch)).ok();
}

Status CheckpointDirectory::MakeCurrent(uint64_t epoch) {
  SR_RETURN_IF_ERROR(WriteSealedNumber(env_, path_ + "/EPOCH_HIGH", epoch));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ckpt.high.written"));
  SR_RETURN_IF_ERROR(WriteSealedNumber(env_, path_ + "/CURRENT", epoch));
  return SR_FAILPOINT("ckpt.current.written");
}

Status CheckpointDirectory::MarkCommitted(uint64_t epoch) {
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ckpt.marker"));
  SR_RETURN_IF_ERROR(WriteSealedNumber(env_, EpochDirectory(epoch) + "/committed", epoch));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ckpt.marker.written"));
  SR_ASSIGN_OR_RETURN(const auto epochs, Epochs());
  const size_t kept = std::min(epochs.size(), static_cast<size_t>(retain_));
  for (size_t i = 0; i + kept < epochs.size() && epochs[i] < epoch; ++i)
    SR_RETURN_IF_ERROR(RemoveEpoch(epochs[i]));
  return Status::Ok();
}

Status CheckpointDirectory::Abandon(uint64_t epoch) {
  SR_ASSIGN_OR_RETURN(const auto there, InfoIfAny(env_, TemporaryDirectory(epoch)));
  return there ? RemoveTree(env_, TemporaryDirectory(epoch)) : Status::Ok();
}

Result<std::string> CheckpointDirectory::Choose(const std::string& choice) const {
  const bool number = !choice.empty() && choice.find_first_not_of("0123456789") == std::string::npos;
  if (const auto epoch = EpochOf(choice)) {
    SR_ASSIGN_OR_RETURN(const auto there, InfoIfAny(env_, EpochDirectory(*epoch)));
    if (there) return EpochDirectory(*epoch);
  } else if (IsSavepointName(choice)) {
    SR_ASSIGN_OR_RETURN(const auto there, InfoIfAny(env_, SavepointDirectory(choice)));
    if (there) return SavepointDirectory(choice);
  }
  SR_ASSIGN_OR_RETURN(const auto epochs, Epochs());
  SR_ASSIGN_OR_RETURN(const auto savepoints, Savepoints());
  std::string kept;
  for (const uint64_t epoch : epochs) kept += (kept.empty() ? "epoch " : ", ") + std::to_string(epoch);
  for (const std::string& name : savepoints) kept += (kept.empty() ? "'" : ", '") + name + "'";
  return Status::InvalidArgument(
      (number ? "epoch " + choice + " is not kept" : "there is no savepoint '" + choice + "'") + " in " +
      path_ + "; there is " + (kept.empty() ? "none at all" : kept));
}

// --- Copies ----------------------------------------------------------------------------------------------

// Not durable before the directory is synced.
Status CheckpointDirectory::CopyFiles(const Manifest& manifest, const std::string& from,
                                      const std::string& to) const {
  for (const SegmentInfo& segment : SegmentsOf(manifest)) {
    const std::string source = from + "/" + segment.file;
    const std::string target = to + "/" + segment.file;
    SR_ASSIGN_OR_RETURN(const auto there, InfoIfAny(env_, target));
    if (there) continue;
    // Whatever stands against a link (another file system, too many of them), a copy says whether it matters.
    if (!env_->Link(source, target).ok()) SR_RETURN_IF_ERROR(CopyFile(env_, source, target));
  }
  return Status::Ok();
}

Result<std::vector<std::string>> CheckpointDirectory::Savepoints() const {
  SR_ASSIGN_OR_RETURN(auto names, ListIfAny(env_, SavepointPath()));
  std::erase_if(names, [](const std::string& name) { return !IsSavepointName(name); });
  std::sort(names.begin(), names.end());
  return names;
}

Status CheckpointDirectory::CheckNewSavepoint(const std::string& name) const {
  if (!IsSavepointName(name)) {
    return Status::InvalidArgument(
        "'" + name +
        "' cannot be the name of a savepoint: it takes a-z, 0-9, _, - and ., not only "
        "digits, and begins with neither . nor -");
  }
  SR_ASSIGN_OR_RETURN(const auto there, InfoIfAny(env_, SavepointDirectory(name)));
  if (there) return {Code::kAlreadyExists, "there is a savepoint '" + name + "' already"};
  return Status::Ok();
}

Status CheckpointDirectory::CopyToSavepoint(uint64_t epoch, const std::string& name) {
  SR_RETURN_IF_ERROR(CheckNewSavepoint(name));
  const std::string target = SavepointDirectory(name);
  const std::string written = target + std::string(kBeingWritten);
  SR_ASSIGN_OR_RETURN(const Manifest manifest, Verify(EpochDirectory(epoch)));
  SR_ASSIGN_OR_RETURN(const bool committed, IsCommitted(EpochDirectory(epoch), epoch));
  if (!committed) return Status::Unavailable("epoch " + std::to_string(epoch) + " is not committed yet");
  SR_ASSIGN_OR_RETURN(const auto leftover, InfoIfAny(env_, written));
  if (leftover) SR_RETURN_IF_ERROR(RemoveTree(env_, written));
  SR_RETURN_IF_ERROR(env_->MakeDirectories(written, 0700));
  SR_RETURN_IF_ERROR(env_->SyncDirectory(path_));
  SR_RETURN_IF_ERROR(CopyFiles(manifest, EpochDirectory(epoch), written));
  SR_RETURN_IF_ERROR(WriteSealedNumber(env_, written + "/committed", epoch));
  SR_RETURN_IF_ERROR(env_->WriteFileAtomically(written + "/manifest", PrintManifest(manifest)));
  SR_RETURN_IF_ERROR(env_->RenameNoReplace(written, target));
  return env_->SyncDirectory(SavepointPath());
}

Result<uint64_t> CheckpointDirectory::Restore(const std::string& directory, const Edit& edit) {
  SR_ASSIGN_OR_RETURN(Manifest manifest, Verify(directory));
  SR_ASSIGN_OR_RETURN(const bool committed, IsCommitted(directory, manifest.epoch));
  SR_ASSIGN_OR_RETURN(uint64_t epoch, GreatestNumber());
  ++epoch;
  SR_RETURN_IF_ERROR(Begin(epoch));
  const std::string written = TemporaryDirectory(epoch);
  manifest.parent = manifest.epoch;
  manifest.epoch = epoch;
  if (edit) SR_RETURN_IF_ERROR(edit(written, &manifest));
  SR_RETURN_IF_ERROR(CopyFiles(manifest, directory, written));
  // What was committed under its old number must not be committed again under this one.
  if (committed) SR_RETURN_IF_ERROR(WriteSealedNumber(env_, written + "/committed", epoch));
  SR_RETURN_IF_ERROR(env_->WriteFileAtomically(written + "/manifest", PrintManifest(manifest)));
  SR_RETURN_IF_ERROR(env_->RenameNoReplace(written, EpochDirectory(epoch)));
  SR_RETURN_IF_ERROR(env_->SyncDirectory(CheckpointPath()));
  SR_RETURN_IF_ERROR(MakeCurrent(epoch));
  return epoch;
}

Status CheckpointDirectory::Reset() {
  SR_ASSIGN_OR_RETURN(const uint64_t high, GreatestNumber());
  if (high > 0) SR_RETURN_IF_ERROR(WriteSealedNumber(env_, path_ + "/EPOCH_HIGH", high));
  // This decides; a crash behind it leaves epochs above CURRENT, which Recover removes.
  SR_RETURN_IF_ERROR(WriteSealedNumber(env_, path_ + "/CURRENT", 0));
  return RemoveLeftovers(0);
}

}  // namespace streamrun
