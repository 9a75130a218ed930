// Constant folding: a subtree without columns is evaluated once, at bind.
#include "core/expr/bind.h"
#include "core/expr/evaluate.h"

namespace streamrun {

namespace {

bool AllConstant(const ExprNode& node) {
  if (node.kind == ExprNode::Kind::kColumn || node.is_volatile) return false;
  for (const NodePtr& arg : node.args) {
    if (!AllConstant(*arg)) return false;
  }
  return true;
}

// The first subtree that every row evaluates and that fails: `and`, `case` and their like evaluate only their
// first argument unconditionally.
const ExprNode* FindFailure(const ExprNode& node, RowFailure* failure) {
  const bool conditional = node.kind == ExprNode::Kind::kAnd || node.kind == ExprNode::Kind::kOr ||
                           node.kind == ExprNode::Kind::kCase || node.kind == ExprNode::Kind::kCoalesce;
  const size_t count = conditional ? std::min<size_t>(1, node.args.size()) : node.args.size();
  for (size_t i = 0; i < count; ++i) {
    if (const ExprNode* found = FindFailure(*node.args[i], failure)) return found;
  }
  if (node.is_constant() || !node.can_fail || !AllConstant(node)) return nullptr;
  return Fold(node, failure) == nullptr ? &node : nullptr;
}

}  // namespace

ColumnPtr Fold(const ExprNode& node, RowFailure* failure) {
  const std::vector<ColumnPtr> no_columns;
  std::vector<RowFailure> failures;
  Evaluation evaluation(no_columns, 1, &failures, Env::Default());
  const Vector result = evaluation.Evaluate(node, nullptr);
  if (failures.empty()) return result.column;
  *failure = failures.front();
  return nullptr;
}

NodePtr Binder::Finish(MutableNode node) {
  bool constant = true;
  for (const NodePtr& arg : node->args) {
    node->can_fail |= arg->can_fail;
    node->is_volatile |= arg->is_volatile;
    constant = constant && arg->is_constant();
  }
  if (!constant || node->is_volatile) return node;
  RowFailure failure;
  ColumnPtr value = Fold(*node, &failure);
  if (!value) return node;
  return Constant(node->type, std::move(value), node->offset, node->length);
}

bool Binder::CheckConstants(const ExprNode& root) {
  RowFailure failure;
  const ExprNode* found = FindFailure(root, &failure);
  if (found == nullptr) return true;
  *problem_ = {found->offset, found->length, "expr.constant", failure.message, "every row would fail here"};
  return false;
}

}  // namespace streamrun
