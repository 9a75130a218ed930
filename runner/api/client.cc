#include "runner/api/client.h"

#include <httplib.h>

namespace streamrun {

namespace {

httplib::Client MakeClient(const std::string& socket_path) {
  httplib::Client client(socket_path);
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(2);
  client.set_read_timeout(10);
  // The library would send the socket's path as Host, which servers may refuse.
  client.set_default_headers({{"Host", "localhost"}});
  return client;
}

Result<std::string> Body(const httplib::Result& result, const std::string& socket_path,
                         const std::string& path) {
  if (!result) {
    return Status::Unavailable("no answer on " + socket_path + ": " + httplib::to_string(result.error()));
  }
  if (result->status >= 300 && result->status != 503) {
    return Status::NotFound("the running pipeline answers " + std::to_string(result->status) + " to " + path);
  }
  return result->body;
}

}  // namespace

Result<std::string> AdminGet(const std::string& socket_path, const std::string& path) {
  auto client = MakeClient(socket_path);
  return Body(client.Get(path), socket_path, path);
}

Status AdminPost(const std::string& socket_path, const std::string& path) {
  auto client = MakeClient(socket_path);
  return Body(client.Post(path), socket_path, path).status();
}

}  // namespace streamrun
