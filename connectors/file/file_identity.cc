#include "connectors/file/file_identity.h"

#include <algorithm>

#include "core/base/crc32c.h"

namespace streamrun {

namespace {

struct Head {
  uint32_t crc = 0;
  uint32_t bytes = 0;
};

Result<Head> ReadHead(ReadableFile& file, size_t limit) {
  char block[FileIdentity::kHeadBytes];
  size_t size = 0;
  while (size < limit) {
    SR_ASSIGN_OR_RETURN(const size_t n, file.ReadAt(size, limit - size, block + size));
    if (n == 0) break;
    size += n;
  }
  return Head{Crc32c(block, size), static_cast<uint32_t>(size)};
}

}  // namespace

Result<FileIdentity> IdentifyFile(ReadableFile& file) {
  SR_ASSIGN_OR_RETURN(const FileInfo info, file.Info());
  SR_ASSIGN_OR_RETURN(const Head head, ReadHead(file, FileIdentity::kHeadBytes));
  return FileIdentity{info.device, info.inode, head.crc, head.bytes};
}

Result<bool> IsSameFile(ReadableFile& file, const FileIdentity& identity) {
  SR_ASSIGN_OR_RETURN(const FileInfo info, file.Info());
  if (info.inode != identity.inode) return false;
  return BeginsAs(file, identity);
}

Result<bool> BeginsAs(ReadableFile& file, const FileIdentity& identity) {
  SR_ASSIGN_OR_RETURN(const Head head,
                      ReadHead(file, std::min<size_t>(identity.head_bytes, FileIdentity::kHeadBytes)));
  return head.bytes == identity.head_bytes && head.crc == identity.head;
}

}  // namespace streamrun
