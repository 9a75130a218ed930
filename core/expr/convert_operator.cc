// The forms that the grammar calls an A_Expr (operators, IN, BETWEEN, ANY, DISTINCT), and AND, OR, NOT.
#include "core/expr/convert.h"

namespace streamrun {

AstPtr Converter::Between(const PgQuery__AExpr& e, int64_t flags, int depth) {
  AstPtr ast = Make(Kind::kBetween, e.location);
  ast->number = flags;
  const PgQuery__List* bounds = e.rexpr->list;
  if (!Add(*ast, e.lexpr, depth) || !AddAll(*ast, bounds->items, bounds->n_items, depth)) return nullptr;
  return ast;
}

AstPtr Converter::Operator(const PgQuery__AExpr& e, int depth) {
  const std::string name(LastName(e.name, e.n_name));
  Kind kind = Kind::kOperator;
  switch (e.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:  // x ~ similar_to_escape(pattern [, escape])
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
      kind = Kind::kAny;
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
      kind = Kind::kAll;
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
      kind = Kind::kDistinct;
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
      kind = Kind::kNotDistinct;
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
      kind = Kind::kNullIf;
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN: {
      AstPtr ast = Make(name == "<>" ? Kind::kNotIn : Kind::kIn, e.location);
      if (!Add(*ast, e.lexpr, depth)) return nullptr;
      if (!AddAll(*ast, e.rexpr->list->items, e.rexpr->list->n_items, depth)) return nullptr;
      return ast;
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
      return Between(e, 0, depth);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
      return Between(e, 1, depth);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
      return Between(e, 2, depth);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
      return Between(e, 3, depth);
    default:
      return Refuse(e.location, "this operator form is not supported");
  }
  AstPtr ast = Make(kind, e.location);
  ast->text = name;
  if (e.lexpr != nullptr && !Add(*ast, e.lexpr, depth)) return nullptr;
  if (!Add(*ast, e.rexpr, depth)) return nullptr;
  return ast;
}

AstPtr Converter::Boolean(const PgQuery__BoolExpr& e, int depth) {
  const Kind kind = e.boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR  ? Kind::kAnd
                    : e.boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR ? Kind::kOr
                                                                    : Kind::kNot;
  AstPtr ast = Make(kind, e.location);
  if (!AddAll(*ast, e.args, e.n_args, depth)) return nullptr;
  return ast;
}

}  // namespace streamrun
