#include "connectors/file/split_list.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "connectors/file/path_pattern.h"
#include "core/base/crc32c.h"
#include "core/base/suggest.h"

namespace streamrun {

namespace {

using nlohmann::json;

constexpr uint64_t kMaxListBytes = uint64_t{256} << 20;

Status Missing(Env* env, const std::string& path) {
  std::string hint;
  if (const auto names = env->List(DirectoryOf(path)); names.ok()) {
    const std::vector<std::string_view> views(names->begin(), names->end());
    if (const auto near = Nearest(NameOf(path), views)) {
      const size_t name = path.size() - NameOf(path).size();
      hint = "; did you mean " + path.substr(0, name) + std::string(*near) + "?";
    }
  }
  if (hint.empty() && !path.starts_with('/')) {
    std::error_code ignored;
    hint = "; relative paths start at " + std::filesystem::current_path(ignored).string();
  }
  return Status::NotFound("the file " + path + " does not exist" + hint);
}

Status NothingMatches(const std::string& pattern) {
  return Status::NotFound("no file matches " + pattern + "; set allow_empty: true when that is fine");
}

Result<ListedFile> Look(Env* env, const std::string& path, CompressionChoice choice) {
  SR_ASSIGN_OR_RETURN(const auto file, OpenRegular(env, path));
  SR_ASSIGN_OR_RETURN(const FileInfo info, file->Info());
  ListedFile listed;
  listed.path = path;
  listed.size = info.size;
  SR_ASSIGN_OR_RETURN(listed.identity, IdentifyFile(*file));
  // Files of /proc and the like say 0 bytes and have content: read them to their end, whatever it is.
  if (info.size == 0 && listed.identity.head_bytes > 0) listed.size = UINT64_MAX;
  if (choice == CompressionChoice::kAuto) {
    char head[4];
    SR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(0, sizeof head, head));
    listed.compression = DetectCompression({head, n});
  } else {
    listed.compression = choice == CompressionChoice::kGzip   ? Compression::kGzip
                         : choice == CompressionChoice::kZstd ? Compression::kZstd
                                                              : Compression::kNone;
  }
  return listed;
}

// Gives `path` this content unless another worker was faster.
Status Publish(Env* env, const std::string& path, const std::string& content) {
  const std::string mine = path + "." + std::to_string(env->Random64());
  SR_ASSIGN_OR_RETURN(const auto file, env->OpenForWrite(mine, WriteMode::kCreate));
  SR_RETURN_IF_ERROR(file->Append(content));
  SR_RETURN_IF_ERROR(file->Close());
  const Status published = env->RenameNoReplace(mine, path);
  if (published.ok()) return published;
  SR_RETURN_IF_ERROR(env->Remove(mine));
  return published.code() == Code::kAlreadyExists ? Status::Ok() : published;
}

// Removes "<stem><number>.json" of smaller numbers; another worker may be doing the same.
Status RemoveEarlier(Env* env, const std::string& directory, const std::string& stem, uint64_t generation) {
  SR_ASSIGN_OR_RETURN(const std::vector<std::string> names, env->List(directory));
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (!name.starts_with(stem) || !name.ends_with(".json")) continue;
    std::from_chars(name.data() + stem.size(), name.data() + name.size(), number);
    if (number == 0 || number >= generation) continue;
    const Status removed = env->Remove(directory + "/" + name);
    if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
  }
  return Status::Ok();
}

}  // namespace

SplitList::SplitList(std::vector<ListedFile> files, uint64_t split_bytes, bool splittable)
    : files_(std::move(files)), split_bytes_(split_bytes) {
  for (ListedFile& file : files_) {
    file.whole = file.compression != Compression::kNone || !splittable || file.size == UINT64_MAX;
    file.first = total_;
    file.chunks = file.whole ? 1 : (file.size + split_bytes_ - 1) / split_bytes_;
    total_ += file.chunks;
  }
}

const ListedFile& SplitList::FileOf(Ordinal ordinal) const {
  // Files without chunks share their ordinal with the next one; upper_bound finds the last, which has chunks.
  const auto behind = std::upper_bound(files_.begin(), files_.end(), ordinal,
                                       [](Ordinal o, const ListedFile& file) { return o < file.first; });
  return *(behind - 1);
}

int64_t SplitList::ShareBytes(int instance, int parallelism, Ordinal from) const {
  const auto n = static_cast<uint64_t>(parallelism);
  uint64_t bytes = 0;
  for (const ListedFile& file : files_) {
    if (file.size == UINT64_MAX) return -1;
    // The first chunk of this file that is the instance's and counts, counted within the file.
    const Ordinal least = std::max(file.first, from);
    const uint64_t skip = least - file.first + (static_cast<uint64_t>(instance) + n - least % n) % n;
    if (skip >= file.chunks) continue;
    const uint64_t mine = (file.chunks - 1 - skip) / n + 1;
    const bool has_last = skip + (mine - 1) * n == file.chunks - 1;
    if (file.whole) {
      bytes += file.size;
    } else {
      bytes += mine * split_bytes_ - (has_last ? file.chunks * split_bytes_ - file.size : 0);
    }
  }
  return static_cast<int64_t>(bytes);
}

