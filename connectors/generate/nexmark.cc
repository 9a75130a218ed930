#include "connectors/generate/nexmark.h"

#include <array>
#include <optional>

#include "connectors/generate/nexmark_numbers.h"
#include "connectors/generate/nexmark_text.h"
#include "core/data/selection.h"
#include "core/data/text_io.h"

namespace streamrun::generate {
namespace {

using N = NexmarkNumbers;

const std::vector<Field>& FieldsOf(NexmarkEvents kind) {
  static const std::vector<Field> kPerson = {
      {"id", TypeId::kBigint},           {"name", TypeId::kText}, {"email_address", TypeId::kText},
      {"credit_card", TypeId::kText},    {"city", TypeId::kText}, {"state", TypeId::kText},
      {"date_time", TypeId::kTimestamp}, {"extra", TypeId::kText}};
  static const std::vector<Field> kAuction = {
      {"id", TypeId::kBigint},          {"item_name", TypeId::kText}, {"description", TypeId::kText},
      {"initial_bid", TypeId::kBigint}, {"reserve", TypeId::kBigint}, {"date_time", TypeId::kTimestamp},
      {"expires", TypeId::kTimestamp},  {"seller", TypeId::kBigint},  {"category", TypeId::kBigint},
      {"extra", TypeId::kText}};
  static const std::vector<Field> kBid = {{"auction", TypeId::kBigint}, {"bidder", TypeId::kBigint},
                                          {"price", TypeId::kBigint},   {"channel", TypeId::kText},
                                          {"url", TypeId::kText},       {"date_time", TypeId::kTimestamp},
                                          {"extra", TypeId::kText}};
  static const std::vector<Field> kAll = {
      {"event_type", TypeId::kText},    {"id", TypeId::kBigint},           {"name", TypeId::kText},
      {"email_address", TypeId::kText}, {"credit_card", TypeId::kText},    {"city", TypeId::kText},
      {"state", TypeId::kText},         {"item_name", TypeId::kText},      {"description", TypeId::kText},
      {"initial_bid", TypeId::kBigint}, {"reserve", TypeId::kBigint},      {"expires", TypeId::kTimestamp},
      {"seller", TypeId::kBigint},      {"category", TypeId::kBigint},     {"auction", TypeId::kBigint},
      {"bidder", TypeId::kBigint},      {"price", TypeId::kBigint},        {"channel", TypeId::kText},
      {"url", TypeId::kText},           {"date_time", TypeId::kTimestamp}, {"extra", TypeId::kText}};
  switch (kind) {
    case NexmarkEvents::kPerson:
      return kPerson;
    case NexmarkEvents::kAuction:
      return kAuction;
    case NexmarkEvents::kBid:
      return kBid;
    default:
      return kAll;
  }
}

/// Columns of events of one kind.
class KindFiller {
 public:
  KindFiller(const NexmarkNumbers& numbers, NexmarkEvents kind, std::vector<bool> wanted)
      : n_(numbers), kind_(kind), wanted_(std::move(wanted)) {
    if (wanted_.empty()) wanted_.assign(FieldsOf(kind).size(), true);
    if (kind == NexmarkEvents::kBid && (wanted_[3] || wanted_[4]))
      channels_.emplace(n_.Stream(Draw::kTables));
  }

  std::vector<ColumnPtr> Fill(const std::vector<int64_t>& events) const {
    std::vector<ColumnPtr> columns(wanted_.size());
    if (kind_ == NexmarkEvents::kPerson) FillPersons(events, columns);
    if (kind_ == NexmarkEvents::kAuction) FillAuctions(events, columns);
    if (kind_ == NexmarkEvents::kBid) FillBids(events, columns);
    return columns;
  }

 private:
  /// `value_of(event)` for every event.
  template <typename F>
  ColumnPtr Each(TypeId type, const std::vector<int64_t>& events, F value_of) const {
    BufferBuilder values;
    values.Resize(events.size() * 8);
    int64_t* out = values.as<int64_t>();
    for (size_t i = 0; i < events.size(); ++i) out[i] = value_of(events[i]);
    return std::make_shared<Column>(type, static_cast<int64_t>(events.size()), 0, nullptr, values.Finish());
  }
  template <typename F>
  ColumnPtr EachText(const std::vector<int64_t>& events, int64_t bytes, F write) const {
    TextWriter out(static_cast<int64_t>(events.size()), bytes);
    for (const int64_t event : events) {
      write(static_cast<uint64_t>(event), out);
      out.EndRow();
    }
    return out.Finish();
  }

