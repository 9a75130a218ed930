#include "runner/process/worker_groups.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "core/base/env.h"
#include "core/base/logging.h"

namespace streamrun {

namespace {

constexpr Duration kPatience = kSecond;

// mountinfo writes blanks and the like in octal: "\040".
std::string Unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

struct Mount {
  std::string root;   // the group that the mount shows as its top
  std::string point;  // where
};

// proc(5): id, parent, device, root, mount point, options, any number of tags, "-", type, ...
Result<Mount> FindMount(const std::string& mountinfo) {
  std::ifstream in(mountinfo);
  for (std::string line; std::getline(in, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos || line.compare(dash + 3, 8, "cgroup2 ") != 0) continue;
    std::istringstream fields(line);
    std::string skipped, root, point;
    fields >> skipped >> skipped >> skipped >> root >> point;
    return Mount{Unescape(root), Unescape(point)};
  }
  return Status::Unsupported("no cgroup2 file system is mounted");
}

Result<std::string> FindOwnGroup(const std::string& cgroup) {
  std::ifstream in(cgroup);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return Status::Unsupported("this process is in no group of version 2");
}

// Root may write everywhere; what systemd has not handed over is systemd's. Where nobody manages groups (a
// container, "/") there is nobody to disturb.
Status CheckDelegated(const std::string& directory, const std::string& group) {
  if (::access(directory.c_str(), W_OK) != 0 || ::access((directory + "/cgroup.procs").c_str(), W_OK) != 0) {
    return Status::Unsupported("the group " + group + " is not ours to write");
  }
  if (::geteuid() != 0 || group == "/") return Status::Ok();
  for (const char* name : {"trusted.delegate", "user.delegate"}) {
    char value[4] = {};
    if (::getxattr(directory.c_str(), name, value, sizeof(value)) == 1 && value[0] == '1') {
      return Status::Ok();
    }
  }
  return Status::Unsupported("the group " + group + " is not delegated (Delegate=yes)");
}

void KillGroup(const std::string& path) {
  const int fd = ::open((path + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, "1", 1);
  ::close(fd);
}

}  // namespace

// --- One group --------------------------------------------------------------------------------------------

WorkerGroup::~WorkerGroup() {
  Kill();
  ::close(fd_);
  if (::rmdir(path_.c_str()) != 0) owner_->ended_.push_back(path_);
}

void WorkerGroup::Kill() { KillGroup(path_); }

// --- All of them ------------------------------------------------------------------------------------------

Result<std::unique_ptr<WorkerGroups>> WorkerGroups::Open(const std::string& name, const Facts& facts) {
  SR_ASSIGN_OR_RETURN(const Mount mount, FindMount(facts.mounts));
  SR_ASSIGN_OR_RETURN(const std::string group, FindOwnGroup(facts.own));
  const std::string root = mount.root == "/" ? "" : mount.root;
  if (!group.starts_with(root)) return Status::Unsupported("the group " + group + " is not mounted");
  std::string directory = mount.point + group.substr(root.size());
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  SR_RETURN_IF_ERROR(CheckDelegated(directory, group));
  std::unique_ptr<WorkerGroups> groups(new WorkerGroups(directory + "/" + name));
  if (::mkdir(groups->path_.c_str(), 0755) != 0 && errno != EEXIST) {
    return Status::Unsupported(Status::FromErrno(errno, "cannot make " + groups->path_).message());
  }
  if (::access((groups->path_ + "/cgroup.kill").c_str(), W_OK) != 0) {
    return Status::Unsupported("this kernel has no cgroup.kill (it came with Linux 5.14)");
  }
  SR_RETURN_IF_ERROR(groups->EndLeftovers());
  return groups;
}

WorkerGroups::~WorkerGroups() {
  const Timestamp end = Env::Default()->MonotonicNow() + kPatience;
  while (!RemoveAll() && Env::Default()->MonotonicNow() < end) Env::Default()->Sleep(kMillisecond);
  (void)::rmdir(path_.c_str());
}

Status WorkerGroups::EndLeftovers() {
  if (RemoveAll()) return Status::Ok();
  LogWarning("ending what an older generation left", {{"group", path_}});
  KillGroup(path_);
  const Timestamp end = Env::Default()->MonotonicNow() + 5 * kPatience;
  while (!RemoveAll()) {
    if (Env::Default()->MonotonicNow() >= end) {
      return Status::Unavailable("processes of an older generation do not die, see " + path_);
    }
    Env::Default()->Sleep(kMillisecond);
  }
  return Status::Ok();
}

// False: some still hold processes.
bool WorkerGroups::RemoveAll() {
  std::error_code error;
  bool all = true;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
    if (entry.is_directory(error)) all = ::rmdir(entry.path().c_str()) == 0 && all;
  }
  return all;
}

void WorkerGroups::RemoveEnded() {
  std::erase_if(ended_, [](const std::string& path) { return ::rmdir(path.c_str()) == 0; });
}

Result<std::unique_ptr<WorkerGroup>> WorkerGroups::Make() {
  RemoveEnded();
  const std::string path = path_ + "/" + std::to_string(++last_);
  if (::mkdir(path.c_str(), 0755) != 0) return Status::FromErrno(errno, "cannot make the group " + path);
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Status::FromErrno(errno, "cannot open the group " + path);
  return std::unique_ptr<WorkerGroup>(new WorkerGroup(this, path, fd));
}

}  // namespace streamrun
