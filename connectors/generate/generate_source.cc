// generate: rows made up by rule, as many and as fast as asked.
//
// Row n of the node's endless table depends on the seed and n alone. The table is cut into blocks; instance i
// of N makes blocks i, i + N, ... and numbers them by ordinal, so any parallelism gives the same table in the
// same order.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "connectors/generate/columns.h"
#include "connectors/generate/nexmark.h"
#include "connectors/generate/rate.h"
#include "connectors/generate/row_plan.h"
#include "core/component/registry.h"
#include "core/data/text_io.h"

namespace streamrun::generate {
namespace {

/// A limited rate gives out blocks of this much time, so that a slow stream is not held back to fill a batch.
constexpr Duration kBlockTime = 5 * kMillisecond;

struct Config {
  std::string rate = "0";
  int64_t count = 0;
  int64_t seed = 1;
  ConfigValue columns;
  NexmarkConfig nexmark;
};

struct Job {
  RowPlanPtr plan;
  Rate rate;
  int64_t count = 0;  // 0 = endless
  std::string node;
};

class GenerateSource final : public Source {
 public:
  explicit GenerateSource(Job job)
      : job_(std::move(job)),
        split_(std::make_shared<const std::string>("generate:" + job_.node)),
        pacer_(job_.rate) {}

  Status Open(SourceContext& context, const std::vector<std::string>& positions) override {
    env_ = context.env;
    origin_ = context.origin;
    stride_ = context.parallelism;
    filler_ = job_.plan->Create(context.env, context.wanted);
    block_rows_ = job_.plan->block_rows;
    if (job_.rate.limited()) {
      block_rows_ = std::clamp<int64_t>(job_.rate.RowsIn(kBlockTime), 1, job_.plan->block_rows);
    }
    int64_t from = 0;
    if (!positions.empty()) SR_RETURN_IF_ERROR(Restore(positions, &from));
    // The first own block at or after `from`: positions taken at another parallelism count as well.
    block_ = from + ((context.instance - from) % stride_ + stride_) % stride_;
    // Time begins anew at the block where it goes on: what was due while it was down is not made up for.
    if (job_.rate.limited()) pacer_.Start(from * block_rows_, env_->MonotonicNow());
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    const int64_t first = block_ * block_rows_;
    if (Exhausted(first)) return SourceOutcome::kDone;
    const int64_t rows = job_.count > 0 ? std::min(block_rows_, job_.count - first) : block_rows_;
    if (job_.rate.limited()) {
      wake_ = pacer_.NotBefore(first + rows - 1, env_->MonotonicNow());
      if (wake_ != 0) return SourceOutcome::kWait;
    }
    Emit(first, rows, out);
    block_ += stride_;
    return Exhausted(block_ * block_rows_) ? SourceOutcome::kDone : SourceOutcome::kMore;
  }

  WaitSpec Wait() override { return {{}, wake_}; }

  std::string Position() const override {
    return nlohmann::json{{"block", block_}, {"block_rows", block_rows_}}.dump();
  }

 private:
  bool Exhausted(int64_t row) const { return job_.count > 0 && row >= job_.count; }

  /// All stand behind the same ordinal, so the least block is the first that was not given out. The block
  /// size of the positions wins over the one that today's rate would give: only with it does the block number
  /// mean the same row.
  Status Restore(const std::vector<std::string>& positions, int64_t* block) {
    *block = std::numeric_limits<int64_t>::max();
    for (const std::string& position : positions) {
      const nlohmann::json json = nlohmann::json::parse(position, nullptr, false);
      if (!json.is_object() || !json.contains("block") || !json["block"].is_number_integer() ||
          !json.contains("block_rows") || !json["block_rows"].is_number_integer() || json["block"] < 0 ||
          json["block_rows"] < 1) {
        return Status(Code::kCorruption,
                      "the position of source '" + job_.node + "' is not one of generate: " + position);
      }
      *block = std::min(*block, json["block"].get<int64_t>());
      block_rows_ = json["block_rows"].get<int64_t>();
    }
    return Status::Ok();
  }

  void Emit(int64_t first, int64_t rows, SourceOutput& out) {
    std::vector<RowFailure> failures;
    std::vector<ColumnPtr> columns = filler_->Fill(first, rows, &failures);
    Origin origin;
    if (origin_) origin = {split_, Offsets(first, rows)};
    auto batch =
        std::make_shared<const Batch>(job_.plan->schema, rows, std::move(columns), std::move(origin));
    const auto ordinal = static_cast<Ordinal>(block_);
    // A merge or barrier behind this block need not wait for the next one to learn that it is whole.
    out.Progress(ordinal + static_cast<Ordinal>(stride_));
    if (failures.empty()) return out.EmitBatch(std::move(batch), ordinal);
    Selection good;
    size_t next = 0;
    for (uint32_t row = 0; row < static_cast<uint32_t>(rows); ++row) {
      if (next < failures.size() && failures[next].row == row) {
        RowFailure& failure = failures[next++];
        out.FailRecord(split_, first + row, RowText(*batch, row), std::move(failure.code),
                       std::move(failure.message));
      } else {
        good.push_back(row);
      }
    }
    if (!good.empty()) out.EmitBatch(Take(batch, good), ordinal);
  }

  static BufferPtr Offsets(int64_t first, int64_t rows) {
    BufferBuilder offsets;
    offsets.Resize(static_cast<size_t>(rows) * sizeof(int64_t));
    for (int64_t i = 0; i < rows; ++i) offsets.as<int64_t>()[i] = first + i;
    return offsets.Finish();
  }

