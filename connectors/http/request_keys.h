// The keys of requests that were taken, so that one that comes again is answered and not taken again
// (draft-ietf-httpapi-idempotency-key-header).
//
// A key is kept as 16 bytes of its XXH3-128, so that each takes the same room however long it was.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/base/status.h"
#include "core/base/time.h"

namespace streamrun::http {

struct RequestKey {
  uint64_t high = 0;
  uint64_t low = 0;
  static RequestKey Of(std::string_view header);
  friend bool operator==(const RequestKey&, const RequestKey&) = default;
};

/// A request, and what it was answered.
struct TakenRequest {
  RequestKey key;
  uint64_t body = 0;  // XXH3-64 of the body, unpacked
  Timestamp at = 0;   // wall clock
  uint32_t records = 0;
  uint32_t failed = 0;
};

/// Bytes of one, little endian, in the order of its members (docs/formats/ingest.md).
inline constexpr size_t kTakenBytes = 40;
void AppendTaken(const TakenRequest& request, std::string* out);
/// kCorruption: these are none.
Result<std::deque<TakenRequest>> ParseTaken(std::string_view bytes);

/// Not thread-safe.
class RequestKeys {
 public:
  RequestKeys(Duration within, size_t max) : within_(within), max_(max) {}

  /// Null: nothing like it was taken within the time, or it was forgotten.
  const TakenRequest* Find(const RequestKey& key, Timestamp now);
  /// Forgets those that are too old, and the oldest when there is no room.
  void Add(const TakenRequest& request, Timestamp now);
  /// All of them, oldest first, as AppendTaken writes them.
  void Append(std::string* out) const;
  size_t size() const { return order_.size(); }
  /// Some were forgotten before their time.
  bool crowded() const { return crowded_; }

 private:
  struct HashKey {
    size_t operator()(const RequestKey& key) const { return key.low; }
  };
  void Forget(Timestamp now);
  void DropOldest();

  const Duration within_;
  const size_t max_;
  std::unordered_map<RequestKey, TakenRequest, HashKey> taken_;
  std::deque<RequestKey> order_;  // each once, oldest first
  bool crowded_ = false;
};

}  // namespace streamrun::http
