#include "connectors/file/follow_source.h"

#include <poll.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "connectors/file/directory_watch.h"
#include "connectors/file/followed_file.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/split_list.h"

namespace streamrun {

namespace {

using nlohmann::json;

// A file and its place in the order of reading.
struct Followed {
  std::unique_ptr<FollowedFile> file;
  /// Renamed away or removed: given up at this time; kMaxTimestamp while its path leads to it.
  Timestamp retired_until = kMaxTimestamp;
  /// Its path leads to another file, or to none, since then.
  bool moved = false;
  /// Nothing was left to read after it was moved, so its successor may begin.
  bool drained = false;
  /// Nothing more is read from it; finished when all of it was given out.
  bool ended = false;
  bool finished = false;
  /// The file that had this path before; read to its end first.
  const Followed* predecessor = nullptr;

  bool retired() const { return retired_until != kMaxTimestamp; }
};

class FollowSource final : public Source {
 public:
  explicit FollowSource(FollowOptions options) : options_(std::move(options)) {}

  Status Open(SourceContext& context, const std::vector<std::string>& positions) override {
    env_ = context.env;
    once_ = context.once;
    file_options_ = {options_.format, context.max_record};
    if (!positions.empty()) {
      // One worker follows all files; should there have been several, it takes over what each of them had.
      for (const std::string& position : positions) SR_RETURN_IF_ERROR(Restore(position));
    } else if (!options_.allow_empty) {
      for (const std::string& pattern : options_.patterns) {
        if (!IsPattern(pattern)) SR_RETURN_IF_ERROR(OpenRegular(env_, pattern).status());
      }
    }
    SR_RETURN_IF_ERROR(Scan(!positions.empty() ? FollowedFile::Start::kBegin : StartOption()));
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    for (const Lost& lost : std::exchange(lost_, {})) {
      out.FailRecord(
          lost.split, lost.offset, "", "file.vanished",
          "the file was removed while streamrun was not running; what was written to it behind this "
          "offset is lost");
    }
    const Timestamp now = env_->MonotonicNow();
    // Also while there is much to read: new files must not wait for the others' end.
    if (now >= next_scan_ && !ending_) SR_RETURN_IF_ERROR(Rescan(now).status());
    for (size_t tried = 0; tried < files_.size(); ++tried) {
      if (turn_ >= files_.size()) turn_ = 0;
      SR_ASSIGN_OR_RETURN(const bool went_on, GoOn(*files_[turn_], out));
      ++turn_;  // the next file's turn, so that a busy one does not hold up the others
      if (went_on) return SourceOutcome::kMore;
    }
    if (ending_) return SourceOutcome::kDone;
    if (watch_.Drain() || once_) {
      SR_ASSIGN_OR_RETURN(const bool changed, Rescan(now));
      if (changed) return SourceOutcome::kMore;
    }
    if (!once_) return SourceOutcome::kWait;
    EndAll();
    return SourceOutcome::kMore;
  }

  WaitSpec Wait() override {
    WaitSpec wait;
    wait.deadline = next_scan_;
    if (watch_.descriptor() >= 0) wait.descriptors.push_back({watch_.descriptor(), POLLIN});
    return wait;
  }

  Extent Progress() const override { return {-1, read_}; }

  std::string Position() const override {
    json files = json::array();
    for (const auto& f : files_) {
      const FileIdentity& identity = f->file->identity();
      files.push_back({{"path", f->file->path()},
                       {"device", identity.device},
                       {"inode", identity.inode},
                       {"head", identity.head},
                       {"head_bytes", identity.head_bytes},
                       {"offset", f->file->position()},
                       {"skipping", f->file->skipping()},
                       {"drained", f->moved && f->drained}});
    }
    return json{{"followed", std::move(files)}}.dump(-1, ' ', false, json::error_handler_t::replace);
  }

 private:
  struct Lost {
    std::shared_ptr<const std::string> split;
    int64_t offset;
  };

  FollowedFile::Start StartOption() const {
    return options_.from_end ? FollowedFile::Start::kEnd : FollowedFile::Start::kBegin;
  }

  // Gives out or reads one block. False: the file has nothing now.
  Result<bool> GoOn(Followed& f, SourceOutput& out) {
    if (f.predecessor != nullptr && !f.predecessor->drained) return false;
    f.predecessor = nullptr;
    SR_ASSIGN_OR_RETURN(const bool emitted, f.file->Emit(out));
    if (emitted) return true;
    if (f.ended) {
      f.finished = true;
      return false;
    }
    SR_ASSIGN_OR_RETURN(const size_t n, f.file->ReadOn());
    read_ += static_cast<int64_t>(n);
    const bool was_drained = f.drained;
    f.drained = n == 0 && f.moved;
    return n > 0 || f.drained != was_drained;  // a successor may begin
  }

