// State that several instances saved goes on in fewer or more of them, by key.
#include "core/window/kept_time.h"
#include "state_cases.h"

namespace streamrun::testing {
namespace {

constexpr int kSteps = 16;

bool IsKeyed(const BoundOperator& bound) { return bound.exchanges[0].kind == Exchange::Kind::kHash; }

// Rows that stand after all changes, and what else was seen.
void AddNet(const Observed& seen, std::map<std::string, int64_t>* net) {
  for (const std::string& line : seen.lines) {
    const size_t kind = line.find(": ");
    const std::string change = line.substr(kind + 2, 3);
    if (change == "-U " || change == "-D ") {
      --(*net)[line.substr(0, kind + 2) + line.substr(kind + 5)];
    } else if (change == "+U " || change == "+I ") {
      ++(*net)[line.substr(0, kind + 2) + line.substr(kind + 5)];
    } else {
      ++(*net)[line];
    }
  }
  std::erase_if(*net, [](const auto& row) { return row.second == 0; });
}

class Comparison {
 public:
  explicit Comparison(const StateCase& c) : case_(c) {}

  // One instance against several.
  bool Holds(Observed one, Observed several) {
    AddNet(one, &net_one_);
    AddNet(several, &net_several_);
    if (case_.lazy_timer) one.timer = several.timer = 0;
    if (!case_.own_timers) {
      const std::string expected = one.ToString();
      const std::string got = several.ToString();
      CHECK(got == expected);
      return got == expected;
    }
    return true;
  }
  void End() const { CHECK(net_several_ == net_one_); }

 private:
  const StateCase& case_;
  std::map<std::string, int64_t> net_one_, net_several_;
};

void Rescale(const StateCase& c, const std::shared_ptr<const BoundOperator>& bound, uint32_t seed, int from,
             int to) {
  const SchemaPtr schema = c.text.schema();
  const StateScript script = ScriptWriter(c.text, seed).Write(kSteps);
  for (size_t cut = 2; cut < script.size(); cut += kSanitized ? 13 : 3) {
    CAPTURE(cut);
    StateFamily one(bound, schema, 1);
    auto several = std::make_unique<StateFamily>(bound, schema, from);
    Comparison comparison(c);
    for (size_t at = 0; at < script.size(); ++at) {
      CAPTURE(at);
      if (at == cut) {
        auto rescaled = std::make_unique<StateFamily>(bound, schema, to);
        rescaled->Restore(several->Save(), several->clock(), several->watermark());
        several = std::move(rescaled);
      }
      const Observed expected = one.Apply(script[at]);
      if (!comparison.Holds(expected, several->Apply(script[at]))) return;
    }
    comparison.End();
  }
}

// The part of an operator before the exchange, in two workers, and the part behind it: rows come to the
// combiners in turn.
class CombinedFamily {
 public:
  CombinedFamily(std::shared_ptr<const BoundOperator> bound, SchemaPtr schema, size_t combiners,
                 size_t mergers)
      : bound_(std::move(bound)), schema_(std::move(schema)) {
    for (const ExpressionPtr& key : bound_->partial_keys) keys_.emplace_back(key, Env::Default());
    for (size_t i = 0; i < combiners; ++i) {
      combiners_.push_back(std::make_unique<StateInstance>(bound_, OperatorPart::kCombiner));
    }
    for (size_t i = 0; i < mergers; ++i) {
      mergers_.push_back(std::make_unique<StateInstance>(bound_, OperatorPart::kMerger));
    }
  }

  void Apply(const StateEvent& event) {
    if (event.kind == StateEvent::Kind::kClock) clock_ = event.time;
    if (event.kind == StateEvent::Kind::kWatermark) watermark_ = event.time;
    for (size_t i = 0; i < combiners_.size(); ++i) {
      TextRows rows;
      for (size_t row = i; row < event.rows.size(); row += combiners_.size()) rows.push_back(event.rows[row]);
      Note(combiners_[i]->Apply(event, BatchOf(schema_, rows)));
      Send(*combiners_[i]);
    }
    if (event.kind == StateEvent::Kind::kRows) return;
    for (const auto& merger : mergers_) Note(merger->Apply(event, nullptr));
  }

