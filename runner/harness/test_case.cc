#include "runner/harness/test_case.h"

#include <algorithm>

#include "core/component/config_spec.h"
#include "core/data/text_io.h"

namespace streamrun {

namespace {

const std::vector<std::string_view> kTestKeys = {"name", "feed", "expect", "errors", "unordered"};

bool ReadClock(const ConfigValue& value, FeedItem* item, Diagnostics& d) {
  if (value.is_scalar() && value.text().starts_with("+")) {
    ConfigValue rest = ConfigValue::Scalar(value.text().substr(1), false, value.mark());
    return ReadDuration(rest, "clock", &item->advance, d);
  }
  Result<Timestamp> time =
      value.is_scalar() ? ParseTimestamptz(value.text()) : Status::InvalidArgument("not a time");
  if (!time.ok()) {
    d.ErrorAt(value, "test.clock", "'clock' takes a step such as +5s or a timestamp");
    return false;
  }
  item->time = *time;
  return true;
}

// A mapping with one key that is a control word is a control line, unless the source has a column of that
// name.
std::optional<FeedItem> ReadFeedItem(const ConfigValue& value, const Schema& schema, Diagnostics& d) {
  FeedItem item;
  item.value = value;
  if (value.is_scalar()) {
    item.kind = FeedItem::Kind::kRaw;
    return item;
  }
  if (!value.is_map()) {
    d.ErrorAt(value, "test.feed",
              "a feed takes rows as mappings, records as text, and watermark, clock or idle lines");
    return std::nullopt;
  }
  if (value.entries().size() == 1 && schema.Find(value.entries()[0].first.text()) < 0) {
    const auto& [key, argument] = value.entries()[0];
    if (key.text() == "watermark") {
      item.kind = FeedItem::Kind::kWatermark;
      Result<Timestamp> time = ParseTimestamptz(argument.text());
      if (!time.ok()) {
        d.ErrorAt(argument, "test.watermark", time.status().message());
        return std::nullopt;
      }
      item.time = *time;
      return item;
    }
    if (key.text() == "clock") {
      item.kind = FeedItem::Kind::kClock;
      return ReadClock(argument, &item, d) ? std::optional(item) : std::nullopt;
    }
    if (key.text() == "idle") {
      item.kind = FeedItem::Kind::kIdle;
      return item;
    }
  }
  return item;
}

void ReadFeeds(const ConfigValue& feed, const Plan& plan, TestCase* test, Diagnostics& d) {
  if (feed.present() && !feed.is_map())
    return d.ErrorAt(feed, "config.type", "'feed' takes a mapping of source: rows");
  for (const auto& [name, rows] : feed.entries()) {
    const int node = plan.Find(name.text());
    if (node < 0 || !plan.node(node).source) {
      std::vector<std::string_view> names;
      for (const PlanNode& n : plan.nodes) {
        if (n.source) names.push_back(n.name);
      }
      d.ErrorAt(name, "test.unknown_source", "there is no source '" + name.text() + "'",
                DidYouMean(name.text(), names));
      continue;
    }
    if (!rows.is_list()) {
      d.ErrorAt(rows.present() ? rows : name, "config.type", "the feed of a source is a list");
      continue;
    }
    TestCase::Feed out{node, {}};
    for (const ConfigValue& item : rows.items()) {
      if (std::optional<FeedItem> read = ReadFeedItem(item, *plan.node(node).outputs[0], d))
        out.items.push_back(*read);
    }
    test->feeds.push_back(std::move(out));
  }
}

void ReadExpectations(const ConfigValue& expect, const Plan& plan, TestCase* test, Diagnostics& d) {
  if (expect.present() && !expect.is_map()) {
    return d.ErrorAt(expect, "config.type", "'expect' takes a mapping of sink or node.port: rows");
  }
  for (const auto& [place, rows] : expect.entries()) {
    const size_t dot = place.text().find('.');
    const std::string name = place.text().substr(0, dot);
    const int node = plan.Find(name);
    if (node < 0) {
      std::vector<std::string_view> names;
      for (const PlanNode& n : plan.nodes) names.push_back(n.name);
      d.ErrorAt(place, "test.unknown_node", "there is no node '" + name + "'", DidYouMean(name, names));
      continue;
    }
    TestCase::Expectation out{place.text(), node, plan.node(node).sink ? -1 : 0, rows};
    if (dot != std::string::npos) {
      const std::string port = place.text().substr(dot + 1);
      const std::vector<PortSpec>& ports = plan.node(node).ports;
      const auto it =
          std::find_if(ports.begin(), ports.end(), [&](const PortSpec& p) { return p.name == port; });
      if (it == ports.end()) {
        d.ErrorAt(place, "test.unknown_port", "'" + name + "' has no port '" + port + "'");
        continue;
      }
      out.port = static_cast<int>(it - ports.begin());
    }
    if (rows.is_null()) out.rows = ConfigValue::List({}, rows.mark());
    if (!out.rows.is_list() || !std::all_of(out.rows.items().begin(), out.rows.items().end(),
                                            [](const ConfigValue& r) { return r.is_map(); })) {
      d.ErrorAt(rows, "config.type", "expected rows are a list of mappings");
      continue;
    }
    test->expectations.push_back(std::move(out));
  }
}

}  // namespace

std::vector<TestCase> ReadTests(const ConfigValue& tests, const Plan& plan, Diagnostics& d) {
  std::vector<TestCase> cases;
  if (!tests.present() || tests.is_null()) return cases;
  if (!tests.is_list()) {
    d.ErrorAt(tests, "config.type", "'tests' takes a list of tests");
    return cases;
  }
  for (const ConfigValue& value : tests.items()) {
    if (!value.is_map()) {
      d.ErrorAt(value, "config.type", "a test is a mapping: name, feed, expect");
      continue;
    }
    TestCase test;
    test.mark = value.mark();
    const int before = d.errors();
    for (const auto& [key, unused] : value.entries()) {
      if (std::find(kTestKeys.begin(), kTestKeys.end(), key.text()) == kTestKeys.end()) {
        d.ErrorAt(key, "config.unknown_field", "a test has no field '" + key.text() + "'",
                  DidYouMean(key.text(), kTestKeys));
      }
    }
    if (!value["name"].present() || !ReadText(value["name"], "name", &test.name, d)) {
      d.ErrorAt(value, "config.missing_field", "a test needs a 'name'", "say in it what must hold");
      continue;
    }
    if (value["unordered"].present()) ReadBool(value["unordered"], "unordered", &test.unordered, d);
    ReadFeeds(value["feed"], plan, &test, d);
    ReadExpectations(value["expect"], plan, &test, d);
    test.errors = value["errors"];
    if (test.errors.present() && !test.errors.is_list() && !test.errors.is_null()) {
      d.ErrorAt(test.errors, "config.type", "'errors' takes a list of expected dead letters");
    }
    if (d.errors() == before && test.expectations.empty() && !test.errors.present()) {
      d.ErrorAt(value["name"], "test.nothing_expected", "test '" + test.name + "' expects nothing",
                "add `expect:` or `errors:`");
    }
    cases.push_back(std::move(test));
  }
  return cases;
}

}  // namespace streamrun