  // Looks for rotated, removed and new files. True: there may be something to read.
  Result<bool> Rescan(Timestamp now) {
    next_scan_ = now + options_.poll_interval;
    const size_t before = files_.size();
    const size_t retired_before = CountRetired();
    SR_RETURN_IF_ERROR(Scan(FollowedFile::Start::kBegin));
    bool ended = false;
    for (const auto& f : files_) {
      if (!f->retired() || !f->drained || f->ended || now < f->retired_until) continue;
      f->file->End();
      f->ended = ended = true;
    }
    Forget();
    return ended || files_.size() > before || CountRetired() != retired_before;
  }

  size_t CountRetired() const {
    return static_cast<size_t>(
        std::count_if(files_.begin(), files_.end(), [](const auto& f) { return f->retired(); }));
  }

  // Drops files whose last record was given out.
  void Forget() {
    for (const auto& f : files_) {
      if (f->predecessor != nullptr && f->predecessor->finished) f->predecessor = nullptr;
    }
    std::erase_if(files_, [](const auto& f) { return f->finished; });
  }

  Status Scan(FollowedFile::Start start) {
    std::vector<std::string> paths;
    for (const std::string& pattern : options_.patterns) {
      watch_.Add(DirectoryOf(pattern.substr(0, pattern.find_first_of("*?["))));
      SR_ASSIGN_OR_RETURN(const std::vector<std::string> found, ExpandPattern(env_, pattern));
      for (const std::string& path : found) {
        watch_.Add(DirectoryOf(path));
        if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
      }
    }
    std::map<std::pair<uint64_t, uint64_t>, std::string> at;  // device and inode -> path
    for (const std::string& path : paths) {
      const Result<FileInfo> info = env_->Info(path);
      if (info.ok() && info->is_regular) at.emplace(std::pair(info->device, info->inode), path);
    }
    for (const auto& f : files_) Relocate(*f, at);
    for (const std::string& path : paths) {
      const auto mine =
          std::find_if(at.begin(), at.end(), [&](const auto& entry) { return entry.second == path; });
      if (mine != at.end()) SR_RETURN_IF_ERROR(Take(path, mine->first, start));
    }
    return Status::Ok();
  }

  // Notes where a file is now; one that no path leads to is retired.
  void Relocate(Followed& f, const std::map<std::pair<uint64_t, uint64_t>, std::string>& at) {
    const auto found = at.find({f.file->identity().device, f.file->identity().inode});
    if (found != at.end() && !f.ended) {
      f.moved |= found->second != f.file->path();
      f.file->set_path(found->second);
      f.retired_until = kMaxTimestamp;
    } else if (!f.retired()) {
      f.moved = true;
      f.drained = false;
      f.retired_until = env_->MonotonicNow() + options_.rotate_wait;
    }
  }

  // Begins to follow the file at `path` unless it is followed already.
  Status Take(const std::string& path, std::pair<uint64_t, uint64_t> id, FollowedFile::Start start) {
    if (ignored_.contains(id)) return Status::Ok();
    for (const auto& f : files_) {
      if (f->file->identity().device == id.first && f->file->identity().inode == id.second && !f->ended) {
        return Status::Ok();
      }
    }
    Result<std::unique_ptr<ReadableFile>> file = OpenRegular(env_, path);
    if (!file.ok()) return Unreadable(path, file.status());
    unreadable_.erase(path);
    char head[4];
    SR_ASSIGN_OR_RETURN(const size_t n, (*file)->ReadAt(0, sizeof head, head));
    if (DetectCompression({head, n}) != Compression::kNone) {
      ignored_.insert(id);  // a rotated copy of what was read before it was compressed
      return Status::Ok();
    }
    auto followed = std::make_unique<Followed>();
    SR_ASSIGN_OR_RETURN(followed->file, FollowedFile::Open(std::move(*file), path, file_options_, start));
    followed->predecessor = Predecessor(path);
    files_.push_back(std::move(followed));
    return Status::Ok();
  }

