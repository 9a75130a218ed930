#include "connectors/file/sink_part.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/failpoint.h"

namespace streamrun {

namespace {

using nlohmann::json;

constexpr const char* kCure = "; bring the file back or start over with --reset-state";

// Nullopt: there is no such file.
Result<std::optional<FileInfo>> InfoIfThere(Env* env, const std::string& path) {
  Result<FileInfo> info = env->Info(path);
  if (info.ok()) return std::optional<FileInfo>(*info);
  if (info.status().code() == Code::kNotFound) return std::optional<FileInfo>();
  return info.status();
}

Status TooShort(const std::string& path, uint64_t size, uint64_t length) {
  return Status::Corruption(path + " has " + std::to_string(size) +
                            " bytes, but the checkpoint was made when it had " + std::to_string(length) +
                            kCure);
}

Status Gone(const SinkPart& part) {
  const std::string other = part.staged() ? " nor " + part.path : "";
  return Status::Corruption((part.staged() ? "neither " : "") + part.written + other +
                            (part.staged() ? " holds the " : " does not hold the ") +
                            std::to_string(part.length) + " bytes that the checkpoint counts on" + kCure);
}

Status CutOff(Env* env, const SinkPart& part) {
  SR_ASSIGN_OR_RETURN(const auto open, env->OpenForWrite(part.written, WriteMode::kAppend));
  SR_RETURN_IF_ERROR(open->Truncate(part.length));
  return open->Close();
}

}  // namespace

std::string PrintHandle(const std::vector<SinkPart>& parts, const SeriesFacts* facts) {
  json list = json::array();
  for (const SinkPart& part : parts) {
    json& item = list.emplace_back(json{{"path", part.path},
                                        {"written", part.written},
                                        {"length", part.length},
                                        {"inode", part.inode},
                                        {"worker", part.worker},
                                        {"number", part.number},
                                        {"records", part.records},
                                        {"finished", part.finished}});
    if (!part.series.empty()) item["series"] = part.series;
  }
  json handle{{"parts", std::move(list)}};
  if (facts != nullptr) {
    handle["pattern"] = facts->pattern;
    handle["ended"] = facts->ended;
    for (const auto& [worker, next] : facts->next) handle["next"][std::to_string(worker)] = next;
  }
  return handle.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<SinkPart>> ParseHandle(const std::string& handle, SeriesFacts* facts) {
  std::vector<SinkPart> parts;
  if (handle.empty()) return parts;
  try {
    const json saved = json::parse(handle);
    for (const json& item : saved.at("parts")) {
      SinkPart& part = parts.emplace_back();
      part.path = item.at("path");
      part.written = item.at("written");
      part.length = item.at("length");
      part.inode = item.at("inode");
      part.worker = item.at("worker");
      part.number = item.at("number");
      part.records = item.at("records");
      part.finished = item.at("finished");
      part.series = item.value("series", "");
    }
    if (facts != nullptr) {
      facts->pattern = saved.value("pattern", facts->pattern);
      facts->ended = saved.value("ended", facts->ended);
      const json numbers = saved.value("next", json::object());
      for (const auto& [worker, next] : numbers.items()) {
        uint64_t& kept = facts->next[std::stoi(worker)];
        kept = std::max(kept, next.get<uint64_t>());
      }
    }
  } catch (const std::exception& error) {
    return Status::Corruption(std::string("the saved handle of a file sink is damaged: ") + error.what());
  }
  return parts;
}

Status PublishPart(Env* env, const SinkPart& part, bool replace) {
  if (!part.staged()) return Status::Ok();
  SR_ASSIGN_OR_RETURN(const auto written, InfoIfThere(env, part.written));
  if (!written) {
    SR_ASSIGN_OR_RETURN(const auto published, InfoIfThere(env, part.path));
    return published && published->size == part.length ? Status::Ok() : Gone(part);
  }
  if (written->size < part.length) return TooShort(part.written, written->size, part.length);
  if (written->size > part.length) SR_RETURN_IF_ERROR(CutOff(env, part));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("file.publish"));
  SR_RETURN_IF_ERROR(replace ? env->Rename(part.written, part.path)
                             : env->RenameNoReplace(part.written, part.path));
  return SR_FAILPOINT("file.published");
}

Status RestorePart(Env* env, const SinkPart& part) {
  SR_RETURN_IF_ERROR(SR_FAILPOINT("file.restore"));
  SR_ASSIGN_OR_RETURN(auto file, InfoIfThere(env, part.written));
  if (!file && part.staged()) {
    // An older epoch than the last one is restored: the file had not got its name yet.
    SR_ASSIGN_OR_RETURN(file, InfoIfThere(env, part.path));
    if (!file || file->inode != part.inode) return Gone(part);
    if (file->size < part.length) return TooShort(part.path, file->size, part.length);
    SR_RETURN_IF_ERROR(env->RenameNoReplace(part.path, part.written));
  }
  if (!file) return Gone(part);
  if (file->size < part.length) return TooShort(part.written, file->size, part.length);
  return file->size > part.length ? CutOff(env, part) : Status::Ok();
}

}  // namespace streamrun