  // A barrier goes through all, then the states are dealt to a family of other sizes.
  void MoveTo(CombinedFamily& next) {
    for (const auto& combiner : combiners_) {
      Note(combiner->Barrier());
      Send(*combiner);
    }
    next.lines_ = std::move(lines_);
    next.clock_ = clock_;
    next.watermark_ = watermark_;
    SavedState combined, merged;
    for (const auto& combiner : combiners_) AddTo(combiner->Save(), &combined);
    for (const auto& merger : mergers_) AddTo(merger->Save(), &merged);
    for (const auto& [name, batches] : combined) CHECK(name == "time");
    for (const auto& combiner : next.combiners_) combiner->Restore(combined, clock_, watermark_, false);
    next.Deal(merged);
  }

  const std::map<std::string, int64_t>& lines() const { return lines_; }

 private:
  void Note(const Observed& seen) {
    for (const std::string& line : seen.lines) {
      // Rows stand at other places of their batches.
      if (!line.starts_with("fate ")) ++lines_[line.substr(0, line.find(" from "))];
    }
  }

  void Send(const StateInstance& combiner) {
    for (const BatchPtr& partial : combiner.given()) {
      std::vector<ColumnPtr> keys;
      std::vector<RowFailure> failures;
      for (Evaluator& key : keys_)
        keys.push_back(key.Evaluate(partial->columns(), partial->rows(), &failures));
      const std::vector<Selection> lanes = DealRows(keys, partial->rows());
      for (size_t i = 0; i < lanes.size(); ++i) {
        Note(mergers_[i]->Apply(StateEvent::Rows({}), Take(partial, lanes[i])));
      }
    }
  }

  std::vector<Selection> DealRows(const std::vector<ColumnPtr>& keys, int64_t rows) const {
    std::vector<Selection> lanes(mergers_.size());
    std::vector<uint64_t> hashes;
    HashRows(keys, rows, &hashes);
    for (uint32_t row = 0; row < rows; ++row) lanes[hashes[row] % 128 * lanes.size() / 128].push_back(row);
    return lanes;
  }

  static void AddTo(const SavedState& from, SavedState* to) {
    for (const auto& [name, batches] : from) {
      (*to)[name].insert((*to)[name].end(), batches.begin(), batches.end());
    }
  }

  void Deal(const SavedState& saved) {
    std::vector<SavedState> parts(mergers_.size());
    for (const StateDeclaration& state : bound_->states) {
      const auto found = saved.find(state.name);
      if (found == saved.end()) continue;
      for (const BatchPtr& rows : found->second) {
        const std::vector<ColumnPtr> keys(rows->columns().begin(),
                                          rows->columns().begin() + state.key->size());
        const std::vector<Selection> lanes = DealRows(keys, rows->rows());
        for (size_t i = 0; i < parts.size(); ++i) {
          if (state.key->size() == 0) {
            parts[i][state.name].push_back(rows);
          } else if (!lanes[i].empty()) {
            parts[i][state.name].push_back(Take(rows, lanes[i]));
          }
        }
      }
    }
    for (size_t i = 0; i < parts.size(); ++i) mergers_[i]->Restore(parts[i], clock_, watermark_, true);
  }

