#include "runner/checkpoint/stored_json.h"

#include <optional>

#include "core/data/utf8_check.h"

namespace streamrun {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string Hex(std::string_view bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    hex += kHexDigits[static_cast<uint8_t>(c) >> 4];
    hex += kHexDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

std::optional<std::string> Unhex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const size_t high = kHexDigits.find(hex[i]);
    const size_t low = kHexDigits.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<std::string> TextOf(const StoredJson& json) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_object() || json.size() != 1 || !json.contains("hex") || !json["hex"].is_string()) {
    return std::nullopt;
  }
  return Unhex(json["hex"].get_ref<const std::string&>());
}

}  // namespace

StoredJson JsonOf(std::string_view text) {
  if (IsValidUtf8(text)) return text;
  return {{"hex", Hex(text)}};
}

StoredObject::StoredObject(const StoredJson& json, std::string what) : json_(json), what_(std::move(what)) {
  if (!json_.is_object()) status_ = Status::Corruption(what_ + " is not an object");
}

const StoredJson* StoredObject::Member(const char* name, std::string_view expected) {
  if (!status_.ok()) return nullptr;
  const auto found = json_.find(name);
  if (found != json_.end()) return &*found;
  Fail(name, expected);
  return nullptr;
}

void StoredObject::Fail(const char* name, std::string_view expected) {
  if (!status_.ok()) return;
  status_ = Status::Corruption(what_ + ": '" + name + "' is not " + std::string(expected));
}

void StoredObject::Read(const char* name, std::string& out) {
  const StoredJson* member = Member(name, "a string");
  if (member == nullptr) return;
  auto text = TextOf(*member);
  if (!text) return Fail(name, "a string");
  out = std::move(*text);
}

void StoredObject::Read(const char* name, bool& out) {
  const StoredJson* member = Member(name, "true or false");
  if (member == nullptr) return;
  if (!member->is_boolean()) return Fail(name, "true or false");
  out = member->get<bool>();
}

void StoredObject::Read(const char* name, std::vector<std::string>& out) {
  ReadEach(name, [&](const StoredJson& json, size_t) {
    auto text = TextOf(json);
    if (!text) return Status::Corruption(what_ + ": '" + name + "' holds what is no string");
    out.push_back(std::move(*text));
    return Status::Ok();
  });
}

const StoredJson& StoredObject::Object(const char* name) {
  static const StoredJson nothing = StoredJson::object();
  const StoredJson* member = Member(name, "an object");
  if (member == nullptr) return nothing;
  if (member->is_object()) return *member;
  Fail(name, "an object");
  return nothing;
}

Result<StoredJson> ParseStoredJson(std::string_view text, const std::string& what) {
  StoredJson json = StoredJson::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Status::Corruption(what + " is not JSON");
  return json;
}

}  // namespace streamrun
