#include "connectors/http/request_position.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace streamrun::http {
namespace {

std::string HexOf(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

std::optional<std::string> BytesOf(const nlohmann::json& value) {
  if (!value.is_string()) return std::nullopt;
  const auto& hex = value.get_ref<const std::string&>();
  if (hex.size() % 2 != 0 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return bytes;
}

}  // namespace

std::string PrintPosition(const RequestPosition& position) {
  nlohmann::json parts = nlohmann::json::array();
  for (const RequestPart& part : position.parts) {
    std::string request;
    AppendTaken(part.request, &request);
    parts.push_back({{"request", HexOf(request)}, {"offset", part.offset}});
  }
  return nlohmann::json{{"taken", HexOf(position.taken)}, {"parts", parts}}.dump();
}

Result<RequestPosition> ParsePosition(const std::string& text) {
  RequestPosition position;
  if (text.empty()) return position;
  const Status wrong = Status::InvalidArgument(
      "the checkpoint has no keys of requests but another position; did the source lose its `buffer: "
      "durable` "
      "since? --reset-state begins anew");
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("taken") || !json.contains("parts") || !json["parts"].is_array()) {
    return wrong;
  }
  std::optional<std::string> taken = BytesOf(json["taken"]);
  if (!taken || taken->size() % kTakenBytes != 0) return wrong;
  position.taken = std::move(*taken);
  for (const nlohmann::json& entry : json["parts"]) {
    if (!entry.is_object() || !entry.contains("request") || !entry.contains("offset") ||
        !entry["offset"].is_number_integer()) {
      return wrong;
    }
    const std::optional<std::string> request = BytesOf(entry["request"]);
    if (!request || request->size() != kTakenBytes) return wrong;
    SR_ASSIGN_OR_RETURN(const std::deque<TakenRequest> one, ParseTaken(*request));
    position.parts.push_back({one.front(), entry["offset"].get<int64_t>()});
  }
  return position;
}

}  // namespace streamrun::http
