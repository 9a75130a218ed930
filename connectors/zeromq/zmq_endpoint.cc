#include "connectors/zeromq/zmq_endpoint.h"

#include <charconv>

namespace streamrun::zeromq {
namespace {

bool CheckTcp(std::string_view rest, bool bound, std::string* why) {
  const size_t colon = rest.rfind(':');
  uint16_t port = 0;
  if (colon != std::string_view::npos) {
    const std::string_view text = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) port = 0;
  }
  if (port == 0) {
    *why = "it ends with a port from 1 to 65535";
    return false;
  }
  const std::string_view host = rest.substr(0, colon);
  if (host.empty() || (host == "*" && !bound)) {
    *why = bound ? "it lacks the address to bind, 127.0.0.1 for this machine only or * for all"
                 : "it lacks the host";
    return false;
  }
  return true;
}

/// Empty when the address is fine.
std::string Problem(std::string_view address, bool bound) {
  std::string why;
  if (address.starts_with("tcp://")) return CheckTcp(address.substr(6), bound, &why) ? "" : why;
  if (address.starts_with("ipc://")) {
    const std::string_view path = address.substr(6);
    if (!path.starts_with('/')) return "an ipc address has an absolute path, as in ipc:///run/x.sock";
    return path.size() > 107 ? "the path of an ipc address has at most 107 bytes" : "";
  }
  return "write tcp://host:port or ipc:///path";
}

std::string Exclusive(const std::string& address) {
  if (address.starts_with("ipc://")) return "unix:" + address.substr(6);
  std::string rest = address.substr(6);
  if (rest.starts_with("localhost:")) rest.replace(0, 9, "127.0.0.1");
  if (rest.starts_with("*:")) rest.replace(0, 1, "0.0.0.0");
  return "tcp:" + rest;
}

bool Check(const std::vector<ConfigValue>& values, bool bound, BindContext& context,
           std::vector<std::string>* out) {
  bool good = true;
  for (const ConfigValue& value : values) {
    const std::string why = Problem(value.text(), bound);
    if (why.empty()) {
      out->push_back(value.text());
      continue;
    }
    context.diagnostics().ErrorAt(value, "config.address",
                                  "'" + value.text() + "' is not a ZeroMQ address: " + why);
    good = false;
  }
  return good;
}

}  // namespace

bool BindEndpoints(const std::vector<ConfigValue>& bind, const std::vector<ConfigValue>& connect,
                   BindContext& context, Endpoints* endpoints) {
  if (bind.empty() == connect.empty()) {
    const ConfigValue& map = context.config();
    context.diagnostics().Error(
        bind.empty() ? map.mark() : map["connect"].mark(),
        bind.empty() ? "config.missing_field" : "config.conflict",
        bind.empty() ? "zeromq needs 'bind' or 'connect'" : "'bind' and 'connect' exclude each other",
        "the side that stays, or is one of few, binds: bind: tcp://127.0.0.1:5555");
    return false;
  }
  if (!Check(bind, true, context, &endpoints->bind) || !Check(connect, false, context, &endpoints->connect))
    return false;
  if (!endpoints->bind.empty()) endpoints->exclusive = Exclusive(endpoints->bind.front());
  for (const std::string& address : endpoints->bind.empty() ? endpoints->connect : endpoints->bind) {
    endpoints->place +=
        (endpoints->place.empty() ? (endpoints->bind.empty() ? "connect " : "bind ") : ", ") + address;
  }
  return true;
}

int HighWaterMark(int64_t configured, bool broadcast, bool batch) {
  if (configured > 0) return static_cast<int>(configured);
  if (broadcast) return 1000;  // what does not fit is lost
  return batch ? 8 : 64;
}

}  // namespace streamrun::zeromq
