#include "connectors/http/shared_library.h"

#include <dlfcn.h>

namespace streamrun::http {

Result<SharedLibrary> SharedLibrary::Load(const std::string& file, const std::string& package) {
  void* handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return Status::Unsupported("http needs " + file + " (Debian package " + package +
                               "): " + (why != nullptr ? why : "it cannot be loaded"))
        .WithFault(Fault::kExternal);
  }
  return SharedLibrary(handle, file);
}

Status SharedLibrary::Symbol(const char* name, void** symbol) const {
  *symbol = ::dlsym(handle_, name);
  if (*symbol != nullptr) return Status::Ok();
  return Status::Unsupported(file_ + " has no " + name + ": it is too old").WithFault(Fault::kExternal);
}

}  // namespace streamrun::http
