// State of the operators over time series: what is saved and loaded gives the same results; what waits on
// disk is gone with the run.
#include <filesystem>
#include <fstream>
#include <optional>

#include "operator_fixture.h"

namespace streamrun::testing {
namespace {

class KeepingContext final : public OperatorContext {
 public:
  KeepingContext() { env = Env::Default(); }
  void Keep(StateTable* table) override { states.push_back(table); }
  Timestamp ProcessingTime() override { return 1'000'000; }
  std::vector<StateTable*> states;
};

class ScratchDirectory {
 public:
  ScratchDirectory() {
    path = (std::filesystem::temp_directory_path() / ("series-" + std::to_string(Env::Default()->WallNow())))
               .string();
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path); }
  bool empty() const { return !std::filesystem::exists(path) || std::filesystem::is_empty(path); }
  std::string path;
};

// Rows, or a watermark.
struct Step {
  TextRows rows;
  std::optional<Timestamp> watermark;
};

using Saved = std::map<std::string, std::vector<BatchPtr>>;

// One life of an operator between two checkpoints.
class Life {
 public:
  Life(const std::string& name, const Conf& config, const SchemaPtr& input, const std::string& scratch,
       const Saved& saved)
      : input_(input), bound_(BindOperator(name, config, {input}).bound), output(*bound_) {
    context.scratch_directory = scratch;
    op_ = bound_->Create();
    const Status opened = op_->Open(context);
    REQUIRE_MESSAGE(opened.ok(), opened.message());
    for (StateTable* state : context.states) {
      const auto found = saved.find(state->name());
      if (found == saved.end()) continue;
      for (const BatchPtr& rows : found->second) {
        const Status loaded = state->Load(rows);
        REQUIRE_MESSAGE(loaded.ok(), loaded.message());
      }
    }
  }

  void Run(const Step& step) {
    Drain(step.watermark ? op_->OnWatermark(*step.watermark, output)
                         : op_->Process(0, BatchOf(input_, step.rows), output));
  }
  void End() { Drain(op_->OnEndOfStream(true, output)); }

  Saved Save() const {
    Saved saved;
    for (const StateTable* state : context.states) {
      const Status status = state->Save([&](const BatchPtr& rows) {
        saved[state->name()].push_back(rows);
        return Status::Ok();
      });
      REQUIRE_MESSAGE(status.ok(), status.message());
    }
    return saved;
  }

 private:
  void Drain(Result<Outcome> outcome) {
    REQUIRE_MESSAGE(outcome.ok(), outcome.status().message());
    output.NextCall();
    while (*outcome == Outcome::kHaveMore) {
      outcome = op_->Continue(output);
      REQUIRE_MESSAGE(outcome.ok(), outcome.status().message());
      output.NextCall();
    }
  }

  SchemaPtr input_;
  std::shared_ptr<const BoundOperator> bound_;

 public:
  KeepingContext context;
  CollectedOutput output;

 private:
  std::unique_ptr<Operator> op_;
};

SchemaPtr Input() {
  const std::shared_ptr<Schema> schema = SchemaOf("k text, v double precision, at timestamp");
  schema->event_time = 2;
  return schema;
}

std::string At(int second) {
  char text[32];
  std::snprintf(text, sizeof text, "1970-01-01 00:%02d:%02d", second / 60, second % 60);
  return text;
}

std::vector<Step> Steps() {
  std::vector<Step> steps;
  for (int i = 0; i < 24; ++i) {
    TextRows rows;
    for (int j = 0; j < 3; ++j) {
      const int second = 10 * i + (j * 17 + i * 5) % 23;
      const int value = (i * 37 + j * 11) % 50;
      rows.push_back({j == 2   ? "NULL"
                      : j == 1 ? "b"
                               : "a",
                      i % 7 == 3 ? "NULL" : std::to_string(value), At(second)});
    }
    steps.push_back({rows, std::nullopt});
    if (i % 4 == 3) steps.push_back({{}, Timestamp{10 * i + 15} * kSecond});
  }
  return steps;
}

// The results with a checkpoint after every `often` steps (0: none).
std::vector<std::vector<std::string>> Results(const std::string& name, const Conf& config, size_t often) {
  const ScratchDirectory scratch;
  std::vector<std::vector<std::string>> results(2);
  std::optional<Life> life;
  life.emplace(name, config, Input(), scratch.path, Saved());
  const auto collect = [&] {
    for (size_t port = 0; port < results.size(); ++port) {
      for (const std::string& row : life->output.rows[port]) results[port].push_back(row);
    }
  };
  size_t step = 0;
  for (const Step& s : Steps()) {
    life->Run(s);
    if (often == 0 || ++step % often != 0) continue;
    collect();
    const Saved saved = life->Save();
    life.reset();
    life.emplace(name, config, Input(), scratch.path, saved);
  }
  life->End();
  collect();
  CHECK(scratch.empty());
  return results;
}

}  // namespace

