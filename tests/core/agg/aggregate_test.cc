// The examples of the aggregate table, each in several ways: at once, split and merged, saved and loaded.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/agg/group_table.h"
#include "core/agg/hyperloglog.h"
#include "core/agg/tdigest.h"
#include "core/data/column_builder.h"
#include "core/data/row_hash.h"
#include "core/data/text_io.h"

namespace streamrun {
namespace {

// "f(x, y) over 1 | a, NULL | b -> RESULT": the rows become columns x and y; "x @ time" gives the row an
// event time. A column is integer when all its values are, text where the call casts it, else double
// precision when all are numbers, else text.
struct Example {
  std::string call;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> times;
  std::string result;
};

std::vector<std::string> Split(std::string_view text, std::string_view by) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t at = text.find(by);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + by.size());
  }
}

Example Read(std::string_view text) {
  const size_t over = text.find(" over ");
  const size_t arrow = text.rfind(" -> ");
  REQUIRE_MESSAGE((over != std::string_view::npos && arrow != std::string_view::npos), text);
  Example e{std::string(text.substr(0, over)), {}, {}, std::string(text.substr(arrow + 4))};
  for (const std::string& row : Split(text.substr(over + 6, arrow - over - 6), ", ")) {
    const std::vector<std::string> timed = Split(row, " @ ");
    e.rows.push_back(Split(timed[0], " | "));
    e.times.push_back(timed.size() > 1 ? timed[1] : "2024-01-01 00:00:00");
  }
  return e;
}

bool AllAre(const Example& e, size_t column, TypeId type) {
  ColumnBuilder probe{DataType(type)};
  for (const auto& row : e.rows) {
    if (row[column] != "NULL" && !AppendParsed(row[column], probe).ok()) return false;
  }
  return true;
}

BatchPtr RowsOf(const Example& e) {
  std::vector<Field> fields;
  std::vector<ColumnPtr> columns;
  const auto add = [&](std::string name, DataType type, auto text_of) {
    ColumnBuilder builder(type);
    for (size_t row = 0; row < e.rows.size(); ++row) {
      const std::string& text = text_of(row);
      if (text == "NULL") {
        builder.AppendNull();
      } else {
        REQUIRE(AppendParsed(text, builder).ok());
      }
    }
    fields.push_back({std::move(name), type});
    columns.push_back(builder.Finish());
  };
  for (size_t c = 0; c < e.rows[0].size(); ++c) {
    const std::string name(1, "xyzw"[c]);
    DataType type = TypeId::kText;
    const bool cast = e.call.find(name + "::") != std::string::npos;
    if (AllAre(e, c, TypeId::kInteger)) {
      type = TypeId::kInteger;
    } else if (!cast && AllAre(e, c, TypeId::kDouble)) {
      type = TypeId::kDouble;
    }
    add(name, type, [&](size_t row) -> const std::string& { return e.rows[row][c]; });
  }
  add("time", TypeId::kTimestamp, [&](size_t row) -> const std::string& { return e.times[row]; });
  const auto schema = std::make_shared<const Schema>(fields);
  return std::make_shared<const Batch>(schema, static_cast<int64_t>(e.rows.size()), columns);
}

struct Run {
  const std::vector<AggregateCall>& calls;
  GroupTable table{{}, calls};

  void Add(const BatchPtr& batch, bool retract = false) {
    GroupInput input({}, calls, Env::Default());
    std::vector<RowFailure> failures;
    input.Evaluate(batch, table.keys(), &failures);
    REQUIRE(failures.empty());
    std::vector<uint32_t> slots;
    retract ? table.Retract(input, nullptr, batch->rows(), &slots)
            : table.Add(input, nullptr, batch->rows(), &slots);
  }
  std::string Result() {
    std::vector<RowFailure> failures;
    const std::vector<ColumnPtr> columns = table.Results({0}, &failures);
    if (!failures.empty()) return "error: " + failures[0].message;
    std::string text;
    PrintValue(*columns[0], 0, text);
    return text;
  }
};

uint64_t Hashed(uint64_t i) {
  ColumnBuilder value{DataType(TypeId::kBigint)};
  value.Append(static_cast<int64_t>(i));
  std::vector<uint64_t> hashes;
  HashRows({value.Finish()}, 1, &hashes);
  return hashes[0];
}

