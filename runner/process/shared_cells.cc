#include "runner/process/shared_cells.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

namespace streamrun {

namespace {

// The first descriptor that none of those with a fixed number in a worker can be.
constexpr int kAboveFixed = 16;
// Of a size that stays: a cell cannot vanish under a worker (SIGBUS).
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

static_assert(alignof(TimeCell) >= alignof(BatchPlace));

// A map has at least one byte.
size_t CellBytes(size_t count) { return std::max<size_t>(count, 1) * sizeof(TimeCell); }
size_t BytesFor(size_t count, size_t workers) { return CellBytes(count) + workers * sizeof(BatchPlace); }

}  // namespace

Status SharedCells::MapMemory(size_t count, size_t workers) {
  bytes_ = BytesFor(count, workers);
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory == MAP_FAILED) return Status::FromErrno(errno, "cannot map the time board");
  memory_ = memory;
  places_ = reinterpret_cast<BatchPlace*>(static_cast<char*>(memory) + CellBytes(count));
  return Status::Ok();
}

Result<std::unique_ptr<SharedCells>> SharedCells::Make(size_t count, size_t workers) {
  std::unique_ptr<SharedCells> shared(new SharedCells);
  const int fd = ::memfd_create("streamrun-times", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return Status::FromErrno(errno, "cannot make a memfd");
  shared->fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, kAboveFixed);
  const int error = errno;
  ::close(fd);
  if (shared->fd_ < 0) return Status::FromErrno(error, "cannot duplicate a memfd");
  if (::ftruncate(shared->fd_, static_cast<off_t>(BytesFor(count, workers))) != 0 ||
      ::fcntl(shared->fd_, F_ADD_SEALS, kSeals) != 0) {
    return Status::FromErrno(errno, "cannot prepare a memfd");
  }
  SR_RETURN_IF_ERROR(shared->MapMemory(count, workers));
  new (shared->memory_) TimeCell[std::max<size_t>(count, 1)];
  new (shared->places_) BatchPlace[workers]();
  return shared;
}

Result<std::unique_ptr<SharedCells>> SharedCells::Map(int fd, size_t count, size_t workers) {
  std::unique_ptr<SharedCells> shared(new SharedCells);
  shared->fd_ = fd;
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  struct stat s;
  if (::fstat(fd, &s) != 0) return Status::FromErrno(errno, "cannot stat the time board");
  if (static_cast<size_t>(s.st_size) != BytesFor(count, workers)) {
    return Status::Internal("the time board has " + std::to_string(s.st_size) + " bytes, not " +
                            std::to_string(BytesFor(count, workers)));
  }
  SR_RETURN_IF_ERROR(shared->MapMemory(count, workers));
  return shared;
}

SharedCells::~SharedCells() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace streamrun
