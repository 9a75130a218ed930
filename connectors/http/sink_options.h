// What the two ways of delivering have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/http/batch_body.h"
#include "connectors/http/poster.h"
#include "core/stream/sink.h"

namespace streamrun::http {

struct SinkOptions {
  PosterOptions poster;
  BodyOptions body;  // the preamble comes with Open
  /// A body waits for company no longer than this (direct delivery).
  Duration linger = 0;
  /// Bytes of bodies on disk beyond which the input waits (staged delivery).
  uint64_t stage_max_bytes = 0;
};

/// Bodies go out as soon as they are full; a checkpoint waits until all are answered.
std::unique_ptr<Sink> NewDirectSink(SinkOptions options);
/// Bodies wait on disk for their epoch to be decided, then go out.
std::unique_ptr<Sink> NewStagedSink(SinkOptions options);

/// Record `i` of an event.
inline std::string_view RecordOf(const Encoded& records, int64_t i) {
  const uint32_t* ends = records.record_ends->as<uint32_t>();
  const uint32_t begin = i == 0 ? 0 : ends[i - 1];
  return records.bytes->view().substr(begin, ends[i] - begin);
}

/// A body that waits for its answer.
struct InFlight {
  std::shared_ptr<const std::string> bytes;
  std::vector<uint32_t> ends;
  std::string place;  // "http://h/p 1f3c... body 2"
};

/// The records of a body that was refused, as `settled` says why.
Status AppendRefused(const InFlight& body, const BodyOptions& options, const Settled& settled,
                     std::vector<RefusedRecord>* out);

/// 32 hexadecimal digits of XXH3-128 over these parts: the same for the same parts, in every process.
std::string KeyOf(const std::vector<std::string>& parts);
/// 16 hexadecimal digits.
std::string Hex(uint64_t number);

}  // namespace streamrun::http