TEST_CASE("a run that is cut into lives by checkpoints gives what one life gives") {
  const std::vector<std::pair<std::string, Conf>> operators = {
      {"reorder", Conf({{"max_rows", "1000"}})},
      {"reorder", Conf({{"max_rows", "4"}})},
      {"rate",
       Conf({{"by", Conf::List({"k"})}, {"value", "v"}, {"rate", "r"}, {"increase", "i"}, {"delta", "d"}})},
      {"rate", Conf({{"by", "k"}, {"value", "v"}, {"over", "1m"}, {"increase", "i"}, {"ttl", "90s"}})},
      {"smooth", Conf({{"by", "k"}, {"value", "v"}, {"rows", "4"}, {"as", "mean"}})},
      {"smooth", Conf({{"by", "k"}, {"value", "v"}, {"over", "1m"}, {"as", "mean"}, {"ttl", "20s"}})},
      {"smooth", Conf({{"by", "k"}, {"value", "v"}, {"half_life", "10s"}, {"as", "mean"}})},
      {"resample", Conf({{"by", "k"},
                         {"every", "5s"},
                         {"max_gap", "30s"},
                         {"values", Conf({{"n", "count(*)"}, {"mean", "avg(v)"}})},
                         {"fill", Conf({{"n", Conf({{"constant", "0"}})}, {"mean", "linear"}})}})}};
  for (const auto& named : operators) {
    CAPTURE(named.first);
    const auto whole = Results(named.first, named.second, 0);
    if (named.first != "resample") CHECK(whole[0].size() + whole[1].size() == 72);
    CHECK(!whole[1].empty());
    for (const size_t often : {1, 3, 7}) {
      CAPTURE(often);
      auto cut = Results(named.first, named.second, often);
      // Slots of keys may come in another order after a restart.
      auto expected = whole;
      if (named.first == "resample") {
        for (auto* rows : {&cut, &expected}) std::sort((*rows)[0].begin(), (*rows)[0].end());
      }
      CHECK(cut == expected);
    }
  }
}

TEST_CASE("what an earlier run left in the scratch directory is removed, and without one spilling fails") {
  const ScratchDirectory scratch;
  std::filesystem::create_directories(scratch.path);
  std::ofstream(scratch.path + "/run-7") << "half a block";
  const Life life("reorder", Conf({{"max_rows", "2"}}), Input(), scratch.path, Saved());
  CHECK(scratch.empty());

  for (const std::string& directory : {std::string(), std::string("/proc/streamrun-cannot-write-here")}) {
    CAPTURE(directory);
    const auto bound = BindOperator("reorder", Conf({{"max_rows", "1"}}), {Input()}).bound;
    KeepingContext context;
    context.scratch_directory = directory;
    CollectedOutput output(*bound);
    const std::unique_ptr<Operator> op = bound->Create();
    REQUIRE(op->Open(context).ok());
    const auto outcome = op->Process(0, BatchOf(Input(), {{"a", "1", At(1)}, {"a", "2", At(2)}}), output);
    REQUIRE(!outcome.ok());
    CHECK(!outcome.status().message().empty());
  }
}

TEST_CASE("a long gap is filled over many steps") {
  Life life(
      "resample",
      Conf({{"every", "1s"}, {"max_gap", "1d"}, {"values", Conf({{"n", "count(*)"}})}, {"fill", "linear"}}),
      Input(), "", Saved());
  life.Run({{{"a", "1", "1970-01-01 00:00:00"}, {"a", "1", "1970-01-01 10:00:00"}}, std::nullopt});
  life.End();
  CHECK(life.output.rows[0].size() == 36001);
  CHECK(life.output.rows[0].front() == "1970-01-01 00:00:00 | 1970-01-01 00:00:01 | 1");
  CHECK(life.output.rows[0].back() == "1970-01-01 10:00:00 | 1970-01-01 10:00:01 | 1");
  for (const BatchPtr& batch : life.output.batches) CHECK(batch->rows() <= 8193);
}

TEST_CASE("series that are silent for longer than ttl take no memory") {
  Life life("rate", Conf({{"by", "k"}, {"value", "v"}, {"rate", "r"}, {"ttl", "10s"}}), Input(), "", Saved());
  for (int second = 0; second < 600; second += 5) {
    life.Run({{{"key" + std::to_string(second), "1", At(second)}}, std::nullopt});
    life.Run({{}, Timestamp{second} * kSecond});
  }
  int64_t keys = 0;
  for (const StateTable* state : life.context.states) keys = std::max(keys, state->keys());
  CHECK(keys <= 4);
  CHECK(life.output.rows[0].size() == 120);
}

}  // namespace streamrun::testing