struct Bound {
  Scope scope;
  SelectBinder binder{scope, std::make_shared<const Schema>()};

  Bound(const Example& e, const BatchPtr& batch, bool retracting) : scope(batch->schema()) {
    binder.set_event_time(batch->schema()->size() - 1);
    if (retracting) binder.set_retracting();
    ExprProblem problem;
    const ExpressionPtr bound = binder.Bind(e.call, &problem);
    REQUIRE_MESSAGE(bound != nullptr, problem.message << " " << problem.suggestion);
  }
  const std::vector<AggregateCall>& calls() const { return binder.calls(); }
};

// Row by row, each in a table of its own, joined by way of saved states; then all of it saved once more.
std::string Merged(const BatchPtr& batch, const std::vector<AggregateCall>& calls) {
  Run merged{calls};
  for (int64_t row = 0; row < batch->rows(); ++row) {
    Run one{calls};
    one.Add(Slice(batch, row, row + 1));
    merged.table.Load(one.table.Save({0}), 1);
  }
  Run loaded{calls};
  const std::vector<ColumnPtr> saved = merged.table.Save({0});
  const std::vector<DataType> types = GroupTable::StateTypes({}, calls);
  REQUIRE(saved.size() == types.size());
  for (size_t i = 0; i < types.size(); ++i) CHECK(saved[i]->type() == types[i]);
  loaded.table.Load(saved, 1);
  CHECK(loaded.Result() == merged.Result());
  return merged.Result();
}

std::string SavedText(const GroupTable& table) {
  std::string text;
  for (const ColumnPtr& column : table.Save({0})) PrintValue(*column, 0, text += " | ");
  return text;
}

// The same from table to table; then what comes and goes again leaves no trace in the state.
void CheckTableToTable(const Example& example, const BatchPtr& batch,
                       const std::vector<AggregateCall>& calls) {
  const uint32_t slot = 0;
  const SlotPairs first{1, nullptr, &slot};
  Run merged{calls};
  merged.Add(Slice(batch, 0, 1));
  for (int64_t row = 1; row < batch->rows(); ++row) {
    Run one{calls};
    one.Add(Slice(batch, row, row + 1));
    merged.table.states(0).MergeFrom(one.table.states(0), first);
  }
  CHECK(merged.Result() == example.result);
  Run assigned{calls};
  assigned.Add(Slice(batch, 0, 1));
  assigned.table.states(0).Assign(merged.table.states(0), first);
  CHECK(assigned.Result() == example.result);
  if (!calls[0].can_subtract()) return;
  const std::string before = SavedText(merged.table);
  Run other{calls};
  for (int64_t row = batch->rows(); row-- > 0;) other.Add(Slice(batch, row, row + 1));
  other.Add(batch);
  merged.table.states(0).MergeFrom(other.table.states(0), first);
  merged.table.states(0).Subtract(other.table.states(0), first);
  CHECK(SavedText(merged.table) == before);
  CHECK(merged.Result() == example.result);
}

void CheckRetracting(const Example& example, const BatchPtr& batch) {
  const Bound bound(example, batch, true);
  REQUIRE(bound.calls()[0].can_retract());
  CHECK(Merged(batch, bound.calls()) == example.result);
  // What was added twice and taken back once is as if added once, also by way of a saved state.
  Run retracted{bound.calls()};
  retracted.Add(batch);
  retracted.Add(batch);
  retracted.Add(batch, true);
  CHECK(retracted.Result() == example.result);
  Run loaded{bound.calls()};
  loaded.table.Load(retracted.table.Save({0}), 1);
  CHECK(loaded.Result() == example.result);
  // Nothing is left when all is taken back.
  const std::unique_ptr<Accumulator> empty = bound.calls()[0].Make();
  empty->Resize(1);
  const uint32_t slot = 0;
  std::vector<RowFailure> failures;
  std::string nothing;
  PrintValue(*empty->Results(&slot, 1, &failures), 0, nothing);
  retracted.Add(batch, true);
  CHECK(retracted.Result() == nothing);
  retracted.Add(batch);
  CHECK(retracted.Result() == example.result);
  // Taken back by one table and added by another: their states together are as if neither had been.
  Run debt{bound.calls()};
  debt.Add(batch, true);
  debt.table.Load(retracted.table.Save({0}), 1);
  debt.table.Load(retracted.table.Save({0}), 1);
  CHECK(debt.Result() == example.result);
}

