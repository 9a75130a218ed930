// What keeps a process that a test forks from outliving the test program, however that ends: a child that
// would live for ever holds the pipe on which ctest waits for the end of the test.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

namespace streamrun {

/// Held by the test while its children, and theirs, hang on it.
class Lifeline {
 public:
  Lifeline() {
    if (::pipe2(fds_, O_CLOEXEC) != 0) ::_exit(1);
  }
  ~Lifeline() {
    ::close(fds_[0]);
    ::close(fds_[1]);
  }
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  /// In a forked process, of any generation: waits until it is killed, or the lifeline is gone.
  [[noreturn]] void Hang() const {
    ::close(fds_[1]);
    char byte;
    while (::read(fds_[0], &byte, 1) < 0 && errno == EINTR) {
    }
    ::_exit(0);
  }

 private:
  int fds_[2] = {-1, -1};
};

/// In a child of the test program whose process id is `parent`: it is killed when the thread that forked it
/// ends (prctl(2), PR_SET_PDEATHSIG).
inline void EndWith(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
}

}  // namespace streamrun
