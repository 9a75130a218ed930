// The arithmetic of Nexmark: which event is what, which ids exist by then, when it happens.
//
// Events come in rounds of persons + auctions + bids (1 + 3 + 46): first the persons, then the auctions, then
// the bids. Everything follows from the event number.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "connectors/generate/nexmark.h"
#include "connectors/generate/random.h"
#include "connectors/generate/rate.h"
#include "core/base/time.h"

namespace streamrun::generate {

/// One stream of chance per decision, the same for every event.
enum class Draw : uint64_t {
  kAuctionHot,
  kAuction,
  kBidderHot,
  kBidder,
  kPrice,
  kChannel,
  kSellerHot,
  kSeller,
  kCategory,
  kReserve,
  kLength,
  kName,
  kEmail,
  kCard,
  kCity,
  kItem,
  kDescription,
  kExtraLength,
  kExtra,
  kTables
};

struct NexmarkNumbers {
  static constexpr int64_t kFirstPerson = 1000;
  static constexpr int64_t kFirstAuction = 1000;
  static constexpr int64_t kFirstCategory = 10;
  static constexpr int64_t kCategories = 5;
  /// Ids slightly ahead of what exists: events that refer to the future.
  static constexpr int64_t kLead = 10;
  /// One id in so many is a hot one.
  static constexpr int64_t kHotStride = 100;

  NexmarkConfig config;
  Rate rate;
  Timestamp start = 0;
  uint64_t seed = 0;

  int64_t round() const { return config.persons + config.auctions + config.bids; }

  RandomStream Stream(Draw draw) const { return {seed, 0x4e58000 + static_cast<uint64_t>(draw)}; }

  /// The event that row `row` of a table of one kind (or of all) shows. Within groups of `out_of_order` rows
  /// the order is shuffled by multiplication with a prime.
  int64_t EventOfRow(int64_t row) const {
    if (const int64_t n = config.out_of_order; n > 1)
      row = row / n * n + row % n * (n % 953 != 0 ? 953 : 947) % n;
    switch (config.events) {
      case NexmarkEvents::kPerson:
        return row / config.persons * round() + row % config.persons;
      case NexmarkEvents::kAuction:
        return row / config.auctions * round() + config.persons + row % config.auctions;
      case NexmarkEvents::kBid:
        return row / config.bids * round() + config.persons + config.auctions + row % config.bids;
      default:
        return row;
    }
  }
  NexmarkEvents KindOf(int64_t event) const {
    const int64_t offset = event % round();
    if (offset < config.persons) return NexmarkEvents::kPerson;
    return offset < config.persons + config.auctions ? NexmarkEvents::kAuction : NexmarkEvents::kBid;
  }
  Timestamp TimeOf(int64_t event) const { return start + rate.TimeOf(event); }

  /// Number (from 0) of the newest person / auction when `event` happens; -1 before the first.
  int64_t LastPerson(int64_t event) const {
    return event / round() * config.persons + std::min(event % round(), config.persons - 1);
  }
  int64_t LastAuction(int64_t event) const {
    const int64_t offset = std::clamp<int64_t>(event % round() - config.persons, -1, config.auctions - 1);
    return event / round() * config.auctions + offset;
  }

  /// A person that is active by then, or one that is about to come.
  int64_t SomePerson(int64_t event, uint64_t random) const {
    const int64_t people = LastPerson(event) + 1;
    const int64_t active = std::min(people, config.active_people);
    return people - active + static_cast<int64_t>(Below(random, static_cast<uint64_t>(active + kLead)));
  }
  /// An auction that is open by then, or one that is about to come.
  int64_t SomeAuction(int64_t event, uint64_t random) const {
    const int64_t newest = std::max<int64_t>(LastAuction(event), 0);
    const int64_t oldest = std::max<int64_t>(newest - config.in_flight_auctions, 0);
    return oldest + static_cast<int64_t>(Below(random, static_cast<uint64_t>(newest - oldest + 1 + kLead)));
  }
  /// True with probability 1 - 1/ratio.
  static bool Hot(uint64_t random, int64_t ratio) { return Below(random, static_cast<uint64_t>(ratio)) > 0; }

  /// Log-uniform between 1 and 10^6, in cents.
  static int64_t Price(uint64_t random) {
    return std::llround(std::exp(Unit(random) * 6 * 2.302585092994046) * 100);
  }

  /// How long an auction of `event` is open: up to twice the event time in which `in_flight_auctions` more
  /// begin.
  Duration AuctionLength(int64_t event, uint64_t random) const {
    const int64_t ahead = config.in_flight_auctions * round() / config.auctions;
    const int64_t horizon = (TimeOf(event + ahead) - TimeOf(event)) / kMillisecond;
    return (1 +
            static_cast<int64_t>(Below(random, static_cast<uint64_t>(std::max<int64_t>(horizon * 2, 1))))) *
           kMillisecond;
  }
};

}  // namespace streamrun::generate
