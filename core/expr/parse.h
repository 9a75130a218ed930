// Text -> syntax tree: PostgreSQL's own grammar, reduced to the scalar expressions that streamrun takes.
//
// The tree of libpg_query has a thousand message types; ours has one, with byte offsets into the expression
// text. Everything that is not a scalar expression (FROM, sub-selects, window functions) is refused here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/expr/expression.h"

namespace streamrun {

struct Ast;
using AstPtr = std::unique_ptr<Ast>;

/// One item of ORDER BY, of an operator's clause or inside an aggregate call.
struct OrderKey {
  AstPtr expr;
  bool descending = false;
  bool nulls_first = false;  // settled: after DESC nulls come first unless NULLS LAST is said
};

struct Ast {
  enum class Kind : uint8_t {
    kNull,
    kBoolean,      // number: 0 or 1
    kInteger,      // number: an int4 literal
    kDecimal,      // text: any other numeric literal, as written
    kString,       // text: the content, a literal of unknown type
    kColumn,       // names: [qualifier,] column
    kOperator,     // text: operator name; one argument: prefix
    kAnd,          // two or more arguments
    kOr,           //
    kNot,          //
    kIsNull,       //
    kIsNotNull,    //
    kBooleanTest,  // text: "is_true", "is_not_true", ... : the function that does it
    kDistinct,     // a, b
    kNotDistinct,  //
    kNullIf,       // a, b
    kIn,           // x, then the list
    kNotIn,        //
    kBetween,      // x, low, high; number: bit 0 negated, bit 1 symmetric
    kAny,          // text: operator; x, array
    kAll,          //
    kCase,      // [operand or null,] when, then, ..., else or null: see `number` = 1 when an operand is first
    kCoalesce,  //
    kGreatest,  //
    kLeast,     //
    kCast,      // text: type name as DataType::Parse takes it, without modifiers; modifiers; type_offset
    kArray,     //
    kRow,       // (a, b) and ROW(a, b)
    kCollate,   // text: a collation that orders by bytes; the argument
    kCall,      // text: function name; syntax says if it came from SQL syntax such as EXTRACT(... FROM ...)
    kSubscript,  // array, index; number = 1: goes on with the brackets of args[0], x[1][2]
    kSlice,      // array, lower or null, upper or null; number as above
  };
  Kind kind = Kind::kNull;
  bool sql_syntax = false;
  int64_t number = 0;
  std::string text;
  std::vector<std::string> names;
  std::vector<AstPtr> args;  // an absent optional argument is a null pointer
  size_t offset = 0;         // of the token that names the construct

  // kCast
  std::vector<int> modifiers;  // numeric(10,2): 10, 2
  size_t type_offset = 0;

  // kCall
  std::vector<std::string> arg_names;  // f(a => 1): parallel to args, "" for an argument by position
  bool variadic = false;               // f(a, VARIADIC array)
  // Only with ParseOptions::aggregates.
  bool star = false;  // count(*)
  bool distinct = false;
  bool within_group = false;    // `order` came from WITHIN GROUP
  AstPtr filter;                // FILTER (WHERE ...), or null
  std::vector<OrderKey> order;  // ORDER BY in the call, or WITHIN GROUP
};

/// Depth of nesting that is accepted; every later walk over a tree may recurse this deep.
inline constexpr int kMaxExpressionDepth = 400;
/// Bytes of expression text that are accepted.
inline constexpr size_t kMaxExpressionBytes = 64 * 1024;

struct ParseOptions {
  /// Take what only aggregate calls have (*, DISTINCT, FILTER, ORDER BY, WITHIN GROUP) instead of refusing
  /// it.
  bool aggregates = false;
};

/// Parses `sql` (one scalar expression, UTF-8). On failure returns null and fills `problem`. Thread-safe.
AstPtr ParseExpression(std::string_view sql, ExprProblem* problem, ParseOptions options = {});

/// "price DESC NULLS LAST, id" -> its keys. On failure returns nothing and fills `problem`.
std::vector<OrderKey> ParseOrderBy(std::string_view sql, ExprProblem* problem, ParseOptions options = {});

}  // namespace streamrun
