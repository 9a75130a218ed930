#include "core/expr/jsonpath/parser.h"

#include <charconv>

#include "core/data/json_text.h"

namespace streamrun {

namespace {

constexpr int kMaxDepth = 200;
// Evaluation recurses along operands and accessors, so their number is bounded too.
constexpr size_t kMaxNodes = 1000;

struct OpName {
  PathOp op;
  std::string_view name;
};

constexpr OpName kComparisons[] = {{PathOp::kEqual, "=="},  {PathOp::kNotEqual, "!="},
                                   {PathOp::kLess, "<"},    {PathOp::kLessEqual, "<="},
                                   {PathOp::kGreater, ">"}, {PathOp::kGreaterEqual, ">="}};
constexpr OpName kArithmetic[] = {{PathOp::kAdd, "+"},    {PathOp::kSubtract, "-"}, {PathOp::kMultiply, "*"},
                                  {PathOp::kDivide, "/"}, {PathOp::kModulo, "%"},   {PathOp::kPlus, "+"},
                                  {PathOp::kMinus, "-"}};
constexpr OpName kMethods[] = {{PathOp::kType, "type"},         {PathOp::kSize, "size"},
                               {PathOp::kAbs, "abs"},           {PathOp::kFloor, "floor"},
                               {PathOp::kCeiling, "ceiling"},   {PathOp::kDouble, "double"},
                               {PathOp::kDatetime, "datetime"}, {PathOp::kKeyvalue, "keyvalue"}};

}  // namespace

std::string_view NameOf(PathOp op) {
  for (const OpName& o : kMethods) {
    if (o.op == op) return o.name;
  }
  for (const OpName& o : kArithmetic) {
    if (o.op == op) return o.name;
  }
  for (const OpName& o : kComparisons) {
    if (o.op == op) return o.name;
  }
  return "";
}

Result<std::shared_ptr<const JsonPath>> JsonPath::Parse(std::string_view text) {
  return PathParser(text).Parse();
}

Status PathParser::Advance() {
  SR_ASSIGN_OR_RETURN(token_, lexer_.Next());
  return Status::Ok();
}

Status PathParser::SyntaxError() const {
  if (token_.shown.empty()) return Status::InvalidArgument("syntax error at end of jsonpath input");
  return Status::InvalidArgument("syntax error at or near \"" + token_.shown + "\" of jsonpath input");
}

Status PathParser::Expect(std::string_view symbol) {
  if (!token_.Is(symbol)) return SyntaxError();
  return Advance();
}

int32_t PathParser::Add(PathOp op, int32_t left, int32_t right) {
  PathNode& added = path_->nodes_.emplace_back();
  added.op = op;
  added.left = left;
  added.right = right;
  return static_cast<int32_t>(path_->nodes_.size()) - 1;
}

Result<std::shared_ptr<const JsonPath>> PathParser::Parse() {
  SR_RETURN_IF_ERROR(Advance());
  if (token_.kind == PathToken::kEnd) {
    return Status::InvalidArgument("invalid input syntax for type jsonpath: \"" + std::string(text_) + "\"");
  }
  if (token_.IsKeyword("strict") || token_.IsKeyword("lax")) {
    path_->lax_ = token_.IsKeyword("lax");
    SR_RETURN_IF_ERROR(Advance());
  }
  SR_ASSIGN_OR_RETURN(path_->root_, Or());
  if (token_.kind != PathToken::kEnd) return SyntaxError();
  if (path_->nodes_.size() > kMaxNodes) {
    return Status::InvalidArgument("jsonpath has more than 1000 parts");
  }
  SR_RETURN_IF_ERROR(CheckPlaces(path_->root_, false, false));
  return std::shared_ptr<const JsonPath>(std::move(path_));
}

// @ needs a filter around it, LAST a subscript.
Status PathParser::CheckPlaces(int32_t i, bool in_filter, bool in_subscript) const {
  for (; i != PathNode::kNone; i = path_->node(i).next) {
    const PathNode& n = path_->node(i);
    if (n.op == PathOp::kCurrent && !in_filter) {
      return Status::InvalidArgument("@ is not allowed in root expressions");
    }
    if (n.op == PathOp::kLast && !in_subscript) {
      return Status::InvalidArgument("LAST is allowed only in array subscripts");
    }
    SR_RETURN_IF_ERROR(CheckPlaces(n.left, in_filter || n.op == PathOp::kFilter, in_subscript));
    SR_RETURN_IF_ERROR(CheckPlaces(n.right, in_filter, in_subscript));
    for (const auto& [from, to] : n.ranges) {
      SR_RETURN_IF_ERROR(CheckPlaces(from, in_filter, true));
      SR_RETURN_IF_ERROR(CheckPlaces(to, in_filter, true));
    }
  }
  return Status::Ok();
}

// --- Predicates. Each method returns a predicate or an operand; where a predicate must stand, an operand is
// an error at the token behind it.

PathParser::Index PathParser::Or() {
  const Level level(depth_);
  if (depth_ > kMaxDepth) return Status::InvalidArgument("jsonpath is nested too deep");
  SR_ASSIGN_OR_RETURN(int32_t left, And());
  while (is_predicate(left) && token_.Is("||")) {
    SR_RETURN_IF_ERROR(Advance());
    SR_ASSIGN_OR_RETURN(const int32_t right, And());
    if (!is_predicate(right)) return SyntaxError();
    left = Add(PathOp::kOr, left, right);
  }
  return left;
}

PathParser::Index PathParser::And() {
  SR_ASSIGN_OR_RETURN(int32_t left, Operand());
  while (is_predicate(left) && token_.Is("&&")) {
    SR_RETURN_IF_ERROR(Advance());
    SR_ASSIGN_OR_RETURN(const int32_t right, Operand());
    if (!is_predicate(right)) return SyntaxError();
    left = Add(PathOp::kAnd, left, right);
  }
  return left;
}

PathParser::Index PathParser::Operand() {
  if (!token_.Is("!")) return Comparison();
  SR_RETURN_IF_ERROR(Advance());
  if (token_.IsKeyword("exists")) {
    SR_ASSIGN_OR_RETURN(const int32_t exists, Exists());
    return Add(PathOp::kNot, exists);
  }
  SR_RETURN_IF_ERROR(Expect("("));
  SR_ASSIGN_OR_RETURN(const int32_t inner, Or());
  if (!is_predicate(inner)) return SyntaxError();
  SR_RETURN_IF_ERROR(Expect(")"));
  return Add(PathOp::kNot, inner);
}

PathParser::Index PathParser::Exists() {
  SR_RETURN_IF_ERROR(Advance());
  SR_RETURN_IF_ERROR(Expect("("));
  SR_ASSIGN_OR_RETURN(const int32_t operand, Sum());
  if (is_predicate(operand)) return SyntaxError();
  SR_RETURN_IF_ERROR(Expect(")"));
  return Add(PathOp::kExists, operand);
}

PathParser::Index PathParser::Comparison() {
  if (token_.IsKeyword("exists")) return Exists();
  SR_ASSIGN_OR_RETURN(const int32_t left, Sum());
  if (is_predicate(left)) return left;
  if (token_.IsKeyword("starts")) return StartsWith(left);
  if (token_.IsKeyword("like_regex")) return LikeRegexOf(left);
  for (const OpName& comparison : kComparisons) {
    if (!token_.Is(comparison.name)) continue;
    SR_RETURN_IF_ERROR(Advance());
    SR_ASSIGN_OR_RETURN(const int32_t right, Sum());
    if (is_predicate(right)) return SyntaxError();
    return Add(comparison.op, left, right);
  }
  return left;
}

PathParser::Index PathParser::StartsWith(int32_t left) {
  SR_RETURN_IF_ERROR(Advance());
  if (!token_.IsKeyword("with")) return SyntaxError();
  SR_RETURN_IF_ERROR(Advance());
  const bool variable = token_.kind == PathToken::kVariable;
  if (!variable && token_.kind != PathToken::kString) return SyntaxError();
  const int32_t prefix = Add(variable ? PathOp::kVariable : PathOp::kString);
  node(prefix).text = token_.text;
  SR_RETURN_IF_ERROR(Advance());
  return Add(PathOp::kStartsWith, left, prefix);
}

PathParser::Index PathParser::LikeRegexOf(int32_t left) {
  SR_RETURN_IF_ERROR(Advance());
  if (token_.kind != PathToken::kString) return SyntaxError();
  const std::string pattern = token_.text;
  std::string flags;
  SR_RETURN_IF_ERROR(Advance());
  if (token_.IsKeyword("flag")) {
    SR_RETURN_IF_ERROR(Advance());
    if (token_.kind != PathToken::kString) return SyntaxError();
    flags = token_.text;
    SR_RETURN_IF_ERROR(Advance());
  }
  const int32_t like = Add(PathOp::kLikeRegex, left);
  SR_ASSIGN_OR_RETURN(node(like).regex, LikeRegex::Compile(pattern, flags));
  return like;
}

// --- Arithmetic

PathParser::Index PathParser::Sum() {
  SR_ASSIGN_OR_RETURN(int32_t left, Product());
  while (!is_predicate(left) && (token_.Is("+") || token_.Is("-"))) {
    const PathOp op = token_.Is("+") ? PathOp::kAdd : PathOp::kSubtract;
    SR_RETURN_IF_ERROR(Advance());
    SR_ASSIGN_OR_RETURN(const int32_t right, Product());
    if (is_predicate(right)) return SyntaxError();
    left = Add(op, left, right);
  }
  return left;
}

PathParser::Index PathParser::Product() {
  SR_ASSIGN_OR_RETURN(int32_t left, Signed());
  while (!is_predicate(left) && (token_.Is("*") || token_.Is("/") || token_.Is("%"))) {
    const PathOp op = token_.Is("*") ? PathOp::kMultiply : token_.Is("/") ? PathOp::kDivide : PathOp::kModulo;
    SR_RETURN_IF_ERROR(Advance());
    SR_ASSIGN_OR_RETURN(const int32_t right, Signed());
    if (is_predicate(right)) return SyntaxError();
    left = Add(op, left, right);
  }
  return left;
}

PathParser::Index PathParser::Signed() {
  if (!token_.Is("+") && !token_.Is("-")) return Accessors();
  const Level level(depth_);
  if (depth_ > kMaxDepth) return Status::InvalidArgument("jsonpath is nested too deep");
  const bool minus = token_.Is("-");
  SR_RETURN_IF_ERROR(Advance());
  SR_ASSIGN_OR_RETURN(const int32_t operand, Signed());
  if (is_predicate(operand)) return SyntaxError();
  PathNode& n = node(operand);
  if (n.op != PathOp::kNumber || n.next != PathNode::kNone) {
    return Add(minus ? PathOp::kMinus : PathOp::kPlus, operand);
  }
  // A sign before a literal is part of it.
  if (minus) n.text[0] == '-' ? n.text.erase(0, 1) : n.text.insert(0, "-");
  return operand;
}

// --- Operands

PathParser::Index PathParser::Accessors() {
  SR_ASSIGN_OR_RETURN(const int32_t head, token_.Is("(") ? Parenthesised() : Primary());
  int32_t tail = head;
  while (path_->node(tail).next != PathNode::kNone) tail = path_->node(tail).next;
  for (;;) {
    SR_ASSIGN_OR_RETURN(const int32_t accessor, Accessor());
    if (accessor == PathNode::kNone) return head;
    node(tail).next = accessor;
    tail = accessor;
  }
}

// ( operand ), ( predicate ), ( predicate ) IS UNKNOWN
PathParser::Index PathParser::Parenthesised() {
  SR_RETURN_IF_ERROR(Advance());
  SR_ASSIGN_OR_RETURN(const int32_t inner, Or());
  SR_RETURN_IF_ERROR(Expect(")"));
  if (!is_predicate(inner) || !token_.IsKeyword("is")) return inner;
  SR_RETURN_IF_ERROR(Advance());
  if (!token_.IsKeyword("unknown")) return SyntaxError();
  SR_RETURN_IF_ERROR(Advance());
  return Add(PathOp::kIsUnknown, inner);
}

PathParser::Index PathParser::Primary() {
  int32_t made = PathNode::kNone;
  if (token_.Is("$")) {
    made = Add(PathOp::kRoot);
  } else if (token_.Is("@")) {
    made = Add(PathOp::kCurrent);
  } else if (token_.IsKeyword("last")) {
    made = Add(PathOp::kLast);
  } else if (token_.IsKeyword("null")) {
    made = Add(PathOp::kNull);
  } else if (token_.IsKeyword("true") || token_.IsKeyword("false")) {
    made = Add(PathOp::kBoolean);
    node(made).flag = token_.IsKeyword("true");
  } else if (token_.kind == PathToken::kInteger || token_.kind == PathToken::kDecimal) {
    SR_RETURN_IF_ERROR(ValidateJson(token_.text));
    made = Add(PathOp::kNumber);
  } else if (token_.kind == PathToken::kString) {
    made = Add(PathOp::kString);
  } else if (token_.kind == PathToken::kVariable) {
    made = Add(PathOp::kVariable);
  } else {
    return SyntaxError();
  }
  node(made).text = token_.text;
  SR_RETURN_IF_ERROR(Advance());
  return made;
}

PathParser::Index PathParser::Accessor() {
  if (token_.Is(".")) return Dot();
  if (token_.Is("[")) return Subscripts();
  if (token_.Is("?")) return Filter();
  return PathNode::kNone;
}

PathParser::Index PathParser::Dot() {
  SR_RETURN_IF_ERROR(Advance());
  if (token_.Is("**")) return AnyLevel();
  if (token_.Is("*")) {
    SR_RETURN_IF_ERROR(Advance());
    return Add(PathOp::kAnyKey);
  }
  if (token_.kind != PathToken::kName && token_.kind != PathToken::kString) return SyntaxError();
  const PathToken name = token_;
  SR_RETURN_IF_ERROR(Advance());
  if (token_.Is("(")) {
    for (const OpName& method : kMethods) {
      if (name.IsKeyword(method.name)) return Method(method.op);
    }
    return SyntaxError();
  }
  const int32_t key = Add(PathOp::kKey);
  node(key).text = name.text;
  return key;
}

PathParser::Index PathParser::Method(PathOp op) {
  SR_RETURN_IF_ERROR(Expect("("));
  const int32_t method = Add(op);
  if (op == PathOp::kDatetime && token_.kind == PathToken::kString) {
    node(method).text = token_.text;
    node(method).flag = true;  // a template was given, if an empty one
    SR_RETURN_IF_ERROR(Advance());
  }
  SR_RETURN_IF_ERROR(Expect(")"));
  return method;
}

Result<uint32_t> PathParser::LevelNumber() {
  uint32_t level = PathNode::kLeaves;
  if (token_.kind == PathToken::kInteger) {
    int32_t value = 0;
    const char* end = token_.text.data() + token_.text.size();
    if (std::from_chars(token_.text.data(), end, value).ec != std::errc()) {
      return Status::InvalidArgument("value \"" + token_.text + "\" is out of range for type integer");
    }
    level = static_cast<uint32_t>(value);
  } else if (!token_.IsKeyword("last")) {
    return SyntaxError();
  }
  SR_RETURN_IF_ERROR(Advance());
  return level;
}

// ** reaches every level, **{2} one, **{1 to last} a range of them.
PathParser::Index PathParser::AnyLevel() {
  SR_RETURN_IF_ERROR(Advance());
  const int32_t any = Add(PathOp::kAnyLevel);
  node(any).last = PathNode::kLeaves;
  if (!token_.Is("{")) return any;
  SR_RETURN_IF_ERROR(Advance());
  SR_ASSIGN_OR_RETURN(node(any).first, LevelNumber());
  node(any).last = node(any).first;
  if (token_.IsKeyword("to")) {
    SR_RETURN_IF_ERROR(Advance());
    SR_ASSIGN_OR_RETURN(node(any).last, LevelNumber());
  }
  SR_RETURN_IF_ERROR(Expect("}"));
  return any;
}

PathParser::Index PathParser::Subscripts() {
  SR_RETURN_IF_ERROR(Advance());
  if (token_.Is("*")) {
    SR_RETURN_IF_ERROR(Advance());
    SR_RETURN_IF_ERROR(Expect("]"));
    return Add(PathOp::kAnyElement);
  }
  const Level level(depth_);
  if (depth_ > kMaxDepth) return Status::InvalidArgument("jsonpath is nested too deep");
  std::vector<std::pair<int32_t, int32_t>> ranges;
  for (;;) {
    SR_ASSIGN_OR_RETURN(const int32_t from, Sum());
    int32_t to = PathNode::kNone;
    if (token_.IsKeyword("to")) {
      SR_RETURN_IF_ERROR(Advance());
      SR_ASSIGN_OR_RETURN(to, Sum());
    }
    const bool predicate = is_predicate(from) || (to != PathNode::kNone && is_predicate(to));
    if (predicate) return SyntaxError();
    ranges.push_back({from, to});
    if (!token_.Is(",")) break;
    SR_RETURN_IF_ERROR(Advance());
  }
  SR_RETURN_IF_ERROR(Expect("]"));
  const int32_t subscripts = Add(PathOp::kIndexes);
  node(subscripts).ranges = std::move(ranges);
  return subscripts;
}

PathParser::Index PathParser::Filter() {
  SR_RETURN_IF_ERROR(Advance());
  SR_RETURN_IF_ERROR(Expect("("));
  SR_ASSIGN_OR_RETURN(const int32_t condition, Or());
  if (!is_predicate(condition)) return SyntaxError();
  SR_RETURN_IF_ERROR(Expect(")"));
  return Add(PathOp::kFilter, condition);
}

}  // namespace streamrun
