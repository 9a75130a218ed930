// Syntax tree + schemas -> bound tree: names become column numbers, operators entries of the function table,
// untyped literals constants. The first problem ends the walk.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/expr/expression.h"
#include "core/expr/function.h"
#include "core/expr/node.h"
#include "core/expr/parse.h"
#include "core/expr/resolve.h"

namespace streamrun {

class Binder;

/// Where a cast is asked for (PostgreSQL manual, CREATE CAST).
enum class CastContext : uint8_t { kImplicit, kAssignment, kExplicit };

/// Takes calls that mean something else than an entry of the function table: aggregates inside an operator
/// that computes them. Asked first, for every call.
class CallHook {
 public:
  virtual ~CallHook() = default;
  /// The bound node; null when the call is not the hook's business; null with *failed = true after the hook
  /// filled the binder's problem.
  virtual NodePtr BindCall(Binder& binder, const Ast& call, bool* failed) = 0;
  /// Is it a name that the hook knows (for the wording of problems)?
  virtual bool Claims(std::string_view name) const = 0;
};

/// Binds one expression. Methods return null after filling the problem.
class Binder {
 public:
  using Kind = ExprNode::Kind;
  using MutableNode = std::shared_ptr<ExprNode>;

  /// All outlive the binder; `hook` may be null.
  Binder(std::string_view sql, const Scope& scope, ExprProblem* problem, CallHook* hook = nullptr)
      : sql_(sql), scope_(scope), problem_(problem), hook_(hook) {}

  NodePtr Bind(const Ast& ast);
  /// `node` as a value of type `to`; null with a problem when the context does not allow it.
  NodePtr Coerce(NodePtr node, const DataType& to, CastContext context);
  /// Untyped literals become text.
  NodePtr Settle(NodePtr node);
  /// False, with a problem, when a constant that every row evaluates always fails.
  bool CheckConstants(const ExprNode& root);

  // For hooks, and for the files of the binder.
  std::nullptr_t Fail(size_t offset, std::string code, std::string message, std::string suggestion = "");
  MutableNode New(Kind kind, DataType type, const Ast& ast) const;
  MutableNode New(Kind kind, DataType type, size_t offset, size_t length) const;
  NodePtr MakeColumn(int column, const DataType& type, const Ast& at) const;
  NodePtr Constant(const DataType& type, ColumnPtr value, size_t offset, size_t length) const;
  /// Flags from the arguments, then constant folding and what Simplify does.
  NodePtr Finish(MutableNode node);
  bool BindAll(const Ast& ast, std::vector<NodePtr>* out);
  /// `what` names the construct for the message; null in, null out.
  NodePtr Condition(NodePtr node, std::string_view what);
  /// The types that overloads are resolved with: a decimal literal counts as numeric when told so or beside a
  /// numeric.
  std::vector<DataType> TypesOf(const std::vector<NodePtr>& nodes, bool decimals_as_numeric) const;

 private:
  /// One side of a comparison: a value, or the values of a row.
  struct Operand {
    std::vector<NodePtr> nodes;
    bool is_row = false;
  };

  NodePtr Literal(const Ast& ast);
  NodePtr DecimalLiteral(const Ast& ast);
  NodePtr Column(const Ast& ast);
  NodePtr Collate(const Ast& ast);
  NodePtr Cast(const Ast& ast);
  NodePtr CastArray(const Ast& array, const DataType& type);
  std::optional<DataType> CastType(const Ast& ast);
  NodePtr Modified(const Ast& ast, NodePtr node);
  NodePtr ConstantInteger(int32_t value, const Ast& ast) const;
  NodePtr ConstantBool(bool value, const Ast& ast) const;

  NodePtr Logic(const Ast& ast);
  NodePtr NullTest(const Ast& ast);
  NodePtr In(const Ast& ast);
  NodePtr InConstants(const Ast& ast, std::vector<NodePtr> nodes, bool* done);
  NodePtr Between(const Ast& ast);
  NodePtr Case(const Ast& ast);
  NodePtr Coalesce(const Ast& ast);
  NodePtr Extreme(const Ast& ast);
  NodePtr NullIf(const Ast& ast);
  NodePtr Distinct(const Ast& ast);
  NodePtr DistinctValues(const Ast& ast, const NodePtr& a, const NodePtr& b);

