#include "core/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace streamrun {

namespace {

bool HasName(int fd, const std::string& path) {
  struct stat open, named;
  return ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

Status Taken(int fd, const std::string& path) {
  char text[32] = {};
  const ssize_t n = ::pread(fd, text, sizeof(text) - 1, 0);
  const long pid = n > 0 ? std::strtol(text, nullptr, 10) : 0;
  return {Code::kAlreadyExists, path + " is locked by pid " + (pid > 0 ? std::to_string(pid) : "(unknown)")};
}

}  // namespace

Result<std::unique_ptr<FileLock>> FileLock::Take(const std::string& path) {
  // The holder removes the file before it lets the lock go, so who gets a lock looks whether the file still
  // has the name: otherwise it is the lock of nothing. That happens at the end of another's work only, so a
  // few turns are enough.
  for (int turn = 0; turn < 100; ++turn) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return Status::FromErrno(errno, "cannot open " + path);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const Status status = errno == EWOULDBLOCK
                                ? Taken(fd, path)
                                : Status::Unsupported(path + " cannot be locked on this file system");
      ::close(fd);
      return status;
    }
    if (!HasName(fd, path)) {
      ::close(fd);
      continue;
    }
    // For the message of others; the lock holds without it, on a full disk too.
    const std::string own = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, own.data(), own.size(), 0);
    return std::unique_ptr<FileLock>(new FileLock(path, fd));
  }
  return Status::Unavailable(path + " is taken and let go all the time");
}

FileLock::~FileLock() {
  ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace streamrun
