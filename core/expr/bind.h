// Syntax tree + schemas -> bound tree: names become column numbers, operators entries of the function table,
// untyped literals constants. The first problem ends the walk.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/expr/expression.h"
#include "core/expr/function.h"
#include "core/expr/node.h"
#include "core/expr/parse.h"
#include "core/expr/resolve.h"

namespace streamrun {

/// Where a cast is asked for (PostgreSQL manual, CREATE CAST).
enum class CastContext : uint8_t { kImplicit, kAssignment, kExplicit };

/// Binds one expression. Methods return null after filling the problem.
class Binder {
 public:
  /// All outlive the binder.
  Binder(std::string_view sql, const Scope& scope, ExprProblem* problem)
      : sql_(sql), scope_(scope), problem_(problem) {}

  NodePtr Bind(const Ast& ast);
  /// `node` as a value of type `to`; null with a problem when the context does not allow it.
  NodePtr Coerce(NodePtr node, const DataType& to, CastContext context);
  /// Untyped literals become text.
  NodePtr Settle(NodePtr node);
  /// False, with a problem, when a constant that every row evaluates always fails.
  bool CheckConstants(const ExprNode& root);

 private:
  using Kind = ExprNode::Kind;
  using MutableNode = std::shared_ptr<ExprNode>;

  std::nullptr_t Fail(size_t offset, std::string code, std::string message, std::string suggestion = "");
  MutableNode New(Kind kind, DataType type, const Ast& ast) const;
  MutableNode New(Kind kind, DataType type, size_t offset, size_t length) const;
  /// Flags from the arguments, then constant folding.
  NodePtr Finish(MutableNode node);
  bool BindAll(const Ast& ast, std::vector<NodePtr>* out);

  NodePtr Literal(const Ast& ast);
  NodePtr Column(const Ast& ast);
  NodePtr Cast(const Ast& ast);
  NodePtr Logic(const Ast& ast);
  NodePtr In(const Ast& ast);
  NodePtr Between(const Ast& ast);
  NodePtr Case(const Ast& ast);
  NodePtr Coalesce(const Ast& ast);
  NodePtr Extreme(const Ast& ast);
  NodePtr NullIf(const Ast& ast);
  NodePtr Distinct(const Ast& ast);
  NodePtr Array(const Ast& ast);
  NodePtr AnyAll(const Ast& ast);
  NodePtr Subscript(const Ast& ast);
  NodePtr FunctionCall(const Ast& ast);
  NodePtr Named(const Ast& ast, std::string_view function, std::vector<NodePtr> args);
  NodePtr Constant(const DataType& type, ColumnPtr value, size_t offset, size_t length) const;
  NodePtr ConstantBool(bool value, const Ast& ast) const;

  /// `name` applied to operands, at the place of `ast`.
  NodePtr Operator(const Ast& ast, std::string_view name, std::vector<NodePtr> args);
  NodePtr Call(const Function& function, const DataType& result, std::vector<NodePtr> args, size_t offset,
               size_t length);
  /// The chosen entry over coerced arguments.
  NodePtr Resolved(const Ast& ast, const Resolution& resolution, std::vector<NodePtr> args);
  NodePtr NoOperator(const Ast& ast, std::string_view name, const std::vector<NodePtr>& args, bool ambiguous);
  NodePtr NoFunction(const Ast& ast, const std::vector<NodePtr>& args, bool ambiguous);
  NodePtr NoColumn(const Ast& ast);
  NodePtr ParseLiteral(const ExprNode& literal, const DataType& type);
  /// All of one type, in place; `what` names the construct for the message.
  std::optional<DataType> Unify(std::vector<NodePtr>& nodes, std::string_view what);
  NodePtr Condition(NodePtr node, std::string_view what);
  /// Makes a node that may stand in several places.
  static NodePtr Share(const NodePtr& node);
  std::vector<DataType> TypesOf(const std::vector<NodePtr>& nodes, bool decimals_as_numeric) const;

  std::string_view sql_;
  const Scope& scope_;
  ExprProblem* problem_;
};

/// The one value of a call whose arguments are constant and which does not vary; null when it fails, with the
/// reason in `failure`.
ColumnPtr Fold(const ExprNode& node, RowFailure* failure);

}  // namespace streamrun
