// The `tests:` of a pipeline file: rows fed into sources, rows expected at sinks and ports.
//
//   tests:
//     - name: late bids leave by the late port
//       feed:
//         bids:
//           - {auction: 1, price: 5}
//           - '{"broken'                 # a record as the source would read it
//           - watermark: 2024-01-01 00:01:00
//           - clock: +5s
//           - idle: true
//       expect:
//         out: [{auction: 1, price: 5}]
//       errors: [{node: bids, code: json.syntax}]
//       unordered: true
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/component/config_value.h"
#include "core/component/diagnostics.h"
#include "runner/plan/plan.h"

namespace streamrun {

struct FeedItem {
  enum class Kind : uint8_t { kRow, kRaw, kWatermark, kClock, kIdle };
  Kind kind = Kind::kRow;
  ConfigValue value;      // kRow: a mapping; kRaw: a scalar
  Timestamp time = 0;     // kWatermark; kClock with an absolute time
  Duration advance = -1;  // kClock with +duration, else -1
};

struct TestCase {
  std::string name;
  SourceMark mark;
  struct Feed {
    int node;
    std::vector<FeedItem> items;
  };
  std::vector<Feed> feeds;
  struct Expectation {
    std::string place;  // "sink" or "node.port"
    int node;
    int port;          // -1: what enters a sink
    ConfigValue rows;  // a list of mappings
  };
  std::vector<Expectation> expectations;
  /// Dead letters expected; absent = none may occur.
  ConfigValue errors;
  bool unordered = false;
};

/// Reads `tests:` against the plan; problems are reported with their place.
std::vector<TestCase> ReadTests(const ConfigValue& tests, const Plan& plan, Diagnostics& diagnostics);

}  // namespace streamrun
