// Boolean simplification at bind. Every rule keeps each row's value and its failure: a part that may fail is
// dropped only where no row would have evaluated it.
#include <algorithm>

#include "core/expr/bind.h"

namespace streamrun {

namespace {

using Kind = ExprNode::Kind;

// A constant boolean's value; nothing for null and for what is not constant.
std::optional<bool> Known(const ExprNode& node) {
  if (!node.is_constant() || !node.value || node.value->IsNull(0)) return std::nullopt;
  return node.value->Bool(0);
}

// AND and OR: nested ones are joined, neutral constants left out, and nothing stands behind a constant that
// decides.
NodePtr SimplifyLogic(const std::shared_ptr<ExprNode>& node) {
  const bool is_and = node->kind == Kind::kAnd;
  std::vector<NodePtr> terms;
  for (const NodePtr& arg : node->args) {
    if (arg->kind == node->kind && !arg->shared) {
      terms.insert(terms.end(), arg->args.begin(), arg->args.end());
    } else {
      terms.push_back(arg);
    }
  }
  std::vector<NodePtr> kept;
  bool earlier_may_fail = false;
  for (const NodePtr& term : terms) {
    if (const auto known = Known(*term)) {
      if (*known == is_and) continue;
      // `x AND false` is false for every row for which x does not fail.
      if (!earlier_may_fail) return term;
      kept.push_back(term);
      break;
    }
    earlier_may_fail |= term->can_fail;
    kept.push_back(term);
  }
  if (kept.empty()) return node->args[0];  // all of them are the neutral constant
  if (kept.size() == 1) return kept[0];
  node->args = std::move(kept);
  return node;
}

NodePtr SimplifyCase(const std::shared_ptr<ExprNode>& node) {
  std::vector<NodePtr> kept;
  NodePtr otherwise = node->args.back();
  for (size_t i = 0; i + 1 < node->args.size(); i += 2) {
    const ExprNode& when = *node->args[i];
    if (when.is_null() || Known(when) == false) continue;
    if (Known(when) == true) {
      otherwise = node->args[i + 1];
      break;
    }
    kept.push_back(node->args[i]);
    kept.push_back(node->args[i + 1]);
  }
  if (kept.empty()) return otherwise;
  kept.push_back(std::move(otherwise));
  node->args = std::move(kept);
  return node;
}

NodePtr SimplifyCoalesce(const std::shared_ptr<ExprNode>& node) {
  std::vector<NodePtr> kept;
  for (const NodePtr& arg : node->args) {
    if (arg->is_null()) continue;
    kept.push_back(arg);
    if (arg->is_constant()) break;
  }
  if (kept.empty()) return node->args[0];
  if (kept.size() == 1) return kept[0];
  node->args = std::move(kept);
  return node;
}

struct Opposite {
  std::string_view name;
  std::string_view of;
};
// Total orders: NOT of one is the other, also for NaN, which PostgreSQL orders.
constexpr Opposite kOpposites[] = {{"=", "<>"},
                                   {"<>", "="},
                                   {"<", ">="},
                                   {">=", "<"},
                                   {">", "<="},
                                   {"<=", ">"},
                                   {"in", "not_in"},
                                   {"not_in", "in"},
                                   {"~~", "!~~"},
                                   {"!~~", "~~"},
                                   {"~~*", "!~~*"},
                                   {"!~~*", "~~*"},
                                   {"is_null", "is_not_null"},
                                   {"is_not_null", "is_null"}};

// The entry of the opposite name with the same arguments, or null.
const Function* OppositeOf(const Function& f) {
  for (const Opposite& o : kOpposites) {
    if (o.name != f.name) continue;
    for (const Function* candidate : FunctionsNamed(o.of)) {
      if (candidate->args == f.args && candidate->prepare == f.prepare) return candidate;
    }
  }
  return nullptr;
}

// NOT NOT x is x; NOT a = b is a <> b.
NodePtr SimplifyNot(const std::shared_ptr<ExprNode>& node) {
  const NodePtr& arg = node->args[0];
  if (arg->kind != Kind::kCall || arg->shared) return node;
  if (arg->function->name == "not") return arg->args[0];
  const Function* opposite = OppositeOf(*arg->function);
  if (opposite == nullptr) return node;
  auto flipped = std::make_shared<ExprNode>(*arg);
  flipped->function = opposite;
  return flipped;
}

// The key of x -> 'key' and x -> 2, when it is a constant.
bool HasConstantKey(const ExprNode& node) {
  return node.args.size() == 2 && node.args[1]->is_constant() && !node.args[1]->is_null();
}

// j -> 'a' -> 'b' ->> 0 in one walk over the text.
NodePtr SimplifyJsonPath(const std::shared_ptr<ExprNode>& node) {
  if (!HasConstantKey(*node) || node->args[0]->kind != Kind::kCall || node->args[0]->shared) return node;
  const ExprNode& inner = *node->args[0];
  const bool chain = inner.function->name == "json_chain";
  const bool step =
      inner.function->name == "->" && HasConstantKey(inner) && inner.args[0]->type.id() == TypeId::kJsonb;
  if (!chain && !step) return node;
  const bool as_text = node->function->name == "->>";
  const auto entries = FunctionsNamed(as_text ? "json_chain_text" : "json_chain");
  if (entries.empty()) return node;
  auto call = std::make_shared<ExprNode>(*node);
  call->function = entries[0];
  call->args = inner.args;
  call->args.push_back(node->args[1]);
  call->can_fail = !entries[0]->has(kTotal) || inner.args[0]->can_fail;
  call->prepared = nullptr;
  if (entries[0]->prepare == nullptr) return call;
  std::vector<ColumnPtr> constants;
  for (const NodePtr& arg : call->args) constants.push_back(arg->is_constant() ? arg->value : nullptr);
  auto prepared = entries[0]->prepare(constants);
  if (!prepared.ok()) return node;
  call->prepared = std::move(prepared).value();
  return call;
}

}  // namespace

NodePtr Simplify(const std::shared_ptr<ExprNode>& node) {
  switch (node->kind) {
    case Kind::kAnd:
    case Kind::kOr:
      return SimplifyLogic(node);
    case Kind::kCase:
      return SimplifyCase(node);
    case Kind::kCoalesce:
      return SimplifyCoalesce(node);
    case Kind::kCall:
      if (node->function->name == "not") return SimplifyNot(node);
      if (node->function->name == "->" || node->function->name == "->>") return SimplifyJsonPath(node);
      return node;
    default:
      return node;
  }
}

}  // namespace streamrun
