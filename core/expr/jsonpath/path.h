// SQL/JSON paths (manual 9.16.2): the parsed form and its evaluation over one jsonb value.
//
// A path is a list of nodes; `next` chains the accessors of one operand ($ .a [0] .size()), `left` and
// `right` are operands of operators, filters and predicates. Parsed once, read by any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/expr/jsonpath/like_regex.h"

namespace streamrun {

enum class PathOp : uint8_t {
  // Operands.
  kNull,
  kBoolean,
  kNumber,
  kString,
  kVariable,
  kRoot,
  kCurrent,
  kLast,
  // Accessors.
  kKey,
  kAnyKey,
  kIndexes,
  kAnyElement,
  kAnyLevel,
  kFilter,
  kType,
  kSize,
  kAbs,
  kFloor,
  kCeiling,
  kDouble,
  kDatetime,
  kKeyvalue,
  // Arithmetic.
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kPlus,
  kMinus,
  // Predicates.
  kAnd,
  kOr,
  kNot,
  kIsUnknown,
  kExists,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kStartsWith,
  kLikeRegex,
};

inline bool IsPredicate(PathOp op) { return op >= PathOp::kAnd; }
/// "+", "size", "==": as messages name it.
std::string_view NameOf(PathOp op);

struct PathNode {
  static constexpr int32_t kNone = -1;
  /// Level of ** that means the leaves.
  static constexpr uint32_t kLeaves = UINT32_MAX;

  PathOp op = PathOp::kNull;
  bool flag = false;  // kBoolean: its value
  int32_t next = kNone;
  int32_t left = kNone;
  int32_t right = kNone;
  /// kString, kKey, kVariable: what it says; kNumber: as JSON writes it; kDatetime: the template.
  std::string text;
  /// kIndexes: from and to (kNone = only from).
  std::vector<std::pair<int32_t, int32_t>> ranges;
  uint32_t first = 0;  // kAnyLevel
  uint32_t last = 0;
  LikeRegex regex;  // kLikeRegex
};

/// Immutable once parsed.
class JsonPath {
 public:
  /// InvalidArgument with PostgreSQL's message.
  static Result<std::shared_ptr<const JsonPath>> Parse(std::string_view text);

  bool lax() const { return lax_; }
  int32_t root() const { return root_; }
  const PathNode& node(int32_t i) const { return nodes_[static_cast<size_t>(i)]; }

 private:
  friend class PathParser;
  bool lax_ = true;
  int32_t root_ = PathNode::kNone;
  std::vector<PathNode> nodes_;
};

}  // namespace streamrun