void CheckExample(std::string_view text) {
  CAPTURE(text);
  const Example example = Read(text);
  const BatchPtr batch = RowsOf(example);
  const Bound bound(example, batch, false);
  Run whole{bound.calls()};
  whole.Add(batch);
  CHECK(whole.Result() == example.result);
  CHECK(Merged(batch, bound.calls()) == example.result);
  CheckTableToTable(example, batch, bound.calls());
  // A cleared slot is empty: the same rows give the same again.
  Run again{bound.calls()};
  again.Add(batch);
  again.table.Erase(0);
  again.Add(batch);
  CHECK(again.Result() == example.result);
  const AggregateFunction& function = *bound.calls()[0].function;
  if (function.has(kRetracts) || function.has(kRetractsIfTold) || !bound.calls()[0].order.empty()) {
    CheckRetracting(example, batch);
  }
  if (bound.calls()[0].can_retract()) {
    Run retracted{bound.calls()};
    retracted.Add(batch);
    retracted.Add(batch);
    retracted.Add(batch, true);
    CHECK(retracted.Result() == example.result);
  }
}

TEST_CASE("every example of the aggregate table is true however its rows come") {
  for (const AggregateFunction& function : AllAggregates()) {
    CAPTURE(function.signature.Signature());
    CHECK(!function.signature.help.empty());
    CheckExample(function.signature.example);
  }
}

