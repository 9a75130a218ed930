// Every stateful operator in every mode that keeps state of its own, and scripts of rows and time by seed.
#pragma once

#include <cstdlib>
#include <random>

#include "state_harness.h"
#include "tests/sanitized.h"

namespace streamrun::testing {

struct StateCase {
  std::string what;
  OperatorText text;
  /// Each instance has timers of its own, set when its first row comes: how rows are spread over instances
  /// decides when results are given, but not what they are in the end.
  bool own_timers = false;
  /// Entries of a queue are looked at again when they are reached, and found to be due later.
  bool lazy_timer = false;
  /// Results of one event may come in any order: their order between groups is not promised.
  bool any_order = false;
  /// Rows move to disk.
  bool spills = false;
};

inline constexpr Timestamp kStateStart = Timestamp{1'704'067'200} * kSecond;  // 2024-01-01

/// 2024-01-01 and so many seconds, as text.
inline std::string StateTime(int64_t second) {
  char text[64];
  std::snprintf(text, sizeof text, "2024-01-01 %02d:%02d:%02d", static_cast<int>(second / 3600),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
  return text;
}

/// Rows up to 20 s behind the newest one, the watermark 8 s; few keys; now and then a gap, a row without a
/// time, and with changes rows that are taken back or updated.
class ScriptWriter {
 public:
  ScriptWriter(const OperatorText& text, uint32_t seed)
      : text_(text), schema_(text.schema()), random_(seed) {}

  StateScript Write(int steps) {
    StateScript script{StateEvent::Clock(kStateStart)};
    for (int i = 0; i < steps; ++i) {
      script.push_back(StateEvent::Rows(SomeRows()));
      const bool gap = OneOf(20);
      second_ += static_cast<int64_t>(random_() % 4) + (gap ? 60 : 0);
      clock_ += static_cast<int64_t>(random_() % 5) + (gap ? 60 : 0);
      if (OneOf(2) && !text_.event_time.empty()) {
        script.push_back(StateEvent::Watermark(kStateStart + (second_ - 8) * kSecond));
      }
      if (OneOf(2)) script.push_back(StateEvent::Clock(kStateStart + clock_ * kSecond));
    }
    script.push_back(StateEvent::End());
    return script;
  }

 private:
  bool OneOf(uint32_t n) { return random_() % n == 0; }

  TextRows SomeRows() {
    TextRows rows;
    for (uint32_t count = random_() % 6; count > 0; --count) {
      if (!text_.changes) {
        rows.push_back(Row());
      } else if (!live_.empty() && OneOf(3)) {
        TakeBack(&rows);
      } else {
        live_.push_back(Row());
        rows.push_back(Changed("+I", live_.back()));
      }
    }
    return rows;
  }

  // A row leaves, or another one of its key stands in its place.
  void TakeBack(TextRows* rows) {
    std::vector<std::string>& row = live_[random_() % live_.size()];
    if (OneOf(2)) {
      rows->push_back(Changed("-D", row));
      row = live_.back();
      live_.pop_back();
      return;
    }
    rows->push_back(Changed("-U", row));
    row[1] = std::to_string(random_() % 100);
    rows->push_back(Changed("+U", row));
  }

  static std::vector<std::string> Changed(const char* kind, std::vector<std::string> row) {
    row.insert(row.begin(), kind);
    return row;
  }

  std::vector<std::string> Row() {
    const int64_t second = std::max<int64_t>(0, second_ - static_cast<int64_t>(random_() % 20));
    std::vector<std::string> row;
    for (const Field& field : schema_->fields()) row.push_back(Cell(field.name, second));
    return row;
  }

  std::string Cell(const std::string& name, int64_t second) {
    if (name == "k") return OneOf(8) ? "NULL" : std::string(1, static_cast<char>('a' + random_() % 5));
    if (name == "v") return OneOf(12) ? "NULL" : std::to_string(random_() % 100);
    if (name == "d") return OneOf(12) ? "NULL" : std::to_string(random_() % 64) + ".25";
    if (name == "s") return "a text that is longer than a slot holds " + std::to_string(random_() % 9);
    if (name == "window_start") return StateTime(second / 10 * 10);
    if (name == "window_end") return StateTime(second / 10 * 10 + 10);
    if (!text_.changes && OneOf(40)) return OneOf(2) ? "NULL" : "infinity";
    return StateTime(second);
  }

  const OperatorText& text_;
  SchemaPtr schema_;
  std::mt19937 random_;
  int64_t second_ = 30;
  int64_t clock_ = 0;
  TextRows live_;
};

namespace state_cases {

inline constexpr const char* kSelect =
    "select:\n  n: count(*)\n  total: sum(v)\n  mean: avg(d)\n  least: min(v)\n  some: count(DISTINCT v)\n"
    "  names: string_agg(v::text, ',')\n  newest: last(v)\n  median: approx_median(d)\n"
    "  oldest: first(v)\n  one: any_value(d)\n  by_most: max_by(v, v % 3)\n  by_least: min_by(d, v % 3)\n";
inline constexpr const char* kSums = "select:\n  n: count(*)\n  total: sum(v)\n  mean: avg(v)\n";
inline constexpr const char* kRetractable =
    "select:\n  n: count(*)\n  total: sum(v)\n  mean: avg(v)\n  newest: last(v)\n  oldest: first(d)\n"
    "  one: any_value(d)\n  by_most: max_by(v, v % 3)\n  by_least: min_by(d, v % 3)\n";
inline constexpr const char* kWindowed = "k text, v bigint, window_start timestamp, window_end timestamp";

inline OperatorText Aggregate(const std::string& config, const char* select = kSelect) {
  return {"aggregate", config + "group_by: [k]\n" + select};
}
inline OperatorText Timeless(OperatorText text) {
  text.event_time = "";
  return text;
}
inline OperatorText Bounded(OperatorText text) {
  text.bounded = true;
  return text;
}
inline OperatorText Changing(OperatorText text) {
  text.changes = true;
  return text;
}
inline OperatorText Windowed(OperatorText text) {
  text.input = kWindowed;
  text.event_time = "window_end";
  return text;
}

inline void AddAggregates(std::vector<StateCase>* cases) {
  const auto add = [&](const std::string& what, OperatorText text, bool own_timers = false,
                       bool lazy_timer = false) {
    const auto has = [&](const char* part) { return what.find(part) != std::string::npos; };
    // Groups of merged slices, and those whose places others had before.
    const bool any_order = has("sliding") || has("cumulative") || has("everything") || has("changes");
    cases->push_back({"aggregate " + what, std::move(text), own_timers, lazy_timer, any_order});
  };
  const std::vector<std::pair<std::string, std::string>> windows = {
      {"tumbling", "window: {tumbling: 10s}\n"},
      {"sliding", "window: {sliding: {size: 30s, every: 4s}}\n"},
      {"cumulative", "window: {cumulative: {size: 30s, every: 5s}}\n"},
      {"session", "window: {session: 4s}\n"}};
  for (const auto& window : windows) {
    add(window.first, Aggregate(window.second));
    add(window.first + ", late", Aggregate(window.second + "allowed_lateness: 20s\n"));
    add(window.first + ", on update", Aggregate(window.second + "emit: on_update\n"));
    add(window.first + ", every", Aggregate(window.second + "emit: every 3s\n"), true);
    add(window.first + ", every, late", Aggregate(window.second + "emit: every 3s\nallowed_lateness: 20s\n"),
        true);
    add(window.first + ", having", Aggregate(window.second + "emit: on_update\nhaving: count(*) > 1\n"));
  }
  add("tumbling of processing time", Aggregate("window: {tumbling: 10s, time: processing}\n"));
  add("sliding of processing time",
      Aggregate("window: {sliding: {size: 12s, every: 3s}, time: processing}\n"));
  for (const char* emit : {"on_update", "every 3s"}) {
    add(std::string("sliding of processing time, ") + emit,
        Aggregate("window: {sliding: {size: 12s, every: 3s}, time: processing}\nemit: " + std::string(emit) +
                  "\n"),
        std::string(emit) != "on_update");
  }
  add("cumulative of processing time",
      Aggregate("window: {cumulative: {size: 12s, every: 3s}, time: processing}\n"));
  add("session of processing time", Aggregate("window: {session: 4s, time: processing}\n"), true, true);
  add("tumbling without keys", {"aggregate", "window: {tumbling: 10s}\n" + std::string(kSelect)});
  add("count", Aggregate("window: {count: 3}\n"));
  add("count, sliding", Aggregate("window: {count: {rows: 7, every: 3}}\n"));
  add("count, ttl", Aggregate("window: {count: {rows: 4, every: 3}}\nttl: 10s\n"));
  add("count, ttl of the clock", Timeless(Aggregate("window: {count: 3}\nttl: 6s\n", kSums)), true, true);
  add("everything", Aggregate("emit: on_update\n"));
  add("everything, at the end", Bounded(Aggregate("emit: on_close\n")));
  add("everything, every", Aggregate("emit: every 3s\n"), true);
  add("everything, ttl", Aggregate("emit: on_update\nttl: 10s\n"));
  add("everything, every, ttl", Aggregate("emit: every 3s\nttl: 10s\n"), true);
  add("everything, ttl of the clock", Timeless(Aggregate("emit: on_update\nttl: 6s\n", kSums)), true, true);
  add("changes", Changing(Aggregate("emit: on_update\n", kRetractable)));
  add("changes, ttl", Changing(Aggregate("emit: on_update\nttl: 10s\n", kRetractable)));
  add("changes, tumbling", Changing(Aggregate("window: {tumbling: 10s}\n", kRetractable)));
  add("changes, tumbling, late",
      Changing(Aggregate("window: {tumbling: 10s}\nallowed_lateness: 20s\n", kRetractable)));
  add("changes, sliding",
      Changing(Aggregate("window: {sliding: {size: 12s, every: 3s}}\nemit: on_update\n", kRetractable)));
  add("changes, sliding of processing time",
      Changing(Aggregate("window: {sliding: {size: 12s, every: 3s}, time: processing}\n", kRetractable)));
}

inline void AddTops(std::vector<StateCase>* cases) {
  const auto add = [&](const std::string& what, OperatorText text, bool own_timers = false,
                       bool lazy_timer = false) {
    // A group that was emptied has kept its place among those of its window.
    const bool any_order = what == "of windows, changes";
    cases->push_back({"top " + what, std::move(text), own_timers, lazy_timer, any_order});
  };
  const std::string windows = "per: [k, window_start]\norder_by: v DESC NULLS LAST\nlimit: 2\n";
  add("of windows", Windowed({"top", windows + "rank: place\n"}));
  add("of windows, late", Windowed({"top", windows + "rank: place\nallowed_lateness: 20s\n"}));
  add("of windows, on update", Windowed({"top", windows + "emit: on_update\n"}));
  add("of windows by rank", Windowed({"top", windows + "rank: place\nmethod: rank\nemit: on_update\n"}));
  add("of windows, changes", Changing(Windowed({"top", windows + "allowed_lateness: 20s\n"})));
  const std::string keys = "per: [k]\norder_by: v % 7, v\nlimit: 2\nemit: on_update\n";
  for (const std::string method : {"row_number", "rank", "dense_rank"}) {
    const std::string config = keys + "rank: place\nmethod: " + method + "\n";
    add("by " + method, {"top", config});
    add("of changes by " + method, Changing({"top", config}));
  }
  add("of one group", {"top", "order_by: d DESC\nlimit: 3\nemit: on_update\n"});
  add("at the end", Bounded({"top", "per: [k]\norder_by: v\nlimit: 2\n"}));
  add("with ttl", {"top", keys + "ttl: 10s\n"});
  add("of changes with ttl", Changing({"top", keys + "ttl: 10s\n"}));
  add("with ttl of the clock", Timeless({"top", keys + "ttl: 6s\n"}), true, true);
}

inline void AddDedupes(std::vector<StateCase>* cases) {
  const auto add = [&](const std::string& what, OperatorText text, bool own_timers = false,
                       bool lazy_timer = false) {
    cases->push_back({"dedupe " + what, std::move(text), own_timers, lazy_timer});
  };
  add("within", {"dedupe", "by: [k]\nwithin: 12s\n"});
  add("within, last", {"dedupe", "by: [k]\nwithin: 12s\nkeep: last\n"});
  add("within the clock", {"dedupe", "by: [k, v]\nwithin: 9s\ntime: processing\n"});
  add("within the clock, last", {"dedupe", "by: [k]\nwithin: 9s\ntime: processing\nkeep: last\n"});
  add("for ever", {"dedupe", "by: [k, v % 5]\n"});
  add("at the end", Bounded({"dedupe", "by: [k]\nkeep: last\n"}));
  add("with ttl", {"dedupe", "by: [k]\nttl: 10s\n"});
  add("with ttl of the clock", Timeless({"dedupe", "by: [k]\nttl: 6s\n"}), true, true);
}

inline void AddSequences(std::vector<StateCase>* cases) {
  const auto add = [&](const std::string& what, OperatorText text) {
    cases->push_back({what, std::move(text)});
  };
  add("sessionize", {"sessionize", "by: [k]\ngap: 5s\n"});
  const std::string back =
      "  before: lag(v)\n  before_3: lag(v, 3, -1)\n  first: first_value(d)\n  number: row_number()\n"
      "  total: sum(v)\n  names: string_agg(v::text, ',')\n";
  const std::string ahead = "  next: lead(v)\n  next_2: lead(d, 2)\n";
  add("over, back", {"over", "by: [k]\nset:\n" + back});
  add("over, back, reset", {"over", "by: [k]\nreset_after: 6s\nset:\n" + back});
  add("over, ahead", {"over", "by: [k]\nset:\n" + ahead});
  add("over, both, reset", {"over", "by: [k]\nreset_after: 6s\nset:\n" + back + ahead});
  add("over, all rows", {"over", "set:\n" + back + ahead});
  add("rate", {"rate", "by: [k]\nvalue: v\nrate: r\nincrease: i\ndelta: x\n"});
  add("rate, over, ttl", {"rate", "by: [k]\nvalue: v\nover: 20s\nincrease: i\nttl: 15s\n"});
  add("smooth, rows", {"smooth", "by: [k]\nvalue: d\nrows: 3\nas: mean\n"});
  add("smooth, over, ttl", {"smooth", "by: [k]\nvalue: d\nover: 20s\nas: mean\nttl: 15s\n"});
  add("smooth, half life", {"smooth", "by: [k]\nvalue: d\nhalf_life: 10s\nas: mean\n"});
  add("smooth, alpha", {"smooth", "by: [k]\nvalue: d\nalpha: 0.3\nas: mean\nttl: 15s\n"});
  const std::string values = "values:\n  n: count(*)\n  mean: avg(d)\n  top: max(v)\n";
  add("resample", {"resample", "by: [k]\nevery: 2s\nmax_gap: 10s\n" + values +
                                   "fill: {n: {constant: 0}, mean: linear, top: last}\nfilled: made\n"});
  add("resample, one series", {"resample", "every: 2s\nmax_gap: 10s\n" + values});
  add("reorder", {"reorder", "max_rows: 1000\n"});
  cases->push_back({"reorder, spilling", {"reorder", "max_rows: 4\n"}, false, false, false, true});
}

}  // namespace state_cases

/// Seeds from `first` on. SR_SEEDS=n multiplies their number, SR_SEED=n replays one.
inline std::vector<uint32_t> SeedsFrom(uint32_t first, uint32_t count) {
  if (const char* one = std::getenv("SR_SEED")) {
    return {static_cast<uint32_t>(std::strtoul(one, nullptr, 10))};
  }
  if (const char* times = std::getenv("SR_SEEDS")) {
    count *= static_cast<uint32_t>(std::strtoul(times, nullptr, 10));
  }
  std::vector<uint32_t> seeds;
  for (uint32_t i = 0; i < count; ++i) seeds.push_back(first + i);
  return seeds;
}

inline std::vector<StateCase> StateCases() {
  std::vector<StateCase> cases;
  state_cases::AddAggregates(&cases);
  state_cases::AddTops(&cases);
  state_cases::AddDedupes(&cases);
  state_cases::AddSequences(&cases);
  return cases;
}

}  // namespace streamrun::testing
