// JSON on disk: integers exact, strings of any bytes, every surprise an error.
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace streamrun {

using StoredJson = nlohmann::ordered_json;

/// A string; one that is no UTF-8, which JSON cannot hold, becomes {"hex": "ff00"}.
StoredJson JsonOf(std::string_view text);

/// The members of an object. The first surprise is kept as an error and everything after it reads as nothing,
/// so that a reader need look only once, at its end.
class StoredObject {
 public:
  /// `json` outlives it. `what` names it in errors: "segment 3".
  StoredObject(const StoredJson& json, std::string what);

  void Read(const char* name, std::string& out);
  void Read(const char* name, bool& out);
  template <std::integral T>
  void Read(const char* name, T& out) {
    const StoredJson* member = Member(name, "an integer in range");
    if (member != nullptr && !ReadInteger(*member, out)) Fail(name, "an integer in range");
  }
  template <std::integral T>
  void Read(const char* name, std::vector<T>& out) {
    ReadEach(name, [&](const StoredJson& json, size_t) {
      if (ReadInteger(json, out.emplace_back())) return Status::Ok();
      return Status::Corruption(what_ + ": '" + name + "' holds what is no integer in range");
    });
  }
  /// `read(element, index)` gives a Status.
  template <typename Function>
  void ReadEach(const char* name, const Function& read) {
    const StoredJson* member = Member(name, "an array");
    if (member == nullptr) return;
    if (!member->is_array()) return Fail(name, "an array");
    for (size_t i = 0; i < member->size() && status_.ok(); ++i) status_ = read((*member)[i], i);
  }
  void Read(const char* name, std::vector<std::string>& out);
  /// Members that older versions did not write are asked for first.
  bool Has(const char* name) const { return status_.ok() && json_.contains(name); }
  /// The member, or an empty object after an error.
  const StoredJson& Object(const char* name);

  void Fail(const char* name, std::string_view expected);
  const Status& status() const { return status_; }

 private:
  // Not get<T>() alone: it takes fractions and wraps around.
  template <std::integral T>
  static bool ReadInteger(const StoredJson& json, T& out) {
    if (!json.is_number_integer()) return false;
    const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<uint64_t>())
                                                : std::in_range<T>(json.get<int64_t>());
    if (fits) out = json.get<T>();
    return fits;
  }
  const StoredJson* Member(const char* name, std::string_view expected);

  const StoredJson& json_;
  std::string what_;
  Status status_;
};

/// Text as JSON, or kCorruption that begins with `what`.
Result<StoredJson> ParseStoredJson(std::string_view text, const std::string& what);

}  // namespace streamrun
