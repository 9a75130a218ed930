// Drives one bound operator by hand: configuration and rows as text in, rows as text out.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/component/registry.h"
#include "core/data/text_io.h"
#include "core/stream/table.h"

namespace streamrun::testing {

/// A configuration tree written in C++: Conf("x"), Conf({{"where", "a > 1"}, {"keep", Conf::List({"a"})}}).
class Conf {
 public:
  explicit Conf(ConfigValue value) : value_(std::move(value)) {}
  Conf(const char* text)
      : value_(ConfigValue::Scalar(text, false, {"test.yaml", 1, 1})) {}  // NOLINT: implicit
  Conf(std::initializer_list<std::pair<const char*, Conf>> entries) {
    std::vector<ConfigValue::Entry> map;
    for (const auto& [key, value] : entries) map.emplace_back(Conf(key).value(), value.value());
    value_ = ConfigValue::Map(std::move(map), {"test.yaml", 1, 1});
  }
  static Conf List(std::initializer_list<Conf> items) {
    std::vector<ConfigValue> values;
    for (const Conf& item : items) values.push_back(item.value());
    Conf list("");
    list.value_ = ConfigValue::List(std::move(values), {"test.yaml", 1, 1});
    return list;
  }
  const ConfigValue& value() const { return value_; }

 private:
  ConfigValue value_;
};

/// "a bigint, b text" as a schema.
inline std::shared_ptr<Schema> SchemaOf(const std::string& text) {
  std::vector<Field> fields;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    const std::string field = text.substr(begin, i - begin);
    const size_t first = field.find_first_not_of(' ');
    const size_t blank = field.find(' ', first);
    const Result<DataType> type = DataType::Parse(field.substr(blank + 1));
    REQUIRE_MESSAGE(type.ok(), type.status().message());
    fields.push_back({field.substr(first, blank - first), *type});
    begin = i + 1;
  }
  return std::make_shared<Schema>(std::move(fields));
}

/// One text a cell; "NULL" is null. A first cell of "-U", "+U", "-D" or "+I" more than there are columns is
/// the change kind. Rows come from split "test" with offsets 100, 101, ...
using TextRows = std::vector<std::vector<std::string>>;

inline constexpr const char* kChangeNames[] = {"+I", "-U", "+U", "-D"};

inline BatchPtr BatchOf(const SchemaPtr& schema, const TextRows& rows) {
  std::vector<ColumnBuilder> builders;
  for (const Field& field : schema->fields()) builders.emplace_back(field.type);
  BufferBuilder kinds, offsets;
  for (size_t r = 0; r < rows.size(); ++r) {
    const size_t extra = rows[r].size() - builders.size();
    REQUIRE(extra <= 1);
    int8_t kind = 0;
    while (extra == 1 && rows[r][0] != kChangeNames[kind]) ++kind;
    if (extra == 1) kinds.Push(kind);
    offsets.Push(static_cast<int64_t>(100 + r));
    for (size_t c = 0; c < builders.size(); ++c) {
      const std::string& cell = rows[r][c + extra];
      if (cell == "NULL") {
        builders[c].AppendNull();
      } else {
        const Status parsed = AppendParsed(cell, builders[c]);
        REQUIRE_MESSAGE(parsed.ok(), parsed.message());
      }
    }
  }
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder& builder : builders) columns.push_back(builder.Finish());
  return std::make_shared<const Batch>(schema, static_cast<int64_t>(rows.size()), std::move(columns),
                                       Origin{std::make_shared<const std::string>("test"), offsets.Finish()},
                                       kinds.size() > 0 ? kinds.Finish() : nullptr);
}

/// "1 | x | NULL" for each row, with "+U " in front when the batch carries changes; a pruned column is "-".
inline std::vector<std::string> TextOf(const Batch& batch) {
  std::vector<std::string> rows;
  for (int64_t r = 0; r < batch.rows(); ++r) {
    std::string text =
        batch.changes() ? std::string(kChangeNames[static_cast<int>(batch.change(r))]) + " " : "";
    for (int c = 0; c < batch.schema()->size(); ++c) {
      if (c > 0) text += " | ";
      if (batch.pruned(c)) {
        text += "-";
      } else {
        PrintValue(*batch.column(c), r, text);
      }
    }
    rows.push_back(std::move(text));
  }
  return rows;
}

