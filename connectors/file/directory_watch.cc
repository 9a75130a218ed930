#include "connectors/file/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>

namespace streamrun {

DirectoryWatch::~DirectoryWatch() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void DirectoryWatch::Add(const std::string& directory) {
  if (watched_.contains(directory)) return;
  if (descriptor_ < 0) descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor_ < 0) return;
  constexpr uint32_t kEvents = IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE;
  if (::inotify_add_watch(descriptor_, directory.c_str(), kEvents) >= 0) watched_.insert(directory);
}

bool DirectoryWatch::Drain() {
  if (descriptor_ < 0) return false;
  bool names_changed = false;
  alignas(inotify_event) char block[16 * 1024];
  while (true) {
    const ssize_t n = ::read(descriptor_, block, sizeof block);
    if (n <= 0) return names_changed;
    for (ssize_t at = 0; at < n;) {
      inotify_event event;
      std::memcpy(&event, block + at, sizeof event);
      names_changed |= (event.mask & ~IN_MODIFY) != 0;
      // The directory is gone: when it comes back it is another one and is watched anew.
      if (event.mask & IN_IGNORED) watched_.clear();
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

}  // namespace streamrun
