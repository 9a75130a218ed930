// Locks between processes of this machine.
#pragma once

#include <memory>
#include <string>

#include "core/base/status.h"

namespace streamrun {

/// Held until it is destroyed or the process dies, however it dies.
class FileLock {
 public:
  /// Takes the lock that the file `path` stands for (flock(2)), which one holder at most has; never waits.
  /// The file is made when it is absent, and removed when the lock is let go. kAlreadyExists names the
  /// holder's pid. kPermissionDenied, kNotFound, kUnsupported: no lock can be here.
  static Result<std::unique_ptr<FileLock>> Take(const std::string& path);

  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  FileLock(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  const int fd_;
};

}  // namespace streamrun
