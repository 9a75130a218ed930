// An operator whose state was saved and loaded, at any event, goes on as if nothing had happened. SR_SEEDS=n
// multiplies the scripts, SR_SEED=n replays one.
#include <fstream>
#include <set>

#include "core/data/row_store.h"
#include "state_cases.h"

namespace streamrun::testing {
namespace {

constexpr int kSteps = 18;
constexpr uint32_t kSeeds = 3;

// By port and column: is it read downstream?
using Wanted = std::vector<std::vector<bool>>;

class Scratch {
 public:
  Scratch() {
    path = (std::filesystem::temp_directory_path() / ("state-" + std::to_string(Env::Default()->WallNow())))
               .string();
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  std::string path;
};

// A life that knows what the host knows.
class Life {
 public:
  Life(std::shared_ptr<const BoundOperator> bound, const StateCase& c, const Wanted* wanted = nullptr)
      : schema_(c.text.schema()),
        wanted_(wanted),
        needed_(wanted ? bound->NeededColumns(0, *wanted)
                       : std::vector<bool>(static_cast<size_t>(schema_->size()), true)),
        instance_(std::move(bound), OperatorPart::kWhole, c.spills ? scratch_.path : "", wanted) {}

  Observed Apply(const StateEvent& event) {
    if (event.kind == StateEvent::Kind::kClock) clock_ = event.time;
    if (event.kind == StateEvent::Kind::kWatermark) watermark_ = event.time;
    return instance_.Apply(event, OperatorRun::Prune(BatchOf(schema_, event.rows), needed_));
  }
  std::unique_ptr<Life> Next(std::shared_ptr<const BoundOperator> bound, const StateCase& c,
                             bool row_by_row) const {
    return From(instance_.Save(), std::move(bound), c, row_by_row);
  }
  std::unique_ptr<Life> From(const SavedState& saved, std::shared_ptr<const BoundOperator> bound,
                             const StateCase& c, bool row_by_row) const {
    auto next = std::make_unique<Life>(std::move(bound), c, wanted_);
    next->clock_ = clock_;
    next->watermark_ = watermark_;
    next->instance_.Restore(saved, clock_, watermark_, row_by_row);
    return next;
  }
  StateInstance& instance() { return instance_; }

