// What the socket source and sink have in common: where, and how records stand in the bytes.
#pragma once

#include <cstdint>
#include <string>

#include "connectors/socket/address.h"
#include "core/component/bind_context.h"

namespace streamrun::socket {

enum class Frame : uint8_t { kNewline, kLength, kDatagram };
enum class ByteOrder : uint8_t { kBig, kLittle };

/// A checked place: exactly one of listen and connect.
struct Endpoint {
  Address address;
  bool listen = false;
  Frame frame = Frame::kNewline;
  ByteOrder order = ByteOrder::kBig;
  /// "sources.in.listen": what a message tells the user to change.
  std::string field;

  std::string ToString() const { return (listen ? "listen " : "connect ") + address.ToString(); }
};

/// `section`: "sources" or "sinks". Reports and returns false when the fields do not make one endpoint.
bool BindEndpoint(const std::string& listen, const std::string& connect, Frame frame, ByteOrder order,
                  std::string_view section, BindContext& context, Endpoint* endpoint);

}  // namespace streamrun::socket
