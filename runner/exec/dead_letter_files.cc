#include "runner/exec/dead_letter_files.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/base/failpoint.h"

namespace streamrun {

namespace {

template <typename T>
bool TakeNumber(std::string_view* text, T* number) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

using Start = std::pair<uint64_t, uint64_t>;  // generation and attempt: ascending in time
Start StartOf(const DeadLetterName& name) { return {name.generation, name.attempt}; }

Result<std::map<std::string, uint64_t>> Lengths(const std::vector<KeptLetters>& kept) {
  std::map<std::string, uint64_t> lengths;
  for (const KeptLetters& worker : kept) {
    if (worker.handle.empty()) continue;
    const nlohmann::json files = nlohmann::json::parse(worker.handle, nullptr, false);
    if (!files.is_array()) return Status::Corruption("the saved lengths of dead letters are damaged");
    for (const nlohmann::json& file : files) {
      if (!file.is_object() || !file.contains("file") || !file["file"].is_string() ||
          !file.contains("length") || !file["length"].is_number_unsigned()) {
        return Status::Corruption("the saved length of a dead-letter file is damaged");
      }
      lengths[file["file"].get<std::string>()] = file["length"].get<uint64_t>();
    }
  }
  return lengths;
}

Status CutTo(Env* env, const std::string& path, uint64_t size, uint64_t length) {
  if (size < length) {
    return Status::Corruption(path + " has " + std::to_string(size) + " bytes, the checkpoint knows " +
                              std::to_string(length) + "; dead letters were lost");
  }
  if (size == length) return Status::Ok();
  SR_ASSIGN_OR_RETURN(const auto file, env->OpenForWrite(path, WriteMode::kAppend));
  SR_RETURN_IF_ERROR(file->Truncate(length));
  return file->Close();
}

}  // namespace

std::string DeadLetterName::Print() const {
  return std::to_string(generation) + "." + std::to_string(attempt) + "-" + std::to_string(stage) + "-" +
         std::to_string(instance) + (part > 0 ? "." + std::to_string(part) : "") + ".jsonl";
}

std::optional<DeadLetterName> DeadLetterName::Parse(std::string_view file) {
  DeadLetterName name;
  const bool named = TakeNumber(&file, &name.generation) && TakeChar(&file, '.') &&
                     TakeNumber(&file, &name.attempt) && TakeChar(&file, '-') &&
                     TakeNumber(&file, &name.stage) && TakeChar(&file, '-') &&
                     TakeNumber(&file, &name.instance) && TakeChar(&file, '.');
  if (!named) return std::nullopt;
  if (TakeNumber(&file, &name.part) && !TakeChar(&file, '.')) return std::nullopt;
  return file == "jsonl" ? std::optional(name) : std::nullopt;
}

Result<std::vector<StoredLetters>> ListDeadLetters(Env* env, const std::string& directory) {
  std::vector<StoredLetters> letters;
  const std::string within = directory + "/";
  const Result<std::vector<std::string>> files = env->List(directory);
  if (files.status().code() == Code::kNotFound) return letters;
  SR_RETURN_IF_ERROR(files.status());
  for (const std::string& file : *files) {
    const auto name = DeadLetterName::Parse(file);
    if (!name) continue;
    const Result<FileInfo> info = env->Info(within + file);
    if (info.status().code() == Code::kNotFound) continue;  // another worker has just made room
    SR_RETURN_IF_ERROR(info.status());
    letters.push_back({file, *name, info->size});
  }
  std::sort(letters.begin(), letters.end(), [](const StoredLetters& a, const StoredLetters& b) {
    const auto key = [](const DeadLetterName& n) {
      return std::tuple(n.generation, n.attempt, n.stage, n.instance, n.part);
    };
    return key(a.name) < key(b.name);
  });
  return letters;
}

Result<int64_t> CountDeadLetters(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(const auto file, env->OpenForRead(path));
  std::string bytes(1 << 20, '\0');
  int64_t lines = 0;
  for (uint64_t offset = 0;;) {
    SR_ASSIGN_OR_RETURN(const size_t length, file->ReadAt(offset, bytes.size(), bytes.data()));
    if (length == 0) return lines;
    lines += std::count(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length), '\n');
    offset += length;
  }
}

int64_t BytesOf(const std::vector<StoredLetters>& letters) {
  int64_t bytes = 0;
  for (const StoredLetters& file : letters) bytes += static_cast<int64_t>(file.size);
  return bytes;
}

Result<int64_t> DropDeadLetters(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(const int64_t letters, CountDeadLetters(env, path));
  SR_RETURN_IF_ERROR(env->Remove(path));
  return letters;
}

Result<int64_t> DropOldestLetters(Env* env, const std::string& directory, int64_t room) {
  SR_ASSIGN_OR_RETURN(const std::vector<StoredLetters> stored, ListDeadLetters(env, directory));
  const std::string within = directory + "/";
  int64_t taken = BytesOf(stored), dropped = 0;
  for (const StoredLetters& file : stored) {
    if (taken <= room) break;
    SR_ASSIGN_OR_RETURN(const int64_t letters, DropDeadLetters(env, within + file.file));
    dropped += letters;
    taken -= static_cast<int64_t>(file.size);
  }
  return dropped;
}

namespace {

constexpr uint64_t kWhole = ~uint64_t{0};

uint64_t Settled(const std::string& file, const DeadLetterName& writer, const std::vector<KeptLetters>& kept,
                 const std::map<std::string, uint64_t>& lengths) {
  if (const auto length = lengths.find(file); length != lengths.end()) return length->second;
  Start last{0, 0};
  for (const KeptLetters& worker : kept) last = std::max(last, StartOf(worker.worker));
  const bool of_checkpoint = std::any_of(kept.begin(), kept.end(), [&](const KeptLetters& k) {
    return StartOf(k.worker) == StartOf(writer) && k.worker.stage == writer.stage &&
           k.worker.instance == writer.instance;
  });
  return of_checkpoint || StartOf(writer) > last ? 0 : kWhole;
}

}  // namespace

Result<uint64_t> SettledLength(const StoredLetters& file, const std::vector<KeptLetters>& kept) {
  SR_ASSIGN_OR_RETURN(const auto lengths, Lengths(kept));
  return Settled(file.file, file.name, kept, lengths);
}

Status TrimDeadLetters(Env* env, const std::string& directory, const std::vector<int>& stages,
                       const std::vector<KeptLetters>& kept) {
  SR_ASSIGN_OR_RETURN(const std::vector<StoredLetters> stored, ListDeadLetters(env, directory));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("letters.trim"));
  SR_ASSIGN_OR_RETURN(const auto lengths, Lengths(kept));
  const std::string within = directory + "/";
  for (const auto& [name, writer, size] : stored) {
    if (!stages.empty() && std::find(stages.begin(), stages.end(), writer.stage) == stages.end()) continue;
    const std::string path = within + name;
    const uint64_t length = Settled(name, writer, kept, lengths);
    if (lengths.contains(name)) {
      SR_RETURN_IF_ERROR(CutTo(env, path, size, length));
    } else if (length == 0) {
      SR_RETURN_IF_ERROR(env->Remove(path));
    }
  }
  return Status::Ok();
}

}  // namespace streamrun
