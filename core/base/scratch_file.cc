#include "core/base/scratch_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace streamrun {

namespace {

// The kernel makes pages of a file as large as what is written at once (folios), and frees only whole ones.
constexpr size_t kMostWritten = 64 * 1024;

}  // namespace

size_t ScratchFile::PageSize() {
  static const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

Result<std::unique_ptr<ScratchFile>> ScratchFile::Create(Env* env, const std::string& directory) {
  SR_RETURN_IF_ERROR(env->MakeDirectories(directory, 0700));
  const std::string path = directory + "/state";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Status::FromErrno(errno, "cannot make " + path);
  struct statfs where {};
  const bool known = ::fstatfs(fd, &where) == 0;
  const bool in_memory = known && (where.f_type == TMPFS_MAGIC || where.f_type == RAMFS_MAGIC);
  std::unique_ptr<ScratchFile> file(new ScratchFile(fd, directory, in_memory));
  SR_RETURN_IF_ERROR(env->Remove(path));
  return file;
}

Result<std::unique_ptr<ScratchFile>> ScratchFile::CreateInMemory() {
  const int fd = ::memfd_create("state", MFD_CLOEXEC);
  if (fd < 0) return Status::FromErrno(errno, "cannot make a file in memory");
  return std::unique_ptr<ScratchFile>(new ScratchFile(fd, "memory", true));
}

ScratchFile::~ScratchFile() { ::close(fd_); }

Status ScratchFile::Allocate(uint64_t offset, uint64_t length) {
  int error;
  do {
    error = ::posix_fallocate(fd_, static_cast<off_t>(offset), static_cast<off_t>(length));
  } while (error == EINTR);
  if (error == 0) return Status::Ok();
  return Status::FromErrno(error, "no room for " + std::to_string(length) + " bytes in " + directory_);
}

// Where holes cannot be made the blocks stay, for the next Allocate.
void ScratchFile::Free(uint64_t offset, uint64_t length) {
  (void)::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(length));
}

Status ScratchFile::Write(uint64_t offset, const void* data, size_t length) {
  const auto* bytes = static_cast<const char*>(data);
  while (length > 0) {
    const ssize_t count = ::pwrite(fd_, bytes, std::min(length, kMostWritten), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Status::FromErrno(errno, "cannot write to a file in " + directory_);
    bytes += count;
    offset += static_cast<uint64_t>(count);
    length -= static_cast<size_t>(count);
  }
  return Status::Ok();
}

Status ScratchFile::Map(void* at, uint64_t offset, size_t length) {
  void* mapped =
      ::mmap(at, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_, static_cast<off_t>(offset));
  if (mapped == MAP_FAILED) {
    return Status::FromErrno(errno, "cannot map a file in " + directory_ + " (see vm.max_map_count)");
  }
  (void)::madvise(at, length, MADV_RANDOM);
  return Status::Ok();
}

void ScratchFile::StartWriting(uint64_t offset, uint64_t length) {
  (void)::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE);
}

// MADV_PAGEOUT would be one call, but leaves pages that have to be written where they are (and on Linux 6.18
// with ext4 all 512 MiB of a mapping that had just been written, too). DONTNEED of a shared mapping only
// forgets the addresses; then nobody uses the clean pages, and the file's DONTNEED frees them.
void ScratchFile::Evict(void* at, uint64_t offset, size_t length) {
  (void)::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(length),
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  (void)::madvise(at, length, MADV_DONTNEED);
  (void)::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(length), POSIX_FADV_DONTNEED);
}

void* ScratchFile::Reserve(size_t length) {
  void* at = ::mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}

void ScratchFile::Release(void* at, size_t length) { (void)::munmap(at, length); }

void ScratchFile::WillNeed(void* at, size_t length) { (void)::madvise(at, length, MADV_WILLNEED); }

bool ScratchFile::MapMemory(void* at, size_t length) {
  return ::mmap(at, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
         MAP_FAILED;
}

size_t ScratchFile::Resident(const void* at, size_t length) {
  std::array<unsigned char, 4096> pages;
  const size_t page = PageSize();
  size_t resident = 0;
  auto* next = static_cast<char*>(const_cast<void*>(at));
  while (length > 0) {
    const size_t bytes = std::min(length, pages.size() * page);
    if (::mincore(next, bytes, pages.data()) != 0) return resident * page;
    for (size_t i = 0; i < bytes / page; ++i) resident += pages[i] & 1;
    next += bytes;
    length -= bytes;
  }
  return resident * page;
}

ScratchFile::Faults ScratchFile::FaultsOfThread() {
  rusage usage{};
  (void)::getrusage(RUSAGE_THREAD, &usage);
  const auto reads = static_cast<uint64_t>(usage.ru_majflt);
  return {(static_cast<uint64_t>(usage.ru_minflt) + reads) * PageSize(), reads};
}

}  // namespace streamrun