 private:
  SchemaPtr schema_;
  const Wanted* wanted_;
  std::vector<bool> needed_;
  Scratch scratch_;
  StateInstance instance_;
  Timestamp clock_ = 0;
  Timestamp watermark_ = kMinTimestamp;
};

// Does what was seen after a cut agree with the life without one?
bool Same(const StateCase& c, Observed seen, Observed whole) {
  // Either may have looked at an entry that the other has not reached.
  if (c.lazy_timer) seen.timer = whole.timer;
  return c.any_order ? seen.Sorted() == whole.Sorted() : seen == whole;
}

bool HoldsFor(const StateCase& c, const StateScript& script, size_t cut, size_t at, const Observed& seen,
              const Observed& whole) {
  if (Same(c, seen, whole)) return true;
  CAPTURE(cut);
  CAPTURE(at);
  const std::string got = seen.ToString();
  const std::string expected = whole.ToString();
  CHECK(got == expected);
  (void)script;
  return false;
}

void CutEverywhere(const StateCase& c, uint32_t seed) {
  const std::shared_ptr<const BoundOperator> bound = c.text.Bind();
  const StateScript script = ScriptWriter(c.text, seed).Write(kSteps);
  std::vector<Observed> whole;
  size_t lines = 0;
  {
    Life life(bound, c);
    for (const StateEvent& event : script) {
      whole.push_back(life.Apply(event));
      lines += whole.back().lines.size();
    }
  }
  CHECK(lines > 10);
  Life first(bound, c);
  for (size_t cut = 0; cut < script.size(); ++cut) {
    // Saving changes nothing.
    CHECK(first.instance().Barrier().lines.empty());
    if (!kSanitized || cut % 5 == 0) {
      const std::unique_ptr<Life> next = first.Next(bound, c, cut % 2 == 1);
      CHECK(next->instance().keys() <= first.instance().keys());
      for (size_t at = cut; at < script.size(); ++at) {
        if (!HoldsFor(c, script, cut, at, next->Apply(script[at]), whole[at])) return;
      }
    }
    if (!HoldsFor(c, script, cut, cut, first.Apply(script[cut]), whole[cut])) return;
  }
}

// Changed and removed rows by operator and table.
using ToldByTable = std::map<std::string, std::pair<int64_t, int64_t>>;

// Changes saved now and then come to what is there, and a life that begins with them goes on.
void SaveChangesNowAndThen(const StateCase& c, uint32_t seed, ToldByTable* told) {
  const std::shared_ptr<const BoundOperator> bound = c.text.Bind();
  const StateScript script = ScriptWriter(c.text, seed).Write(kSteps);
  Life whole(bound, c);
  Life life(bound, c);
  std::vector<Observed> observed;
  for (const StateEvent& event : script) observed.push_back(whole.Apply(event));
  for (size_t cut = 0; cut < script.size(); ++cut) {
    if ((seed + cut) % 3 != 0) {
      const SavedState saved = life.instance().SaveChanges();
      const std::vector<std::string> got = TextOf(saved);
      const std::vector<std::string> expected = TextOf(life.instance().Save());
      CAPTURE(cut);
      CHECK(got == expected);
      if (got != expected) return;
      if (cut % 5 == 0) {
        const std::unique_ptr<Life> next = life.From(saved, bound, c, false);
        for (size_t at = cut; at < script.size(); ++at) {
          const Observed seen = next->Apply(script[at]);
          if (!HoldsFor(c, script, cut, at, seen, observed[at])) return;
        }
      }
    }
    life.Apply(script[cut]);
  }
  for (const auto& [table, rows] : life.instance().told()) {
    auto& [changed, removed] = (*told)[c.text.name + "." + table];
    changed += rows.changed;
    removed += rows.removed;
  }
}

// A new life at every event.
void ManyLives(const StateCase& c, uint32_t seed) {
  const std::shared_ptr<const BoundOperator> bound = c.text.Bind();
  const StateScript script = ScriptWriter(c.text, seed).Write(kSteps);
  Life whole(bound, c);
  auto life = std::make_unique<Life>(bound, c);
  for (size_t at = 0; at < script.size(); ++at) {
    life = life->Next(bound, c, false);
    const std::unique_ptr<Life> again = life->Next(bound, c, false);
    CHECK(TextOf(life->instance().Save()) == TextOf(again->instance().Save()));
    const Observed expected = whole.Apply(script[at]);
    if (!HoldsFor(c, script, at, at, life->Apply(script[at]), expected)) return;
  }
}

}  // namespace

TEST_CASE("a life that is cut at any event goes on as if nothing had happened") {
  for (const StateCase& c : StateCases()) {
    for (const uint32_t seed : SeedsFrom(1, kSanitized ? 1 : kSeeds)) {
      CAPTURE(c.what);
      CAPTURE(seed);
      CutEverywhere(c, seed);
    }
  }
}

TEST_CASE("what changed, saved now and then, comes to what there is") {
  ToldByTable told;
  const std::vector<uint32_t> seeds = SeedsFrom(21, kSanitized ? 1 : 2 * kSeeds);
  for (const StateCase& c : StateCases()) {
    for (const uint32_t seed : seeds) {
      CAPTURE(c.what);
      CAPTURE(seed);
      SaveChangesNowAndThen(c, seed, &told);
    }
  }
  if (seeds.size() < kSeeds) return;  // too few to reach everything
  for (const char* table :
       {"aggregate.groups", "aggregate.shown", "aggregate.counts", "dedupe.seen", "over.keys", "over.ahead",
        "sessionize.keys", "top.rows", "rate.samples", "smooth.samples", "resample.last_slots"}) {
    CAPTURE(table);
    CHECK(told[table].first > 0);
    CHECK(told[table].second > 0);
  }
}

TEST_CASE("a life that begins anew at every event gives what one life gives") {
  for (const StateCase& c : StateCases()) {
    for (const uint32_t seed : SeedsFrom(11, kSanitized ? 1 : kSeeds)) {
      CAPTURE(c.what);
      CAPTURE(seed);
      ManyLives(c, seed);
    }
  }
}

TEST_CASE("columns that nobody reads are lost in a checkpoint, and nothing else is") {
  for (const StateCase& c : StateCases()) {
    CAPTURE(c.what);
    const std::shared_ptr<const BoundOperator> bound = c.text.Bind();
    // The first column and the last.
    Wanted wanted;
    for (const SchemaPtr& output : bound->outputs) {
      wanted.emplace_back(static_cast<size_t>(output->size()), false);
      wanted.back().front() = wanted.back().back() = true;
    }
    const StateScript script = ScriptWriter(c.text, 41).Write(kSteps);
    Life whole(bound, c, &wanted);
    auto life = std::make_unique<Life>(bound, c, &wanted);
    for (size_t at = 0; at < script.size(); ++at) {
      if (at % 3 == 2) life = life->Next(bound, c, at % 2 == 1);
      const Observed expected = whole.Apply(script[at]);
      if (!HoldsFor(c, script, at, at, life->Apply(script[at]), expected)) break;
    }
  }
}

TEST_CASE("a column that is pruned in later rows is pruned in all that are stored") {
  const BatchPtr rows = BatchOf(SchemaOf("a bigint, b text"), {{"1", "x"}, {"2", "y"}});
  RowStore store({DataType(TypeId::kBigint), DataType(TypeId::kText)});
  std::vector<uint32_t> first, later;
  store.Put(rows->columns(), {0, 1}, &first);
  store.Put({rows->column(0), nullptr}, {0, 1}, &later);
  const std::vector<ColumnPtr> gathered = store.Gather({first[1], later[0]}, 0, 2);
  CHECK(gathered[0]->values<int64_t>()[0] == 2);
  CHECK(gathered[0]->values<int64_t>()[1] == 1);
  CHECK(gathered[1] == nullptr);
  CHECK(store.GatherAll({later[1]}, 1, 2)[0]->IsNull(0));
}

TEST_CASE("every operator that declares state is among the cases") {
  std::set<std::string> tried;
  for (const StateCase& c : StateCases()) tried.insert(c.text.name);
  int stateful = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SR_SOURCE_DIR "/operators")) {
    if (entry.path().extension() != ".cc") continue;
    std::ifstream file(entry.path());
    const std::string source{std::istreambuf_iterator<char>(file), {}};
    const bool declares =
        source.find("->states") != std::string::npos || source.find("BindSeries(") != std::string::npos;
    if (!declares) continue;
    ++stateful;
    const std::string name = entry.path().stem().string();
    CHECK_MESSAGE(tried.count(name) == 1, "add " << name << " to tests/operators/state_cases.h");
  }
  CHECK(stateful == static_cast<int>(tried.size()));
}

TEST_CASE("what is declared is kept, and keys of the exchange stand first") {
  for (const StateCase& c : StateCases()) {
    CAPTURE(c.what);
    const std::shared_ptr<const BoundOperator> bound = c.text.Bind();
    const StateInstance instance(bound);
    std::vector<std::string> kept = instance.TableNames();
    std::vector<std::string> declared;
    for (const StateDeclaration& state : bound->states) {
      declared.push_back(state.name);
      if (state.key->size() > 0) {
        const Exchange& exchange = bound->exchanges[0];
        REQUIRE(state.key->size() == static_cast<int>(exchange.keys.size()));
        for (int i = 0; i < state.key->size(); ++i) {
          CHECK(state.key->field(i).type == exchange.keys[static_cast<size_t>(i)]->type());
        }
      }
      std::set<std::string> names;
      for (const Field& field : state.key->fields()) CHECK(names.insert(field.name).second);
      for (const Field& field : state.value->fields()) CHECK(names.insert(field.name).second);
    }
    std::sort(kept.begin(), kept.end());
    std::sort(declared.begin(), declared.end());
    CHECK(kept == declared);
    CHECK(std::adjacent_find(kept.begin(), kept.end()) == kept.end());
  }
}

}  // namespace streamrun::testing