/// Collects what an operator gives and holds it to the contract: one batch a port and call, whole batches of
/// the bound schema.
class CollectedOutput final : public Output {
 public:
  explicit CollectedOutput(const BoundOperator& bound) : bound_(bound), rows(bound.ports.size()) {}

  void Emit(int port, BatchPtr batch) override {
    const auto p = static_cast<size_t>(port);
    REQUIRE(p < rows.size());
    if (batch->rows() == 0) return;
    CHECK_MESSAGE(emitted_[port]++ == 0, "two batches on one port in one call");
    CHECK(*batch->schema() == *bound_.outputs[p]);
    REQUIRE(batch->columns().size() == static_cast<size_t>(batch->schema()->size()));
    for (int c = 0; c < batch->schema()->size(); ++c) {
      if (batch->pruned(c)) continue;
      CHECK(batch->column(c)->length() == batch->rows());
      CHECK(batch->column(c)->type() == batch->schema()->field(c).type);
    }
    for (std::string& row : TextOf(*batch)) rows[p].push_back(std::move(row));
    for (int64_t r = 0; batch->origin() && r < batch->rows(); ++r) {
      offsets.push_back(batch->origin().offsets->as<int64_t>()[r]);
    }
    batches.push_back(std::move(batch));
  }
  void Fail(const BatchPtr& input, std::vector<RowFailure> failed) override {
    for (size_t i = 0; i < failed.size(); ++i) {
      CHECK(failed[i].row < static_cast<uint64_t>(input->rows()));
      if (i > 0) CHECK(failed[i - 1].row < failed[i].row);
      failures.push_back(std::to_string(failed[i].row) + ": " + failed[i].code + " " + failed[i].message);
    }
  }
  void FailResult(const BatchPtr& rows, std::vector<RowFailure> failures) override {
    Fail(rows, std::move(failures));
  }
  void Count(Fate fate, int64_t count) override { counts[fate] += count; }

  /// Called by the driver before each call of the operator.
  void NextCall() { emitted_.clear(); }

 private:
  const BoundOperator& bound_;
  std::map<int, int> emitted_;

 public:
  std::vector<std::vector<std::string>> rows;  // per port
  std::vector<std::string> failures;
  std::map<Fate, int64_t> counts;
  std::vector<BatchPtr> batches;
  std::vector<int64_t> offsets;  // of all rows emitted
};

/// A table whose rows a test may change while an operator runs. An empty version stands for a broken file.
struct FakeTable {
  SchemaPtr schema;
  TextRows rows;
  std::string version = "1";
  Status broken;
};

class FakeTableFactory final : public TableFactory {
 public:
  explicit FakeTableFactory(FakeTable* table) : table_(table) {}
  const SchemaPtr& schema() const override { return table_->schema; }
  std::unique_ptr<TableReader> Create(Env*) const override { return std::make_unique<Reader>(table_); }

 private:
  class Reader final : public TableReader {
   public:
    explicit Reader(FakeTable* table) : table_(table) {}
    Result<std::vector<BatchPtr>> ReadAll() override {
      if (!table_->broken.ok()) return table_->broken;
      // One batch a row: loading has to join batches.
      std::vector<BatchPtr> batches;
      for (const auto& row : table_->rows) batches.push_back(BatchOf(table_->schema, {row}));
      return batches;
    }
    Result<std::string> Version() override { return table_->version; }

   private:
    FakeTable* table_;
  };
  FakeTable* table_;
};

class FakeBindContext final : public BindContext {
 public:
  FakeBindContext(const std::string& name, const ConfigValue& config, Diagnostics& diagnostics,
                  FakeTable* table)
      : BindContext("node", "operator '" + name + "'", config, {"operator", "input"}, diagnostics),
        table_(table) {}
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent&) override {
    REQUIRE(table_ != nullptr);
    return std::make_shared<FakeTableFactory>(table_);
  }

 private:
  FakeTable* table_;
};

class FakeOperatorContext final : public OperatorContext {
 public:
  FakeOperatorContext() { env = Env::Default(); }
  Timestamp ProcessingTime() override { return now; }
  Timestamp now = 1'000'000;
};

