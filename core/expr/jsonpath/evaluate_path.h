// A jsonpath over one jsonb value (manual 9.16.2; the rules of lax and strict mode and of errors are
// PostgreSQL's).
#pragma once

#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/expr/json_scan.h"
#include "core/expr/jsonpath/datetime.h"
#include "core/expr/jsonpath/path.h"

namespace streamrun {

/// One value of the sequence that a path gives. Views point into the document, the path or the evaluator.
struct PathItem {
  enum Kind : uint8_t { kNull, kString, kNumber, kBoolean, kDatetime, kArray, kObject };
  Kind kind = kNull;
  bool flag = false;      // kBoolean
  std::string_view text;  // kString: what it says; kNumber, kArray, kObject: as written
  PathDatetime datetime;  // kDatetime

  bool is_container() const { return kind >= kArray; }
};

using PathItems = std::vector<PathItem>;

/// Appends the item as JSON.
void AppendItem(const PathItem& item, std::string& out);

struct PathFailure {
  std::string_view code;
  std::string message;
};

class PathEvaluator {
 public:
  struct Input {
    std::string_view json;
    std::string_view vars;   // an object
    bool silent = false;     // errors of the data are not reported
    bool with_zone = false;  // the _tz functions: dates compare with timestamptz
  };

  enum class Outcome : uint8_t { kOk, kNotFound, kError };

  PathEvaluator(const JsonPath& path, const Input& input);

  /// Runs the path. With `found` all items are collected, without only their existence matters. kError: see
  /// failure(), unless silent.
  Outcome Run(PathItems* found);
  /// Set when the row fails.
  const PathFailure* failure() const { return failed_ ? &failure_ : nullptr; }

 private:
  enum class Truth : uint8_t { kFalse, kTrue, kUnknown };
  using Predicate = Truth (PathEvaluator::*)(const PathNode&, const PathItem&, const PathItem*);

  bool lax() const { return path_.lax(); }
  PathItem Item(std::string_view json);
  std::string& Keep(std::string text) { return kept_.emplace_front(std::move(text)); }

  // Walking. `found` null: the first item is enough.
  Outcome Execute(int32_t at, const PathItem& item, PathItems* found) {
    return Apply(at, item, found, lax());
  }
  Outcome Apply(int32_t at, const PathItem& item, PathItems* found, bool unwrap);
  Outcome Next(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome Unwrap(int32_t at, const PathItem& array, PathItems* found, bool unwrap_elements);
  struct Levels {
    uint32_t level, first, last;
    bool ignore_errors, unwrap;
  };
  Outcome Below(int32_t at, std::string_view container, PathItems* found, const Levels& levels);
  Outcome Child(int32_t at, std::string_view json, PathItems* found, const Levels& levels);
  /// All items of an operand; in lax mode arrays among them are unwrapped when asked for.
  Outcome Collect(int32_t at, const PathItem& item, bool unwrap, PathItems* found);
  Outcome CollectQuietly(int32_t at, const PathItem& item, bool unwrap, PathItems* found);

  Outcome Literal(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome Variable(const PathNode& node, PathItems* found);
  Outcome Key(int32_t at, const PathItem& item, PathItems* found, bool unwrap);
  Outcome AnyKey(int32_t at, const PathItem& item, PathItems* found, bool unwrap);
  Outcome AnyElement(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome AnyLevel(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome Indexes(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome Range(const PathNode& node, const PathItem& item, int64_t from, int64_t to, PathItems* found);
  Outcome ArrayIndex(int32_t at, const PathItem& item, int32_t* index);
  Outcome Arithmetic(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome Sign(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome Method(int32_t at, const PathItem& item, PathItems* found, bool unwrap);
  Outcome NumberMethod(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome DoubleMethod(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome DatetimeMethod(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome KeyvalueMethod(const PathNode& node, const PathItem& item, PathItems* found);

  Truth Test(int32_t at, const PathItem& item);
  Truth TestPair(const PathNode& node, const PathItem& item, bool unwrap_right, Predicate predicate);
  Truth TestExists(const PathNode& node, const PathItem& item);
  Truth Compare(const PathNode& node, const PathItem& a, const PathItem* b);
  Truth CompareDates(PathOp op, const PathItem& a, const PathItem& b);
  Truth StartsWith(const PathNode& node, const PathItem& a, const PathItem* b);
  Truth Matches(const PathNode& node, const PathItem& a, const PathItem* b);

  /// Records the error when errors are reported at this place.
  Outcome Fail(std::string_view code, std::string_view before, std::string_view name = {},
               std::string_view after = {});
  /// An error that neither silent nor a filter hides.
  Outcome FailHard(std::string_view code, std::string message);

  const JsonPath& path_;
  const Input& input_;
  PathItem root_;
  PathItem current_;
  bool throwing_;
  bool ignore_errors_;     // of structure: lax mode, and below **
  int64_t last_ = -1;      // elements of the innermost array with subscripts
  std::string_view base_;  // the value that .keyvalue() counts offsets in, and its number
  int64_t base_id_ = 0;
  int64_t next_id_ = 2;
  bool failed_ = false;
  bool hard_ = false;
  PathFailure failure_;
  std::forward_list<std::string> kept_;
};

}  // namespace streamrun
