// Env on the real machine (Linux).
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "core/base/env.h"

namespace streamrun {
namespace {

Timestamp Now(clockid_t clock) {
  timespec ts;
  clock_gettime(clock, &ts);
  return static_cast<int64_t>(ts.tv_sec) * kSecond + ts.tv_nsec / 1000;
}

FileInfo ToInfo(const struct stat& s) {
  FileInfo info;
  info.size = static_cast<uint64_t>(s.st_size);
  info.inode = s.st_ino;
  info.device = s.st_dev;
  info.modified = static_cast<int64_t>(s.st_mtim.tv_sec) * kSecond + s.st_mtim.tv_nsec / 1000;
  info.is_directory = S_ISDIR(s.st_mode);
  info.is_regular = S_ISREG(s.st_mode);
  info.mode = s.st_mode & 07777;
  return info;
}

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(std::string path, int fd, bool seekable)
      : path_(std::move(path)), fd_(fd), seekable_(seekable) {}
  ~PosixReadableFile() override { ::close(fd_); }

  Result<size_t> ReadAt(uint64_t offset, size_t length, char* out) override {
    for (;;) {
      const ssize_t n =
          seekable_ ? ::pread(fd_, out, length, static_cast<off_t>(offset)) : ::read(fd_, out, length);
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR) return Status::FromErrno(errno, "cannot read " + path_);
    }
  }

  Result<FileInfo> Info() override {
    struct stat s;
    if (::fstat(fd_, &s) != 0) return Status::FromErrno(errno, "cannot stat " + path_);
    return ToInfo(s);
  }

 private:
  const std::string path_;
  const int fd_;
  const bool seekable_;  // a pipe or character device is read in order and ignores the offset
};

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, int fd, uint64_t size) : path_(std::move(path)), fd_(fd), size_(size) {}
  ~PosixWritableFile() override {
    if (fd_ >= 0) ::close(fd_);
  }

  Status Append(std::string_view data) override {
    while (!data.empty()) {
      const ssize_t n = ::write(fd_, data.data(), data.size());
      if (n < 0) {
        if (errno == EINTR) continue;
        return Status::FromErrno(errno, "cannot write " + path_);
      }
      size_ += static_cast<uint64_t>(n);
      data.remove_prefix(static_cast<size_t>(n));
    }
    return Status::Ok();
  }

  Status Sync() override {
    // EINVAL: a device or pipe that has nothing to make durable.
    if (::fdatasync(fd_) != 0 && errno != EINVAL) return Status::FromErrno(errno, "cannot sync " + path_);
    return Status::Ok();
  }

  Status Truncate(uint64_t length) override {
    if (::ftruncate(fd_, static_cast<off_t>(length)) != 0) {
      return Status::FromErrno(errno, "cannot truncate " + path_);
    }
    if (::lseek(fd_, static_cast<off_t>(length), SEEK_SET) < 0) {
      return Status::FromErrno(errno, "cannot seek in " + path_);
    }
    size_ = length;
    return Status::Ok();
  }

  Status Close() override {
    const int fd = fd_;
    fd_ = -1;
    if (fd >= 0 && ::close(fd) != 0) return Status::FromErrno(errno, "cannot close " + path_);
    return Status::Ok();
  }

  uint64_t size() const override { return size_; }

 private:
  const std::string path_;
  int fd_;
  uint64_t size_;
};

class PosixEnv final : public Env {
 public:
  Timestamp WallNow() override { return Now(CLOCK_REALTIME); }
  Timestamp MonotonicNow() override { return Now(CLOCK_MONOTONIC); }

  void Sleep(Duration duration) override {
    timespec ts{duration / kSecond, (duration % kSecond) * 1000};
    while (nanosleep(&ts, &ts) != 0 && errno == EINTR) {
    }
  }

