// Predicates of a jsonpath: three-valued, and errors of their operands make them unknown.
#include "core/expr/json_order.h"
#include "core/expr/jsonpath/evaluate_path.h"

namespace streamrun {

namespace {

bool Holds(PathOp op, int order) {
  switch (op) {
    case PathOp::kEqual:
      return order == 0;
    case PathOp::kNotEqual:
      return order != 0;
    case PathOp::kLess:
      return order < 0;
    case PathOp::kLessEqual:
      return order <= 0;
    case PathOp::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

}  // namespace

PathEvaluator::Truth PathEvaluator::Test(int32_t at, const PathItem& item) {
  const PathNode& node = path_.node(at);
  switch (node.op) {
    case PathOp::kAnd:
    case PathOp::kOr: {
      const Truth deciding = node.op == PathOp::kAnd ? Truth::kFalse : Truth::kTrue;
      const Truth left = Test(node.left, item);
      if (left == deciding) return left;
      const Truth right = Test(node.right, item);
      if (right == deciding) return right;
      return left == Truth::kUnknown ? left : right;
    }
    case PathOp::kNot: {
      const Truth truth = Test(node.left, item);
      if (truth == Truth::kUnknown) return truth;
      return truth == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
    }
    case PathOp::kIsUnknown:
      return Test(node.left, item) == Truth::kUnknown ? Truth::kTrue : Truth::kFalse;
    case PathOp::kExists:
      return TestExists(node, item);
    case PathOp::kStartsWith:
      return TestPair(node, item, false, &PathEvaluator::StartsWith);
    case PathOp::kLikeRegex:
      return TestPair(node, item, false, &PathEvaluator::Matches);
    default:
      return TestPair(node, item, true, &PathEvaluator::Compare);
  }
}

PathEvaluator::Truth PathEvaluator::TestExists(const PathNode& node, const PathItem& item) {
  PathItems all;
  // Strict mode looks at all items, an error among them counts.
  const Outcome outcome = CollectQuietly(node.left, item, false, lax() ? nullptr : &all);
  if (outcome == Outcome::kError) return Truth::kUnknown;
  const bool any = lax() ? outcome == Outcome::kOk : !all.empty();
  return any ? Truth::kTrue : Truth::kFalse;
}

// The predicate over every pair of items: true when one pair is. In strict mode one unknown pair makes it
// unknown.
PathEvaluator::Truth PathEvaluator::TestPair(const PathNode& node, const PathItem& item, bool unwrap_right,
                                             Predicate predicate) {
  PathItems left;
  PathItems right;
  if (CollectQuietly(node.left, item, true, &left) == Outcome::kError) return Truth::kUnknown;
  const bool binary = node.right != PathNode::kNone;
  if (binary && CollectQuietly(node.right, item, unwrap_right, &right) == Outcome::kError) {
    return Truth::kUnknown;
  }
  bool found = false;
  bool unknown = false;
  const size_t pairs = binary ? right.size() : 1;
  for (const PathItem& a : left) {
    for (size_t j = 0; j < pairs; ++j) {
      const Truth truth = (this->*predicate)(node, a, binary ? &right[j] : nullptr);
      if (truth == Truth::kUnknown && !lax()) return truth;
      if (truth == Truth::kTrue && lax()) return truth;
      unknown |= truth == Truth::kUnknown;
      found |= truth == Truth::kTrue;
    }
  }
  if (found) return Truth::kTrue;
  return unknown ? Truth::kUnknown : Truth::kFalse;
}

PathEvaluator::Truth PathEvaluator::Compare(const PathNode& node, const PathItem& a, const PathItem* b) {
  const auto truth = [](bool holds) { return holds ? Truth::kTrue : Truth::kFalse; };
  if (a.kind != b->kind) {
    // null is unequal to everything else; other kinds do not compare.
    const bool null = a.kind == PathItem::kNull || b->kind == PathItem::kNull;
    return null ? truth(node.op == PathOp::kNotEqual) : Truth::kUnknown;
  }
  switch (a.kind) {
    case PathItem::kNull:
      return truth(Holds(node.op, 0));
    case PathItem::kBoolean:
      return truth(Holds(node.op, static_cast<int>(a.flag) - static_cast<int>(b->flag)));
    case PathItem::kNumber:
      return truth(Holds(node.op, CompareJsonNumbers(a.text, b->text)));
    case PathItem::kString:
      return truth(Holds(node.op, a.text.compare(b->text)));
    case PathItem::kDatetime:
      return CompareDates(node.op, a, *b);
    default:
      return Truth::kUnknown;
  }
}

PathEvaluator::Truth PathEvaluator::CompareDates(PathOp op, const PathItem& a, const PathItem& b) {
  if (!input_.with_zone && NeedsZone(a.datetime.kind, b.datetime.kind)) {
    // Named from the kind without a zone to the one with it.
    const bool swap =
        a.datetime.kind == PathDatetime::kTimetz || a.datetime.kind == PathDatetime::kTimestamptz;
    const PathItem& from = swap ? b : a;
    const PathItem& to = swap ? a : b;
    FailHard("0A000", "cannot convert value from " + std::string(ShortNameOf(from.datetime.kind)) + " to " +
                          std::string(ShortNameOf(to.datetime.kind)) + " without time zone usage");
    return Truth::kUnknown;
  }
  const auto order = ComparePathDatetimes(a.datetime, b.datetime);
  if (!order) return Truth::kUnknown;
  return Holds(op, *order) ? Truth::kTrue : Truth::kFalse;
}

PathEvaluator::Truth PathEvaluator::StartsWith(const PathNode&, const PathItem& a, const PathItem* b) {
  if (a.kind != PathItem::kString || b->kind != PathItem::kString) return Truth::kUnknown;
  return a.text.starts_with(b->text) ? Truth::kTrue : Truth::kFalse;
}

PathEvaluator::Truth PathEvaluator::Matches(const PathNode& node, const PathItem& a, const PathItem*) {
  if (a.kind != PathItem::kString) return Truth::kUnknown;
  const std::optional<bool> matches = node.regex.Matches(a.text);
  if (!matches) {
    FailHard("2201B", "regular expression failed: regular expression is too complex");
    return Truth::kUnknown;
  }
  return *matches ? Truth::kTrue : Truth::kFalse;
}

}  // namespace streamrun