  ColumnPtr Times(const std::vector<int64_t>& events) const {
    return Each(TypeId::kTimestamp, events, [this](int64_t e) { return n_.TimeOf(e); });
  }
  /// Random letters that bring the row near its average size, give or take a fifth.
  ColumnPtr Extra(const std::vector<int64_t>& events, int64_t average, int64_t rest) const {
    const int64_t desired = std::max<int64_t>(average - rest, 0);
    const auto spread = static_cast<uint64_t>((desired + 2) / 5);
    const uint64_t least = static_cast<uint64_t>(desired) - spread;
    const RandomStream length = n_.Stream(Draw::kExtraLength), letters = n_.Stream(Draw::kExtra);
    return EachText(events, desired + 8, [=](uint64_t e, TextWriter& out) {
      out.PutLetters(letters.At(e), least + (spread > 0 ? Below(length.At(e), 2 * spread) : 0));
    });
  }
  /// A hot person (the same for 100 persons on end) or any active one.
  ColumnPtr People(const std::vector<int64_t>& events, int64_t ratio, int64_t shift, Draw hot_draw,
                   Draw draw) const {
    const RandomStream hot = n_.Stream(hot_draw), any = n_.Stream(draw);
    return Each(TypeId::kBigint, events, [=, this](int64_t e) {
      const auto event = static_cast<uint64_t>(e);
      const int64_t person = N::Hot(hot.At(event), ratio)
                                 ? n_.LastPerson(e) / N::kHotStride * N::kHotStride + shift
                                 : n_.SomePerson(e, any.At(event));
      return N::kFirstPerson + person;
    });
  }

  void FillBids(const std::vector<int64_t>& events, std::vector<ColumnPtr>& columns) const {
    if (wanted_[0]) {
      const RandomStream hot = n_.Stream(Draw::kAuctionHot), any = n_.Stream(Draw::kAuction);
      columns[0] = Each(TypeId::kBigint, events, [&](int64_t e) {
        const auto event = static_cast<uint64_t>(e);
        const int64_t auction = N::Hot(hot.At(event), n_.config.hot_auction_ratio)
                                    ? n_.LastAuction(e) / N::kHotStride * N::kHotStride
                                    : n_.SomeAuction(e, any.At(event));
        return N::kFirstAuction + auction;
      });
    }
    if (wanted_[1])
      columns[1] = People(events, n_.config.hot_bidder_ratio, 1, Draw::kBidderHot, Draw::kBidder);
    if (wanted_[2]) columns[2] = Prices(events, Draw::kPrice);
    if (wanted_[3] || wanted_[4]) {
      const RandomStream random = n_.Stream(Draw::kChannel);
      Selection picked(events.size());
      for (size_t i = 0; i < events.size(); ++i)
        picked[i] = Channels::Pick(random.At(static_cast<uint64_t>(events[i])));
      if (wanted_[3]) columns[3] = Take(channels_->names, picked);
      if (wanted_[4]) columns[4] = Take(channels_->urls, picked);
    }
    if (wanted_[5]) columns[5] = Times(events);
    if (wanted_[6]) columns[6] = Extra(events, n_.config.bid_bytes, 32);
  }

  ColumnPtr Prices(const std::vector<int64_t>& events, Draw draw) const {
    const RandomStream random = n_.Stream(draw);
    return Each(TypeId::kBigint, events,
                [=](int64_t e) { return N::Price(random.At(static_cast<uint64_t>(e))); });
  }

