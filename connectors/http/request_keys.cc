#include "connectors/http/request_keys.h"

#include <xxhash.h>

#include <cstring>

namespace streamrun::http {
namespace {

// Little endian, as every machine that this runs on.
template <typename T>
void Put(T value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
void Get(std::string_view* bytes, T* value) {
  std::memcpy(value, bytes->data(), sizeof *value);
  bytes->remove_prefix(sizeof *value);
}

}  // namespace

RequestKey RequestKey::Of(std::string_view header) {
  const XXH128_hash_t hash = XXH3_128bits(header.data(), header.size());
  return {hash.high64, hash.low64};
}

void AppendTaken(const TakenRequest& request, std::string* out) {
  Put(request.key.high, out);
  Put(request.key.low, out);
  Put(request.body, out);
  Put(request.at, out);
  Put(request.records, out);
  Put(request.failed, out);
}

Result<std::deque<TakenRequest>> ParseTaken(std::string_view bytes) {
  if (bytes.size() % kTakenBytes != 0) return Status::Corruption("the keys of requests are cut off");
  std::deque<TakenRequest> all;
  while (!bytes.empty()) {
    TakenRequest& request = all.emplace_back();
    Get(&bytes, &request.key.high);
    Get(&bytes, &request.key.low);
    Get(&bytes, &request.body);
    Get(&bytes, &request.at);
    Get(&bytes, &request.records);
    Get(&bytes, &request.failed);
  }
  return all;
}

void RequestKeys::DropOldest() {
  taken_.erase(order_.front());
  order_.pop_front();
}

void RequestKeys::Forget(Timestamp now) {
  while (!order_.empty() && taken_.at(order_.front()).at <= now - within_) {
    DropOldest();
    crowded_ = false;  // there was room for all that are young enough
  }
}

const TakenRequest* RequestKeys::Find(const RequestKey& key, Timestamp now) {
  Forget(now);
  const auto found = taken_.find(key);
  return found == taken_.end() ? nullptr : &found->second;
}

void RequestKeys::Add(const TakenRequest& request, Timestamp now) {
  Forget(now);
  // What is read back after a crash may stand there twice.
  if (!taken_.insert_or_assign(request.key, request).second) return;
  order_.push_back(request.key);
  if (order_.size() <= max_) return;
  crowded_ = true;
  DropOldest();
}

void RequestKeys::Append(std::string* out) const {
  out->reserve(out->size() + order_.size() * kTakenBytes);
  for (const RequestKey& key : order_) AppendTaken(taken_.at(key), out);
}

}  // namespace streamrun::http
