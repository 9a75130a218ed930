#include "connectors/http/mhd_api.h"

#include "connectors/http/shared_library.h"

namespace streamrun::http {
namespace {

Result<MhdApi> Load() {
  SR_ASSIGN_OR_RETURN(const SharedLibrary library,
                      SharedLibrary::Load("libmicrohttpd.so.12", "libmicrohttpd12"));
  MhdApi api = {};
  SR_RETURN_IF_ERROR(library.Find("MHD_start_daemon", &api.start_daemon));
  SR_RETURN_IF_ERROR(library.Find("MHD_quiesce_daemon", &api.quiesce_daemon));
  SR_RETURN_IF_ERROR(library.Find("MHD_stop_daemon", &api.stop_daemon));
  SR_RETURN_IF_ERROR(library.Find("MHD_lookup_connection_value", &api.lookup_connection_value));
  SR_RETURN_IF_ERROR(library.Find("MHD_get_connection_info", &api.get_connection_info));
  SR_RETURN_IF_ERROR(library.Find("MHD_suspend_connection", &api.suspend_connection));
  SR_RETURN_IF_ERROR(library.Find("MHD_resume_connection", &api.resume_connection));
  SR_RETURN_IF_ERROR(library.Find("MHD_create_response_from_buffer", &api.create_response_from_buffer));
  SR_RETURN_IF_ERROR(library.Find("MHD_add_response_header", &api.add_response_header));
  SR_RETURN_IF_ERROR(library.Find("MHD_queue_response", &api.queue_response));
  SR_RETURN_IF_ERROR(library.Find("MHD_destroy_response", &api.destroy_response));
  SR_RETURN_IF_ERROR(library.Find("MHD_is_feature_supported", &api.is_feature_supported));
  return api;
}

}  // namespace

Result<const MhdApi*> MhdApi::Get() {
  static const Result<MhdApi> api = Load();
  if (!api.ok()) return api.status();
  return &*api;
}

}  // namespace streamrun::http