// Results of PostgreSQL 15 where it has the function.
TEST_CASE("DISTINCT and ORDER BY inside calls, and what the table has no room for") {
  for (const std::string_view text : {
           "count(DISTINCT x) over 1, 2, 1, NULL, NULL -> 2",
           "sum(DISTINCT x) over 3, 3, 4 -> 7",
           "avg(DISTINCT x) over 3, 3, 4 -> 3.5000000000000000",
           "sum(DISTINCT x) over 0.5, 0.5, 1 -> 1.5",
           "sum(DISTINCT x::numeric) over 1.50, 1.5, 2 -> 3.50",
           "max(DISTINCT x) over 3, 3, 4 -> 4",
           "stddev(DISTINCT x) over 1, 2, 2, 4, 4 -> 1.5275252316519467",
           "corr(DISTINCT x, y) over 1 | 2, 2 | 4, 4 | 8, 4 | 8 -> 1",
           "bit_xor(DISTINCT x) over 7, 7, 2 -> 5",
           "array_agg(DISTINCT x) over 3, NULL, 1, 3, 2, NULL -> {1,2,3,NULL}",
           "array_agg(DISTINCT x ORDER BY x DESC) over b, a, b, c -> {c,b,a}",
           "array_agg(x ORDER BY y) over a | 3, b | 1, c | 2, d | NULL, e | 1 -> {b,e,c,a,d}",
           "array_agg(x ORDER BY y DESC, x) over a | 1, b | 1, c | 2 -> {c,a,b}",
           "array_agg(x ORDER BY y NULLS FIRST) over a | 1, d | NULL -> {d,a}",
           "string_agg(x, '') over a, b -> ab",
           "string_agg(x, y) over a | 1;, b | 2;, c | NULL -> a2;bc",
           "string_agg(DISTINCT x, '-') over b, a, b -> a-b",
           "string_agg(DISTINCT x, '-' ORDER BY x DESC) over b, a, b -> b-a",
           "string_agg(x::text, '+') over NULL, NULL -> NULL",
           "jsonb_agg(x ORDER BY x DESC) over a, b -> [\"b\", \"a\"]",
           "jsonb_agg(x) over 1.5, 2 -> [1.5, 2]",
           "jsonb_object_agg(x, y) over 1 | a, 2 | NULL -> {\"1\": \"a\", \"2\": null}",
           "jsonb_object_agg(x, y) over NULL | 1 -> error: field name must not be null",
           "sum(x) over 2147483647, 2147483647 -> 4294967294",
           "sum(x) over 1e308, 1e308 -> error: value out of range: overflow",
           "sum(x) over 0.1, 0.2, 0.3 -> 0.6",
           "sum(x) over 1e100, 1, -1e100 -> 1",
           "sum(x::double precision) over Infinity, -Infinity -> NaN",
           "sum(x::double precision) over Infinity, 1 -> Infinity",
           "avg(x::double precision) over NaN, 1 -> NaN",
           "avg(x) over 0.1, 0.3 -> 0.2",
           "min(x::double precision) over NaN, 1 -> 1",
           "max(x::double precision) over NaN, 1 -> NaN",
           "max(x::numeric) over 1.5, 10, 9 -> 10",
           "min(x) over b, a, aa -> a",
           "max(x::interval) over 1 month, 29 days -> 1 mon",
           "max(x::inet) over 10.0.0.2, 10.0.0.10 -> 10.0.0.10",
           "min(x::boolean) over t, f -> f",
           "any_value(x) over NULL, b, a -> a",
           "first(x) over NULL @ 2024-01-01 00:00:00, b @ 2024-01-01 00:00:01 -> b",
           "last(x) over a @ 2024-01-01 00:00:01, b @ 2024-01-01 00:00:00, c @ 2024-01-01 00:00:01 -> c",
           "min_by(x, y) over NULL | 1, b | 2 -> NULL",
           "min_by(x, y) over NULL | 1, c | 1, b | 1 -> b",
           "max_by(x, y) over a | 1.5, c | 2.5, b | 2.5 -> b",
           "stddev(x) over 5 -> NULL",
           "var_pop(x) over 5 -> 0",
           "var_samp(x::double precision) over 1e300, 2e300 -> error: value out of range: overflow",
           "stddev_samp(x) over 1000000000.1, 1000000000.2 -> 0.07071069497739416",
           "variance(x) over 1700000000000000.0, 1700000000000001.0, 1700000000000002.5 -> "
           "1.5833333333333333",
           "corr(x, y) over 1 | 5, 2 | 5 -> NULL",
           "corr(x, y) over 1 | 2 -> NULL",
           "regr_r2(y, x) over 1 | 5, 2 | 5 -> 1",
           "regr_slope(y, x) over 1 | 5, 1 | 6 -> NULL",
           "regr_intercept(y, x) over 1 | 2, 2 | 4.5, 4 | 8 -> 0.25",
           "covar_samp(x, y) over 1 | 2 -> NULL",
           "percentile_cont(0) WITHIN GROUP (ORDER BY x) over 4, 1, 2 -> 1",
           "percentile_cont(0.9) WITHIN GROUP (ORDER BY x DESC) over 4, 1, 2 -> 1.2",
           "percentile_cont(NULL) WITHIN GROUP (ORDER BY x) over 4, 1 -> NULL",
           "percentile_disc(0.5) WITHIN GROUP (ORDER BY x) over 4, 1, 3, 2 -> 2",
           "percentile_disc(1) WITHIN GROUP (ORDER BY x) over b, a, NULL -> b",
           "mode() WITHIN GROUP (ORDER BY x DESC) over 2, 1, 1, 2, 3 -> 2",
           "mode() WITHIN GROUP (ORDER BY x) over b, NULL, NULL -> b",
           "median(x) over 3, 1 -> 2",
           "bool_and(x::boolean) over NULL -> NULL",
           "bit_and(x) over NULL -> NULL",
           "bit_or(x) over -2147483648, 1 -> -2147483647",
           "count(x) FILTER (WHERE x > 1) over 1, 2, 3 -> 2",
           "approx_percentile(x, 0) over 5, 3 -> 3",
           "approx_count_distinct(x) over a, b, a -> 2",
       }) {
    CheckExample(text);
  }
}

TEST_CASE("only states that leave no trace can be taken out") {
  for (const AggregateFunction& function : AllAggregates()) {
    if (!function.has(kSubtracts)) continue;
    CAPTURE(function.signature.Signature());
    CHECK_FALSE(function.has(kOrderMatters));
    // Sums of these are rounded, or keep the largest scale or an overflow.
    for (const Arg arg : function.signature.args) CHECK((arg != Arg::kNumeric && arg != Arg::kInterval));
    const bool counts_doubles = function.signature.name == "histogram";
    if (!counts_doubles) CHECK(function.signature.args != std::vector<Arg>{Arg::kDouble});
  }
}

