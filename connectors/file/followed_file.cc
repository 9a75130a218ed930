#include "connectors/file/followed_file.h"

#include <cstring>

#include "connectors/file/file_header.h"

namespace streamrun {

namespace {

constexpr size_t kBlock = 256 * 1024;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Offset behind the last newline of the file's last block; the end itself when there is none.
Result<uint64_t> LastLineBegin(ReadableFile& file, uint64_t size) {
  std::string block(64 * 1024, '\0');
  const uint64_t from = size > block.size() ? size - block.size() : 0;
  SR_ASSIGN_OR_RETURN(const size_t n, file.ReadAt(from, static_cast<size_t>(size - from), block.data()));
  const size_t newline = std::string_view(block).substr(0, n).rfind('\n');
  if (newline != std::string_view::npos) return from + newline + 1;
  return from == 0 ? 0 : size;
}

}  // namespace

Result<std::unique_ptr<FollowedFile>> FollowedFile::Open(std::unique_ptr<ReadableFile> file, std::string path,
                                                         const Options& options, Start start) {
  std::unique_ptr<FollowedFile> followed(new FollowedFile(std::move(file), std::move(path), options));
  uint64_t offset = 0;
  if (start == Start::kEnd) {
    SR_ASSIGN_OR_RETURN(const FileInfo info, followed->file_->Info());
    SR_ASSIGN_OR_RETURN(offset, LastLineBegin(*followed->file_, info.size));
  }
  SR_RETURN_IF_ERROR(followed->Begin(offset));
  return followed;
}

Result<std::unique_ptr<FollowedFile>> FollowedFile::Resume(std::unique_ptr<ReadableFile> file,
                                                           std::string path, const Options& options,
                                                           Place place) {
  std::unique_ptr<FollowedFile> followed(new FollowedFile(std::move(file), std::move(path), options));
  SR_RETURN_IF_ERROR(followed->Begin(place.offset));
  if (place.skipping) followed->framer_->ResumeSkipping();
  return followed;
}

Status FollowedFile::Begin(uint64_t offset) {
  SR_ASSIGN_OR_RETURN(identity_, IdentifyFile(*file_));
  offset_ = offset;
  framer_.emplace(NewFramer(offset));
  prototype_ = Chunk();
  prototype_.split = std::make_shared<const std::string>("file:" + path_);
  // From the beginning, the header is taken from the stream when it is whole; behind it, it is read here.
  return offset > 0 && options_.format.header ? ReadHeader() : Status::Ok();
}

Status FollowedFile::ReadHeader() {
  const auto stream = OpenByteStream(*file_, path_, Compression::kNone, UINT64_MAX);
  SR_ASSIGN_OR_RETURN(const FileHeader header, ReadFileHeader(*stream, path_, true, options_.max_record));
  prototype_.header = header.line;
  if (offset_ < header.data_begin) {
    offset_ = header.data_begin;
    framer_.emplace(NewFramer(offset_));
  }
  return Status::Ok();
}

RecordFramer FollowedFile::NewFramer(uint64_t origin) const {
  FramingOptions framing;
  framing.max_record = options_.max_record;
  framing.quote = options_.format.quote;
  framing.separator = options_.format.separator;
  return RecordFramer(framing, static_cast<int64_t>(origin));
}

Result<bool> FollowedFile::Emit(SourceOutput& out) {
  if (options_.format.header && !prototype_.header) {
    std::string line;
    SR_ASSIGN_OR_RETURN(const bool taken, framer_->TakeLine(&line));
    if (!taken) return false;
    prototype_.header = std::make_shared<const std::string>(std::move(line));
  }
  return framer_->Emit(out, prototype_);
}

Result<size_t> FollowedFile::ReadOn() {
  if (begin_again_) {
    begin_again_ = false;
    SR_RETURN_IF_ERROR(Begin(0));
  }
  if (at_end_) {
    SR_ASSIGN_OR_RETURN(const FileInfo info, file_->Info());
    if (info.size == offset_) return size_t{0};
    SR_ASSIGN_OR_RETURN(begin_again_, BeganAgain(info.size));
    if (begin_again_) {
      framer_->End(true);
      return size_t{1};  // Emit first
    }
  }
  uint8_t* space = framer_->Space(kBlock);
  SR_ASSIGN_OR_RETURN(size_t n, file_->ReadAt(offset_, kBlock, reinterpret_cast<char*>(space)));
  at_end_ = n == 0;
  if (n == 0) return size_t{0};
  if (offset_ == 0 && std::string_view(reinterpret_cast<char*>(space), n).starts_with(kByteOrderMark)) {
    // The mark is no part of a record: read again behind it.
    offset_ = kByteOrderMark.size();
    framer_.emplace(NewFramer(offset_));
    return n;
  }
  framer_->Filled(n);
  offset_ += n;
  if (identity_.head_bytes < FileIdentity::kHeadBytes) {
    SR_ASSIGN_OR_RETURN(identity_, IdentifyFile(*file_));
  }
  return n;
}

// True when the file does not continue what was read: shorter, or with another beginning.
Result<bool> FollowedFile::BeganAgain(uint64_t size) {
  if (size < offset_) return true;
  SR_ASSIGN_OR_RETURN(const bool same, BeginsAs(*file_, identity_));
  return !same;
}

}  // namespace streamrun
