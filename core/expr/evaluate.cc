// The walk over a bound tree. AND, OR, CASE and COALESCE hand each argument only the rows that need it, as a
// row set, so a row that would fail in a branch it does not take does not fail.
#include "core/expr/evaluate.h"

#include <array>

#include "core/data/selection.h"
#include "core/expr/function.h"

namespace streamrun {

namespace {

// Clears from `set` the rows where `column` is null.
void DropNulls(const Column& column, int64_t rows, RowSet& set) {
  const uint8_t* validity = column.validity();
  if (validity == nullptr) return;
  for (int64_t w = 0; w < WordsFor(rows); ++w) set[static_cast<size_t>(w)] &= LoadWord(validity, w, rows);
}

Vector NullVector(const DataType& type) { return {Column::Nulls(type, 1), true}; }

Vector BooleanVector(const RowSet& yes, const RowSet& valid, int64_t rows) {
  const int64_t nulls = rows - CountBits(valid.data(), rows);
  BufferPtr validity = nulls > 0 ? BitmapOf(valid.data(), rows) : nullptr;
  return {std::make_shared<const Column>(DataType(TypeId::kBoolean), rows, nulls, std::move(validity),
                                         BitmapOf(yes.data(), rows)),
          false};
}

// Splits a boolean vector into the rows that are true and those that are false.
void Truth(const Vector& v, int64_t rows, RowSet& yes, RowSet& no) {
  const int64_t words = WordsFor(rows);
  yes.resize(static_cast<size_t>(words));
  no.resize(static_cast<size_t>(words));
  if (v.constant) {
    const bool null = v.column->IsNull(0);
    const bool value = !null && v.column->Bool(0);
    for (int64_t w = 0; w < words; ++w) {
      yes[static_cast<size_t>(w)] = value ? WordMask(w, rows) : 0;
      no[static_cast<size_t>(w)] = !null && !value ? WordMask(w, rows) : 0;
    }
    return;
  }
  const auto* bits = v.column->values<uint8_t>();
  const uint8_t* validity = v.column->validity();
  for (int64_t w = 0; w < words; ++w) {
    const uint64_t value = LoadWord(bits, w, rows);
    const uint64_t valid = validity ? LoadWord(validity, w, rows) : WordMask(w, rows);
    yes[static_cast<size_t>(w)] = value & valid;
    no[static_cast<size_t>(w)] = ~value & valid;
  }
}

void AndNot(RowSet& set, const RowSet& minus) {
  for (size_t w = 0; w < set.size(); ++w) set[w] &= ~minus[w];
}
void And(RowSet& set, const RowSet& with) {
  for (size_t w = 0; w < set.size(); ++w) set[w] &= with[w];
}

void Or(RowSet& set, const RowSet& with) {
  for (size_t w = 0; w < set.size(); ++w) set[w] |= with[w];
}

bool IsSubset(const uint64_t* rows, const RowSet& of) {
  for (size_t w = 0; w < of.size(); ++w) {
    if ((rows[w] & ~of[w]) != 0) return false;
  }
  return true;
}

}  // namespace

RowSet TrueRows(const Vector& v, int64_t rows) {
  RowSet yes;
  RowSet no;
  Truth(v, rows, yes, no);
  return yes;
}

ColumnPtr Flatten(const Vector& v, int64_t rows) {
  if (!v.constant) return v.column;
  return Take(v.column, Selection(static_cast<size_t>(rows), 0));
}

RowSet Evaluation::Everything(const uint64_t* active) const {
  const int64_t words = WordsFor(rows_);
  RowSet set(static_cast<size_t>(words));
  for (int64_t w = 0; w < words; ++w) set[static_cast<size_t>(w)] = active ? active[w] : WordMask(w, rows_);
  return set;
}

Timestamp Evaluation::Now() {
  if (outer_ != nullptr) return outer_->Now();
  if (!now_) now_ = env_->WallNow();
  return *now_;
}

Vector Evaluation::Evaluate(const ExprNode& node, const uint64_t* active) {
  return node.shared ? Shared(node, active) : Dispatch(node, active);
}

Vector Evaluation::Shared(const ExprNode& node, const uint64_t* active) {
  const RowSet wanted = Everything(active);
  RowSet missing = wanted;
  const auto found = shared_.find(&node);
  if (found != shared_.end()) {
    for (const MergePart& part : found->second) {
      if (IsSubset(wanted.data(), part.rows)) return part.values;
      AndNot(missing, part.rows);
    }
  }
  const bool first = found == shared_.end();
  Vector values;
  if (first || AnyBit(missing)) values = Dispatch(node, first ? active : missing.data());
  // Dispatch may have added other nodes: look up anew.
  std::vector<MergePart>& parts = shared_[&node];
  if (values.column) parts.push_back({missing, values});
  if (values.column && IsSubset(wanted.data(), missing)) return values;
  values = {Merge(node.type, rows_, parts, failures_), false};
  RowSet all = std::move(parts[0].rows);
  for (size_t i = 1; i < parts.size(); ++i) Or(all, parts[i].rows);
  parts.clear();
  parts.push_back({std::move(all), values});
  return values;
}

Vector Evaluation::Dispatch(const ExprNode& node, const uint64_t* active) {
  switch (node.kind) {
    case ExprNode::Kind::kColumn:
      return {columns_[static_cast<size_t>(node.column)], false};
    case ExprNode::Kind::kConstant:
      return {node.value, true};
    case ExprNode::Kind::kCall:
      return Call(node, active);
    case ExprNode::Kind::kAnd:
    case ExprNode::Kind::kOr:
      return Logic(node, active);
    case ExprNode::Kind::kCase:
      return Case(node, active);
    case ExprNode::Kind::kCoalesce:
      return Coalesce(node, active);
    case ExprNode::Kind::kDistinct:
      return Distinct(node, active);
    case ExprNode::Kind::kAny:
    case ExprNode::Kind::kAll:
      return AnyAll(node, active);
    case ExprNode::Kind::kVariadic:
      return Variadic(node, active);
  }
  return NullVector(node.type);
}

Vector Evaluation::Call(const ExprNode& node, const uint64_t* active) {
  std::array<Vector, 4> few;
  std::vector<Vector> many;
  const size_t count = node.args.size();
  if (count > few.size()) many.resize(count);
  Vector* args = count > few.size() ? many.data() : few.data();
  for (size_t i = 0; i < count; ++i) args[i] = Evaluate(*node.args[i], active);
  return Apply(node, node.type, {args, count}, active);
}

Vector Evaluation::Apply(const ExprNode& node, const DataType& type, std::span<const Vector> args,
                         const uint64_t* active) {
  const Function& function = *node.function;
  const auto run = [&](const uint64_t* rows, BufferPtr validity) -> Vector {
    KernelCall call(type, node.prepared.get(), args, rows_, rows, failures_, env_);
    if (function.has(kVolatile)) call.set_now(Now());
    call.set_validity(std::move(validity));
    return {function.kernel(call), false};
  };
  if (function.has(kSeesNulls)) return run(active, nullptr);
  const Column* nullable = nullptr;
  bool several = false;
  for (const Vector& arg : args) {
    if (!arg.column->has_nulls()) continue;
    if (arg.constant) return NullVector(type);
    several = nullable != nullptr && nullable != arg.column.get();
    nullable = arg.column.get();
    if (several) break;
  }
  if (nullable == nullptr) return run(active, nullptr);
  // Rows with a null argument are null without being computed.
  RowSet live = Everything(nullptr);
  for (const Vector& arg : args) {
    if (arg.constant && arg.column->has_nulls()) return NullVector(type);
    if (!arg.constant) DropNulls(*arg.column, rows_, live);
  }
  BufferPtr validity = several ? BitmapOf(live.data(), rows_) : nullable->validity_buffer();
  if (active != nullptr) {
    for (size_t w = 0; w < live.size(); ++w) live[w] &= active[w];
  }
  return run(live.data(), std::move(validity));
}

// Three-valued AND and OR in one: `decided` collects the rows where an argument is the deciding value (false
// for AND, true for OR); only the others see the next argument.
Vector Evaluation::Logic(const ExprNode& node, const uint64_t* active) {
  const bool is_and = node.kind == ExprNode::Kind::kAnd;
  RowSet open = Everything(active);
  RowSet decided(open.size(), 0);
  RowSet unknown(open.size(), 0);
  RowSet yes;
  RowSet no;
  const uint64_t* pass = active;
  for (const NodePtr& arg : node.args) {
    Truth(Evaluate(*arg, pass), rows_, yes, no);
    for (size_t w = 0; w < open.size(); ++w) {
      const uint64_t deciding = (is_and ? no[w] : yes[w]) & open[w];
      unknown[w] |= open[w] & ~(yes[w] | no[w]);
      decided[w] |= deciding;
      open[w] &= ~deciding;
    }
    pass = open.data();
    if (!AnyBit(open)) break;
  }
  RowSet valid = Everything(nullptr);
  AndNot(unknown, decided);
  AndNot(valid, unknown);
  if (!is_and) return BooleanVector(decided, valid, rows_);
  RowSet result = valid;
  AndNot(result, decided);
  return BooleanVector(result, valid, rows_);
}

Vector Evaluation::Case(const ExprNode& node, const uint64_t* active) {
  RowSet open = Everything(active);
  std::vector<MergePart> parts;
  const uint64_t* pass = active;
  for (size_t i = 0; i + 1 < node.args.size() && AnyBit(open); i += 2) {
    RowSet taken = TrueRows(Evaluate(*node.args[i], pass), rows_);
    And(taken, open);
    AndNot(open, taken);
    pass = open.data();
    if (!AnyBit(taken)) continue;
    Vector values = Evaluate(*node.args[i + 1], taken.data());
    parts.push_back({std::move(taken), std::move(values)});
  }
  if (AnyBit(open)) {
    Vector values = Evaluate(*node.args.back(), pass);
    parts.push_back({std::move(open), std::move(values)});
  }
  return {Merge(node.type, rows_, parts, failures_), false};
}

Vector Evaluation::Coalesce(const ExprNode& node, const uint64_t* active) {
  RowSet open = Everything(active);
  std::vector<MergePart> parts;
  const uint64_t* pass = active;
  for (const NodePtr& arg : node.args) {
    Vector values = Evaluate(*arg, pass);
    if (parts.empty() && !values.column->has_nulls()) return values;
    RowSet present = open;
    if (values.constant) {
      if (values.column->IsNull(0)) continue;
    } else {
      DropNulls(*values.column, rows_, present);
    }
    AndNot(open, present);
    pass = open.data();
    parts.push_back({std::move(present), std::move(values)});
    if (!AnyBit(open)) break;
  }
  return {Merge(node.type, rows_, parts, failures_), false};
}

Vector Evaluation::Distinct(const ExprNode& node, const uint64_t* active) {
  const std::array<Vector, 2> args{Evaluate(*node.args[0], active), Evaluate(*node.args[1], active)};
  RowSet equal;
  RowSet unequal;
  Truth(Apply(node, node.type, args, active), rows_, equal, unequal);
  // Where the equality is null: distinct unless both are null.
  RowSet result = unequal;
  for (int64_t w = 0; w < WordsFor(rows_); ++w) {
    uint64_t open = WordMask(w, rows_) & ~(equal[static_cast<size_t>(w)] | unequal[static_cast<size_t>(w)]);
    for (; open != 0; open &= open - 1) {
      const int64_t row = w * 64 + std::countr_zero(open);
      if (args[0].IsNull(row) != args[1].IsNull(row)) result[static_cast<size_t>(w)] |= open & -open;
    }
  }
  return BooleanVector(result, Everything(nullptr), rows_);
}

void KernelCall::Fail(int64_t row, std::string_view code, std::string message) {
  failures_->push_back({static_cast<uint32_t>(row), std::string(code), std::move(message)});
  Null(row);
}

void KernelCall::Null(int64_t row) {
  if (nulls_.empty()) nulls_.resize(static_cast<size_t>(WordsFor(rows_)), 0);
  nulls_[static_cast<size_t>(row >> 6)] |= uint64_t{1} << (row & 63);
}

ColumnPtr KernelCall::Finish(BufferPtr values, BufferPtr data, ColumnPtr child) {
  BufferPtr validity = std::move(validity_);
  int64_t nulls = 0;
  if (validity != nullptr || !nulls_.empty()) {
    RowSet valid(static_cast<size_t>(WordsFor(rows_)));
    for (int64_t w = 0; w < WordsFor(rows_); ++w) {
      valid[static_cast<size_t>(w)] = validity ? LoadWord(validity->data(), w, rows_) : WordMask(w, rows_);
    }
    if (!nulls_.empty()) {
      AndNot(valid, nulls_);
      validity = BitmapOf(valid.data(), rows_);
    }
    nulls = rows_ - CountBits(valid.data(), rows_);
  }
  return std::make_shared<const Column>(type_, rows_, nulls, std::move(validity), std::move(values),
                                        std::move(data), std::move(child));
}

}  // namespace streamrun