  const Followed* Predecessor(const std::string& path) const {
    for (auto f = files_.rbegin(); f != files_.rend(); ++f) {
      if ((*f)->file->first_path() == path && (*f)->moved && !(*f)->drained) return f->get();
    }
    return nullptr;
  }

  // A file that appears may get its permissions a moment later; one that stays unreadable is an error.
  Status Unreadable(const std::string& path, const Status& status) {
    if (status.code() == Code::kNotFound) return Status::Ok();
    const Timestamp now = env_->MonotonicNow();
    const auto [since, first] = unreadable_.emplace(path, now);
    return now - since->second >= options_.rotate_wait ? status : Status::Ok();
  }

  Status Restore(const std::string& position) {
    try {
      const json saved = json::parse(position);
      for (const json& item : saved.at("followed")) {
        const FileIdentity identity{item.at("device"), item.at("inode"), item.at("head"),
                                    item.at("head_bytes")};
        FollowedFile::Place place{item.at("offset"), item.value("skipping", false)};
        SR_RETURN_IF_ERROR(Resume(item.at("path"), identity, place, item.value("drained", false)));
      }
    } catch (const json::exception& error) {
      return Status::Corruption(std::string("the saved position of a followed file is damaged: ") +
                                error.what());
    }
    return Status::Ok();
  }

  // `drained`: rotated away and read to its end; it was kept only for a writer that comes late.
  Status Resume(const std::string& path, const FileIdentity& identity, FollowedFile::Place place,
                bool drained) {
    SR_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, FindAgain(path, identity));
    const std::string offset = std::to_string(place.offset);
    if (file == nullptr) {
      if (drained) return Status::Ok();
      if (env_->Info(path).ok()) {
        return Status::InvalidArgument(path + " is not the file that was read up to byte " + offset +
                                       ", and that one is not beside it; start over with --reset-state");
      }
      lost_.push_back(
          {std::make_shared<const std::string>("file:" + path), static_cast<int64_t>(place.offset)});
      return Status::Ok();
    }
    SR_ASSIGN_OR_RETURN(const FileInfo info, file->Info());
    if (info.size < place.offset) {
      return Status::InvalidArgument(path + " was read up to byte " + offset + " and now ends at byte " +
                                     std::to_string(info.size) +
                                     ", though it begins as it did: what is in it would be read twice; start "
                                     "over with --reset-state");
    }
    auto followed = std::make_unique<Followed>();
    SR_ASSIGN_OR_RETURN(followed->file, FollowedFile::Resume(std::move(file), path, file_options_, place));
    files_.push_back(std::move(followed));
    return Status::Ok();
  }

  // The file itself, or under the name that a rotation gave it ("app.log.1"); null when it is not there.
  Result<std::unique_ptr<ReadableFile>> FindAgain(const std::string& path, const FileIdentity& identity) {
    std::vector<std::string> candidates = {path};
    const std::string directory = path.substr(0, path.size() - NameOf(path).size());
    if (const auto names = env_->List(directory.empty() ? "." : directory); names.ok()) {
      for (const std::string& name : *names) {
        if (name.starts_with(NameOf(path))) candidates.push_back(directory + name);
      }
    }
    for (const std::string& candidate : candidates) {
      const Result<FileInfo> info = env_->Info(candidate);
      if (!info.ok() || !info->is_regular || info->inode != identity.inode) continue;
      SR_ASSIGN_OR_RETURN(auto file, OpenRegular(env_, candidate));
      SR_ASSIGN_OR_RETURN(const bool same, IsSameFile(*file, identity));
      if (same) return file;
    }
    return std::unique_ptr<ReadableFile>();
  }

  // With `once`: every file's last line becomes a record.
  void EndAll() {
    for (const auto& f : files_) {
      if (!f->ended) f->file->End();
      f->ended = true;
    }
    ending_ = true;
  }

  const FollowOptions options_;
  Env* env_ = nullptr;
  bool once_ = false;
  bool ending_ = false;
  int64_t read_ = 0;
  FollowedFile::Options file_options_;
  std::vector<std::unique_ptr<Followed>> files_;
  size_t turn_ = 0;
  Timestamp next_scan_ = 0;
  DirectoryWatch watch_;
  std::set<std::pair<uint64_t, uint64_t>> ignored_;  // compressed files
  std::map<std::string, Timestamp> unreadable_;
  std::vector<Lost> lost_;
};

}  // namespace

std::unique_ptr<Source> CreateFollowSource(FollowOptions options) {
  return std::make_unique<FollowSource>(std::move(options));
}

}  // namespace streamrun
