#include "runner/harness/run_test.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/stream/dead_letter.h"
#include "runner/exec/task.h"
#include "runner/harness/feed_source.h"
#include "runner/harness/row_text.h"
#include "runner/local/local_plan.h"

namespace streamrun {

namespace {

struct Collected {
  std::map<std::pair<int, int>, std::vector<RowText>> rows;  // by node and port
  std::vector<RowText> letters;
};

Status RunOnce(const PlanPtr& plan, const TestCase& test, bool row_by_row, Collected* out) {
  VirtualEnv env;
  static const std::vector<FeedItem> kNothing;
  TaskOptions options;
  options.env = &env;
  options.once = true;
  options.discard_sinks = true;
  options.replace_source = [&](int node) {
    const auto feed =
        std::find_if(test.feeds.begin(), test.feeds.end(), [&](const auto& f) { return f.node == node; });
    return MakeFeedSource(plan->node(node), feed == test.feeds.end() ? kNothing : feed->items, row_by_row,
                          &env);
  };
  options.on_rows = [&](int node, int port, const BatchPtr& batch) {
    for (int64_t row = 0; row < batch->rows(); ++row) out->rows[{node, port}].push_back(RowOf(*batch, row));
  };
  options.on_dead_letters = [&](const BatchPtr& letters) {
    for (int64_t row = 0; row < letters->rows(); ++row) out->letters.push_back(RowOf(*letters, row));
  };
  SR_ASSIGN_OR_RETURN(const std::unique_ptr<Task> task,
                      CreateTask(CutPlan(plan, true), 0, 0, {}, {}, options));
  SR_RETURN_IF_ERROR(task->Open());
  for (;;) {
    SR_ASSIGN_OR_RETURN(const StepResult result, task->Step());
    if (result == StepResult::kDone) return task->Failure();
    if (result != StepResult::kWait) continue;
    const Timestamp deadline = task->Wait().deadline;
    if (deadline == kMaxTimestamp)
      return Status::Internal("the pipeline waits for something that a test cannot give");
    env.Advance(std::max<Duration>(1, deadline - env.MonotonicNow()));
  }
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

std::string Check(const PlanPtr& plan, const TestCase& test, const Collected& collected) {
  std::string out;
  std::set<std::string> watched;  // nodes whose errors port the test speaks of
  for (const TestCase::Expectation& e : test.expectations) {
    const PlanNode& node = plan->node(e.node);
    const bool letters = e.port >= 0 && e.port == node.errors_port;
    const Schema& schema = e.port < 0 ? *node.input_schemas[0] : *node.outputs[static_cast<size_t>(e.port)];
    const auto it = collected.rows.find({e.node, e.port});
    static const std::vector<RowText> kNone;
    out += Compare(e.rows, it == collected.rows.end() ? kNone : it->second, schema, e.place, test.unordered,
                   letters);
    if (letters) watched.insert(node.name);
  }
  if (test.errors.present()) {
    out += Compare(test.errors, collected.letters, *DeadLetterSchema(), "errors", true, true);
  } else {
    for (const RowText& letter : collected.letters) {
      if (watched.contains(letter[0].value_or(""))) continue;
      out += "  a row failed and the test says nothing of it (add `errors:`)\n    node " +
             letter[0].value_or("") + ", " + letter[2].value_or("") + ": " + letter[3].value_or("") + "\n";
    }
  }
  return out;
}

}  // namespace

TestResult RunTest(const PlanPtr& plan, const TestCase& test) {
  TestResult result{test.name, test.mark, ""};
  for (const bool row_by_row : {false, true}) {
    Collected collected;
    const Status status = RunOnce(plan, test, row_by_row, &collected);
    result.failure = status.ok() ? Check(plan, test, collected) : "  " + status.message() + "\n";
    if (!result.failure.empty()) {
      if (row_by_row) result.failure = "  (fed row by row)\n" + result.failure;
      break;
    }
  }
  return result;
}

}  // namespace streamrun
