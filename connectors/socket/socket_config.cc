#include "connectors/socket/socket_config.h"

namespace streamrun::socket {

bool BindEndpoint(const std::string& listen, const std::string& connect, Frame frame, ByteOrder order,
                  std::string_view section, BindContext& context, Endpoint* endpoint) {
  const ConfigValue& map = context.config();
  Diagnostics& diagnostics = context.diagnostics();
  if (listen.empty() == connect.empty()) {
    const bool none = listen.empty();
    diagnostics.Error(
        none ? map.mark() : map["connect"].mark(), none ? "config.missing_field" : "config.conflict",
        none ? "a socket needs 'listen' or 'connect'" : "'listen' and 'connect' exclude each other",
        "write listen: tcp://127.0.0.1:9000 to wait for peers, connect: to go to one");
    return false;
  }
  const char* key = listen.empty() ? "connect" : "listen";
  const Result<Address> address = ParseAddress(listen.empty() ? connect : listen);
  if (!address.ok()) {
    diagnostics.ErrorAt(map[key], "config.address", address.status().message());
    return false;
  }
  const bool datagrams = address->transport == Transport::kUdp;
  if (datagrams && frame == Frame::kLength) {
    diagnostics.ErrorAt(map["framing"], "config.conflict", "a datagram has its own length",
                        "use framing: datagram");
    return false;
  }
  if (!datagrams && frame == Frame::kDatagram) {
    diagnostics.ErrorAt(map["framing"], "config.conflict", "only udp:// has datagrams",
                        "use framing: newline or length");
    return false;
  }
  if (map["length_order"].present() && frame != Frame::kLength) {
    diagnostics.ErrorAt(map["length_order"], "config.conflict",
                        "'length_order' has a meaning with framing: length only");
    return false;
  }
  *endpoint = {*address, !listen.empty(), frame, order,
               std::string(section) + "." + context.node() + "." + key};
  return true;
}

}  // namespace streamrun::socket