  void FillAuctions(const std::vector<int64_t>& events, std::vector<ColumnPtr>& columns) const {
    if (wanted_[0]) {
      columns[0] =
          Each(TypeId::kBigint, events, [&](int64_t e) { return N::kFirstAuction + n_.LastAuction(e); });
    }
    if (wanted_[1]) columns[1] = Words(events, Draw::kItem, 20);
    if (wanted_[2]) columns[2] = Words(events, Draw::kDescription, 100);
    if (wanted_[3]) columns[3] = Prices(events, Draw::kPrice);
    if (wanted_[4]) {
      const RandomStream price = n_.Stream(Draw::kPrice), more = n_.Stream(Draw::kReserve);
      columns[4] = Each(TypeId::kBigint, events, [=](int64_t e) {
        const auto event = static_cast<uint64_t>(e);
        return N::Price(price.At(event)) + N::Price(more.At(event));
      });
    }
    if (wanted_[5]) columns[5] = Times(events);
    if (wanted_[6]) {
      const RandomStream random = n_.Stream(Draw::kLength);
      columns[6] = Each(TypeId::kTimestamp, events, [&](int64_t e) {
        return n_.TimeOf(e) + n_.AuctionLength(e, random.At(static_cast<uint64_t>(e)));
      });
    }
    if (wanted_[7])
      columns[7] = People(events, n_.config.hot_seller_ratio, 0, Draw::kSellerHot, Draw::kSeller);
    if (wanted_[8]) {
      const RandomStream random = n_.Stream(Draw::kCategory);
      columns[8] = Each(TypeId::kBigint, events, [=](int64_t e) {
        return N::kFirstCategory +
               static_cast<int64_t>(Below(random.At(static_cast<uint64_t>(e)), N::kCategories));
      });
    }
    // 48 bytes of numbers and times, and the average name and description.
    if (wanted_[9]) columns[9] = Extra(events, n_.config.auction_bytes, 48 + 11 + 51);
  }

  ColumnPtr Words(const std::vector<int64_t>& events, Draw draw, size_t max) const {
    const RandomStream random = n_.Stream(draw);
    return EachText(events, static_cast<int64_t>(max) / 2 + 4,
                    [=](uint64_t e, TextWriter& out) { out.PutWord(random.At(e), max, ' '); });
  }

