// Constant folding: a subtree without columns is evaluated once, at bind.
#include <unordered_set>

#include "core/expr/bind.h"
#include "core/expr/evaluate.h"

namespace streamrun {

namespace {

// Looks for the first subtree that every row evaluates and that fails: AND, CASE and their like evaluate only
// their first argument unconditionally. A subtree that stands in several places is looked at once.
class FailureSearch {
 public:
  const ExprNode* Find(const ExprNode& node, RowFailure* failure) {
    if (!node.can_fail || !seen_.insert(&node).second) return nullptr;
    const bool conditional = node.kind == ExprNode::Kind::kAnd || node.kind == ExprNode::Kind::kOr ||
                             node.kind == ExprNode::Kind::kCase || node.kind == ExprNode::Kind::kCoalesce;
    const size_t count = conditional ? std::min<size_t>(1, node.args.size()) : node.args.size();
    for (size_t i = 0; i < count; ++i) {
      if (const ExprNode* found = Find(*node.args[i], failure)) return found;
    }
    if (node.is_constant() || node.varies) return nullptr;
    return Fold(node, failure) == nullptr ? &node : nullptr;
  }

 private:
  std::unordered_set<const ExprNode*> seen_;
};

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
    node->varies |= arg->varies;
    constant = constant && arg->is_constant();
  }
  if (node->each) {
    node->can_fail |= node->each->can_fail;
    node->is_volatile |= node->each->is_volatile;
  }
  node->varies |= node->is_volatile;
  if (!constant || node->is_volatile) return Simplify(node);
  RowFailure failure;
  ColumnPtr value = Fold(*node, &failure);
  if (!value) return node;
  return Constant(node->type, std::move(value), node->offset, node->length);
}

bool Binder::CheckConstants(const ExprNode& root) {
  RowFailure failure;
  const ExprNode* found = FailureSearch().Find(root, &failure);
  if (found == nullptr) return true;
  *problem_ = {found->offset, found->length, "expr.constant", failure.message, "every row would fail here"};
  return false;
}

}  // namespace streamrun
