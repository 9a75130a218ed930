#include <chrono>
#include <cmath>
#include <map>
#include <set>

#include "connectors/generate/rate.h"
#include "tests/connectors/endpoint_fixture.h"

namespace streamrun::testing {
namespace {

using generate::Pacer;
using generate::ParseRate;
using generate::Rate;

std::vector<std::string> AllRows(const Conf& conf) {
  RunningSource run("generate", conf);
  run.MustOpen();
  run.RunToEnd();
  return run.out.records;
}

const Conf kColumns = {{"id", "sequence"},
                       {"price", {{"uniform", {{"min", "1"}, {"max", "100"}}}}},
                       {"share", {{"uniform", {{"min", "0.0"}, {"max", "1.0"}}}}},
                       {"user", {{"zipf", {{"values", "1000"}}}}},
                       {"height", {{"normal", {{"mean", "170"}, {"deviation", "10"}}}}},
                       {"channel", {{"choice", {{"web", "3"}, {"app", "1"}}}}},
                       {"note", {{"text", {{"min", "2"}, {"max", "5"}}}, {"nulls", "0.25"}}},
                       {"at", {{"time", {{"start", "2024-01-01"}, {"step", "1ms"}}}}}};

TEST_CASE("a sequence counts by its step and begins again after its cycle") {
  CHECK(AllRows({{"count", "5"}, {"columns", {{"n", {{"sequence", {{"start", "7"}, {"step", "-2"}}}}}}}}) ==
        std::vector<std::string>{"7", "5", "3", "1", "-1"});
  CHECK(AllRows({{"count", "5"}, {"columns", {{"n", {{"sequence", {{"start", "1"}, {"cycle", "2"}}}}}}}}) ==
        std::vector<std::string>{"1", "2", "1", "2", "1"});
}

TEST_CASE("times advance by their step, or by what the rate says") {
  CHECK(AllRows({{"count", "2"},
                 {"columns", {{"t", {{"time", {{"start", "2024-01-01"}, {"step", "250ms"}}}}}}}}) ==
        std::vector<std::string>{"2024-01-01 00:00:00", "2024-01-01 00:00:00.25"});
  CHECK(AllRows({{"count", "3"}, {"rate", "3k/s"}, {"columns", {{"t", "time"}}}}) ==
        std::vector<std::string>{"2024-01-01 00:00:00", "2024-01-01 00:00:00.000333",
                                 "2024-01-01 00:00:00.000666"});
}

TEST_CASE("distributions have the shape they are named after") {
  RunningSource run("generate", {{"count", "40000"}, {"columns", kColumns}});
  run.MustOpen();
  run.RunToEnd();
  double share = 0, height = 0, squares = 0;
  int64_t rows = 0, nulls = 0, web = 0, least = 1000, most = 0;
  std::map<int64_t, int> users;
  for (const BatchPtr& batch : run.out.batches) {
    for (int64_t r = 0; r < batch->rows(); ++r, ++rows) {
      least = std::min(least, batch->column(1)->values<int64_t>()[r]);
      most = std::max(most, batch->column(1)->values<int64_t>()[r]);
      share += batch->column(2)->values<double>()[r];
      ++users[batch->column(3)->values<int64_t>()[r]];
      const double h = batch->column(4)->values<double>()[r];
      height += h;
      squares += (h - 170) * (h - 170);
      web += batch->column(5)->Text(r) == "web";
      nulls += batch->column(6)->IsNull(r);
      if (!batch->column(6)->IsNull(r)) {
        CHECK(batch->column(6)->Text(r).size() >= 2);
        CHECK(batch->column(6)->Text(r).size() <= 5);
      }
    }
  }
  const double n = static_cast<double>(rows);
  CHECK(rows == 40000);
  CHECK(least == 1);
  CHECK(most == 100);
  CHECK(share / n == doctest::Approx(0.5).epsilon(0.02));
  CHECK(height / n == doctest::Approx(170).epsilon(0.005));
  CHECK(std::sqrt(squares / n) == doctest::Approx(10).epsilon(0.03));
  CHECK(static_cast<double>(web) / n == doctest::Approx(0.75).epsilon(0.02));
  CHECK(static_cast<double>(nulls) / n == doctest::Approx(0.25).epsilon(0.04));
  // P(1) = 1 / H(1000) = 0.1336, and 2 comes half as often as 1.
  CHECK(users[1] / n == doctest::Approx(0.1336).epsilon(0.05));
  CHECK(static_cast<double>(users[2]) / users[1] == doctest::Approx(0.5).epsilon(0.08));
  CHECK(users.begin()->first == 1);
  CHECK(users.rbegin()->first <= 1000);
}

TEST_CASE("every parallelism gives the same rows, in order of the ordinals") {
  const Conf conf = {{"count", "30000"}, {"seed", "9"}, {"columns", kColumns}};
  const std::vector<std::string> alone = AllRows(conf);
  std::map<Ordinal, std::vector<std::string>> by_ordinal;
  for (int instance = 0; instance < 3; ++instance) {
    RunningSource run("generate", conf);
    run.context.instance = instance;
    run.context.parallelism = 3;
    run.MustOpen();
    run.RunToEnd();
    for (size_t b = 0; b < run.out.batches.size(); ++b) {
      CHECK(run.out.ordinals[b] % 3 == static_cast<Ordinal>(instance));
      by_ordinal[run.out.ordinals[b]] = TextOf(*run.out.batches[b]);
    }
  }
  std::vector<std::string> together;
  for (const auto& [ordinal, rows] : by_ordinal) together.insert(together.end(), rows.begin(), rows.end());
  CHECK(together == alone);
}

TEST_CASE("another seed gives other values") {
  const Conf columns = {{"x", {{"uniform", {{"min", "1"}, {"max", "1000000"}}}}}};
  CHECK(AllRows({{"count", "4"}, {"seed", "1"}, {"columns", columns}}) !=
        AllRows({{"count", "4"}, {"seed", "2"}, {"columns", columns}}));
}

TEST_CASE("a position continues with the next block, at another parallelism and another rate too") {
  const Conf conf = {{"count", "30000"}, {"columns", kColumns}};
  const std::vector<std::string> all = AllRows(conf);
  RunningSource first("generate", conf);
  first.MustOpen();
  first.RunUntilRecords(1);
  const std::string position = first.source->Position();
  const size_t seen = first.out.records.size();
  REQUIRE(seen < all.size());

  std::map<Ordinal, std::vector<std::string>> rest;
  for (int instance = 0; instance < 2; ++instance) {
    RunningSource second("generate", {{"count", "30000"}, {"rate", "50M/s"}, {"columns", kColumns}});
    second.context.instance = instance;
    second.context.parallelism = 2;
    second.MustOpen({position});
    second.RunToEnd();
    for (size_t b = 0; b < second.out.batches.size(); ++b) {
      rest[second.out.ordinals[b]] = TextOf(*second.out.batches[b]);
    }
  }
  std::vector<std::string> together(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(seen));
  for (const auto& [ordinal, rows] : rest) together.insert(together.end(), rows.begin(), rows.end());
  CHECK(together == all);

  RunningSource broken("generate", conf);
  CHECK(broken.Open({"{\"block\": -1}"}).code() == Code::kCorruption);
}

TEST_CASE("positions of three instances behind one block continue with two, and the pace begins anew") {
  const Conf conf = {{"count", "3000"}, {"rate", "100k/s"}, {"columns", {{"id", "sequence"}}}};
  std::map<Ordinal, std::vector<std::string>> rows;
  const auto keep = [&](const RunningSource& run) {
    for (size_t b = 0; b < run.out.batches.size(); ++b) {
      CHECK(rows.emplace(run.out.ordinals[b], TextOf(*run.out.batches[b])).second);
    }
  };
  std::vector<std::string> positions;
  for (int instance = 0; instance < 3; ++instance) {
    RunningSource first("generate", conf);
    first.context.instance = instance;
    first.context.parallelism = 3;
    first.MustOpen();
    // Behind ordinal 2: the first block of each.
    first.RunUntil([&] { return first.out.batches.size() == 1; });
    CHECK(first.out.progress == static_cast<Ordinal>(instance) + 3);
    positions.push_back(first.source->Position());
    keep(first);
  }
  Env::Default()->Sleep(30 * kMillisecond);  // down
  const Timestamp begun = Env::Default()->MonotonicNow();
  for (int instance = 0; instance < 2; ++instance) {
    RunningSource second("generate", conf);
    second.context.instance = instance;
    second.context.parallelism = 2;
    second.MustOpen(positions);
    second.RunToEnd();
    keep(second);
    CHECK(second.source->Position() != positions[0]);
    if (instance == 0) CHECK(Env::Default()->MonotonicNow() - begun >= 10 * kMillisecond);
  }
  std::vector<std::string> together;
  for (const auto& [ordinal, some] : rows) together.insert(together.end(), some.begin(), some.end());
  CHECK(together == AllRows({{"count", "3000"}, {"columns", {{"id", "sequence"}}}}));
}

TEST_CASE("an expression reads the columns above it and a row it fails on leaves alone") {
  const Conf columns = {{"n", {{"sequence", {{"start", "0"}}}}}, {"tenth", {{"expression", "10 / (n - 2)"}}}};
  RunningSource run("generate", {{"count", "4"}, {"columns", columns}});
  run.MustOpen();
  run.RunToEnd();
  CHECK(run.out.records == std::vector<std::string>{"0 | -5", "1 | -10", "3 | 10"});
  CHECK(run.out.failures == std::vector<std::string>{"22012: n=2"});
}

TEST_CASE("columns that nobody reads are left out") {
  RunningSource run("generate",
                    {{"count", "1"},
                     {"columns", {{"a", "sequence"}, {"b", "sequence"}, {"c", {{"expression", "a + 1"}}}}}});
  run.context.wanted = {false, false, true};
  run.context.origin = true;
  run.MustOpen();
  run.RunToEnd();
  CHECK(run.out.batches[0]->pruned(1));
  CHECK(run.out.batches[0]->column(2)->values<int64_t>()[0] == 2);
  CHECK(*run.out.batches[0]->origin().split == "generate:node");
}

TEST_CASE("a rate is kept, and a low one gives its first row at once") {
  Env* env = Env::Default();
  RunningSource slow("generate", {{"rate", "0.05/s"}, {"columns", {{"n", "sequence"}}}});
  const Timestamp opened = env->MonotonicNow();
  slow.MustOpen();
  slow.Settle();
  CHECK(slow.out.records == std::vector<std::string>{"1"});
  const WaitSpec wait = slow.source->Wait();
  CHECK(wait.deadline >= opened + 20 * kSecond);
  CHECK(wait.deadline <= env->MonotonicNow() + 20 * kSecond);

  RunningSource fast("generate", {{"rate", "20000/s"}, {"count", "2000"}, {"columns", {{"n", "sequence"}}}});
  const Timestamp begin = env->MonotonicNow();
  fast.MustOpen();
  fast.RunToEnd();
  const Duration took = env->MonotonicNow() - begin;
  CHECK(fast.out.records.size() == 2000);
  CHECK(took >= 99 * kMillisecond);
  CHECK(fast.out.batches.size() == 20);
}

TEST_CASE("a pacer gives up what is older than its catch-up") {
  Pacer pacer(Rate{1000, kSecond});
  pacer.Start(0, 0);
  CHECK(pacer.NotBefore(0, 0) == 0);
  CHECK(pacer.NotBefore(1, 0) == 1000);
  CHECK(pacer.NotBefore(1, 1000) == 0);
  // Ten seconds of silence: a second's worth may follow at once, the rest at the rate again.
  CHECK(pacer.NotBefore(2, 10 * kSecond) == 0);
  CHECK(pacer.NotBefore(1002, 10 * kSecond) == 0);
  CHECK(pacer.NotBefore(1003, 10 * kSecond) == 10 * kSecond + 1000);
}

TEST_CASE("rates are read with their units and refused without") {
  CHECK(ParseRate("10000/s")->rows == 10000);
  CHECK(ParseRate("2.5k/s")->rows == 2500);
  CHECK(ParseRate("1M/m")->period == kMinute);
  CHECK(ParseRate("0.5/s")->TimeOf(1) == 2 * kSecond);
  CHECK_FALSE(ParseRate("none")->limited());
  CHECK_FALSE(ParseRate("0")->limited());
  CHECK(ParseRate("5").status().message() == "'5' is not a rate: it needs a unit of time, such as 5/s");
  CHECK_FALSE(ParseRate("-5/s").ok());
  CHECK_FALSE(ParseRate("5/d").ok());
  CHECK_FALSE(ParseRate("1e300/s").ok());
}

TEST_CASE("mistakes in a configuration are all reported") {
  CHECK(BindSource("generate", {{"rate", "5"}, {"columns", {{"n", "sequence"}}}}).problems ==
        "config.unit: '5' is not a rate: it needs a unit of time, such as 5/s\n");
  CHECK(BindSource("generate", {{"count", "1"}}).problems ==
        "config.missing_field: generate needs 'columns' or 'nexmark'\n");
  CHECK(BindSource("generate", {{"nexmark", "bid"}, {"columns", {{"n", "sequence"}}}}).problems ==
        "config.conflict: 'columns' and 'nexmark' exclude each other\n");
  CHECK(BindSource("generate", {{"columns",
                                 {{"a", "sequenze"},
                                  {"b", {{"uniform", {{"min", "3"}, {"max", "2"}}}}},
                                  {"c", {{"choice", Conf::List({})}}},
                                  {"d", "time"}}}})
            .problems ==
        "config.unknown_field: column 'a': there is no generator 'sequenze'\n"
        "config.range: column 'b': min must not exceed max\n"
        "config.type: column 'c': choice is a list of single values, or a mapping of values to weights\n"
        "config.missing_field: column 'd': a time without `rate:` needs a `step`\n");
}

// --- Nexmark ---------------------------------------------------------------------------------------------

int64_t Number(const Batch& batch, std::string_view column, int64_t row) {
  return batch.column(batch.schema()->Find(column))->values<int64_t>()[row];
}

TEST_CASE("nexmark gives persons, auctions and bids in the proportion 1 : 3 : 46, related to each other") {
  RunningSource run("generate", {{"nexmark", "all"}, {"count", "50000"}});
  run.MustOpen();
  run.RunToEnd();
  std::map<std::string, int64_t> kinds;
  int64_t persons = 0, auctions = 0, hot_bids = 0, event = 0, ahead = 0;
  for (const BatchPtr& batch : run.out.batches) {
    const Column& type = *batch->column(0);
    const Column& id = *batch->column(batch->schema()->Find("id"));
    for (int64_t r = 0; r < batch->rows(); ++r, ++event) {
      const std::string kind(type.Text(r));
      ++kinds[kind];
      CHECK(Number(*batch, "date_time", r) == 1704067200000000 + event * 100);
      if (kind == "person") {
        CHECK(Number(*batch, "id", r) == 1000 + persons++);
        CHECK_FALSE(batch->column(batch->schema()->Find("city"))->IsNull(r));
      } else if (kind == "auction") {
        CHECK(Number(*batch, "id", r) == 1000 + auctions++);
        CHECK(Number(*batch, "reserve", r) > Number(*batch, "initial_bid", r));
        CHECK(Number(*batch, "expires", r) > Number(*batch, "date_time", r));
        CHECK(Number(*batch, "seller", r) < 1000 + persons + 10);
        CHECK(Number(*batch, "category", r) >= 10);
        CHECK(Number(*batch, "category", r) <= 14);
      } else {
        CHECK(id.IsNull(r));
        const int64_t auction = Number(*batch, "auction", r);
        hot_bids += auction % 100 == 0;
        ahead += auction >= 1000 + auctions;
        CHECK(auction < 1000 + auctions + 10);
        CHECK(Number(*batch, "bidder", r) < 1000 + persons + 10);
        CHECK(Number(*batch, "price", r) >= 100);
        CHECK(Number(*batch, "price", r) <= 100'000'000);
      }
    }
  }
  CHECK(kinds == std::map<std::string, int64_t>{{"auction", 3000}, {"bid", 46000}, {"person", 1000}});
  CHECK(static_cast<double>(hot_bids) / 46000 == doctest::Approx(0.505).epsilon(0.03));
  CHECK(ahead > 0);
}

TEST_CASE("one kind of nexmark events has the values that it has among all") {
  RunningSource all("generate", {{"nexmark", "all"}, {"count", "500"}});
  RunningSource bids("generate", {{"nexmark", "bid"}, {"count", "460"}});
  for (RunningSource* run : {&all, &bids}) {
    run->MustOpen();
    run->RunToEnd();
  }
  std::vector<std::string> among_all, alone;
  for (const BatchPtr& batch : all.out.batches) {
    for (int64_t r = 0; r < batch->rows(); ++r) {
      if (batch->column(0)->Text(r) != "bid") continue;
      std::string text;
      for (const char* name : {"auction", "bidder", "price", "channel", "url", "date_time", "extra"}) {
        text += text.empty() ? "" : " | ";
        PrintValue(*batch->column(batch->schema()->Find(name)), r, text);
      }
      among_all.push_back(text);
    }
  }
  CHECK(bids.out.records == among_all);
  CHECK(
      bids.bound.source->schema->ToString() ==
      "auction bigint, bidder bigint, price bigint, channel text, url text, date_time timestamp, extra text");
}

TEST_CASE("nexmark rows have the sizes asked for and texts of the documented form") {
  RunningSource run("generate",
                    {{"nexmark", {{"events", "bid"}, {"bid_bytes", "132B"}}}, {"count", "10000"}});
  run.MustOpen();
  run.RunToEnd();
  int64_t extra = 0, hot = 0;
  for (const BatchPtr& batch : run.out.batches) {
    for (int64_t r = 0; r < batch->rows(); ++r) {
      const std::string_view text = batch->column(6)->Text(r);
      extra += static_cast<int64_t>(text.size());
      CHECK(text.size() >= 80);
      CHECK(text.size() < 120);
      CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos);
      hot += batch->column(3)->Text(r).substr(0, 8) != "channel-";
      CHECK(batch->column(4)->Text(r).starts_with("https://www.nexmark.com/"));
    }
  }
  CHECK(extra / 10000.0 == doctest::Approx(100).epsilon(0.02));
  CHECK(hot / 10000.0 == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("out_of_order shuffles nexmark rows within groups and loses none") {
  RunningSource run("generate",
                    {{"nexmark", {{"events", "all"}, {"out_of_order", "100"}}}, {"count", "1000"}});
  run.MustOpen();
  run.RunToEnd();
  std::set<int64_t> times;
  int64_t row = 0, backwards = 0, last = 0;
  for (const BatchPtr& batch : run.out.batches) {
    for (int64_t r = 0; r < batch->rows(); ++r, ++row) {
      const int64_t event = (Number(*batch, "date_time", r) - 1704067200000000) / 100;
      CHECK(event / 100 == row / 100);
      backwards += event < last;
      last = event;
      times.insert(event);
    }
  }
  CHECK(times.size() == 1000);
  CHECK(backwards > 100);
}

}  // namespace
}  // namespace streamrun::testing