  void FillPersons(const std::vector<int64_t>& events, std::vector<ColumnPtr>& columns) const {
    if (wanted_[0]) {
      columns[0] =
          Each(TypeId::kBigint, events, [&](int64_t e) { return N::kFirstPerson + n_.LastPerson(e); });
    }
    if (wanted_[1]) columns[1] = Names(events);
    if (wanted_[2]) {
      const RandomStream random = n_.Stream(Draw::kEmail);
      columns[2] = EachText(events, 16, [=](uint64_t e, TextWriter& out) {
        out.PutWord(random.At(e, 0), 7, '_');
        out.Put('@');
        out.PutWord(random.At(e, 1), 5, '_');
        out.Put(".com");
      });
    }
    if (wanted_[3]) {
      const RandomStream random = n_.Stream(Draw::kCard);
      columns[3] = EachText(events, 20, [=](uint64_t e, TextWriter& out) {
        for (uint64_t group = 0; group < 4; ++group) {
          if (group > 0) out.Put(' ');
          out.PutDigits(Below(random.At(e, group), 10'000), 4);
        }
      });
    }
    const RandomStream place = n_.Stream(Draw::kCity);
    if (wanted_[4]) {
      columns[4] = EachText(events, 12, [=](uint64_t e, TextWriter& out) { out.Put(City(place.At(e, 0))); });
    }
    if (wanted_[5]) {
      columns[5] = EachText(events, 4, [=](uint64_t e, TextWriter& out) { out.Put(State(place.At(e, 1))); });
    }
    if (wanted_[6]) columns[6] = Times(events);
    // 16 bytes of id and time, and the average of the texts.
    if (wanted_[7]) columns[7] = Extra(events, n_.config.person_bytes, 16 + 12 + 14 + 19 + 8 + 2);
  }

  ColumnPtr Names(const std::vector<int64_t>& events) const {
    const RandomStream random = n_.Stream(Draw::kName);
    return EachText(events, 16, [=](uint64_t e, TextWriter& out) {
      out.Put(FirstName(random.At(e, 0)));
      out.Put(' ');
      out.Put(LastName(random.At(e, 1)));
    });
  }

  const NexmarkNumbers& n_;
  NexmarkEvents kind_;
  std::vector<bool> wanted_;
  std::optional<Channels> channels_;
};

std::vector<int64_t> EventsOf(const NexmarkNumbers& numbers, int64_t first, int64_t rows) {
  std::vector<int64_t> events(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) events[static_cast<size_t>(i)] = numbers.EventOfRow(first + i);
  return events;
}

class OneKindFiller final : public RowFiller {
 public:
  OneKindFiller(const NexmarkNumbers& numbers, std::vector<bool> wanted)
      : numbers_(numbers), filler_(numbers, numbers.config.events, std::move(wanted)) {}
  std::vector<ColumnPtr> Fill(int64_t first, int64_t rows, std::vector<RowFailure>*) override {
    return filler_.Fill(EventsOf(numbers_, first, rows));
  }

 private:
  const NexmarkNumbers& numbers_;
  KindFiller filler_;
};

/// Row i of the result is the next unused row of parts[kinds[i]]; a part without the column gives null.
ColumnPtr Interleave(const DataType& type, const std::array<ColumnPtr, 3>& parts,
                     const std::vector<uint8_t>& kinds) {
  const size_t rows = kinds.size();
  BufferBuilder validity, values, data;
  validity.ResizeZeroed((rows + 7) / 8);
  const bool text = type.layout() == Layout::kVarlen;
  values.ResizeZeroed(text ? (rows + 1) * 4 : rows * 8);
  std::array<int64_t, 3> next = {};
  int64_t nulls = 0;
  for (size_t i = 0; i < rows; ++i) {
    const Column* part = parts[kinds[i]].get();
    const int64_t row = next[kinds[i]]++;
    if (part != nullptr) SetBit(validity.data(), static_cast<int64_t>(i));
    nulls += part == nullptr;
    if (text) {
      if (part != nullptr) {
        const std::string_view value = part->Text(row);
        data.Append(value.data(), value.size());
      }
      values.as<int32_t>()[i + 1] = static_cast<int32_t>(data.size());
    } else if (part != nullptr) {
      values.as<int64_t>()[i] = part->values<int64_t>()[row];
    }
  }
  return std::make_shared<Column>(type, static_cast<int64_t>(rows), nulls, validity.Finish(), values.Finish(),
                                  text ? data.Finish() : nullptr);
}

/// The combined table: every kind makes its own columns, which are then woven together.
class AllKindsFiller final : public RowFiller {
 public:
  AllKindsFiller(const NexmarkNumbers& numbers, std::vector<bool> wanted)
      : numbers_(numbers), wanted_(std::move(wanted)) {
    const std::vector<Field>& all = FieldsOf(NexmarkEvents::kAll);
    if (wanted_.empty()) wanted_.assign(all.size(), true);
    for (size_t kind = 0; kind < 3; ++kind) {
      const std::vector<Field>& fields = FieldsOf(static_cast<NexmarkEvents>(kind));
      std::vector<bool> kind_wanted(fields.size());
      place_[kind].assign(all.size(), -1);
      for (size_t c = 0; c < all.size(); ++c) {
        for (size_t f = 0; f < fields.size(); ++f) {
          if (fields[f].name != all[c].name) continue;
          place_[kind][c] = static_cast<int>(f);
          kind_wanted[f] = wanted_[c];
        }
      }
      fillers_.emplace_back(numbers, static_cast<NexmarkEvents>(kind), std::move(kind_wanted));
    }
  }

  std::vector<ColumnPtr> Fill(int64_t first, int64_t rows, std::vector<RowFailure>*) override {
    std::array<std::vector<int64_t>, 3> events;
    std::vector<uint8_t> kinds;
    for (const int64_t event : EventsOf(numbers_, first, rows)) {
      const auto kind = static_cast<uint8_t>(numbers_.KindOf(event));
      kinds.push_back(kind);
      events[kind].push_back(event);
    }
    std::array<std::vector<ColumnPtr>, 3> parts;
    for (size_t kind = 0; kind < 3; ++kind) parts[kind] = fillers_[kind].Fill(events[kind]);
    const std::vector<Field>& all = FieldsOf(NexmarkEvents::kAll);
    std::vector<ColumnPtr> columns(all.size());
    if (wanted_[0]) columns[0] = TypeNames(kinds);
    for (size_t c = 1; c < all.size(); ++c) {
      if (!wanted_[c]) continue;
      std::array<ColumnPtr, 3> sources;
      for (size_t kind = 0; kind < 3; ++kind) {
        if (place_[kind][c] >= 0) sources[kind] = parts[kind][static_cast<size_t>(place_[kind][c])];
      }
      columns[c] = Interleave(all[c].type, sources, kinds);
    }
    return columns;
  }

 private:
  static ColumnPtr TypeNames(const std::vector<uint8_t>& kinds) {
    static constexpr std::array<std::string_view, 3> kNames = {"person", "auction", "bid"};
    TextWriter out(static_cast<int64_t>(kinds.size()), 8);
    for (const uint8_t kind : kinds) {
      out.Put(kNames[kind]);
      out.EndRow();
    }
    return out.Finish();
  }

  const NexmarkNumbers& numbers_;
  std::vector<bool> wanted_;
  std::vector<KindFiller> fillers_;
  std::array<std::vector<int>, 3> place_;  // column of the combined table -> field of the kind, or -1
};

class NexmarkPlan final : public RowPlan {
 public:
  explicit NexmarkPlan(NexmarkNumbers numbers) : numbers_(std::move(numbers)) {
    const NexmarkConfig& c = numbers_.config;
    auto made = std::make_shared<Schema>(FieldsOf(c.events));
    schema = std::move(made);
    const int64_t bytes[] = {c.person_bytes, c.auction_bytes, c.bid_bytes + 80, c.bid_bytes + 260};
    block_rows = BlockRows(bytes[static_cast<size_t>(c.events)]);
  }
  std::unique_ptr<RowFiller> Create(Env*, std::vector<bool> wanted) const override {
    if (numbers_.config.events == NexmarkEvents::kAll)
      return std::make_unique<AllKindsFiller>(numbers_, std::move(wanted));
    return std::make_unique<OneKindFiller>(numbers_, std::move(wanted));
  }

 private:
  NexmarkNumbers numbers_;
};

}  // namespace

const ConfigSpec<NexmarkConfig>& NexmarkSpec() {
  using C = NexmarkConfig;
  static const ConfigSpec<C> kSpec = [] {
    ConfigSpec<C> spec;
    spec.OneOf("events", &C::events,
               {{"person", NexmarkEvents::kPerson},
                {"auction", NexmarkEvents::kAuction},
                {"bid", NexmarkEvents::kBid},
                {"all", NexmarkEvents::kAll}},
               "Which events to give.")
        .Required();
    spec.Integer("persons", &C::persons, "Persons in a round of events.").AtLeast(1).AtMost(10'000);
    spec.Integer("auctions", &C::auctions, "Auctions in a round of events.").AtLeast(1).AtMost(10'000);
    spec.Integer("bids", &C::bids, "Bids in a round of events.").AtLeast(1).AtMost(100'000);
    spec.Integer("hot_auction_ratio", &C::hot_auction_ratio,
                 "All but one in so many bids go to a hot auction.")
        .AtLeast(1);
    spec.Integer("hot_seller_ratio", &C::hot_seller_ratio,
                 "All but one in so many auctions are a hot seller's.")
        .AtLeast(1);
    spec.Integer("hot_bidder_ratio", &C::hot_bidder_ratio, "All but one in so many bids are a hot bidder's.")
        .AtLeast(1);
    spec.Integer("active_people", &C::active_people, "Newest persons that buy and sell.")
        .AtLeast(1)
        .AtMost(1e12);
    spec.Integer("in_flight_auctions", &C::in_flight_auctions, "Newest auctions that get bids.")
        .AtLeast(1)
        .AtMost(1e9);
    spec.Integer("out_of_order", &C::out_of_order,
                 "Rows are shuffled within groups of this many, 1 for in order.")
        .AtLeast(1)
        .AtMost(1e9);
    spec.Size("person_bytes", &C::person_bytes, "Average size of a person.").AtLeast(1).AtMost(1 << 16);
    spec.Size("auction_bytes", &C::auction_bytes, "Average size of an auction.").AtLeast(1).AtMost(1 << 16);
    spec.Size("bid_bytes", &C::bid_bytes, "Average size of a bid without its url.")
        .AtLeast(1)
        .AtMost(1 << 16);
    spec.Text("event_rate", &C::event_rate, "Events of all kinds per event time.");
    spec.Text("start", &C::start, "Event time of the first event.");
    return spec;
  }();
  return kSpec;
}

RowPlanPtr BindNexmark(const NexmarkConfig& config, uint64_t seed, BindContext& context) {
  const ConfigValue& map = context.config()["nexmark"];
  const Result<Rate> rate = ParseRate(config.event_rate);
  if (!rate.ok() || !rate->limited()) {
    context.diagnostics().ErrorAt(map["event_rate"], "config.unit",
                                  rate.ok() ? "'event_rate' must not be 0" : rate.status().message(),
                                  "write it as 10000/s");
    return nullptr;
  }
  const Result<Timestamp> start = ParseTimestamp(config.start);
  if (!start.ok()) {
    context.diagnostics().ErrorAt(map["start"], "config.type", start.status().message(),
                                  "write it as 2024-01-01 00:00:00");
    return nullptr;
  }
  return std::make_shared<NexmarkPlan>(NexmarkNumbers{config, *rate, *start, seed});
}

}  // namespace streamrun::generate
