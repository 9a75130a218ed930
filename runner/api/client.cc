#include "runner/api/client.h"

#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

namespace streamrun {

namespace {

using Json = nlohmann::json;

constexpr std::chrono::milliseconds kPoll(20);

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

// An object, else an error: a process that answers something else is none of ours.
Result<Json> Parsed(const Result<std::string>& body) {
  if (!body.ok()) return body.status();
  Json json = Json::parse(*body, nullptr, false);
  if (!json.is_object()) return Status::Corruption("the running pipeline answers what is no JSON object");
  return json;
}

}  // namespace

Result<std::string> AdminGet(const std::string& socket_path, const std::string& path) {
  auto client = MakeClient(socket_path);
  return Body(client.Get(path), socket_path, path);
}

Result<std::string> AdminPost(const std::string& socket_path, const std::string& path) {
  auto client = MakeClient(socket_path);
  return Body(client.Post(path), socket_path, path);
}

Result<AdminSavepoint> TakeSavepoint(const std::string& socket_path, const std::string& name,
                                     Duration timeout) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::microseconds(timeout);
  SR_ASSIGN_OR_RETURN(
      const Json order,
      Parsed(AdminPost(socket_path, "/savepoint?name=" + httplib::detail::encode_query_param(name))));
  const std::string path = "/savepoint?id=" + std::to_string(order.value("id", uint64_t{0}));
  for (;;) {
    SR_ASSIGN_OR_RETURN(const Json report, Parsed(AdminGet(socket_path, path)));
    const std::string state = report.value("state", "");
    const std::string note = report.value("note", "");
    if (state == "taken") return AdminSavepoint{report.value("epoch", uint64_t{0}), report.value("path", "")};
    if (state != "waiting") return Status::InvalidArgument(note);
    if (std::chrono::steady_clock::now() >= give_up) {
      return Status::ResourceExhausted(
          "there is no savepoint '" + name + "' yet" +
          (note.empty() ? "" : ", an epoch was given up: " + note) +
          "; the pipeline goes on trying, and streamrun state ls shows it when it is there");
    }
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace streamrun