// The documented errors, on data whose answers are known.
TEST_CASE("approx_count_distinct stays within three standard errors, however it is split") {
  for (const uint64_t values : {100u, 768u, 5000u, 200'000u}) {
    HyperLogLog whole;
    HyperLogLog parts[3];
    for (uint64_t i = 0; i < values; ++i) {
      const uint64_t hash = Hashed(i);
      whole.Add(hash);
      whole.Add(hash);
      parts[i % 3].Add(hash);
    }
    const double error = std::abs(whole.Estimate() / static_cast<double>(values) - 1);
    CAPTURE(values);
    CHECK(error < (values <= HyperLogLog::kSparse ? 0.0001 : 3 * 0.01625));
    HyperLogLog merged = HyperLogLog::Load(parts[2].Save());
    merged.Merge(parts[0]);
    merged.Merge(HyperLogLog::Load(parts[1].Save()));
    CHECK(merged.Save() == whole.Save());
  }
  CHECK(HyperLogLog::Load("no sketch").Estimate() == 0);
}

TEST_CASE("approx_percentile keeps its error in rank, in order, out of order and merged") {
  constexpr int kRows = 100'000;
  for (const int order : {0, 1, 2}) {
    TDigest whole;
    std::vector<TDigest> parts(10);
    for (int i = 0; i < kRows; ++i) {
      const auto shuffled = static_cast<int>((static_cast<int64_t>(i) * 48271) % kRows);
      const double rank = order == 0 ? i : (order == 1 ? kRows - 1 - i : shuffled);
      const double value = std::exp(rank / kRows * 20);  // spread over nine orders of magnitude
      whole.Add(value);
      parts[static_cast<size_t>(i) % parts.size()].Add(value);
    }
    TDigest merged;
    for (const TDigest& part : parts) merged.Merge(part);
    for (const TDigest* digest : {&whole, &merged}) {
      CHECK(digest->Centroids().size() <= 200);
      for (const double q : {0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999}) {
        CAPTURE(q);
        CAPTURE(order);
        const double rank = std::log(digest->Quantile(q)) / 20;
        CHECK(std::abs(rank - q) < (q < 0.02 || q > 0.98 ? 0.001 : 0.006));
      }
      CHECK(digest->Quantile(0) == 1);
      CHECK(digest->Quantile(1) == std::exp((kRows - 1.0) / kRows * 20));
    }
  }
}

std::string ProblemOf(std::string_view call) {
  const Example e = Read(std::string(call) + " over 1 | a -> NULL");
  const BatchPtr batch = RowsOf(e);
  const Scope scope(batch->schema());
  SelectBinder binder(scope, std::make_shared<const Schema>());
  ExprProblem problem;
  return binder.Bind(e.call, &problem) ? "" : problem.message;
}

TEST_CASE("calls that make no sense say why") {
  CHECK(ProblemOf("percentile_cont(1.5) WITHIN GROUP (ORDER BY x)") ==
        "percentile value 1.5 is not between 0 and 1");
  CHECK(ProblemOf("percentile_cont(x) WITHIN GROUP (ORDER BY x)") ==
        "the fraction of a percentile must be a constant");
  CHECK(ProblemOf("percentile_cont(0.5)").find("does not exist") != std::string::npos);
  CHECK(ProblemOf("median(x) WITHIN GROUP (ORDER BY y)").find("does not exist") != std::string::npos);
  CHECK(ProblemOf("array_agg(DISTINCT x ORDER BY y)") ==
        "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list");
  CHECK(ProblemOf("first(x)") == "first goes by event time, and the input has none");
  CHECK(ProblemOf("histogram(x, 2, 1, 3)") == "histogram needs a low that is below its high, both finite");
  CHECK(ProblemOf("approx_top_k(y, 0)") == "approx_top_k takes a constant number of values, 1 to 1000");
  CHECK(ProblemOf("sum(count(x))") == "aggregate function calls cannot be nested");
}

}  // namespace
}  // namespace streamrun