  uint64_t Random64() override {
    uint64_t value = 0;
    while (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
    }
    return value;
  }

  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Status::FromErrno(errno, "cannot open " + path);
    struct stat s;
    if (::fstat(fd, &s) != 0 || S_ISDIR(s.st_mode)) {
      const int error = S_ISDIR(s.st_mode) ? EISDIR : errno;
      ::close(fd);
      return Status::FromErrno(error, "cannot open " + path);
    }
    const bool seekable = ::lseek(fd, 0, SEEK_CUR) >= 0;
    return std::unique_ptr<ReadableFile>(std::make_unique<PosixReadableFile>(path, fd, seekable));
  }

  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path, WriteMode mode) override {
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
    if (mode == WriteMode::kCreate) flags |= O_EXCL;
    if (mode == WriteMode::kReplace) flags |= O_TRUNC;
    const int fd = ::open(path.c_str(), flags, 0644);
    if (fd < 0) return Status::FromErrno(errno, "cannot open " + path + " for writing");
    uint64_t size = 0;
    if (mode == WriteMode::kAppend) {
      const off_t end = ::lseek(fd, 0, SEEK_END);
      if (end > 0) size = static_cast<uint64_t>(end);
    }
    return std::unique_ptr<WritableFile>(std::make_unique<PosixWritableFile>(path, fd, size));
  }

  Result<FileInfo> Info(const std::string& path) override {
    struct stat s;
    if (::stat(path.c_str(), &s) != 0) return Status::FromErrno(errno, "cannot stat " + path);
    return ToInfo(s);
  }

  Result<std::vector<std::string>> List(const std::string& directory) override {
    DIR* dir = ::opendir(directory.c_str());
    if (dir == nullptr) return Status::FromErrno(errno, "cannot list " + directory);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(dir);
    std::sort(names.begin(), names.end());
    return names;
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return Status::FromErrno(errno, "cannot rename " + from + " to " + to);
    }
    return Status::Ok();
  }

  Status RenameNoReplace(const std::string& from, const std::string& to) override {
    if (::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
      return Status::FromErrno(errno, "cannot rename " + from + " to " + to);
    }
    return Status::Ok();
  }

  Status Link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) {
      return Status::FromErrno(errno, "cannot link " + from + " as " + to);
    }
    return Status::Ok();
  }

  Status Remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return Status::FromErrno(errno, "cannot remove " + path);
    return Status::Ok();
  }

  Status MakeDirectories(const std::string& path, uint32_t mode) override {
    for (size_t at = 1; at <= path.size(); ++at) {
      if (at != path.size() && path[at] != '/') continue;
      const std::string part = path.substr(0, at);
      if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
        struct stat s;
        const int error = errno;
        if (::stat(part.c_str(), &s) == 0 && S_ISDIR(s.st_mode)) continue;  // EROFS, EACCES on what is there
        return Status::FromErrno(error, "cannot make directory " + part);
      }
    }
    struct stat s;
    if (::stat(path.c_str(), &s) != 0 || !S_ISDIR(s.st_mode)) {
      return Status::FromErrno(ENOTDIR, "cannot make directory " + path);
    }
    return Status::Ok();
  }

  Status SyncFile(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Status::FromErrno(errno, "cannot open " + path);
    const int result = ::fdatasync(fd);
    const int error = errno;
    ::close(fd);
    if (result != 0) return Status::FromErrno(error, "cannot sync " + path);
    return Status::Ok();
  }

  Status SyncDirectory(const std::string& directory) override {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return Status::FromErrno(errno, "cannot open directory " + directory);
    const int result = ::fsync(fd);
    const int error = errno;
    ::close(fd);
    if (result != 0) return Status::FromErrno(error, "cannot sync directory " + directory);
    return Status::Ok();
  }

  Result<DiskSpace> Space(const std::string& path) override {
    struct statvfs s;
    if (::statvfs(path.c_str(), &s) != 0)
      return Status::FromErrno(errno, "cannot ask for the room on " + path);
    return DiskSpace{uint64_t{s.f_blocks} * s.f_frsize, uint64_t{s.f_bavail} * s.f_frsize};
  }

  Status Preallocate(const std::string& path, uint64_t bytes) override {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return Status::FromErrno(errno, "cannot open " + path + " for writing");
    // glibc writes to each block where the file system cannot do it by itself.
    const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    ::close(fd);
    if (error == 0) return Status::Ok();
    ::unlink(path.c_str());
    return Status::FromErrno(error, "cannot set aside " + std::to_string(bytes) + " bytes in " + path);
  }
};

}  // namespace

Env* Env::Default() {
  static PosixEnv* env = new PosixEnv;  // never destroyed: threads may outlive main
  return env;
}

}  // namespace streamrun
