#include "connectors/file/stay_inside.h"

#include <algorithm>
#include <filesystem>

namespace streamrun {

Status StayInside(const std::string& base, const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path root = fs::canonical(base, error);
  if (error) return Status::Ok();  // nothing is there
  const auto inside = [&](const fs::path& p) {
    return std::mismatch(root.begin(), root.end(), p.begin(), p.end()).first == root.end();
  };
  for (size_t at = path.find('/', base.size() + 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    const fs::file_status status = fs::symlink_status(part, error);
    if (!fs::exists(status)) return Status::Ok();
    if (fs::is_symlink(status)) {
      const fs::path target = fs::canonical(part, error);
      if (error || !inside(target)) {
        std::string message = part;
        message.append(" is a symbolic link that leads out of ").append(base);
        message.append(", where names are made of data; remove it, or give the sink the real directory");
        return Status(Code::kPermissionDenied, std::move(message));
      }
    }
    if (at == std::string::npos) return Status::Ok();
  }
}

}  // namespace streamrun
