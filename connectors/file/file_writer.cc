#include "connectors/file/file_writer.h"

#include <utility>

#include "connectors/file/path_pattern.h"
#include "connectors/file/sink_path.h"

namespace streamrun {

namespace {

// Blocks from this size on go to the operating system as they are.
constexpr size_t kDirect = 128 * 1024;

// True unless the file has content that does not end with a newline.
Result<bool> EndsAtRecord(Env* env, const std::string& path, uint64_t size) {
  if (size == 0) return true;
  SR_ASSIGN_OR_RETURN(const auto file, env->OpenForRead(path));
  char last = '\n';
  SR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(size - 1, 1, &last));
  return n == 0 || last == '\n';
}

// Length of the file up to and including its last newline.
Result<uint64_t> WholeLength(Env* env, const std::string& path, uint64_t size) {
  SR_ASSIGN_OR_RETURN(const auto file, env->OpenForRead(path));
  std::string block(64 * 1024, '\0');
  while (size > 0) {
    const uint64_t from = size > block.size() ? size - block.size() : 0;
    SR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(from, static_cast<size_t>(size - from), block.data()));
    const size_t newline = std::string_view(block).substr(0, n).rfind('\n');
    if (newline != std::string_view::npos) return from + newline + 1;
    size = from;
  }
  return uint64_t{0};
}

}  // namespace

Result<std::unique_ptr<FileWriter>> FileWriter::Open(Env* env, FileWriterOptions options) {
  std::unique_ptr<FileWriter> writer(new FileWriter(env, std::move(options)));
  SR_RETURN_IF_ERROR(writer->OpenFile());
  SR_RETURN_IF_ERROR(writer->Begin());
  return writer;
}

Status FileWriter::OpenFile() {
  const std::string& path = options_.path;
  SR_RETURN_IF_ERROR(env_->MakeDirectories(DirectoryOf(path)));
  const Result<FileInfo> there = env_->Info(path);
  if (there.ok() && there->is_directory)
    return Status::InvalidArgument("cannot write " + path + ": it is a directory");
  if (there.ok() && options_.must_be_new) {
    return Status(Code::kAlreadyExists,
                  path + " exists and `if_exists` is fail; remove it or write if_exists: replace");
  }
  open_path_ = options_.staged ? InProgressPath(path) : path;
  const WriteMode mode = options_.start == FileStart::kReplace ? WriteMode::kReplace : WriteMode::kAppend;
  SR_ASSIGN_OR_RETURN(file_, env_->OpenForWrite(open_path_, mode));
  compressor_ = CreateCompressor(options_.compression);
  return Status::Ok();
}

// What stands between the end of the file and the first record.
Status FileWriter::Begin() {
  if (file_->size() == 0) return options_.preamble.empty() ? Status::Ok() : Write(options_.preamble);
  if (compressor_ || options_.start == FileStart::kGoOn) return Status::Ok();  // another frame begins
  if (options_.start == FileStart::kMend) {
    SR_ASSIGN_OR_RETURN(const uint64_t whole, WholeLength(env_, open_path_, file_->size()));
    return whole < file_->size() ? file_->Truncate(whole) : Status::Ok();
  }
  SR_ASSIGN_OR_RETURN(const bool ended, EndsAtRecord(env_, open_path_, file_->size()));
  if (!ended) buffer_ = "\n";
  return Status::Ok();
}

Status FileWriter::Write(std::string_view records) {
  if (compressor_) {
    in_frame_ = true;
    compressor_->Write(records, &buffer_);
  } else if (records.size() >= kDirect) {
    SR_RETURN_IF_ERROR(HandBuffer());
    return Hand(records);
  } else {
    buffer_.append(records);
  }
  return buffer_.size() >= options_.block ? HandBuffer() : Status::Ok();
}

Status FileWriter::Flush() {
  // Nobody reads a staged file: a flush would only cost compression.
  if (in_frame_ && !options_.staged) compressor_->Flush(&buffer_);
  return HandBuffer();
}

Status FileWriter::EndFrame() {
  if (std::exchange(in_frame_, false)) compressor_->Finish(&buffer_);
  return HandBuffer();
}

Status FileWriter::Close() {
  // A compressed file without content is one empty frame, not nothing: tools refuse the latter.
  if (compressor_ && file_->size() + buffer_.size() == 0) in_frame_ = true;
  SR_RETURN_IF_ERROR(EndFrame());
  return Explain(file_->Close());
}

Status FileWriter::HandBuffer() {
  if (buffer_.empty()) return Status::Ok();
  Status status = Hand(buffer_);
  buffer_.clear();
  return status;
}

Status FileWriter::Hand(std::string_view bytes) { return Explain(file_->Append(bytes)); }

Status FileWriter::Explain(const Status& status) const {
  if (status.code() != Code::kResourceExhausted) return status;
  const std::string rest = options_.staged
                               ? "; what was written so far is in " + open_path_ + " and is not published"
                               : "; the file ends after " + std::to_string(file_->size()) + " bytes";
  return Status::ResourceExhausted("no space left for " + options_.path + rest + " (" + status.message() +
                                   ")");
}

}  // namespace streamrun
