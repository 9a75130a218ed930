#include "connectors/file/part_file.h"

#include <algorithm>

#include "connectors/file/sink_path.h"

namespace streamrun {

Compression CompressionOf(CompressionChoice choice, std::string_view path) {
  switch (choice) {
    case CompressionChoice::kGzip:
      return Compression::kGzip;
    case CompressionChoice::kZstd:
      return Compression::kZstd;
    case CompressionChoice::kNone:
      return Compression::kNone;
    case CompressionChoice::kAuto:
      break;
  }
  return path.ends_with(".gz")    ? Compression::kGzip
         : path.ends_with(".zst") ? Compression::kZstd
                                  : Compression::kNone;
}

Result<std::unique_ptr<PartFile>> PartFile::Open(Env* env, FileWriterOptions options, int worker,
                                                 uint64_t number, int64_t records) {
  SR_ASSIGN_OR_RETURN(auto writer, FileWriter::Open(env, std::move(options)));
  std::unique_ptr<PartFile> part(new PartFile(std::move(writer), worker, number));
  SR_ASSIGN_OR_RETURN(const FileInfo info, env->Info(part->written()));
  part->inode_ = info.inode;
  part->opened_ = env->MonotonicNow();
  part->records_ = records;
  return part;
}

Result<int64_t> PartFile::WriteUpTo(uint64_t limit, const Encoded& records, int64_t begin) {
  const uint32_t* ends = records.record_ends->as<uint32_t>();
  const int64_t count = records.records();
  const uint64_t from = begin == 0 ? 0 : ends[begin - 1];
  int64_t behind = count;
  if (limit > 0) {
    const uint64_t room = limit > size() ? limit - size() : 0;
    behind = std::lower_bound(ends + begin, ends + count, from + room) - ends + 1;
    behind = std::clamp(behind, begin + 1, count);
  }
  SR_RETURN_IF_ERROR(Write(records.bytes->view().substr(from, ends[behind - 1] - from), behind - begin));
  return behind;
}

SinkPart PartFile::Describe(bool finished) const {
  SinkPart part;
  part.path = AbsolutePath(path());
  part.written = AbsolutePath(written());
  part.length = size();
  part.inode = inode_;
  part.worker = worker_;
  part.number = number_;
  part.records = records_;
  part.finished = finished;
  return part;
}

}  // namespace streamrun
