// Faults of the operating system, put between a real binary and libc with LD_PRELOAD (RELIABILITY 6.5).
//
// SR_FAULTS="call=what[:hit][@part of the path],..."
//   call  write, fsync, fdatasync, rename
//   what  EIO, ENOSPC: the call fails and does nothing; short: a write takes half of what it is given
//   hit   the how-many-th such call of a process (1), or * for each
// With SR_FAULT_MARKS naming a directory an entry with a number acts once in a family, and leaves
// "<call>.<hit>". SR_FAULT_TRACE names a file that gets a line for each call on a regular file: "write PID
// bytes path", "sync PID ok|failed size path", "rename PID from to" (tabs between the fields). SR_CLOCK_FILE
// names a file with seconds by which the wall clock is off. SR_FAULT_CHILDREN names a directory: each worker
// starts two processes that would outlive it, one in its session and one in a session of its own, and leaves
// files "WORKER.CHILD" with their process ids there.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace {

constexpr int kMaxFaults = 8;

enum class What { kFail, kShort };

struct Fault {
  char call[16] = {};
  What what = What::kFail;
  int error = 0;
  long hit = 1;  // 0: each
  char part[128] = {};
  std::atomic<long> seen{0};
};

struct Settings {
  Fault faults[kMaxFaults];
  int count = 0;
  const char* marks = nullptr;
  int trace = -1;
  const char* clock = nullptr;
};

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

[[noreturn]] void Refuse(const char* entry) {
  fprintf(stderr, "SR_FAULTS: '%s' cannot be understood\n", entry);
  _exit(99);
}

void Parse(char* entry, Fault* fault) {
  if (char* at = strchr(entry, '@')) {
    snprintf(fault->part, sizeof fault->part, "%s", at + 1);
    *at = '\0';
  }
  if (char* colon = strchr(entry, ':')) {
    fault->hit = strcmp(colon + 1, "*") == 0 ? 0 : atol(colon + 1);
    *colon = '\0';
  }
  char* equals = strchr(entry, '=');
  if (equals == nullptr) Refuse(entry);
  *equals = '\0';
  snprintf(fault->call, sizeof fault->call, "%s", entry);
  const char* what = equals + 1;
  if (strcmp(what, "short") == 0) {
    fault->what = What::kShort;
  } else if (strcmp(what, "EIO") == 0 || strcmp(what, "ENOSPC") == 0) {
    fault->error = strcmp(what, "EIO") == 0 ? EIO : ENOSPC;
  } else {
    Refuse(what);
  }
}

Settings* Load() {
  auto* settings = new Settings;  // lives as long as the process
  if (const char* text = getenv("SR_FAULTS")) {
    char* copy = strdup(text);
    char* rest = nullptr;
    for (char* entry = strtok_r(copy, ",", &rest); entry != nullptr; entry = strtok_r(nullptr, ",", &rest)) {
      if (settings->count == kMaxFaults) Refuse("too many");
      Parse(entry, &settings->faults[settings->count++]);
    }
    free(copy);
  }
  settings->marks = getenv("SR_FAULT_MARKS");
  if (const char* trace = getenv("SR_FAULT_TRACE")) {
    settings->trace = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  settings->clock = getenv("SR_CLOCK_FILE");
  return settings;
}

Settings& Get() {
  static Settings* settings = Load();
  return *settings;
}

// The path of a regular file or directory; false for everything else.
bool PathOf(int fd, char* path, size_t size) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, size - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  return path[0] == '/' && strncmp(path, "/dev/", 5) != 0 && strncmp(path, "/proc/", 6) != 0;
}

bool Mark(const Fault& fault) {
  const char* marks = Get().marks;
  if (marks == nullptr || fault.hit == 0) return true;
  char path[512];
  snprintf(path, sizeof path, "%s/%s.%ld", marks, fault.call, fault.hit);
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  close(fd);
  return true;
}