  bool BindOperand(const Ast& ast, Operand* out);
  NodePtr OperatorForm(const Ast& ast);
  NodePtr Compare(const Ast& ast, std::string_view name, const Operand& a, const Operand& b);
  NodePtr CompareRowOrder(const Ast& ast, std::string_view name, const Operand& a, const Operand& b,
                          size_t from);
  NodePtr JsonOfRow(const Ast& row);

  NodePtr Array(const Ast& ast);
  NodePtr Subscript(const Ast& ast);
  NodePtr JsonSubscript(const Ast& ast, const NodePtr& json);
  NodePtr SubscriptTwice(const Ast& ast, const DataType& list);
  std::vector<NodePtr> ConstantElements(const NodePtr& list) const;
  NodePtr AnyAll(const Ast& ast);
  NodePtr AnyAllConstants(const Ast& ast, const NodePtr& x, const NodePtr& list);

  NodePtr FunctionCall(const Ast& ast);
  bool BindArguments(const Ast& ast, std::vector<NodePtr>* out);
  bool PlaceNamed(const Ast& ast, std::vector<NodePtr>* args);
  std::optional<Resolution> ResolveCall(std::span<const Function* const> entries, std::vector<NodePtr>* args,
                                        const Ast& ast, bool* ambiguous);
  bool AddIntervals(const Ast& ast, std::vector<NodePtr>* args);
  NodePtr VariadicCall(const Ast& ast, std::vector<NodePtr> args);
  NodePtr VariadicOverList(const Ast& ast, std::vector<NodePtr> args);
  /// Refuses calls that only an aggregate, a window or a row source could take: true with a problem.
  bool NotAnAggregate(const Ast& ast);
  NodePtr Named(const Ast& ast, std::string_view function, std::vector<NodePtr> args);
  /// `name` applied to operands, at the place of `ast`.
  NodePtr Operator(const Ast& ast, std::string_view name, std::vector<NodePtr> args);
  /// Chooses the entry and coerces the arguments in place; false with a problem.
  bool ResolveOperator(const Ast& ast, std::string_view name, std::vector<NodePtr>* args,
                       Resolution* resolution);
  bool CoerceArguments(const Resolution& resolution, std::vector<NodePtr>* args);
  NodePtr Call(const Function& function, const DataType& result, std::vector<NodePtr> args, size_t offset,
               size_t length);
  /// The chosen entry over coerced arguments.
  NodePtr Resolved(const Ast& ast, const Resolution& resolution, std::vector<NodePtr> args);

  NodePtr NoOperator(const Ast& ast, std::string_view name, const std::vector<NodePtr>& args, bool ambiguous);
  NodePtr NoFunction(const Ast& ast, const std::vector<NodePtr>& args, bool ambiguous);
  NodePtr NoNamed(const Ast& ast, const std::vector<NodePtr>& args);
  NodePtr NoColumn(const Ast& ast);
  NodePtr NoType(const Ast& ast, std::string_view suggestion);

  NodePtr ParseLiteral(const ExprNode& literal, const DataType& type);
  /// All of one type, in place; `what` names the construct for the message.
  std::optional<DataType> Unify(std::vector<NodePtr>& nodes, std::string_view what);
  /// Makes a node that may stand in several places.
  static NodePtr Share(const NodePtr& node);

  std::string_view sql_;
  const Scope& scope_;
  ExprProblem* problem_;
  CallHook* hook_;
};

/// The one value of a node without columns that does not vary; null when it fails, with the reason in
/// `failure`.
ColumnPtr Fold(const ExprNode& node, RowFailure* failure);

/// An equal tree with less to do, or the node itself. Only what keeps every row's value and failure.
NodePtr Simplify(const std::shared_ptr<ExprNode>& node);

/// The tree with structurally equal subtrees as one node each, marked shared. Volatile ones stay apart.
NodePtr ShareEqual(const NodePtr& root);

}  // namespace streamrun
