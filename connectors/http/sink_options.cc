#include "connectors/http/sink_options.h"

#include <xxhash.h>

#include <cstdio>

namespace streamrun::http {

Status AppendRefused(const InFlight& body, const BodyOptions& options, const Settled& settled,
                     std::vector<RefusedRecord>* out) {
  SR_ASSIGN_OR_RETURN(std::vector<std::string> records, RecordsOf(*body.bytes, body.ends, options));
  const auto place = std::make_shared<const std::string>(body.place);
  for (size_t i = 0; i < records.size(); ++i) {
    out->push_back({place, static_cast<int64_t>(i), std::move(records[i]), settled.code, settled.message});
  }
  return Status::Ok();
}

std::string Hex(uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

std::string KeyOf(const std::vector<std::string>& parts) {
  std::string all;
  // A part ends with a byte that no part has, so that "a", "bc" is not "ab", "c".
  for (const std::string& part : parts) all += part + '\0';
  const XXH128_hash_t hash = XXH3_128bits(all.data(), all.size());
  return Hex(hash.high64) + Hex(hash.low64);
}

}  // namespace streamrun::http
