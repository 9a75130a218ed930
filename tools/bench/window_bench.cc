// What a row costs in sliding windows beside tumbling ones: the aggregate operator alone, fed with batches of
// one second each and the watermark behind every batch, CPU time of this process.
//
//   window_bench [rows a second] [seconds counted] [keys]
//
// The time is split where the operator's work is: taking rows in (Process) and giving windows (OnWatermark
// and Continue). The first hour fills the windows and is not counted. With `having false` the groups are put
// together and their results computed, but no row leaves.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/window/row_times.h"
#include "core/window/time_aggregation.h"

namespace streamrun {
namespace {

constexpr int64_t kHour = 3600;
constexpr size_t kBatches = 64;  // different ones; they come again and again with other times

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

SchemaPtr InputSchema() {
  Schema schema(
      {{"k", TypeId::kBigint}, {"v", TypeId::kBigint}, {"x", TypeId::kDouble}, {"at", TypeId::kTimestamp}});
  schema.event_time = 3;
  return std::make_shared<const Schema>(std::move(schema));
}

/// One second of rows, at any second.
class Seconds {
 public:
  Seconds(int64_t rows, int64_t keys) : rows_(rows) {
    std::mt19937_64 random(42);
    for (size_t b = 0; b < kBatches; ++b) {
      ColumnBuilder k{DataType(TypeId::kBigint)}, v{DataType(TypeId::kBigint)}, x{DataType(TypeId::kDouble)};
      for (int64_t i = 0; i < rows; ++i) {
        k.Append(static_cast<int64_t>(random() % static_cast<uint64_t>(keys)));
        v.Append(static_cast<int64_t>(random() % 1000));
        x.Append(static_cast<double>(random() % 100'000) / 100);
      }
      columns_.push_back({k.Finish(), v.Finish(), x.Finish()});
    }
  }
  BatchPtr At(int64_t second) const {
    ColumnBuilder at{DataType(TypeId::kTimestamp)};
    at.Reserve(rows_);
    for (int64_t i = 0; i < rows_; ++i) at.Append(second * kSecond + i * kSecond / rows_);
    std::vector<ColumnPtr> columns = columns_[static_cast<size_t>(second) % kBatches];
    columns.push_back(at.Finish());
    return std::make_shared<const Batch>(schema_, rows_, std::move(columns));
  }

 private:
  int64_t rows_;
  SchemaPtr schema_ = InputSchema();
  std::vector<std::vector<ColumnPtr>> columns_;
};

WindowSpec Tumbling(int64_t seconds) {
  WindowSpec spec;
  spec.kind = WindowSpec::Kind::kTumbling;
  spec.size = seconds * kSecond;
  return spec;
}

WindowSpec HourBySecond() {
  WindowSpec spec;
  spec.kind = WindowSpec::Kind::kSliding;
  spec.size = kHour * kSecond;
  spec.step = kSecond;
  return spec;
}

AggregationPlanPtr MakePlan(const WindowSpec& window, const std::vector<const char*>& select, bool having) {
  auto plan = std::make_shared<AggregationPlan>();
  plan->window = window;
  plan->input = InputSchema();
  plan->time_column = 3;
  const Scope scope(plan->input);
  ExprProblem problem;
  plan->keys = {*BindExpression("k", scope, &problem)};
  plan->key_types = {TypeId::kBigint};
  std::vector<Field> output = {
      {"ws", TypeId::kTimestamp}, {"we", TypeId::kTimestamp}, {"k", TypeId::kBigint}};
  plan->groups = std::make_shared<const Schema>(output);
  SelectBinder binder(scope, plan->groups);
  for (const char* sql : select) {
    plan->select.push_back(binder.Bind(sql, &problem));
    if (plan->select.back() == nullptr) Die(problem.message);
    output.push_back({sql, plan->select.back()->type()});
  }
  if (!having) plan->having = binder.Bind("count(*) < 0", &problem);
  plan->calls = binder.calls();
  plan->output = std::make_shared<const Schema>(std::move(output));
  plan->late = LateSchema(*plan->input);
  return plan;
}

struct Cost {
  double in = 0;   // CPU seconds of taking rows in
  double out = 0;  // of giving windows
  int64_t rows_in = 0;
  int64_t rows_out = 0;
  double total() const { return in + out; }
  double PerRow(double seconds) const { return seconds * 1e9 / static_cast<double>(rows_in); }
};

class Run final : Output, OperatorContext {
 public:
  explicit Run(const AggregationPlanPtr& plan) : op_(MakeTimeAggregation(plan)) {
    OperatorContext::env = Env::Default();
    if (!op_->Open(*this).ok()) Die("it does not open");
  }

  /// Feeds one second, and says that it is over.
  void Second(const BatchPtr& batch, int64_t second, Cost* cost) {
    rows_out_ = 0;
    const double start = CpuSeconds();
    Drain(op_->Process(0, batch, *this));
    const double in = CpuSeconds();
    Drain(op_->OnWatermark((second + 1) * kSecond - 1, *this));
    const double out = CpuSeconds();
    if (cost == nullptr) return;
    cost->in += in - start;
    cost->out += out - in;
    cost->rows_in += batch->rows();
    cost->rows_out += rows_out_;
  }

 private:
  void Drain(Result<Outcome> outcome) {
    while (outcome.ok() && *outcome == Outcome::kHaveMore) outcome = op_->Continue(*this);
    if (!outcome.ok()) Die(outcome.status().message());
  }
  void Emit(int, BatchPtr batch) override { rows_out_ += batch->rows(); }
  void Fail(const BatchPtr&, std::vector<RowFailure>) override { Die("a row failed"); }
  void FailResult(const BatchPtr&, std::vector<RowFailure>) override { Die("a result failed"); }
  void Count(Fate, int64_t) override {}
  Timestamp ProcessingTime() override { return 0; }

  std::unique_ptr<Operator> op_;
  int64_t rows_out_ = 0;
};

// In a process of its own: none inherits the heap of the one before.
Cost Measure(const Seconds& rows, const AggregationPlanPtr& plan, int64_t counted) {
  int ends[2];
  if (pipe(ends) != 0) Die("no pipe");
  const pid_t child = fork();
  if (child < 0) Die("no process");
  Cost cost;
  if (child == 0) {
    Run run(plan);
    for (int64_t second = 0; second < kHour + counted; ++second) {
      run.Second(rows.At(second), second, second < kHour ? nullptr : &cost);
    }
    _exit(write(ends[1], &cost, sizeof(cost)) == sizeof(cost) ? 0 : 1);
  }
  close(ends[1]);
  const bool whole = read(ends[0], &cost, sizeof(cost)) == sizeof(cost);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!whole || status != 0) Die("a measurement failed");
  return cost;
}

void Print(const char* window, const Cost& cost) {
  std::printf("  %-28s %8.1f %8.1f %8.1f %12.3f\n", window, cost.PerRow(cost.in), cost.PerRow(cost.out),
              cost.PerRow(cost.total()),
              static_cast<double>(cost.rows_out) / static_cast<double>(cost.rows_in));
}

void Compare(int64_t rows_a_second, int64_t counted, int64_t keys, const std::vector<const char*>& select) {
  std::string text;
  for (const char* call : select) text += (text.empty() ? "" : ", ") + std::string(call);
  std::printf("%s over %ld keys\n", text.c_str(), static_cast<long>(keys));
  std::printf("  %-28s %8s %8s %8s %12s\n", "ns CPU a row", "in", "out", "both", "rows out/in");
  const Seconds rows(rows_a_second, keys);
  const Cost second = Measure(rows, MakePlan(Tumbling(1), select, true), counted);
  Print("tumbling 1 s", second);
  const Cost hour = Measure(rows, MakePlan(Tumbling(kHour), select, true), counted);
  Print("tumbling 1 h", hour);
  const Cost quiet = Measure(rows, MakePlan(HourBySecond(), select, false), counted);
  Print("sliding 1 h / 1 s, no rows", quiet);
  const Cost sliding = Measure(rows, MakePlan(HourBySecond(), select, true), counted);
  Print("sliding 1 h / 1 s", sliding);
  std::printf("  sliding : tumbling 1 s = %.2f (%.2f without giving rows), : tumbling 1 h = %.2f (%.2f)\n\n",
              sliding.total() / second.total(), quiet.total() / second.total(),
              sliding.total() / hour.total(), quiet.total() / hour.total());
}

int Main(int64_t rows_a_second, int64_t counted, const std::vector<int64_t>& all_keys) {
  std::printf("%ld rows a second, %ld seconds counted after the first hour\n\n",
              static_cast<long>(rows_a_second), static_cast<long>(counted));
  for (const int64_t keys : all_keys) {
    Compare(rows_a_second, counted, keys, {"count(*)", "sum(v)"});
    Compare(rows_a_second, counted, keys, {"count(*)", "avg(x)", "max(v)"});
  }
  return 0;
}

}  // namespace
}  // namespace streamrun

int main(int argc, char** argv) {
  // As a worker does.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  return streamrun::Main(
      argc > 1 ? std::atoll(argv[1]) : 10'000, argc > 2 ? std::atoll(argv[2]) : 3'600,
      argc > 3 ? std::vector<int64_t>{std::atoll(argv[3])} : std::vector<int64_t>{100, 10'000});
}