/// What binding gave: an operator or the problems ("code: message").
struct BoundTest {
  std::shared_ptr<const BoundOperator> bound;
  std::vector<std::string> problems;
};

inline BoundTest BindOperator(const std::string& name, const Conf& config,
                              const std::vector<SchemaPtr>& inputs, FakeTable* table = nullptr) {
  const OperatorDefinition* definition = Registry::Global().FindOperator(name);
  REQUIRE(definition != nullptr);
  Diagnostics diagnostics;
  FakeBindContext context(name, config.value(), diagnostics, table);
  context.inputs = inputs;
  for (size_t i = 0; i < inputs.size(); ++i) context.input_names.push_back("in" + std::to_string(i));
  BoundTest result{definition->bind(context), {}};
  for (const Finding& finding : diagnostics.findings()) {
    result.problems.push_back(finding.code + ": " + finding.message);
  }
  CHECK((result.bound == nullptr) == diagnostics.has_errors());
  return result;
}

/// One running instance.
class OperatorRun {
 public:
  OperatorRun(const std::string& name, const Conf& config, const std::vector<SchemaPtr>& inputs,
              FakeTable* table = nullptr)
      : inputs_(inputs) {
    const BoundTest test = BindOperator(name, config, inputs, table);
    for (const std::string& problem : test.problems) MESSAGE(problem);
    REQUIRE(test.bound != nullptr);
    bound = test.bound;
    REQUIRE(bound->ports.size() == bound->outputs.size());
    REQUIRE(bound->exchanges.size() == inputs.size());
    out = std::make_unique<CollectedOutput>(*bound);
    op = bound->Create();
    opened = op->Open(context);
  }

  /// Rows of input 0 as one batch.
  OperatorRun& Feed(const TextRows& rows) { return FeedBatch(0, BatchOf(inputs_[0], rows)); }
  OperatorRun& Feed(int input, const TextRows& rows) {
    return FeedBatch(input, BatchOf(inputs_[static_cast<size_t>(input)], rows));
  }
  OperatorRun& FeedBatch(int input, const BatchPtr& batch) {
    REQUIRE_MESSAGE(opened.ok(), opened.message());
    out->NextCall();
    Result<Outcome> outcome = op->Process(input, batch, *out);
    REQUIRE(outcome.ok());
    for (steps = 1; *outcome == Outcome::kHaveMore; ++steps) {
      out->NextCall();
      outcome = op->Continue(*out);
      REQUIRE(outcome.ok());
    }
    return *this;
  }
  /// One batch a row.
  OperatorRun& FeedEach(const TextRows& rows) {
    for (const auto& row : rows) Feed({row});
    return *this;
  }
  OperatorRun& Tick(Timestamp now) {
    context.now = now;
    if (op->NextTimer() <= now) REQUIRE(op->OnTimer(now, *out).ok());
    return *this;
  }
  /// The given columns of the input, the others pruned.
  static BatchPtr Prune(const BatchPtr& batch, const std::vector<bool>& needed) {
    std::vector<ColumnPtr> columns = batch->columns();
    for (size_t c = 0; c < columns.size(); ++c) {
      if (!needed[c]) columns[c] = nullptr;
    }
    return std::make_shared<const Batch>(batch->schema(), batch->rows(), std::move(columns), batch->origin(),
                                         batch->changes());
  }

  const std::vector<std::string>& port(const std::string& name) const {
    for (size_t p = 0; p < bound->ports.size(); ++p) {
      if (bound->ports[p].name == name) return out->rows[p];
    }
    FAIL("no port " << name);
    return out->rows[0];
  }
  const std::vector<std::string>& ok() const { return out->rows[0]; }
  int64_t count(Fate fate) const { return out->counts[fate]; }

  std::shared_ptr<const BoundOperator> bound;
  std::unique_ptr<CollectedOutput> out;
  std::unique_ptr<Operator> op;
  FakeOperatorContext context;
  Status opened;
  int steps = 0;

 private:
  std::vector<SchemaPtr> inputs_;
};

using Texts = std::vector<std::string>;

inline std::shared_ptr<Schema> WithChanges(std::shared_ptr<Schema> schema) {
  schema->changes = true;
  return schema;
}

}  // namespace streamrun::testing