  /// A failed row as people read it: "id=7 price=0".
  static std::string RowText(const Batch& batch, int64_t row) {
    std::string text;
    for (int i = 0; i < batch.schema()->size(); ++i) {
      if (batch.pruned(i) || batch.column(i)->IsNull(row)) continue;
      text += (text.empty() ? "" : " ") + batch.schema()->field(i).name + "=";
      PrintValue(*batch.column(i), row, text);
    }
    return text;
  }

  Job job_;
  std::shared_ptr<const std::string> split_;
  Pacer pacer_;
  Env* env_ = nullptr;
  std::unique_ptr<RowFiller> filler_;
  int64_t block_rows_ = 1;
  int64_t block_ = 0;
  int64_t stride_ = 1;
  bool origin_ = false;
  Timestamp wake_ = 0;
};

class BoundGenerate final : public BoundSource {
 public:
  explicit BoundGenerate(Job job) : job_(std::move(job)) {
    bounded = job_.count > 0;
    replayable = job_.plan->repeatable;
    parallel = true;
    ordered = true;
    schema = job_.plan->schema;
    place = "generate";
    if (bounded) place += " " + std::to_string(job_.count) + " rows";
  }
  std::unique_ptr<Source> Create(const FormatTraits&) const override {
    return std::make_unique<GenerateSource>(job_);
  }

 private:
  Job job_;
};

std::shared_ptr<const BoundSource> Bind(const Config& config, BindContext& context) {
  const ConfigValue& map = context.config();
  Diagnostics& diagnostics = context.diagnostics();
  const Result<Rate> rate = ParseRate(config.rate);
  if (!rate.ok()) {
    diagnostics.ErrorAt(map["rate"], "config.unit", rate.status().message(),
                        "write it as 10000/s, 600/m or none");
  }
  const bool nexmark = config.nexmark.events != NexmarkEvents::kNone;
  if (nexmark == config.columns.present()) {
    diagnostics.Error(
        map.mark(), nexmark ? "config.conflict" : "config.missing_field",
        nexmark ? "'columns' and 'nexmark' exclude each other" : "generate needs 'columns' or 'nexmark'",
        "write columns: {id: sequence} or nexmark: bid");
    return nullptr;
  }
  if (!rate.ok()) return nullptr;
  const auto seed = static_cast<uint64_t>(config.seed);
  Job job{nexmark ? BindNexmark(config.nexmark, seed, context)
                  : BindColumns(config.columns, *rate, seed, context),
          *rate, config.count, context.node()};
  if (!job.plan) return nullptr;
  return std::make_shared<BoundGenerate>(std::move(job));
}

SourceDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Raw("columns", &Config::columns, "Columns and how their values are made.");
  spec.Struct("nexmark", &Config::nexmark, NexmarkSpec(),
              "Persons, auctions and bids of the Nexmark benchmark.")
      .Shorthand("events");
  spec.Text("rate", &Config::rate,
            "Rows per time of the whole node: 10000/s, 600/m, 2.5k/s; 0 or none: no limit.");
  spec.Integer("count", &Config::count, "Rows in all, 0 for no end.").AtLeast(0);
  spec.Integer("seed", &Config::seed, "Another seed gives other random values.");

  SourceDefinition d;
  d.name = "generate";
  d.summary = "Makes up rows by rule, as many and as fast as asked.";
  d.description =
      "Each column names one generator; one without options may be written alone (`id: sequence`):\n\n"
      "| generator | type | options |\n| --- | --- | --- |\n"
      "| `sequence` | bigint | `start` (1), `step` (1), `cycle`: begin again after so many rows |\n"
      "| `uniform` | bigint, or double precision when a bound has a point | `min`, `max` |\n"
      "| `normal` | double precision | `mean` (0), `deviation` (1) |\n"
      "| `zipf` | bigint | `values`: gives 1 to this, 1 most often; `exponent` (1) |\n"
      "| `choice` | boolean, bigint, double precision or text | a list, or a mapping of values to weights |\n"
      "| `text` | text | `min` (8), `max` (16) characters out of `characters` (a to z) |\n"
      "| `time` | timestamp | `start` (2024-01-01), `step` (as `rate` says), `jitter`, `type` |\n"
      "| `expression` | as it says | SQL over the columns above it |\n\n"
      "`nulls: 0.1` beside a generator makes a tenth of its values null. Row n depends on `seed` and n "
      "alone, so "
      "every run and every parallelism gives the same rows.\n\n"
      "`nexmark` gives the events of the Nexmark benchmark (Tucker, Tufte, Papadimos, Maier) with the "
      "proportions, "
      "hot keys and sizes of the generator of Apache Beam; `all` gives them in one table with an "
      "`event_type`.";
  d.guarantee =
      "Replayable: the same seed gives the same rows in the same order at any parallelism, unless an "
      "expression is "
      "volatile (random(), clock_timestamp()).";
  d.example = R"(pipeline: made-up-orders
sources:
  orders:
    connector: generate
    rate: 1000/s
    count: 5000
    columns:
      id: sequence
      customer: {zipf: {values: 1000}}
      price: {uniform: {min: 1, max: 500}}
      channel: {choice: {web: 3, app: 1}}
      at: {time: {start: "2024-01-01 00:00:00", step: 1ms}}
sinks:
  out: {connector: stdout, input: orders, format: json}
)";
  d.gives = SourceDefinition::Gives::kRows;
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(generate, Define());

}  // namespace
}  // namespace streamrun::generate
