// One node of libpg_query's tree -> Ast, a method per form. Private to parse.cc and convert*.cc, which are
// the only files that see libpg_query.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/expr/parse.h"
#include "core/expr/token.h"
#include "pg_query/pg_query.pb-c.h"

namespace streamrun {

using PgNode = PgQuery__Node;

/// The text of a string node, "" of any other.
std::string_view StringOf(const PgNode* node);
/// The last part of a qualified name.
std::string_view LastName(PgNode** names, size_t count);

/// Turns one tree into another; the first thing it cannot take ends the walk with a problem.
class Converter {
 public:
  /// `prefix`: bytes that stand before `sql` in the text that libpg_query saw; its locations count from
  /// there.
  Converter(std::string_view sql, size_t prefix, ParseOptions options, ExprProblem* problem)
      : sql_(sql), prefix_(static_cast<int>(prefix)), options_(options), problem_(problem) {}

  AstPtr Convert(const PgNode* node, int depth);
  /// ORDER BY's items.
  bool Order(PgNode** items, size_t count, int depth, std::vector<OrderKey>* out);

 private:
  using Kind = Ast::Kind;

  AstPtr Make(Kind kind, int location) const {
    auto ast = std::make_unique<Ast>();
    ast->kind = kind;
    ast->offset = Offset(location);
    return ast;
  }
  // Tree locations are byte offsets into the wrapped text, -1 when unknown.
  size_t Offset(int location) const {
    return location < prefix_ ? 0 : std::min(sql_.size(), static_cast<size_t>(location - prefix_));
  }
  std::nullptr_t Refuse(int location, std::string message, std::string suggestion = "") {
    problem_->offset = Offset(location);
    problem_->length = TokenLength(sql_, problem_->offset);
    problem_->code = "expr.unsupported";
    problem_->message = std::move(message);
    problem_->suggestion = std::move(suggestion);
    return nullptr;
  }
  bool Add(Ast& ast, const PgNode* node, int depth) {
    AstPtr child = Convert(node, depth + 1);
    if (!child) return false;
    ast.args.push_back(std::move(child));
    return true;
  }
  bool AddAll(Ast& ast, PgNode** nodes, size_t count, int depth) {
    for (size_t i = 0; i < count; ++i) {
      if (!Add(ast, nodes[i], depth)) return false;
    }
    return true;
  }

  AstPtr Constant(const PgQuery__AConst& c);
  AstPtr Column(const PgQuery__ColumnRef& ref);
  AstPtr Operator(const PgQuery__AExpr& e, int depth);
  AstPtr Between(const PgQuery__AExpr& e, int64_t flags, int depth);
  AstPtr Boolean(const PgQuery__BoolExpr& e, int depth);
  AstPtr Call(const PgQuery__FuncCall& call, int depth);
  bool Arguments(const PgQuery__FuncCall& call, Ast& ast, int depth);
  bool Aggregation(const PgQuery__FuncCall& call, Ast& ast, int depth);
  AstPtr Cast(const PgQuery__TypeCast& cast, int depth);
  AstPtr Case(const PgQuery__CaseExpr& e, int depth);
  AstPtr Clock(const PgQuery__SQLValueFunction& f);
  AstPtr Indirection(const PgQuery__AIndirection& e, int depth);
  AstPtr Collate(const PgQuery__CollateClause& clause, int depth);
  AstPtr Row(const PgQuery__RowExpr& row, int depth);
  AstPtr NoScalar(const PgNode& node);

  std::string_view sql_;
  int prefix_;
  ParseOptions options_;
  ExprProblem* problem_;
};

}  // namespace streamrun
