// A client library that a process loads when it needs it, not when it starts: libcurl and its 30 libraries
// cost 10 ms and 8 MB, libmicrohttpd alone 2 ms and 2.5 MB, which every worker without http would pay.
#pragma once

#include <string>

#include "core/base/status.h"

namespace streamrun::http {

class SharedLibrary {
 public:
  /// `file` as the dynamic linker finds it ("libcurl.so.4"); `package`: what to install when it is absent.
  /// Stays loaded for the life of the process.
  static Result<SharedLibrary> Load(const std::string& file, const std::string& package);

  /// Fills a pointer to a function of this name: library.Find("curl_multi_init", &api.multi_init).
  template <typename Function>
  Status Find(const char* name, Function** function) const {
    void* symbol = nullptr;
    SR_RETURN_IF_ERROR(Symbol(name, &symbol));
    *function = reinterpret_cast<Function*>(symbol);
    return Status::Ok();
  }

 private:
  SharedLibrary(void* handle, std::string file) : handle_(handle), file_(std::move(file)) {}
  Status Symbol(const char* name, void** symbol) const;

  void* handle_;
  std::string file_;
};

}  // namespace streamrun::http
