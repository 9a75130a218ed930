#include "connectors/file/path_pattern.h"

#include <fnmatch.h>

#include <algorithm>

namespace streamrun {

namespace {

// Deeper trees are more likely a loop of symbolic links.
constexpr int kMaxDepth = 40;

class Expansion {
 public:
  Expansion(Env* env, std::vector<std::string>* found) : env_(env), found_(found) {}

  // `prefix`: what is matched so far, empty or ending in '/'. `rest`: the pattern behind it.
  Status Walk(const std::string& prefix, std::string_view rest, int depth) {
    const size_t slash = rest.find('/');
    const std::string part(rest.substr(0, slash));
    const bool last = slash == std::string_view::npos;
    const std::string_view behind = last ? std::string_view() : rest.substr(slash + 1);
    if (!IsPattern(part)) {
      if (!last) return Walk(prefix + part + "/", behind, depth);
      const Result<FileInfo> info = env_->Info(prefix + part);
      if (info.ok() && !info->is_directory) found_->push_back(prefix + part);
      return Status::Ok();
    }
    const Result<std::vector<std::string>> names = env_->List(prefix.empty() ? "." : prefix);
    if (!names.ok())
      return depth == 0 && names.status().code() != Code::kNotFound ? names.status() : Status::Ok();
    if (part == "**") SR_RETURN_IF_ERROR(Walk(prefix, last ? "*" : behind, depth + 1));
    for (const std::string& name : *names) {
      if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
      const Result<FileInfo> info = env_->Info(prefix + name);
      if (!info.ok()) continue;  // went away meanwhile
      if (part == "**") {
        if (info->is_directory && depth < kMaxDepth)
          SR_RETURN_IF_ERROR(Walk(prefix + name + "/", rest, depth + 1));
      } else if (last ? !info->is_directory : info->is_directory) {
        if (last) {
          found_->push_back(prefix + name);
        } else {
          SR_RETURN_IF_ERROR(Walk(prefix + name + "/", behind, depth + 1));
        }
      }
    }
    return Status::Ok();
  }

 private:
  Env* env_;
  std::vector<std::string>* found_;
};

}  // namespace

bool IsPattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

Result<std::vector<std::string>> ExpandPattern(Env* env, const std::string& pattern) {
  std::vector<std::string> found;
  const Result<FileInfo> literal = env->Info(pattern);
  if (literal.ok() && !literal->is_directory) return std::vector<std::string>{pattern};
  SR_RETURN_IF_ERROR(Expansion(env, &found).Walk("", pattern, 0));
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string_view NameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace streamrun