  std::shared_ptr<const BoundOperator> bound_;
  SchemaPtr schema_;
  std::vector<Evaluator> keys_;
  std::vector<std::unique_ptr<StateInstance>> combiners_, mergers_;
  std::map<std::string, int64_t> lines_;
  Timestamp clock_ = 0;
  Timestamp watermark_ = kMinTimestamp;
};

}  // namespace

TEST_CASE("states of several instances go on in one, and in more") {
  int keyed = 0;
  for (const StateCase& c : StateCases()) {
    const std::shared_ptr<const BoundOperator> bound = c.text.Bind();
    if (!IsKeyed(*bound)) continue;
    ++keyed;
    CAPTURE(c.what);
    uint32_t seed = 21;
    std::vector<std::pair<int, int>> moves = {{2, 1}, {1, 3}, {2, 3}, {7, 2}, {3, 3}, {7, 7}};
    if (kSanitized) moves.resize(3);
    for (const auto& [from, to] : moves) {
      const std::string move = std::to_string(from) + " to " + std::to_string(to);
      CAPTURE(move);
      for (const uint32_t chance : SeedsFrom(seed++, 1)) {
        CAPTURE(chance);
        Rescale(c, bound, chance, from, to);
      }
    }
  }
  CHECK(keyed > 40);
}

TEST_CASE("what combiners hold goes through at a barrier, and mergers go on") {
  int combined = 0;
  for (const StateCase& c : StateCases()) {
    if (c.text.name != "aggregate") continue;
    OperatorText text = c.text;
    const size_t select = text.config.find("select:");
    text.config =
        text.config.substr(0, select) + "select:\n  n: count(*)\n  total: sum(v)\n  least: min(d)\n";
    const std::shared_ptr<const BoundOperator> bound = text.Bind();
    if (!bound->partial) continue;
    ++combined;
    CAPTURE(c.what);
    for (uint32_t seed = 31; seed < 35; ++seed) {
      CAPTURE(seed);
      const StateScript script = ScriptWriter(text, seed).Write(kSteps);
      CombinedFamily whole(bound, text.schema(), 1, 1);
      for (const StateEvent& event : script) whole.Apply(event);
      for (size_t cut = 0; cut < script.size(); cut += 2) {
        CAPTURE(cut);
        auto family = std::make_unique<CombinedFamily>(bound, text.schema(), 2, 3);
        for (size_t at = 0; at < script.size(); ++at) {
          if (at == cut) {
            auto next = std::make_unique<CombinedFamily>(bound, text.schema(), 3, 2);
            family->MoveTo(*next);
            family = std::move(next);
          }
          family->Apply(script[at]);
        }
        CHECK(family->lines() == whole.lines());
      }
    }
  }
  CHECK(combined >= 4);
}

TEST_CASE(
    "of instances that stood at different times the earliest counts, in whatever order they are loaded") {
  const auto saved = [](Timestamp time, Timestamp timer) {
    BatchPtr rows;
    REQUIRE(KeptTime(&time, &timer)
                .Save([&](const BatchPtr& batch) {
                  rows = ThroughBytes(batch);
                  return Status::Ok();
                })
                .ok());
    return rows;
  };
  std::vector<BatchPtr> all{saved(30, kMaxTimestamp), saved(10, 99), saved(20, 77)};
  for (int order = 0; order < 6; ++order) {
    std::next_permutation(all.begin(), all.end());
    Timestamp time = kMinTimestamp, timer = kMaxTimestamp;
    KeptTime kept(&time, &timer);
    for (const BatchPtr& rows : all) REQUIRE(kept.Load(rows).ok());
    CHECK(time == 10);
    CHECK(timer == 77);
  }
  // One that was told no time yet has closed nothing, whether it comes first or last.
  for (const bool first : {true, false}) {
    Timestamp time = kMinTimestamp;
    KeptTime kept(&time);
    REQUIRE(kept.Load(saved(first ? kMinTimestamp : 30, kMaxTimestamp)).ok());
    REQUIRE(kept.Load(saved(first ? 30 : kMinTimestamp, kMaxTimestamp)).ok());
    CHECK(time == kMinTimestamp);
  }
}

TEST_CASE("a group that comes after the merger closed its window leaves by errors") {
  const OperatorText text{"aggregate", "window: {tumbling: 10s}\ngroup_by: [k]\nselect: {n: count(*)}\n"};
  const std::shared_ptr<const BoundOperator> bound = text.Bind();
  const auto partial = [&](const TextRows& rows) {
    StateInstance combiner(bound, OperatorPart::kCombiner);
    combiner.Apply(StateEvent::Rows(rows), BatchOf(text.schema(), rows));
    combiner.Barrier();
    REQUIRE(combiner.given().size() == 1);
    return combiner.given().front();
  };
  StateInstance merger(bound, OperatorPart::kMerger);
  merger.Apply(StateEvent::Rows({}), partial({{"a", "1", "1", StateTime(5)}}));
  const StateEvent closed = StateEvent::Watermark(kStateStart + 12 * kSecond);
  CHECK(merger.Apply(closed, nullptr).lines ==
        Texts{"ok: 2024-01-01 00:00:00 | 2024-01-01 00:00:10 | a | 1"});
  // Its source was idle, and wakes up.
  const Observed late = merger.Apply(StateEvent::Rows({}), partial({{"b", "1", "1", StateTime(6)}}));
  CHECK(late.lines ==
        Texts{"fail result: 2024-01-01 00:00:00 | 2024-01-01 00:00:10 | b: row.late", "fate 1: 1"});
  CHECK(merger.keys() == 0);
  CHECK(merger.Apply(StateEvent::End(), nullptr).lines.empty());
}

}  // namespace streamrun::testing
