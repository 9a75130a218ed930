#include "core/expr/jsonpath/evaluate_path.h"

#include <algorithm>

#include "core/data/numeric.h"
#include "core/data/text_io.h"
#include "core/expr/json_order.h"

namespace streamrun {

using Outcome = PathEvaluator::Outcome;

void AppendItem(const PathItem& item, std::string& out) {
  switch (item.kind) {
    case PathItem::kNull:
      out += "null";
      return;
    case PathItem::kBoolean:
      out += item.flag ? "true" : "false";
      return;
    case PathItem::kString:
      return AppendQuoted(item.text, out);
    case PathItem::kDatetime: {
      std::string text;
      PrintPathDatetime(item.datetime, text);
      return AppendQuoted(text, out);
    }
    default:
      out += item.text;
  }
}

PathEvaluator::PathEvaluator(const JsonPath& path, const Input& input)
    : path_(path), input_(input), throwing_(!input.silent), ignore_errors_(path.lax()) {
  root_ = Item(TrimJson(input.json));
  base_ = root_.text;
  current_ = root_;
}

Outcome PathEvaluator::Run(PathItems* found) {
  if (JsonTypeOf(input_.vars) != "object") {
    return FailHard("22023", "\"vars\" argument is not an object");
  }
  PathItems all;
  // In strict mode every item is looked at, so that no error goes unseen.
  const bool complete = !lax() && found == nullptr;
  const Outcome outcome = Execute(path_.root(), root_, complete ? &all : found);
  if (hard_) return Outcome::kError;
  if (!complete || outcome == Outcome::kError) return outcome;
  return all.empty() ? Outcome::kNotFound : Outcome::kOk;
}

Outcome PathEvaluator::Fail(std::string_view code, std::string_view before, std::string_view name,
                            std::string_view after) {
  if (throwing_ && !hard_) {
    failed_ = true;
    failure_ = {code, std::string(before)};
    failure_.message.append(name).append(after);
  }
  return Outcome::kError;
}

Outcome PathEvaluator::FailHard(std::string_view code, std::string message) {
  if (!hard_) failure_ = {code, std::move(message)};
  failed_ = true;
  hard_ = true;
  return Outcome::kError;
}

PathItem PathEvaluator::Item(std::string_view json) {
  PathItem item;
  item.text = json;
  switch (json.empty() ? 'n' : json[0]) {
    case '{':
      item.kind = PathItem::kObject;
      break;
    case '[':
      item.kind = PathItem::kArray;
      break;
    case '"': {
      item.kind = PathItem::kString;
      std::string scratch;
      item.text = StringMeaning(json, scratch);
      if (item.text.data() == scratch.data()) item.text = Keep(std::move(scratch));
      break;
    }
    case 't':
    case 'f':
      item.kind = PathItem::kBoolean;
      item.flag = json[0] == 't';
      break;
    case 'n':
      break;
    default:
      item.kind = PathItem::kNumber;
  }
  return item;
}

// --- Walking

Outcome PathEvaluator::Next(const PathNode& node, const PathItem& item, PathItems* found) {
  if (node.next != PathNode::kNone) return Execute(node.next, item, found);
  if (found != nullptr) found->push_back(item);
  return Outcome::kOk;
}

Outcome PathEvaluator::Apply(int32_t at, const PathItem& item, PathItems* found, bool unwrap) {
  const PathNode& node = path_.node(at);
  if (IsPredicate(node.op)) {
    PathItem result;
    const Truth truth = Test(at, item);
    result.kind = truth == Truth::kUnknown ? PathItem::kNull : PathItem::kBoolean;
    result.flag = truth == Truth::kTrue;
    return hard_ ? Outcome::kError : Next(node, result, found);
  }
  switch (node.op) {
    case PathOp::kKey:
      return Key(at, item, found, unwrap);
    case PathOp::kAnyKey:
      return AnyKey(at, item, found, unwrap);
    case PathOp::kIndexes:
      return Indexes(node, item, found);
    case PathOp::kAnyElement:
      return AnyElement(node, item, found);
    case PathOp::kAnyLevel:
      return AnyLevel(node, item, found);
    case PathOp::kFilter: {
      if (unwrap && item.kind == PathItem::kArray) return Unwrap(at, item, found, false);
      const PathItem outer = std::exchange(current_, item);
      const Truth truth = Test(node.left, item);
      current_ = outer;
      if (hard_) return Outcome::kError;
      return truth == Truth::kTrue ? Next(node, item, found) : Outcome::kNotFound;
    }
    case PathOp::kAdd:
    case PathOp::kSubtract:
    case PathOp::kMultiply:
    case PathOp::kDivide:
    case PathOp::kModulo:
      return Arithmetic(node, item, found);
    case PathOp::kPlus:
    case PathOp::kMinus:
      return Sign(node, item, found);
    default:
      return node.op >= PathOp::kType ? Method(at, item, found, unwrap) : Literal(node, item, found);
  }
}

Outcome PathEvaluator::Literal(const PathNode& node, const PathItem& item, PathItems* found) {
  PathItem value;
  value.text = node.text;
  value.flag = node.flag;
  switch (node.op) {
    case PathOp::kRoot: {
      const std::string_view base = std::exchange(base_, root_.text);
      const int64_t id = std::exchange(base_id_, 0);
      const Outcome outcome = Next(node, root_, found);
      base_ = base;
      base_id_ = id;
      return outcome;
    }
    case PathOp::kCurrent:
      return Next(node, current_, found);
    case PathOp::kVariable:
      return Variable(node, found);
    case PathOp::kLast:
      if (last_ < 0) return FailHard("XX000", "evaluating jsonpath LAST outside of array subscript");
      value.kind = PathItem::kNumber;
      value.text = Keep(std::to_string(last_ - 1));
      break;
    case PathOp::kNumber:
      value.kind = PathItem::kNumber;
      break;
    case PathOp::kString:
      value.kind = PathItem::kString;
      break;
    case PathOp::kBoolean:
      value.kind = PathItem::kBoolean;
      break;
    default:
      break;
  }
  (void)item;
  return Next(node, value, found);
}

Outcome PathEvaluator::Variable(const PathNode& node, PathItems* found) {
  const std::string_view value = JsonMember(input_.vars, node.text);
  if (value.empty()) return FailHard("42704", "could not find jsonpath variable \"" + node.text + "\"");
  const std::string_view base = std::exchange(base_, TrimJson(input_.vars));
  const int64_t id = std::exchange(base_id_, 1);
  const Outcome outcome = Next(node, Item(value), found);
  base_ = base;
  base_id_ = id;
  return outcome;
}

Outcome PathEvaluator::Unwrap(int32_t at, const PathItem& array, PathItems* found, bool unwrap_elements) {
  return Below(at, array.text, found, {1, 1, 1, false, unwrap_elements});
}

// The children of a container and what is below them, level by level (depth first).
Outcome PathEvaluator::Below(int32_t at, std::string_view container, PathItems* found, const Levels& levels) {
  Outcome outcome = Outcome::kNotFound;
  if (levels.level > levels.last) return outcome;
  const auto visit = [&](std::string_view json) {
    outcome = Child(at, json, found, levels);
    return outcome == Outcome::kError || (outcome == Outcome::kOk && found == nullptr);
  };
  if (container[0] == '{') {
    const JsonMembers members(container);
    for (const JsonMembers::Member& member : members) {
      if (visit(member.value)) break;
    }
  } else {
    for (JsonCursor element(container); element.Next();) {
      if (visit(element.value())) break;
    }
  }
  return outcome;
}

Outcome PathEvaluator::Child(int32_t at, std::string_view json, PathItems* found, const Levels& levels) {
  const PathItem item = Item(json);
  Outcome outcome = Outcome::kNotFound;
  const bool leaves = levels.first == PathNode::kLeaves && levels.last == PathNode::kLeaves;
  if (levels.level >= levels.first || (leaves && !item.is_container())) {
    if (at != PathNode::kNone) {
      const bool ignored = ignore_errors_;
      ignore_errors_ |= levels.ignore_errors;
      outcome = Apply(at, item, found, levels.unwrap);
      ignore_errors_ = ignored;
    } else {
      if (found != nullptr) found->push_back(item);
      outcome = Outcome::kOk;
    }
    const bool done = outcome == Outcome::kError || (outcome == Outcome::kOk && found == nullptr);
    if (done) return outcome;
  }
  if (levels.level < levels.last && item.is_container()) {
    Levels deeper = levels;
    ++deeper.level;
    return Below(at, item.text, found, deeper);
  }
  return outcome;
}

Outcome PathEvaluator::Collect(int32_t at, const PathItem& item, bool unwrap, PathItems* found) {
  if (!unwrap || !lax()) return Execute(at, item, found);
  PathItems items;
  const Outcome outcome = Execute(at, item, &items);
  if (outcome == Outcome::kError) return outcome;
  for (const PathItem& one : items) {
    if (one.kind == PathItem::kArray) {
      Unwrap(PathNode::kNone, one, found, false);
    } else {
      found->push_back(one);
    }
  }
  return Outcome::kOk;
}

Outcome PathEvaluator::CollectQuietly(int32_t at, const PathItem& item, bool unwrap, PathItems* found) {
  const bool throwing = std::exchange(throwing_, false);
  const Outcome outcome = Collect(at, item, unwrap, found);
  throwing_ = throwing;
  return hard_ ? Outcome::kError : outcome;
}

// --- Accessors

Outcome PathEvaluator::Key(int32_t at, const PathItem& item, PathItems* found, bool unwrap) {
  const PathNode& node = path_.node(at);
  if (item.kind == PathItem::kObject) {
    const std::string_view value = JsonMember(item.text, node.text);
    if (!value.empty()) return Next(node, Item(value), found);
    if (ignore_errors_) return Outcome::kNotFound;
    return Fail("2203A", "JSON object does not contain key \"", node.text, "\"");
  }
  if (unwrap && item.kind == PathItem::kArray) return Unwrap(at, item, found, false);
  if (ignore_errors_) return Outcome::kNotFound;
  return Fail("2203A", "jsonpath member accessor can only be applied to an object");
}

Outcome PathEvaluator::AnyKey(int32_t at, const PathItem& item, PathItems* found, bool unwrap) {
  const PathNode& node = path_.node(at);
  if (item.kind == PathItem::kObject) {
    return Below(node.next, item.text, found, {1, 1, 1, false, lax()});
  }
  if (unwrap && item.kind == PathItem::kArray) return Unwrap(at, item, found, false);
  if (ignore_errors_) return Outcome::kNotFound;
  return Fail("2203C", "jsonpath wildcard member accessor can only be applied to an object");
}

Outcome PathEvaluator::AnyElement(const PathNode& node, const PathItem& item, PathItems* found) {
  if (item.kind == PathItem::kArray) return Unwrap(node.next, item, found, lax());
  if (lax()) return Next(node, item, found);
  if (ignore_errors_) return Outcome::kNotFound;
  return Fail("22039", "jsonpath wildcard array accessor can only be applied to an array");
}

Outcome PathEvaluator::AnyLevel(const PathNode& node, const PathItem& item, PathItems* found) {
  Outcome outcome = Outcome::kNotFound;
  if (node.first == 0) {
    const bool ignored = std::exchange(ignore_errors_, true);
    outcome = Next(node, item, found);
    ignore_errors_ = ignored;
    if (outcome == Outcome::kOk && found == nullptr) return outcome;
  }
  if (!item.is_container()) return outcome;
  return Below(node.next, item.text, found, {1, node.first, node.last, true, lax()});
}

Outcome PathEvaluator::Indexes(const PathNode& node, const PathItem& item, PathItems* found) {
  const bool array = item.kind == PathItem::kArray;
  if (!array && !lax()) {
    if (ignore_errors_) return Outcome::kNotFound;
    return Fail("22039", "jsonpath array accessor can only be applied to an array");
  }
  const int64_t size = array ? JsonLength(item.text) : 1;
  const int64_t outer = std::exchange(last_, size);
  Outcome outcome = Outcome::kNotFound;
  for (const auto& [first, last] : node.ranges) {
    int32_t from = 0;
    int32_t to = 0;
    outcome = ArrayIndex(first, item, &from);
    if (outcome == Outcome::kError) break;
    to = from;
    if (last != PathNode::kNone) outcome = ArrayIndex(last, item, &to);
    if (outcome == Outcome::kError) break;
    if (!ignore_errors_ && (from < 0 || from > to || to >= size)) {
      outcome = Fail("22033", "jsonpath array subscript is out of bounds");
      break;
    }
    outcome = Range(node, item, std::max(from, 0), std::min<int64_t>(to, size - 1), found);
    if (outcome == Outcome::kError || (outcome == Outcome::kOk && found == nullptr)) break;
  }
  last_ = outer;
  return outcome;
}

Outcome PathEvaluator::Range(const PathNode& node, const PathItem& item, int64_t from, int64_t to,
                             PathItems* found) {
  Outcome outcome = Outcome::kNotFound;
  if (item.kind != PathItem::kArray) return from == 0 && to == 0 ? Next(node, item, found) : outcome;
  JsonCursor element(item.text);
  for (int64_t i = 0; i <= to && element.Next(); ++i) {
    if (i < from) continue;
    outcome = Next(node, Item(element.value()), found);
    if (outcome == Outcome::kError || (outcome == Outcome::kOk && found == nullptr)) break;
  }
  return outcome;
}

Outcome PathEvaluator::ArrayIndex(int32_t at, const PathItem& item, int32_t* index) {
  PathItems found;
  if (Execute(at, item, &found) == Outcome::kError) return Outcome::kError;
  if (found.size() != 1 || found[0].kind != PathItem::kNumber) {
    return Fail("22033", "jsonpath array subscript is not a single numeric value");
  }
  const auto number = ParseNumeric(found[0].text);
  const auto whole = number.ok() ? NumericTruncate(*number, 0) : number;
  const auto value = whole.ok() ? NumericToInt64(*whole) : Result<int64_t>(whole.status());
  if (!value.ok() || *value != static_cast<int32_t>(*value)) {
    return Fail("22033", "jsonpath array subscript is out of integer range");
  }
  *index = static_cast<int32_t>(*value);
  return Outcome::kOk;
}

}  // namespace streamrun
