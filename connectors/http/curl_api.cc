#include "connectors/http/curl_api.h"

#include "connectors/http/shared_library.h"

namespace streamrun::http {
namespace {

Result<CurlApi> Load() {
  SR_ASSIGN_OR_RETURN(const SharedLibrary library, SharedLibrary::Load("libcurl.so.4", "libcurl4"));
  CurlApi api = {};
  SR_RETURN_IF_ERROR(library.Find("curl_global_init", &api.global_init));
  SR_RETURN_IF_ERROR(library.Find("curl_multi_init", &api.multi_init));
  SR_RETURN_IF_ERROR(library.Find("curl_multi_setopt", &api.multi_setopt));
  SR_RETURN_IF_ERROR(library.Find("curl_multi_add_handle", &api.multi_add_handle));
  SR_RETURN_IF_ERROR(library.Find("curl_multi_remove_handle", &api.multi_remove_handle));
  SR_RETURN_IF_ERROR(library.Find("curl_multi_socket_action", &api.multi_socket_action));
  SR_RETURN_IF_ERROR(library.Find("curl_multi_info_read", &api.multi_info_read));
  SR_RETURN_IF_ERROR(library.Find("curl_multi_cleanup", &api.multi_cleanup));
  SR_RETURN_IF_ERROR(library.Find("curl_easy_init", &api.easy_init));
  SR_RETURN_IF_ERROR(library.Find("curl_easy_setopt", &api.easy_setopt));
  SR_RETURN_IF_ERROR(library.Find("curl_easy_getinfo", &api.easy_getinfo));
  SR_RETURN_IF_ERROR(library.Find("curl_easy_strerror", &api.easy_strerror));
  SR_RETURN_IF_ERROR(library.Find("curl_easy_cleanup", &api.easy_cleanup));
  SR_RETURN_IF_ERROR(library.Find("curl_slist_append", &api.slist_append));
  SR_RETURN_IF_ERROR(library.Find("curl_slist_free_all", &api.slist_free_all));
  if (const CURLcode code = api.global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
    return Status::Unsupported("libcurl cannot be initialised: " + std::string(api.easy_strerror(code)))
        .WithFault(Fault::kExternal);
  }
  return api;
}

}  // namespace

Result<const CurlApi*> CurlApi::Get() {
  static const Result<CurlApi> api = Load();
  if (!api.ok()) return api.status();
  return &*api;
}

}  // namespace streamrun::http
