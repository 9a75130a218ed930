// The bound tree: every node has a type, every name is a column number, every operator a function of the
// table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/data/column.h"
#include "core/data/type.h"

namespace streamrun {

struct Function;
struct ExprNode;
using NodePtr = std::shared_ptr<const ExprNode>;

/// Immutable once bound. Plain data: a plan may print, compare and share it.
struct ExprNode {
  enum class Kind : uint8_t {
    kColumn,
    kConstant,
    kCall,      // function(args)
    kAnd,       // two or more booleans; later ones are evaluated only where no earlier one is false
    kOr,        // ... is true
    kCase,      // when, then, when, then, ..., else
    kCoalesce,  // one or more of one type
    kDistinct,  // a IS DISTINCT FROM b; function is the equality of their type
    kAny,       // x op ANY (list): args are x and the list; `each` is the operator
    kAll,       // x op ALL (list)
    kVariadic,  // f(args, VARIADIC list): the list is the last argument; `each` converts an element
  };
  Kind kind = Kind::kConstant;
  DataType type;
  int column = -1;
  ColumnPtr value;  // kConstant: one row; of an untyped literal: null pointer
  const Function* function = nullptr;
  std::vector<NodePtr> args;
  /// What a function derives from constant arguments (a compiled pattern, a time zone); null when they vary.
  std::shared_ptr<const void> prepared;
  /// Of one element of a list: an expression of its own, whose column 0 is the element and column 1 the x of
  /// kAny and kAll.
  NodePtr each;

  bool can_fail = false;
  bool is_volatile = false;
  bool varies = false;  // reads a column or is volatile
  /// Stands in more than one place of the tree (x of x BETWEEN a AND b): computed once for a row of a batch.
  bool shared = false;

  // Only while binding.
  std::string literal;           // text of an untyped or decimal literal
  bool decimal_literal = false;  // 0.908: double precision unless numeric is asked for

  size_t offset = 0;  // place in the expression text
  size_t length = 1;

  bool is_constant() const { return kind == Kind::kConstant; }
  bool is_null() const { return is_constant() && value && value->IsNull(0); }
};

}  // namespace streamrun
