// Arithmetic and item methods of a jsonpath.
#include <cmath>

#include "core/data/numeric.h"
#include "core/data/text_io.h"
#include "core/expr/json_order.h"
#include "core/expr/jsonpath/evaluate_path.h"
#include "core/expr/jsonpath/jsonb_offset.h"

namespace streamrun {

namespace {

using Outcome = PathEvaluator::Outcome;

Result<Numeric> Calculate(PathOp op, const Numeric& a, const Numeric& b) {
  switch (op) {
    case PathOp::kAdd:
      return NumericAdd(a, b);
    case PathOp::kSubtract:
      return NumericSubtract(a, b);
    case PathOp::kMultiply:
      return NumericMultiply(a, b);
    case PathOp::kDivide:
      return NumericDivide(a, b);
    default:
      return NumericModulo(a, b);
  }
}

std::string_view CodeOf(const Status& status) {
  return status.message() == "division by zero" ? "22012" : "22003";
}

// The largest whole number not above (up = false) or the smallest not below.
Result<Numeric> RoundTowards(const Numeric& v, bool up) {
  SR_ASSIGN_OR_RETURN(const Numeric whole, NumericTruncate(v, 0));
  const int order = NumericCompare(whole, v);
  if (up && order < 0) return NumericAdd(whole, NumericFromInt64(1));
  if (!up && order > 0) return NumericSubtract(whole, NumericFromInt64(1));
  return whole;
}

std::string_view TypeNameOfItem(const PathItem& item) {
  switch (item.kind) {
    case PathItem::kNull:
      return "null";
    case PathItem::kString:
      return "string";
    case PathItem::kNumber:
      return "number";
    case PathItem::kBoolean:
      return "boolean";
    case PathItem::kDatetime:
      return TypeNameOf(item.datetime.kind);
    case PathItem::kArray:
      return "array";
    case PathItem::kObject:
      return "object";
  }
  return "null";
}

}  // namespace

Outcome PathEvaluator::Arithmetic(const PathNode& node, const PathItem& item, PathItems* found) {
  PathItems left;
  PathItems right;
  if (Collect(node.left, item, true, &left) == Outcome::kError) return Outcome::kError;
  if (Collect(node.right, item, true, &right) == Outcome::kError) return Outcome::kError;
  const auto single = [](const PathItems& items) {
    return items.size() == 1 && items[0].kind == PathItem::kNumber;
  };
  if (!single(left)) {
    return Fail("22038", "left operand of jsonpath operator ", NameOf(node.op),
                " is not a single numeric value");
  }
  if (!single(right)) {
    return Fail("22038", "right operand of jsonpath operator ", NameOf(node.op),
                " is not a single numeric value");
  }
  const auto a = ParseNumeric(left[0].text);
  const auto b = ParseNumeric(right[0].text);
  if (!a.ok() || !b.ok()) return Fail("22003", NumericOverflow().message());
  const auto result = Calculate(node.op, *a, *b);
  if (!result.ok()) return Fail(CodeOf(result.status()), result.status().message());
  PathItem value;
  value.kind = PathItem::kNumber;
  std::string text;
  PrintNumeric(*result, text);
  value.text = Keep(std::move(text));
  return Next(node, value, found);
}

Outcome PathEvaluator::Sign(const PathNode& node, const PathItem& item, PathItems* found) {
  PathItems operands;
  if (Collect(node.left, item, true, &operands) == Outcome::kError) return Outcome::kError;
  Outcome outcome = Outcome::kNotFound;
  for (PathItem& operand : operands) {
    if (operand.kind == PathItem::kNumber) {
      if (found == nullptr && node.next == PathNode::kNone) return Outcome::kOk;
    } else {
      if (found == nullptr && node.next == PathNode::kNone) continue;
      return Fail("2203B", "operand of unary jsonpath operator ", NameOf(node.op), " is not a numeric value");
    }
    if (node.op == PathOp::kMinus) {
      const bool negative = operand.text[0] == '-';
      operand.text =
          negative ? operand.text.substr(1) : std::string_view(Keep("-" + std::string(operand.text)));
    }
    const Outcome one = Next(node, operand, found);
    if (one == Outcome::kError) return one;
    if (one == Outcome::kOk) {
      if (found == nullptr) return one;
      outcome = one;
    }
  }
  return outcome;
}

Outcome PathEvaluator::Method(int32_t at, const PathItem& item, PathItems* found, bool unwrap) {
  const PathNode& node = path_.node(at);
  PathItem result;
  switch (node.op) {
    case PathOp::kType:
      result.kind = PathItem::kString;
      result.text = TypeNameOfItem(item);
      return Next(node, result, found);
    case PathOp::kSize:
      if (item.kind != PathItem::kArray && !lax()) {
        if (ignore_errors_) return Outcome::kNotFound;
        return Fail("22039", "jsonpath item method .", NameOf(node.op), "() can only be applied to an array");
      }
      result.kind = PathItem::kNumber;
      result.text = Keep(std::to_string(item.kind == PathItem::kArray ? JsonLength(item.text) : 1));
      return Next(node, result, found);
    default:
      break;
  }
  if (unwrap && item.kind == PathItem::kArray) return Unwrap(at, item, found, false);
  switch (node.op) {
    case PathOp::kDouble:
      return DoubleMethod(node, item, found);
    case PathOp::kDatetime:
      return DatetimeMethod(node, item, found);
    case PathOp::kKeyvalue:
      return KeyvalueMethod(node, item, found);
    default:
      return NumberMethod(node, item, found);
  }
}

Outcome PathEvaluator::NumberMethod(const PathNode& node, const PathItem& item, PathItems* found) {
  if (item.kind != PathItem::kNumber) {
    return Fail("22036", "jsonpath item method .", NameOf(node.op),
                "() can only be applied to a numeric value");
  }
  PathItem result = item;
  if (node.op == PathOp::kAbs) {
    if (result.text[0] == '-') result.text.remove_prefix(1);
    return Next(node, result, found);
  }
  const auto number = ParseNumeric(item.text);
  const auto rounded = number.ok() ? RoundTowards(*number, node.op == PathOp::kCeiling) : number;
  if (!rounded.ok()) return Fail("22003", NumericOverflow().message());
  std::string text;
  PrintNumeric(*rounded, text);
  result.text = Keep(std::move(text));
  return Next(node, result, found);
}

Outcome PathEvaluator::DoubleMethod(const PathNode& node, const PathItem& item, PathItems* found) {
  const bool number = item.kind == PathItem::kNumber;
  if (!number && item.kind != PathItem::kString) {
    return Fail("22036", "jsonpath item method .", NameOf(node.op),
                "() can only be applied to a string or numeric value");
  }
  const auto value = ParseDouble(item.text);
  if (!value.ok() || !std::isfinite(*value)) {
    return number ? Fail("22036", "numeric argument of jsonpath item method .", NameOf(node.op),
                         "() is out of range for type double precision")
                  : Fail("22036", "string argument of jsonpath item method .", NameOf(node.op),
                         "() is not a valid representation of a double precision number");
  }
  // A number stays as it is written.
  if (number) return Next(node, item, found);
  const auto numeric = NumericFromDouble(*value);
  if (!numeric.ok()) return Fail("22003", NumericOverflow().message());
  PathItem result;
  result.kind = PathItem::kNumber;
  std::string text;
  PrintNumeric(*numeric, text);
  result.text = Keep(std::move(text));
  return Next(node, result, found);
}

Outcome PathEvaluator::DatetimeMethod(const PathNode& node, const PathItem& item, PathItems* found) {
  if (item.kind != PathItem::kString) {
    return Fail("22031", "jsonpath item method .", NameOf(node.op), "() can only be applied to a string");
  }
  const auto value = node.flag ? ParsePathDatetime(item.text, node.text) : ParsePathDatetime(item.text);
  if (!value.ok()) return Fail("22007", value.status().message());
  PathItem result;
  result.kind = PathItem::kDatetime;
  result.datetime = *value;
  return Next(node, result, found);
}

// Each member as an object {"key", "value", "id"}; the id says which object it came from: the place of that
// object in PostgreSQL's binary form and the number of the value that has it.
Outcome PathEvaluator::KeyvalueMethod(const PathNode& node, const PathItem& item, PathItems* found) {
  if (item.kind != PathItem::kObject) {
    return Fail("2203C", "jsonpath item method .", NameOf(node.op), "() can only be applied to an object");
  }
  const JsonMembers members(item.text);
  if (members.size() == 0) return Outcome::kNotFound;
  const bool chained = node.next != PathNode::kNone;
  if (!chained && found == nullptr) return Outcome::kOk;
  const int64_t id = JsonbOffset(base_, item.text.data()) + base_id_ * 10'000'000'000;
  Outcome outcome = Outcome::kNotFound;
  for (const JsonMembers::Member& member : members) {
    std::string text = "{\"id\": " + std::to_string(id) + ", \"key\": ";
    AppendQuoted(member.key, text);
    text += ", \"value\": ";
    text += member.value;
    text += '}';
    PathItem result;
    result.kind = PathItem::kObject;
    result.text = Keep(std::move(text));
    const std::string_view base = std::exchange(base_, result.text);
    const int64_t base_id = std::exchange(base_id_, next_id_++);
    outcome = Next(node, result, found);
    base_ = base;
    base_id_ = base_id;
    if (outcome == Outcome::kError || (outcome == Outcome::kOk && found == nullptr)) break;
  }
  return outcome;
}

}  // namespace streamrun
