// The public face: bind, evaluate, select.
#include "core/expr/expression.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "core/expr/bind.h"
#include "core/expr/evaluate.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

// Every subtree once: equal ones are the same node, so the paths to them may be many.
void CollectColumns(const ExprNode& node, std::unordered_set<const ExprNode*>& seen, std::set<int>& columns) {
  if (!node.varies || !seen.insert(&node).second) return;
  if (node.kind == ExprNode::Kind::kColumn) columns.insert(node.column);
  for (const NodePtr& arg : node.args) CollectColumns(*arg, seen, columns);
}

std::set<int> ColumnsOf(const ExprNode& node) {
  std::unordered_set<const ExprNode*> seen;
  std::set<int> columns;
  CollectColumns(node, seen, columns);
  return columns;
}

// Parse, bind, coerce with `finish`, check constants.
template <typename Finish>
Result<ExpressionPtr> BindWith(std::string_view sql, const Scope& scope, ExprProblem* problem,
                               Finish finish) {
  NodePtr root;
  if (const AstPtr ast = ParseExpression(sql, problem)) {
    Binder binder(sql, scope, problem);
    root = binder.Bind(*ast);
    if (root) root = finish(binder, root);
    if (root && !binder.CheckConstants(*root)) root = nullptr;
  }
  if (!root) return Status::InvalidArgument(problem->message);
  return std::make_shared<const Expression>(ShareEqual(root), std::string(sql));
}

// The column with nulls in the failed rows.
ColumnPtr WithoutFailed(const ColumnPtr& column, const std::vector<RowFailure>& failures, size_t from) {
  const int64_t rows = column->length();
  RowSet valid(static_cast<size_t>(WordsFor(rows)));
  for (int64_t w = 0; w < WordsFor(rows); ++w) {
    valid[static_cast<size_t>(w)] =
        column->validity() ? LoadWord(column->validity(), w, rows) : WordMask(w, rows);
  }
  for (size_t i = from; i < failures.size(); ++i) {
    valid[failures[i].row >> 6] &= ~(uint64_t{1} << (failures[i].row & 63));
  }
  const int64_t nulls = rows - CountBits(valid.data(), rows);
  return std::make_shared<const Column>(column->type(), rows, nulls, BitmapOf(valid.data(), rows),
                                        column->values_buffer(), column->data_buffer(), column->child());
}

// Which relations a subtree reads, as bits.
uint32_t RelationsOf(const ExprNode& node, const Scope& scope) {
  const std::set<int> columns = ColumnsOf(node);
  uint32_t bits = 0;
  for (const int column : columns) {
    int base = 0;
    for (size_t r = 0; r < scope.relations.size(); ++r) {
      const int size = scope.relations[r].schema->size();
      if (column >= base && column < base + size) bits |= 1u << r;
      base += size;
    }
  }
  return bits;
}

// The terms of a conjunction, however it is nested.
void CollectConjuncts(const NodePtr& node, std::vector<NodePtr>& out) {
  if (node->kind != ExprNode::Kind::kAnd) {
    out.push_back(node);
    return;
  }
  for (const NodePtr& arg : node->args) CollectConjuncts(arg, out);
}

// A bound subtree as an expression of its own; its columns keep their flat numbers.
ExpressionPtr SubExpression(const NodePtr& node, const std::string& text) {
  return std::make_shared<const Expression>(node, text);
}

}  // namespace

Expression::Expression(std::shared_ptr<const ExprNode> root, std::string text)
    : root_(std::move(root)),
      text_(std::move(text)),
      can_fail_(root_->can_fail),
      volatile_(root_->is_volatile) {
  const std::set<int> columns = ColumnsOf(*root_);
  columns_.assign(columns.begin(), columns.end());
  if (root_->is_constant()) constant_ = Value::FromColumn(*root_->value, 0);
  if (root_->kind == ExprNode::Kind::kColumn) column_ = root_->column;
}

Expression::~Expression() = default;

const DataType& Expression::type() const { return root_->type; }

Result<ExpressionPtr> BindExpression(std::string_view sql, const Scope& scope, ExprProblem* problem) {
  return BindWith(sql, scope, problem,
                  [](Binder& binder, NodePtr root) { return binder.Settle(std::move(root)); });
}

Result<ExpressionPtr> BindExpressionAs(std::string_view sql, const Scope& scope, const DataType& type,
                                       ExprProblem* problem) {
  return BindWith(sql, scope, problem, [&](Binder& binder, NodePtr root) {
    return binder.Coerce(std::move(root), type, CastContext::kAssignment);
  });
}

bool SplitEquiJoin(const Expression& predicate, const Scope& scope, std::vector<ExpressionPtr>* left,
                   std::vector<ExpressionPtr>* right) {
  left->clear();
  right->clear();
  const NodePtr root(std::shared_ptr<const ExprNode>(), &predicate.root());
  std::vector<NodePtr> conjuncts;
  CollectConjuncts(root, conjuncts);
  for (const NodePtr& conjunct : conjuncts) {
    if (conjunct->kind != ExprNode::Kind::kCall || conjunct->function->name != "=") return false;
    const uint32_t a = RelationsOf(*conjunct->args[0], scope);
    const uint32_t b = RelationsOf(*conjunct->args[1], scope);
    const bool straight = a == 1 && b == 2;
    if (!straight && !(a == 2 && b == 1)) return false;
    left->push_back(SubExpression(conjunct->args[straight ? 0 : 1], predicate.text()));
    right->push_back(SubExpression(conjunct->args[straight ? 1 : 0], predicate.text()));
  }
  return true;
}

struct Evaluator::State {
  Env* env;
};

Evaluator::Evaluator(ExpressionPtr expression, Env* env)
    : expression_(std::move(expression)), state_(std::make_unique<State>(State{env})) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

ColumnPtr Evaluator::Evaluate(const std::vector<ColumnPtr>& columns, int64_t rows,
                              std::vector<RowFailure>* failures) {
  if (expression_->column() >= 0) return columns[static_cast<size_t>(expression_->column())];
  const size_t before = failures->size();
  Evaluation evaluation(columns, rows, failures, state_->env);
  ColumnPtr result = Flatten(evaluation.Evaluate(expression_->root(), nullptr), rows);
  if (failures->size() == before) return result;
  SortFailures(*failures, before);
  return WithoutFailed(result, *failures, before);
}

Selection Evaluator::Select(const std::vector<ColumnPtr>& columns, int64_t rows,
                            std::vector<RowFailure>* failures) {
  const size_t before = failures->size();
  Evaluation evaluation(columns, rows, failures, state_->env);
  RowSet chosen = TrueRows(evaluation.Evaluate(expression_->root(), nullptr), rows);
  SortFailures(*failures, before);
  for (size_t i = before; i < failures->size(); ++i) {
    chosen[(*failures)[i].row >> 6] &= ~(uint64_t{1} << ((*failures)[i].row & 63));
  }
  Selection out(static_cast<size_t>(CountBits(chosen.data(), rows)));
  uint32_t* next = out.data();
  ForEachRow(chosen.data(), rows, [&](int64_t row) { *next++ = static_cast<uint32_t>(row); });
  return out;
}

}  // namespace streamrun
