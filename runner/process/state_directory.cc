#include "runner/process/state_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "core/base/crc32c.h"
#include "core/base/logging.h"
#include "core/base/sealed_file.h"

namespace streamrun {

namespace {

constexpr long kNfsMagic = 0x6969;
// sockaddr_un holds 108 bytes with the end; "/<generation>.<attempt>/<channel>" needs up to this many.
constexpr size_t kMaxSocketPath = 107;
constexpr size_t kEndpointRoom = 40;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Owner, type and mode of a directory that is to hold sockets and secrets (lstat: no symlink in its place).
Status CheckPrivate(const std::string& path) {
  struct stat s;
  if (::lstat(path.c_str(), &s) != 0) return Status::FromErrno(errno, "cannot stat " + path);
  if (!S_ISDIR(s.st_mode)) return {Code::kPermissionDenied, path + " is not a directory"};
  if (s.st_uid != ::geteuid()) return {Code::kPermissionDenied, path + " belongs to another user"};
  if ((s.st_mode & 0077) != 0 && ::chmod(path.c_str(), 0700) != 0) {
    return Status::FromErrno(errno, "cannot make " + path + " private");
  }
  return Status::Ok();
}

Status MakePrivate(Env* env, const std::string& path) {
  SR_RETURN_IF_ERROR(env->MakeDirectories(path, 0700));
  return CheckPrivate(path);
}

// Waits until the process is gone; it was sent SIGKILL.
Status AwaitDeath(int pidfd, int64_t pid) {
  pollfd p{pidfd, POLLIN, 0};
  if (::poll(&p, 1, 5000) > 0) return Status::Ok();
  return Status::Unavailable("process " + std::to_string(pid) + " of an older generation does not die");
}

Status KillExactly(const ProcessIdentity& process) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0));
  if (pidfd < 0) return Status::Ok();  // gone
  Status status;
  // Now the id cannot be reused behind our back: compare, then kill by descriptor.
  if (ProcessIdentity::StartTime(process.pid) == process.start_time) {
    LogWarning("killing a worker that an older generation left", {{"pid", std::to_string(process.pid)}});
    ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
    status = AwaitDeath(pidfd, process.pid);
  }
  ::close(pidfd);
  return status;
}

}  // namespace

Result<std::string> DefaultStateDirectory(const std::string& pipeline) {
  std::string base = Variable("XDG_STATE_HOME");
  if (base.empty() && !Variable("HOME").empty()) base = Variable("HOME") + "/.local/state";
  if (base.empty()) {
    return Status::NotFound("there is no place for state: set HOME, XDG_STATE_HOME or --state-dir");
  }
  return base + "/streamrun/" + pipeline;
}

Result<std::string> FindAdminSocket(const std::string& state_directory) {
  auto content = Env::Default()->ReadFile(state_directory + "/admin", 4096);
  if (!content.ok()) return Status::NotFound("no pipeline runs with the state directory " + state_directory);
  while (!content->empty() && content->back() == '\n') content->pop_back();
  return std::move(*content);
}

uint64_t ProcessIdentity::StartTime(int64_t pid) {
  // Read by hand: files under /proc have no size.
  const int fd = ::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[1024];
  const ssize_t n = ::read(fd, text, sizeof(text) - 1);
  ::close(fd);
  if (n <= 0) return 0;
  text[n] = '\0';
  // The name in parentheses may hold anything; fields count from behind it (the next one is field 3).
  const char* at = std::strrchr(text, ')');
  if (at == nullptr) return 0;
  std::istringstream fields(at + 2);
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return std::strtoull(field.c_str(), nullptr, 10);
}

Result<std::unique_ptr<StateDirectory>> StateDirectory::Open(Env* env, const std::string& pipeline,
                                                             std::string directory) {
  const bool is_default = directory.empty();
  if (is_default) {
    SR_ASSIGN_OR_RETURN(directory, DefaultStateDirectory(pipeline));
  }
  std::error_code error;
  directory = std::filesystem::absolute(directory, error).lexically_normal().string();
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  std::unique_ptr<StateDirectory> state(new StateDirectory(env, std::move(directory)));
  SR_RETURN_IF_ERROR(MakePrivate(env, state->path_));
  SR_RETURN_IF_ERROR(state->Lock());
  SR_RETURN_IF_ERROR(state->ChooseRunDirectory(pipeline, is_default));
  SR_RETURN_IF_ERROR(state->KillLeftovers());
  SR_RETURN_IF_ERROR(state->CountGeneration());
  state->RemoveOldEndpoints();
  SR_RETURN_IF_ERROR(MakePrivate(env, state->dead_letter_path()));
  // Who leaves takes it along.
  state->left_by_force_ = env->Info(state->path_ + "/admin").ok();
  SR_RETURN_IF_ERROR(env->WriteFileAtomically(state->path_ + "/admin", state->admin_socket() + "\n"));
  return state;
}

