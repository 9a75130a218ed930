// What an http source without a buffer keeps in a checkpoint: the keys of requests that are in it, whole or
// in part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/http/request_keys.h"

namespace streamrun::http {

/// The beginning of a request whose rest came behind the barrier.
struct RequestPart {
  TakenRequest request;  // records and failed: up to the offset
  int64_t offset = 0;    // bytes of its body
};

struct RequestPosition {
  std::string taken;  // as AppendTaken writes them
  std::vector<RequestPart> parts;
};

/// JSON: {"taken":"<hexadecimal>","parts":[{"request":"<hexadecimal>","offset":n}]}.
std::string PrintPosition(const RequestPosition& position);
/// Of an empty text (a checkpoint without keys): nothing. kInvalidArgument: it is no position of an http
/// source.
Result<RequestPosition> ParsePosition(const std::string& text);

}  // namespace streamrun::http
