// Function calls, and casts with the names and modifiers of types.
#include "core/expr/convert.h"

namespace streamrun {

bool Converter::Arguments(const PgQuery__FuncCall& call, Ast& ast, int depth) {
  for (size_t i = 0; i < call.n_args; ++i) {
    const bool named = call.args[i]->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR;
    if (!Add(ast, named ? call.args[i]->named_arg_expr->arg : call.args[i], depth)) return false;
    if (!named && ast.arg_names.empty()) continue;
    ast.arg_names.resize(i);
    ast.arg_names.emplace_back(named ? call.args[i]->named_arg_expr->name : "");
  }
  return true;
}

bool Converter::Order(PgNode** items, size_t count, int depth, std::vector<OrderKey>* out) {
  for (size_t i = 0; i < count; ++i) {
    if (items[i]->node_case != PG_QUERY__NODE__NODE_SORT_BY) {
      Refuse(-1, "this ORDER BY item is not supported");
      return false;
    }
    const PgQuery__SortBy& item = *items[i]->sort_by;
    if (item.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
      Refuse(item.location, "ORDER BY ... USING is not supported", "write ASC or DESC");
      return false;
    }
    OrderKey key;
    key.expr = Convert(item.node, depth + 1);
    if (!key.expr) return false;
    key.descending = item.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    key.nulls_first = item.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT
                          ? key.descending
                          : item.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST;
    out->push_back(std::move(key));
  }
  return true;
}

bool Converter::Aggregation(const PgQuery__FuncCall& call, Ast& ast, int depth) {
  const bool used = call.agg_star || call.agg_distinct || call.agg_filter != nullptr || call.n_agg_order > 0;
  if (!used) return true;
  if (!options_.aggregates) {
    Refuse(call.location, "aggregate functions are not allowed in expressions: " + ast.text,
           "use an aggregate operator and refer to its result by name");
    return false;
  }
  ast.star = call.agg_star;
  ast.distinct = call.agg_distinct;
  ast.within_group = call.agg_within_group;
  if (call.agg_filter != nullptr) {
    ast.filter = Convert(call.agg_filter, depth + 1);
    if (!ast.filter) return false;
  }
  return Order(call.agg_order, call.n_agg_order, depth, &ast.order);
}

AstPtr Converter::Call(const PgQuery__FuncCall& call, int depth) {
  if (call.over != nullptr) {
    return Refuse(call.location, "window functions are not allowed in expressions",
                  "use an aggregate or top operator");
  }
  AstPtr ast = Make(Kind::kCall, call.location);
  ast->text = LastName(call.funcname, call.n_funcname);
  ast->sql_syntax = call.funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX;
  ast->variadic = call.func_variadic;
  if (!Aggregation(call, *ast, depth) || !Arguments(call, *ast, depth)) return nullptr;
  return ast;
}

namespace {

// Type modifiers are integer constants: numeric(10,2), varchar(3), the field mask of an interval. False for
// anything else.
bool Modifiers(const PgQuery__TypeName& type, std::vector<int>* out) {
  for (size_t i = 0; i < type.n_typmods; ++i) {
    const PgNode* node = type.typmods[i];
    int sign = 1;
    if (node->node_case == PG_QUERY__NODE__NODE_A_EXPR && node->a_expr->lexpr == nullptr) {
      sign = -1;  // numeric(3, -2)
      node = node->a_expr->rexpr;
    }
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        node->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
      return false;
    }
    out->push_back(sign * node->a_const->ival->ival);
  }
  return true;
}

}  // namespace

AstPtr Converter::Cast(const PgQuery__TypeCast& cast, int depth) {
  const PgQuery__TypeName& type = *cast.type_name;
  AstPtr ast = Make(Kind::kCast, cast.location);
  if (!Add(*ast, cast.arg, depth)) return nullptr;
  ast->text = LastName(type.names, type.n_names);
  // `'x'::t` has the place of "::", `t 'x'` none of its own.
  if (cast.location < 0) ast->offset = Offset(type.location);
  ast->type_offset = Offset(type.location);
  if (type.setof) return Refuse(type.location, "SETOF is not a type of one value");
  if (type.pct_type) return Refuse(type.location, "%TYPE is not supported", "name the type");
  if (!Modifiers(type, &ast->modifiers)) {
    return Refuse(type.location, "type modifiers must be simple constants or identifiers");
  }
  // PostgreSQL does not look at the number of dimensions either.
  if (type.n_array_bounds > 0) ast->text += "[]";
  return ast;
}

}  // namespace streamrun