StateDirectory::~StateDirectory() {
  if (lock_fd_ < 0) return;
  (void)env_->Remove(path_ + "/admin").ok();
  (void)env_->Remove(path_ + "/workers").ok();
  ::close(lock_fd_);
}

Status StateDirectory::Lock() {
  struct statfs fs;
  if (::statfs(path_.c_str(), &fs) == 0 && fs.f_type == kNfsMagic) {
    return Status::Unsupported(path_ + " is on NFS, where locks do not hold; choose a local --state-dir");
  }
  const std::string path = path_ + "/LOCK";
  lock_fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return Status::FromErrno(errno, "cannot open " + path);
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t n = ::pread(lock_fd_, holder, sizeof(holder) - 1, 0);
    ::close(std::exchange(lock_fd_, -1));
    const long pid = n > 0 ? std::strtol(holder, nullptr, 10) : 0;
    return {Code::kAlreadyExists, "the state directory " + path_ + " is locked by pid " +
                                      (pid > 0 ? std::to_string(pid) : "(unknown)") +
                                      ": this pipeline is already running"};
  }
  const std::string own = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_fd_, 0) != 0 || ::pwrite(lock_fd_, own.data(), own.size(), 0) < 0) {
    return Status::FromErrno(errno, "cannot write " + path);
  }
  return Status::Ok();
}

Status StateDirectory::ChooseRunDirectory(const std::string& pipeline, bool is_default) {
  run_path_ = path_ + "/run";
  // Only the default state directory is one to one with the pipeline's name.
  const std::string runtime = Variable("XDG_RUNTIME_DIR");
  if (is_default && !runtime.empty() && ::access(runtime.c_str(), W_OK) == 0) {
    run_path_ = runtime + "/streamrun/" + pipeline;
  }
  if (run_path_.size() + kEndpointRoom > kMaxSocketPath) {
    char name[64];
    std::snprintf(name, sizeof(name), "/tmp/streamrun-%u-%08x", ::geteuid(),
                  Crc32c(path_.data(), path_.size()));
    LogDebug("the run directory is too long for socket names, using a short one", {{"instead", name}});
    run_path_ = name;
  }
  return MakePrivate(env_, run_path_);
}

Status StateDirectory::KillLeftovers() {
  const auto content = env_->ReadFile(path_ + "/workers", 1 << 20);
  if (!content.ok()) return Status::Ok();
  std::istringstream lines(*content);
  ProcessIdentity process;
  while (lines >> process.pid >> process.start_time) {
    if (process.pid > 1 && process.start_time > 0) SR_RETURN_IF_ERROR(KillExactly(process));
  }
  return Status::Ok();
}

Status StateDirectory::CountGeneration() {
  const std::string path = path_ + "/gen";
  const auto generation = ReadSealedNumber(env_, path);
  if (!generation.ok() && generation.status().code() != Code::kNotFound) return generation.status();
  generation_ = (generation.ok() ? *generation : 0) + 1;
  return WriteSealedNumber(env_, path, generation_);
}

void StateDirectory::RemoveOldEndpoints() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run_path_, error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789.") == std::string::npos)
      std::filesystem::remove_all(entry.path(), error);
  }
  std::filesystem::remove(admin_socket(), error);
}

Result<std::string> StateDirectory::MakeEndpoints(uint64_t attempt) {
  const std::string path = run_path_ + "/" + std::to_string(generation_) + "." + std::to_string(attempt);
  if (::mkdir(path.c_str(), 0700) != 0) return Status::FromErrno(errno, "cannot make " + path);
  return path;
}

void StateDirectory::RemoveEndpoints(uint64_t attempt) {
  std::error_code error;
  std::filesystem::remove_all(run_path_ + "/" + std::to_string(generation_) + "." + std::to_string(attempt),
                              error);
}

Status StateDirectory::RecordWorkers(const std::vector<ProcessIdentity>& workers) {
  std::string content;
  for (const ProcessIdentity& w : workers) {
    content += std::to_string(w.pid) + " " + std::to_string(w.start_time) + "\n";
  }
  // Not synced: after a power failure no worker lives.
  const std::string path = path_ + "/workers";
  SR_ASSIGN_OR_RETURN(auto file, env_->OpenForWrite(path + ".tmp", WriteMode::kReplace));
  SR_RETURN_IF_ERROR(file->Append(content));
  SR_RETURN_IF_ERROR(file->Close());
  return env_->Rename(path + ".tmp", path);
}

}  // namespace streamrun
