#include "runner/exec/dead_letter_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/durable_directory.h"
#include "core/base/failpoint.h"
#include "core/base/logging.h"
#include "core/component/config_spec.h"
#include "core/stream/dead_letter.h"
#include "runner/exec/dead_letters.h"

namespace streamrun {

namespace {

// A share is filled file by file, so that making room costs no more than this part of it.
constexpr int64_t kParts = 4;

}  // namespace

DeadLetterFile::DeadLetterFile(Env* env, std::string directory, const DeadLetterName& name,
                               const DeadLetterRoom& room)
    : env_(env), directory_(std::move(directory)), name_(name), room_(room) {}

// Nobody writes the files of earlier generations any more, so every worker finds the same.
Status DeadLetterFile::MeasureRoom() {
  SR_RETURN_IF_ERROR(MakeDurableDirectory(env_, directory_, 1));
  SR_ASSIGN_OR_RETURN(const std::vector<StoredLetters> stored, ListDeadLetters(env_, directory_));
  for (const StoredLetters& file : stored) {
    const DeadLetterName& writer = file.name;
    if (writer.generation < name_.generation) {
      of_earlier_ += static_cast<int64_t>(file.size);
    } else if (writer.stage == name_.stage && writer.instance == name_.instance &&
               writer.attempt < name_.attempt) {
      closed_.push_back({file.file, file.size, false});
    }
  }
  share_ = std::max<int64_t>(0, room_.max_bytes - of_earlier_) / std::max(1, room_.workers);
  return Status::Ok();
}

Status DeadLetterFile::Write(const BatchPtr& letters) {
  if (!share_) SR_RETURN_IF_ERROR(MeasureRoom());
  if (!encoder_) encoder_ = JsonEncoderFor(DeadLetterSchema())->CreateEncoder();
  BufferBuilder bytes, ends;
  encoder_->Encode(*letters, bytes, ends);
  SR_RETURN_IF_ERROR(MakeRoom(static_cast<int64_t>(bytes.size())));
  if (!file_) SR_RETURN_IF_ERROR(Roll());
  SR_RETURN_IF_ERROR(SR_FAILPOINT("letters.write"));
  return file_->Append(bytes.view());
}

Status DeadLetterFile::MakeRoom(int64_t bytes) {
  if (room_.drop_oldest && file_ && static_cast<int64_t>(file_->size()) + bytes > *share_ / kParts) {
    SR_RETURN_IF_ERROR(Roll());
  }
  int64_t taken = bytes + (file_ ? static_cast<int64_t>(file_->size()) : 0);
  for (const Part& part : closed_) taken += static_cast<int64_t>(part.size);
  if (!room_.drop_oldest && taken > *share_) {
    // Not kResourceExhausted: another attempt would find no more room.
    return Status::InvalidArgument("dead letters take all of settings.dead_letter.max_size (" +
                                   PrintSize(room_.max_bytes) + "), " + PrintSize(of_earlier_) +
                                   " of it those of earlier runs, in " + directory_ +
                                   "; mend the input, replay or clear them (streamrun dlq), raise the limit, "
                                   "or write when_full: drop_oldest");
  }
  // The newest are kept even when they alone are too many.
  while (taken > *share_ && !closed_.empty()) {
    taken -= static_cast<int64_t>(closed_.front().size);
    SR_RETURN_IF_ERROR(DropOldest());
  }
  return Status::Ok();
}

Status DeadLetterFile::DropOldest() {
  const std::string path = directory_ + "/" + closed_.front().file;
  SR_ASSIGN_OR_RETURN(const int64_t letters, DropDeadLetters(env_, path));
  closed_.erase(closed_.begin());
  dropped_ += letters;
  LogWarning("dead letters make room for newer ones (settings.dead_letter)",
             {{"dropped", std::to_string(letters)}, {"file", path}});
  return Status::Ok();
}

Status DeadLetterFile::Roll() {
  if (file_) {
    SR_RETURN_IF_ERROR(file_->Close());
    closed_.push_back({name_.Print(), file_->size()});
    ++name_.part;
  }
  SR_ASSIGN_OR_RETURN(file_, env_->OpenForWrite(directory_ + "/" + name_.Print(), WriteMode::kReplace));
  return Status::Ok();
}

Result<Prepared> DeadLetterFile::Prepare() {
  Prepared prepared;
  if (!file_) return prepared;
  nlohmann::json files = nlohmann::json::array();
  const auto add = [&](const std::string& file, uint64_t size) {
    files.push_back({{"file", file}, {"length", size}});
    prepared.files.push_back(directory_ + "/" + file);
  };
  for (const Part& part : closed_) {
    if (part.own) add(part.file, part.size);
  }
  add(name_.Print(), file_->size());
  prepared.handle = files.dump();
  prepared.directories.push_back(directory_);
  return prepared;
}

}  // namespace streamrun
