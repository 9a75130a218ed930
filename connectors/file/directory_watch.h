// Tells early that something happened in a directory (inotify(7)). Only a hint: network file systems and
// exhausted watches stay silent, so whoever uses it looks by himself at intervals, too.
#pragma once

#include <set>
#include <string>

namespace streamrun {

class DirectoryWatch {
 public:
  DirectoryWatch() = default;
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  /// Watches `directory` from now on; again is fine. What cannot be watched is left out.
  void Add(const std::string& directory);
  /// Becomes readable (POLLIN) when something happens; -1 when nothing is watched.
  int descriptor() const { return descriptor_; }
  /// Takes all that was reported. True: a file came, went or was renamed (not only written).
  bool Drain();

 private:
  int descriptor_ = -1;
  std::set<std::string> watched_;
};

}  // namespace streamrun