// The fault that this call meets, or none.
const Fault* Meet(const char* call, const char* path) {
  Settings& settings = Get();
  for (int i = 0; i < settings.count; ++i) {
    Fault& fault = settings.faults[i];
    if (strcmp(fault.call, call) != 0 || strstr(path, fault.part) == nullptr) continue;
    const long seen = ++fault.seen;
    if ((fault.hit == 0 || fault.hit == seen) && Mark(fault)) return &fault;
  }
  return nullptr;
}

__attribute__((format(printf, 1, 2))) void Trace(const char* format, ...) {
  const int fd = Get().trace;
  if (fd < 0) return;
  char line[1200];
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  const int error = errno;
  static const auto next = Next<ssize_t (*)(int, const void*, size_t)>("write");
  (void)!next(fd, line, static_cast<size_t>(n));
  errno = error;
}

int Sync(const char* call, int fd, int (*next)(int)) {
  char path[512];
  if (!PathOf(fd, path, sizeof path)) return next(fd);
  struct stat info {};
  fstat(fd, &info);
  const Fault* fault = Meet(call, path);
  if (fault != nullptr) {
    Trace("sync\t%d\tfailed\t%ld\t%s\n", getpid(), static_cast<long>(info.st_size), path);
    errno = fault->error;
    return -1;
  }
  const int result = next(fd);
  Trace("sync\t%d\t%s\t%ld\t%s\n", getpid(), result == 0 ? "ok" : "failed", static_cast<long>(info.st_size),
        path);
  return result;
}

bool IsWorker() {
  char line[4096] = {};
  const int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  const ssize_t n = read(fd, line, sizeof line - 1);
  close(fd);
  const size_t title = strlen(line) + 1;
  return n > static_cast<ssize_t>(title) && strcmp(line + title, "__worker") == 0;
}

void StartChild(const char* directory, bool own_session) {
  const int worker = getpid();
  if (fork() != 0) return;
  if (own_session) setsid();
  char path[512];
  snprintf(path, sizeof path, "%s/%d.%d", directory, worker, getpid());
  close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  for (;;) pause();
}

__attribute__((constructor)) void StartChildren() {
  const char* directory = getenv("SR_FAULT_CHILDREN");
  if (directory == nullptr || !IsWorker()) return;
  StartChild(directory, false);
  StartChild(directory, true);
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static const auto next = Next<int (*)(int)>("fsync");
  return Sync("fsync", fd, next);
}

int fdatasync(int fd) {
  static const auto next = Next<int (*)(int)>("fdatasync");
  return Sync("fdatasync", fd, next);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t)>("write");
  char path[512];
  if (!PathOf(fd, path, sizeof path)) return next(fd, bytes, count);
  const Fault* fault = Meet("write", path);
  if (fault != nullptr && fault->what == What::kFail) {
    errno = fault->error;
    return -1;
  }
  if (fault != nullptr && count > 1) count /= 2;
  const ssize_t n = next(fd, bytes, count);
  Trace("write\t%d\t%ld\t%s\n", getpid(), static_cast<long>(n), path);
  return n;
}

int rename(const char* from, const char* to) {
  static const auto next = Next<int (*)(const char*, const char*)>("rename");
  if (const Fault* fault = Meet("rename", to)) {
    errno = fault->error;
    return -1;
  }
  const int result = next(from, to);
  if (result == 0) Trace("rename\t%d\t%s\t%s\n", getpid(), from, to);
  return result;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  static const auto next = Next<int (*)(clockid_t, struct timespec*)>("clock_gettime");
  const int result = next(clock, time);
  const char* file = clock == CLOCK_REALTIME ? Get().clock : nullptr;
  if (file == nullptr || result != 0) return result;
  char text[32] = {};
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return result;
  if (read(fd, text, sizeof text - 1) > 0) time->tv_sec += atol(text);
  close(fd);
  return result;
}

}  // extern "C"
