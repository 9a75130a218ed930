// The grammar of jsonpath, by recursive descent. An error is found at the token where PostgreSQL's parser
// finds it, so that the messages agree.
#pragma once

#include <memory>

#include "core/expr/jsonpath/lexer.h"
#include "core/expr/jsonpath/path.h"

namespace streamrun {

class PathParser {
 public:
  explicit PathParser(std::string_view text) : text_(text), lexer_(text) {}
  Result<std::shared_ptr<const JsonPath>> Parse();

 private:
  using Index = Result<int32_t>;

  Status Advance();
  Status SyntaxError() const;
  Status Expect(std::string_view symbol);
  /// One level deeper for the life of a call; hostile text must not exhaust the stack.
  struct Level {
    explicit Level(int& depth) : depth(depth) { ++depth; }
    ~Level() { --depth; }
    int& depth;
  };

  Index Or();
  Index And();
  Index Operand();
  Index Comparison();
  Index Exists();
  Index StartsWith(int32_t left);
  Index LikeRegexOf(int32_t left);
  Index Sum();
  Index Product();
  Index Signed();
  Index Accessors();
  Index Primary();
  Index Parenthesised();
  /// The accessor at hand, chained behind `tail`; kNone when none stands here.
  Index Accessor();
  Index Dot();
  Index AnyLevel();
  Index Method(PathOp op);
  Index Subscripts();
  Index Filter();
  Result<uint32_t> LevelNumber();

  int32_t Add(PathOp op, int32_t left = PathNode::kNone, int32_t right = PathNode::kNone);
  PathNode& node(int32_t i) { return path_->nodes_[static_cast<size_t>(i)]; }
  bool is_predicate(int32_t i) const {
    return IsPredicate(path_->node(i).op) && path_->node(i).next == PathNode::kNone;
  }
  Status CheckPlaces(int32_t i, bool in_filter, bool in_subscript) const;

  std::string_view text_;
  PathLexer lexer_;
  PathToken token_;
  std::shared_ptr<JsonPath> path_ = std::make_shared<JsonPath>();
  int depth_ = 0;
};

}  // namespace streamrun
