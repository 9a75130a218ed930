// The part of GNU libmicrohttpd that the http source uses (gnu.org/software/libmicrohttpd), loaded with the
// first source.
#pragma once

#include <microhttpd.h>

#include "core/base/status.h"

namespace streamrun::http {

struct MhdApi {
  decltype(&MHD_start_daemon) start_daemon;
  decltype(&MHD_quiesce_daemon) quiesce_daemon;
  decltype(&MHD_stop_daemon) stop_daemon;
  decltype(&MHD_lookup_connection_value) lookup_connection_value;
  decltype(&MHD_get_connection_info) get_connection_info;
  decltype(&MHD_suspend_connection) suspend_connection;
  decltype(&MHD_resume_connection) resume_connection;
  decltype(&MHD_create_response_from_buffer) create_response_from_buffer;
  decltype(&MHD_add_response_header) add_response_header;
  decltype(&MHD_queue_response) queue_response;
  decltype(&MHD_destroy_response) destroy_response;
  decltype(&MHD_is_feature_supported) is_feature_supported;

  /// Loaded once a process, by the data thread. Lives as long as the process.
  static Result<const MhdApi*> Get();
};

}  // namespace streamrun::http
