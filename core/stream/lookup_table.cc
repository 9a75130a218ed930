#include "core/stream/lookup_table.h"

#include <algorithm>

#include "core/data/column_builder.h"
#include "core/data/value.h"
#include "core/stream/projection.h"

namespace streamrun {

namespace {

// Far enough below the 2 GiB that int32 offsets address that one more batch cannot pass it.
constexpr size_t kMaxColumnBytes = size_t{1} << 30;
constexpr int64_t kMaxRows = int64_t{1} << 30;

// Makes a key of type `from` one of type `to`; *cast stays null when there is nothing to do.
bool Cast(const DataType& from, const DataType& to, ExpressionPtr* cast) {
  if (from == to) return true;
  ExprProblem problem;
  auto schema = std::make_shared<const Schema>(std::vector<Field>{{"key", from}});
  Result<ExpressionPtr> bound = BindExpression("key::" + to.ToString(), Scope(schema), &problem);
  if (bound.ok()) *cast = *bound;
  return bound.ok();
}

std::string PrintKey(const std::vector<ColumnPtr>& keys, int64_t row) {
  std::string text;
  for (const ColumnPtr& key : keys) {
    if (!text.empty()) text += ", ";
    text += Value::FromColumn(*key, row).ToText();
  }
  return text;
}

}  // namespace

bool KeySide::can_fail() const {
  const auto fails = [](const ExpressionPtr& e) { return e && e->can_fail(); };
  return std::any_of(expressions.begin(), expressions.end(), fails) ||
         std::any_of(casts.begin(), casts.end(), fails);
}

Status SplitKey(const Expression& on, const Scope& scope, KeySide* left, KeySide* right) {
  if (!SplitEquiJoin(on, scope, &left->expressions, &right->expressions) || left->expressions.empty()) {
    return Status::InvalidArgument("only equalities between the two sides, joined by AND, can be looked up");
  }
  for (size_t i = 0; i < left->expressions.size(); ++i) {
    const DataType& a = left->expressions[i]->type();
    const DataType& b = right->expressions[i]->type();
    // Binding `=` has made the types equal but for the precision of numerics.
    const DataType common = a.is_numeric() && !(a == b) ? DataType(TypeId::kNumeric) : a;
    left->casts.emplace_back();
    right->casts.emplace_back();
    if (!Cast(a, common, &left->casts.back()) || !Cast(b, common, &right->casts.back())) {
      return Status::InvalidArgument("keys of types " + a.ToString() + " and " + b.ToString() +
                                     " cannot be compared; cast one of them");
    }
  }
  return Status::Ok();
}

KeyColumns::KeyColumns(const KeySide& side, Env* env) {
  for (size_t i = 0; i < side.expressions.size(); ++i) {
    keys_.emplace_back(side.expressions[i], env);
    casts_.emplace_back();
    if (side.casts[i]) casts_.back().emplace(side.casts[i], env);
  }
}

std::vector<ColumnPtr> KeyColumns::Evaluate(const std::vector<ColumnPtr>& columns, int64_t rows,
                                            std::vector<RowFailure>* failures) {
  std::vector<ColumnPtr> results;
  for (size_t i = 0; i < keys_.size(); ++i) {
    std::vector<RowFailure> failed;
    results.push_back(keys_[i].Evaluate(columns, rows, &failed));
    MergeFailures(std::move(failed), failures);
    if (!casts_[i]) continue;
    failed.clear();
    results.back() = casts_[i]->Evaluate({results.back()}, rows, &failed);
    MergeFailures(std::move(failed), failures);
  }
  return results;
}

LookupLoader::LookupLoader(const std::shared_ptr<const TableFactory>& table, const KeySide& key, int before,
                           std::vector<bool> used, Env* env)
    : schema_(table->schema()),
      used_(std::move(used)),
      before_(before),
      key_(key, env),
      reader_(table->Create(env)) {}

Result<std::vector<ColumnPtr>> LookupLoader::JoinBatches(const std::vector<BatchPtr>& batches,
                                                         int64_t* rows) const {
  for (const BatchPtr& batch : batches) *rows += batch->rows();
  std::vector<ColumnPtr> columns;
  for (int c = 0; c < schema_->size(); ++c) {
    columns.emplace_back();
    if (!used_[static_cast<size_t>(c)]) continue;
    ColumnBuilder builder(schema_->field(c).type);
    for (const BatchPtr& batch : batches) {
      for (int64_t row = 0; row < batch->rows(); ++row) builder.AppendFrom(*batch->column(c), row);
      if (builder.ByteSize() > kMaxColumnBytes || builder.length() > kMaxRows) {
        return Status::ResourceExhausted("column '" + schema_->field(c).name +
                                         "' is larger than 1 GiB: too large to hold in memory");
      }
    }
    builder.AppendNull();
    columns.back() = builder.Finish();
  }
  return columns;
}

Result<std::unique_ptr<LookupTable>> LookupLoader::Load() {
  SR_ASSIGN_OR_RETURN(const std::vector<BatchPtr> batches, reader_->ReadAll());
  auto table = std::make_unique<LookupTable>();
  SR_ASSIGN_OR_RETURN(table->columns, JoinBatches(batches, &table->rows));
  std::vector<ColumnPtr> flat(static_cast<size_t>(before_));
  flat.insert(flat.end(), table->columns.begin(), table->columns.end());
  // The null row takes part, so that the key columns are as long as the others; what it gives is not looked
  // at.
  std::vector<RowFailure> failures;
  std::vector<ColumnPtr> keys = key_.Evaluate(flat, table->rows + 1, &failures);
  if (!failures.empty() && failures[0].row < table->rows) {
    return Status::InvalidArgument("row " + std::to_string(failures[0].row + 1) +
                                   ": the key cannot be computed: " + failures[0].message);
  }
  if (const auto twice = table->index.Build(keys, table->rows)) {
    return Status::InvalidArgument("key " + PrintKey(keys, twice->first) + " is there twice, in rows " +
                                   std::to_string(twice->first + 1) + " and " +
                                   std::to_string(twice->second + 1) + ": keys must be unique");
  }
  return table;
}

}  // namespace streamrun
