#include "runner/ingest/log_tail.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace streamrun {

namespace {

std::string TailPath(const std::string& directory, const std::string& node) {
  return directory + "/ingest." + node + ".tail";
}
std::string WakePath(const std::string& directory, const std::string& node) {
  return directory + "/ingest." + node + ".wake";
}

}  // namespace

Status LogTail::Map(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return Status::FromErrno(errno, "cannot open " + path);
  struct stat info {};
  const bool grown = (flags & O_CREAT) == 0 || ::ftruncate(fd, sizeof(Shared)) == 0;
  if (!grown || ::fstat(fd, &info) != 0 || static_cast<size_t>(info.st_size) < sizeof(Shared)) {
    ::close(fd);
    return Status::Unavailable(path + " is not ready");
  }
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const int error = errno;
  ::close(fd);
  if (memory == MAP_FAILED) return Status::FromErrno(error, "cannot map " + path);
  shared_ = static_cast<Shared*>(memory);
  return Status::Ok();
}

Result<std::unique_ptr<LogTail>> LogTail::Make(const std::string& run_directory, const std::string& node,
                                               uint64_t generation, uint64_t synced) {
  std::unique_ptr<LogTail> tail(new LogTail);
  SR_RETURN_IF_ERROR(tail->Map(TailPath(run_directory, node), O_RDWR | O_CREAT));
  const std::string wake = WakePath(run_directory, node);
  if (::mkfifo(wake.c_str(), 0600) != 0 && errno != EEXIST) {
    return Status::FromErrno(errno, "cannot make " + wake);
  }
  // Open for both, so that it can be written before the other end is there.
  tail->wake_fd_ = ::open(wake.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tail->wake_fd_ < 0) return Status::FromErrno(errno, "cannot open " + wake);
  tail->Publish(synced, 0);
  tail->shared_->generation.store(generation, std::memory_order_release);
  return tail;
}

Result<std::unique_ptr<LogTail>> LogTail::Open(const std::string& run_directory, const std::string& node,
                                               uint64_t generation) {
  std::unique_ptr<LogTail> tail(new LogTail);
  if (const Status status = tail->Map(TailPath(run_directory, node), O_RDWR); !status.ok()) {
    if (status.code() != Code::kNotFound) return status;
    return Status::Unavailable(status.message());
  }
  if (tail->shared_->generation.load(std::memory_order_acquire) != generation) {
    return Status::Unavailable("the ingest worker of '" + node + "' is not there yet");
  }
  const std::string wake = WakePath(run_directory, node);
  tail->wake_fd_ = ::open(wake.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tail->wake_fd_ < 0) return Status::FromErrno(errno, "cannot open " + wake);
  return tail;
}

LogTail::~LogTail() {
  if (shared_ != nullptr) ::munmap(shared_, sizeof(Shared));
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

void LogTail::Publish(uint64_t synced, uint64_t bytes) {
  shared_->bytes.store(bytes, std::memory_order_relaxed);
  shared_->synced.store(synced, std::memory_order_release);
  // A full FIFO wakes as well.
  const char byte = 0;
  (void)!::write(wake_fd_, &byte, 1);
}

void LogTail::Drain() {
  char bytes[256];
  while (::read(wake_fd_, bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes)) {
  }
}

}  // namespace streamrun
