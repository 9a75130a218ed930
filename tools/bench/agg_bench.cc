// Grouping speed: GroupTable::Add with count(*), sum(v) and max(v) over bigint keys beside a hand loop of the
// same shape (open addressing, one entry a key), in the same run, and what a group of count + sum costs.
//
//   agg_bench [rows]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "core/agg/group_table.h"
#include "core/data/column_builder.h"

namespace streamrun {
namespace {

constexpr int64_t kBatchRows = 8192;
constexpr int kRounds = 3;  // the best one counts: others share the machine

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

SchemaPtr InputSchema() {
  return std::make_shared<const Schema>(
      std::vector<Field>{{"k", DataType(TypeId::kBigint)}, {"v", DataType(TypeId::kBigint)}});
}

std::vector<BatchPtr> Rows(int64_t rows, int64_t groups) {
  const SchemaPtr schema = InputSchema();
  std::mt19937_64 random(42);
  std::vector<BatchPtr> batches;
  for (int64_t begin = 0; begin < rows; begin += kBatchRows) {
    ColumnBuilder keys{DataType(TypeId::kBigint)};
    ColumnBuilder values{DataType(TypeId::kBigint)};
    const int64_t count = std::min(kBatchRows, rows - begin);
    for (int64_t i = 0; i < count; ++i) {
      keys.Append(static_cast<int64_t>(random() % static_cast<uint64_t>(groups)));
      values.Append(static_cast<int64_t>(random() % 1000));
    }
    batches.push_back(
        std::make_shared<const Batch>(schema, count, std::vector<ColumnPtr>{keys.Finish(), values.Finish()}));
  }
  return batches;
}

// What a program for exactly this task would do.
class HandLoop {
 public:
  HandLoop() : entries_(16) {}

  void Add(const int64_t* keys, const int64_t* values, int64_t rows) {
    for (int64_t i = 0; i < rows; ++i) {
      if ((size_ + 1) * 4 > entries_.size() * 3) Grow();
      Entry& entry = Find(keys[i]);
      if (entry.count == 0) {
        entry = {keys[i], 0, 0, values[i]};
        ++size_;
      }
      ++entry.count;
      entry.sum += values[i];
      entry.max = std::max(entry.max, values[i]);
    }
  }
  int64_t Check() const {
    int64_t sum = 0;
    for (const Entry& e : entries_) sum += e.count * 3 + e.sum + (e.count > 0 ? e.max : 0);
    return sum;
  }

 private:
  struct Entry {
    int64_t key = 0;
    int64_t count = 0;
    int64_t sum = 0;
    int64_t max = 0;
  };
  static uint64_t Mix(uint64_t x) {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdull;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ (x >> 33);
  }
  Entry& Find(int64_t key) {
    const size_t mask = entries_.size() - 1;
    size_t place = Mix(static_cast<uint64_t>(key)) & mask;
    while (entries_[place].count != 0 && entries_[place].key != key) place = (place + 1) & mask;
    return entries_[place];
  }
  void Grow() {
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    for (const Entry& e : old) {
      if (e.count != 0) Find(e.key) = e;
    }
  }

  std::vector<Entry> entries_;
  size_t size_ = 0;
};

class Calls {
 public:
  explicit Calls(const std::vector<const char*>& texts) : scope_(InputSchema()) {
    for (const char* text : texts) {
      ExprProblem problem;
      if (!binder_.Bind(text, &problem)) {
        std::fprintf(stderr, "%s: %s\n", text, problem.message.c_str());
        std::exit(1);
      }
    }
  }
  const std::vector<AggregateCall>& get() const { return binder_.calls(); }
  std::vector<ExpressionPtr> key() const {
    ExprProblem problem;
    return {*BindExpression("k", scope_, &problem)};
  }

 private:
  Scope scope_;
  SelectBinder binder_{scope_, std::make_shared<const Schema>()};
};

double TimeHandLoop(const std::vector<BatchPtr>& batches, int64_t* check) {
  HandLoop loop;
  const double start = Seconds();
  for (const BatchPtr& batch : batches) {
    loop.Add(batch->column(0)->values<int64_t>(), batch->column(1)->values<int64_t>(), batch->rows());
  }
  const double time = Seconds() - start;
  *check = loop.Check();
  return time;
}

double TimeTable(const std::vector<BatchPtr>& batches, const Calls& calls, int64_t* check, double* bytes) {
  GroupTable table({DataType(TypeId::kBigint)}, calls.get());
  GroupInput input(calls.key(), calls.get(), Env::Default());
  std::vector<RowFailure> failures;
  std::vector<uint32_t> slots;
  const double start = Seconds();
  for (const BatchPtr& batch : batches) {
    input.Evaluate(batch, table.keys(), &failures);
    table.Add(input, nullptr, batch->rows(), &slots);
  }
  const double time = Seconds() - start;
  *bytes = static_cast<double>(table.MemoryBytes()) / static_cast<double>(table.keys().size());
  if (check == nullptr) return time;
  const std::vector<ColumnPtr> results = table.Results(table.keys().Live(), &failures);
  *check = 0;
  for (int64_t i = 0; i < results[0]->length(); ++i) {
    *check += results[1]->values<int64_t>()[i] * 3 +
              static_cast<int64_t>(results[2]->values<Numeric>()[i].coefficient()) +
              results[3]->values<int64_t>()[i];
  }
  return time;
}

int Run(int64_t rows) {
  const Calls all({"count(*)", "sum(v)", "max(v)"});
  const Calls two({"count(*)", "sum(v)"});
  std::printf("%9s %14s %14s %7s %24s\n", "groups", "hand loop", "GroupTable", "ratio",
              "bytes/group, count+sum");
  for (const int64_t groups : {int64_t{10}, int64_t{10'000}, int64_t{1'000'000}}) {
    const std::vector<BatchPtr> batches = Rows(rows, groups);
    double hand = 1e9;
    double table = 1e9;
    int64_t expected = 0;
    int64_t got = 0;
    double bytes = 0;
    for (int round = 0; round < kRounds; ++round) {
      hand = std::min(hand, TimeHandLoop(batches, &expected));
      table = std::min(table, TimeTable(batches, all, &got, &bytes));
    }
    if (expected != got) {
      std::fprintf(stderr, "results differ: %ld and %ld\n", static_cast<long>(expected),
                   static_cast<long>(got));
      return 1;
    }
    TimeTable(batches, two, nullptr, &bytes);
    const double million = static_cast<double>(rows) / 1e6;
    std::printf("%9ld %9.1f M/s  %9.1f M/s  %6.2f %24.1f\n", static_cast<long>(groups), million / hand,
                million / table, hand / table, bytes);
  }
  return 0;
}

}  // namespace
}  // namespace streamrun

int main(int argc, char** argv) { return streamrun::Run(argc > 1 ? std::atoll(argv[1]) : 10'000'000); }
