// The event generator of the Nexmark benchmark as a row plan.
//
// Semantics (proportions, ids, hot keys, sizes, event time) follow the generator of Apache Beam and the
// schema of Nexmark SQL; random values differ, since ours are a function of the event number.
#pragma once

#include <cstdint>
#include <string>

#include "connectors/generate/row_plan.h"
#include "core/component/bind_context.h"

namespace streamrun::generate {

enum class NexmarkEvents : uint8_t { kPerson = 0, kAuction = 1, kBid = 2, kAll = 3, kNone = 4 };

struct NexmarkConfig {
  NexmarkEvents events = NexmarkEvents::kNone;
  int64_t persons = 1;
  int64_t auctions = 3;
  int64_t bids = 46;
  int64_t hot_auction_ratio = 2;
  int64_t hot_seller_ratio = 4;
  int64_t hot_bidder_ratio = 4;
  int64_t active_people = 1000;
  int64_t in_flight_auctions = 100;
  int64_t out_of_order = 1;
  int64_t person_bytes = 200;
  int64_t auction_bytes = 500;
  int64_t bid_bytes = 100;
  std::string event_rate = "10000/s";
  std::string start = "2024-01-01 00:00:00";
};

const ConfigSpec<NexmarkConfig>& NexmarkSpec();

/// Null after reporting problems.
RowPlanPtr BindNexmark(const NexmarkConfig& config, uint64_t seed, BindContext& context);

}  // namespace streamrun::generate
