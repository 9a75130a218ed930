#include "runner/harness/run_test.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "core/stream/dead_letter.h"
#include "runner/harness/feed_source.h"
#include "runner/harness/memory_run.h"
#include "runner/harness/row_text.h"
#include "runner/local/local_plan.h"

namespace streamrun {

namespace {

struct Collected {
  std::map<std::pair<int, int>, std::vector<RowText>> rows;  // by node and port
  std::vector<RowText> letters;
};

// How a case is run: rows in a batch, and workers of every operator that may be spread (0: everything in
// one).
struct Way {
  bool row_by_row = false;
  int parallelism = 0;
  /// Stopped after this many polls of the sources and resumed from the checkpoint with another parallelism;
  /// 0: never.
  int interrupted = 0;
  int resumed = 0;
  /// All state of operators lies in files.
  bool spilled = false;

  std::string Text() const {
    std::string text = row_by_row ? "fed row by row" : "";
    if (parallelism > 0) {
      text += (text.empty() ? "" : ", ") + std::string("parallelism ") + std::to_string(parallelism);
    }
    if (interrupted > 0) {
      text += (text.empty() ? "" : ", ") + std::string("stopped after ") + std::to_string(interrupted) +
              " batches and resumed from the checkpoint";
      if (resumed > 0) text += " with parallelism " + std::to_string(resumed);
    }
    if (spilled) text += (text.empty() ? "" : ", ") + std::string("state spilled");
    return text;
  }
};

LocalPlanPtr Cut(const PlanPtr& plan, int parallelism) {
  return parallelism == 0 ? CutPlan(plan, true) : CutPlan(SpreadPlan(*plan, parallelism));
}

// What operators write for themselves; gone with the run.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::error_code error;
    const std::filesystem::path base = std::filesystem::temp_directory_path(error);
    if (!error) path_ = (base / ("streamrun-test-" + std::to_string(::getpid()))).string();
  }
  ~ScratchDirectory() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Status RunOnce(const PlanPtr& plan, const TestCase& test, const Way& way, Collected* out) {
  VirtualEnv env;
  static const std::vector<FeedItem> kNothing;
  TaskOptions options;
  options.env = &env;
  options.once = true;
  options.discard_sinks = true;
  const ScratchDirectory scratch;
  options.scratch_directory = scratch.path();
  options.spill_state = way.spilled;
  options.replace_source = [&](int node) {
    const auto feed =
        std::find_if(test.feeds.begin(), test.feeds.end(), [&](const auto& f) { return f.node == node; });
    return MakeFeedSource(plan->node(node), feed == test.feeds.end() ? kNothing : feed->items, way.row_by_row,
                          &env);
  };
  options.on_rows = [&](int node, int port, const BatchPtr& batch) {
    for (int64_t row = 0; row < batch->rows(); ++row) out->rows[{node, port}].push_back(RowOf(*batch, row));
  };
  options.on_dead_letters = [&](const BatchPtr& letters) {
    for (int64_t row = 0; row < letters->rows(); ++row) out->letters.push_back(RowOf(*letters, row));
  };
  if (way.interrupted == 0) return RunInMemory(Cut(plan, way.parallelism), options, env);
  return RunInterrupted(Cut(plan, way.parallelism), way.interrupted, Cut(plan, way.resumed), options, env);
}

// Interruptions: after the first, in the middle and at the end of what is fed, and with other numbers of
// workers afterwards.
std::vector<Way> Interruptions(const TestCase& test, bool keyed) {
  size_t items = 0;
  for (const auto& feed : test.feeds) items = std::max(items, feed.items.size());
  const int all = static_cast<int>(items) + 1;
  std::vector<Way> ways;
  for (const int after : {1, all / 3, all / 2, all * 3 / 4, all, all + 2}) {
    if (after > 0) ways.push_back({true, 0, after, 0});
  }
  if (!keyed) return ways;
  for (const auto& [before, then] : {std::pair(1, 2), {2, 3}, {3, 1}, {2, 7}, {3, 3}, {0, 2}}) {
    ways.push_back({true, before, std::max(1, all / 2), then});
  }
  return ways;
}

std::vector<Way> Spilled(const TestCase& test, bool keyed) {
  size_t items = 0;
  for (const auto& feed : test.feeds) items = std::max(items, feed.items.size());
  std::vector<Way> ways{{true, 0, 0, 0, true}, {true, 0, std::max(1, static_cast<int>(items) / 2), 0, true}};
  if (!keyed) return ways;
  for (const int parallelism : {1, 2, 3, 7}) ways.push_back({parallelism == 3, parallelism, 0, 0, true});
  ways.push_back({true, 2, std::max(1, static_cast<int>(items) / 2), 3, true});
  return ways;
}

struct Expected {
  RowText row;
  std::vector<bool> mentioned;
  SourceMark mark;
};

// `partial`: columns that are not mentioned may have any value; else they must be null.
bool Matches(const Expected& expected, const RowText& actual, bool partial) {
  for (size_t c = 0; c < actual.size(); ++c) {
    if (partial && !expected.mentioned[c]) continue;
    if (expected.row[c] != actual[c]) return false;
  }
  return true;
}

std::string Place(const SourceMark& mark) { return mark.file + ":" + std::to_string(mark.line); }

// Empty when the rows are as expected.
std::string Compare(const ConfigValue& written, const std::vector<RowText>& actual, const Schema& schema,
                    const std::string& place, bool unordered, bool partial) {
  std::vector<Expected> expected;
  for (const ConfigValue& item : written.items()) {
    Expected e;
    e.mark = item.mark();
    if (Status s = RowOfConfig(item, schema, &e.row, &e.mentioned); !s.ok()) {
      return "  " + Place(e.mark) + ": expected row of " + place + ": " + s.message() + "\n";
    }
    expected.push_back(std::move(e));
  }
  std::string out;
  std::vector<bool> used(actual.size(), false);
  for (size_t i = 0; i < expected.size(); ++i) {
    size_t found = actual.size();
    if (!unordered) {
      if (i < actual.size() && Matches(expected[i], actual[i], partial)) found = i;
    } else {
      for (size_t j = 0; j < actual.size() && found == actual.size(); ++j) {
        if (!used[j] && Matches(expected[i], actual[j], partial)) found = j;
      }
    }
    if (found < actual.size()) {
      used[found] = true;
      continue;
    }
    out += "  " + Place(expected[i].mark) + ": " + place + " row " + std::to_string(i + 1) +
           "\n    expected " + PrintRow(expected[i].row, schema, partial ? &expected[i].mentioned : nullptr) +
           "\n";
    if (!unordered) {
      if (i < actual.size()) {
        out +=
            "    got      " + PrintRow(actual[i], schema, partial ? &expected[i].mentioned : nullptr) + "\n";
        used[i] = true;
      } else {
        out += "    got      no row\n";
      }
    } else {
      out += "    got      no such row\n";
    }
  }
  for (size_t j = 0; j < actual.size(); ++j) {
    if (!used[j])
      out += "  " + place + ": unexpected row\n    got      " + PrintRow(actual[j], schema) + "\n";
  }
  return out;
}

// `unordered`: whatever the case says, since workers side by side have no order among them.
std::string Check(const PlanPtr& plan, const TestCase& test, const Collected& collected, bool unordered) {
  std::string out;
  std::set<std::pair<std::string, std::string>> watched;  // node and error port that the test speaks of
  for (const TestCase::Expectation& e : test.expectations) {
    const PlanNode& node = plan->node(e.node);
    const bool letters = e.port >= 0 && e.port == node.errors_port;
    const Schema& schema = e.port < 0 ? *node.input_schemas[0] : *node.outputs[static_cast<size_t>(e.port)];
    const auto it = collected.rows.find({e.node, e.port});
    static const std::vector<RowText> kNone;
    out += Compare(e.rows, it == collected.rows.end() ? kNone : it->second, schema, e.place,
                   test.unordered || unordered, letters);
    if (e.port >= 0) watched.insert({node.name, node.ports[static_cast<size_t>(e.port)].name});
  }
  if (test.errors.present()) {
    out += Compare(test.errors, collected.letters, *DeadLetterSchema(), "errors", true, true);
  } else {
    for (const RowText& letter : collected.letters) {
      if (watched.contains({letter[0].value_or(""), letter[1].value_or("")})) continue;
      out += "  a row failed and the test says nothing of it (add `errors:`)\n    node " +
             letter[0].value_or("") + ", " + letter[2].value_or("") + ": " + letter[3].value_or("") + "\n";
    }
  }
  return out;
}

}  // namespace