Result<std::vector<ListedFile>> ListFiles(Env* env, const ListOptions& options) {
  std::vector<ListedFile> files;
  std::set<std::string> seen;
  for (const std::string& pattern : options.patterns) {
    SR_ASSIGN_OR_RETURN(std::vector<std::string> paths, ExpandPattern(env, pattern));
    if (paths.empty()) {
      // Not a file and not a pattern that matches: a directory or nothing; OpenRegular words both.
      if (!IsPattern(pattern)) paths.push_back(pattern);
      if (IsPattern(pattern) && !options.allow_empty) return NothingMatches(pattern);
    }
    for (const std::string& path : paths) {
      if (!seen.insert(path).second) continue;
      SR_ASSIGN_OR_RETURN(ListedFile file, Look(env, path, options.compression));
      files.push_back(std::move(file));
    }
  }
  return files;
}

Result<std::vector<ListedFile>> ListFilesOnce(Env* env, const ListOptions& options,
                                              const std::string& run_directory, uint64_t generation) {
  if (run_directory.empty() || generation == 0) return ListFiles(env, options);
  uint32_t key = Crc32c(&options.compression, sizeof options.compression);
  for (const std::string& pattern : options.patterns) key = Crc32c(pattern.c_str(), pattern.size() + 1, key);
  const std::string stem = "file-splits-" + std::to_string(key) + "-";
  const std::string path = run_directory + "/" + stem + std::to_string(generation) + ".json";
  if (!env->Info(path).ok()) {
    SR_ASSIGN_OR_RETURN(const std::vector<ListedFile> files, ListFiles(env, options));
    SR_RETURN_IF_ERROR(Publish(env, path, PrintFiles(files)));
    SR_RETURN_IF_ERROR(RemoveEarlier(env, run_directory, stem, generation));
  }
  SR_ASSIGN_OR_RETURN(const std::string text, env->ReadFile(path, kMaxListBytes));
  return ParseFiles(text);
}

std::string PrintFiles(const std::vector<ListedFile>& files) {
  json list = json::array();
  for (const ListedFile& file : files) {
    list.push_back({{"path", file.path},
                    {"size", file.size},
                    {"device", file.identity.device},
                    {"inode", file.identity.inode},
                    {"head", file.identity.head},
                    {"head_bytes", file.identity.head_bytes},
                    {"compression", static_cast<int>(file.compression)}});
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<ListedFile>> ParseFiles(const std::string& text) {
  std::vector<ListedFile> files;
  try {
    for (const json& item : json::parse(text)) {
      ListedFile& file = files.emplace_back();
      file.path = item.at("path");
      file.size = item.at("size");
      file.identity = {item.at("device"), item.at("inode"), item.at("head"), item.at("head_bytes")};
      const int compression = item.at("compression");
      if (compression < 0 || compression > static_cast<int>(Compression::kZstd))
        throw json::other_error::create(500, "compression", &item);
      file.compression = static_cast<Compression>(compression);
    }
  } catch (const json::exception& error) {
    return Status::Corruption(std::string("the list of input files is damaged: ") + error.what());
  }
  return files;
}

Result<std::unique_ptr<ReadableFile>> OpenListed(Env* env, const ListedFile& listed) {
  SR_ASSIGN_OR_RETURN(auto file, OpenRegular(env, listed.path));
  SR_ASSIGN_OR_RETURN(const bool same, IsSameFile(*file, listed.identity));
  if (!same) {
    return Status::InvalidArgument(listed.path +
                                   " is not the file it was when its reading began: another inode or "
                                   "another beginning; start over with --reset-state");
  }
  SR_ASSIGN_OR_RETURN(const FileInfo info, file->Info());
  if (listed.size != UINT64_MAX && info.size < listed.size)
    return ShrankError(listed.path, listed.size, info.size);
  return file;
}

Result<std::unique_ptr<ReadableFile>> OpenRegular(Env* env, const std::string& path) {
  const Result<FileInfo> info = env->Info(path);
  if (!info.ok()) return info.status().code() == Code::kNotFound ? Missing(env, path) : info.status();
  if (info->is_directory) {
    return Status::InvalidArgument(path + " is a directory; write " + path +
                                   (path.ends_with('/') ? "*" : "/*") + " to read the files in it");
  }
  if (!info->is_regular) {
    return Status::InvalidArgument(path +
                                   " is not a regular file but a pipe, socket or device; the file source can "
                                   "only read files, use `connector: stdin` with a shell redirection");
  }
  return env->OpenForRead(path);
}

}  // namespace streamrun