TestResult RunTest(const PlanPtr& plan, const TestCase& test) {
  TestResult result{test.name, test.mark, ""};
  std::vector<Way> ways{{false, 0, 0, 0}, {true, 0, 0, 0}};
  const bool keyed = std::any_of(plan->nodes.begin(), plan->nodes.end(), [](const PlanNode& node) {
    return node.op && std::any_of(node.op->exchanges.begin(), node.op->exchanges.end(),
                                  [](const Exchange& e) { return e.kind == Exchange::Kind::kHash; });
  });
  if (keyed) ways.insert(ways.end(), {{false, 1, 0, 0}, {false, 2, 0, 0}, {true, 3, 0, 0}, {false, 7, 0, 0}});
  const std::vector<Way> interruptions = Interruptions(test, keyed);
  ways.insert(ways.end(), interruptions.begin(), interruptions.end());
  if (std::any_of(plan->nodes.begin(), plan->nodes.end(),
                  [](const PlanNode& node) { return node.op && !node.op->states.empty(); })) {
    const std::vector<Way> spilled = Spilled(test, keyed);
    ways.insert(ways.end(), spilled.begin(), spilled.end());
  }
  for (const Way& way : ways) {
    Collected collected;
    const Status status = RunOnce(plan, test, way, &collected);
    result.failure = status.ok() ? Check(plan, test, collected, way.parallelism > 0 || way.resumed > 0)
                                 : "  " + status.message() + "\n";
    if (result.failure.empty()) continue;
    if (const std::string text = way.Text(); !text.empty()) {
      result.failure = "  (" + text + ")\n" + result.failure;
    }
    break;
  }
  return result;
}

}  // namespace streamrun
