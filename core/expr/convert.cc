// Which method a node of the grammar goes to, and the simple forms: constants, columns, CASE, clocks,
// subscripts.
#include "core/expr/convert.h"

namespace streamrun {

std::string_view StringOf(const PgNode* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_STRING) return "";
  return node->string->sval;
}

std::string_view LastName(PgNode** names, size_t count) {
  return count == 0 ? "" : StringOf(names[count - 1]);
}

AstPtr Converter::Constant(const PgQuery__AConst& c) {
  if (c.isnull) return Make(Kind::kNull, c.location);
  switch (c.val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL: {
      AstPtr ast = Make(Kind::kInteger, c.location);
      ast->number = c.ival->ival;
      return ast;
    }
    case PG_QUERY__A__CONST__VAL_FVAL: {
      AstPtr ast = Make(Kind::kDecimal, c.location);
      ast->text = c.fval->fval;
      return ast;
    }
    case PG_QUERY__A__CONST__VAL_BOOLVAL: {
      AstPtr ast = Make(Kind::kBoolean, c.location);
      ast->number = c.boolval->boolval ? 1 : 0;
      return ast;
    }
    case PG_QUERY__A__CONST__VAL_SVAL: {
      AstPtr ast = Make(Kind::kString, c.location);
      ast->text = c.sval->sval;
      return ast;
    }
    default:
      return Refuse(c.location, "bit strings are not supported", "write the number in decimal");
  }
}

AstPtr Converter::Column(const PgQuery__ColumnRef& ref) {
  AstPtr ast = Make(Kind::kColumn, ref.location);
  for (size_t i = 0; i < ref.n_fields; ++i) {
    if (ref.fields[i]->node_case == PG_QUERY__NODE__NODE_A_STAR) {
      return Refuse(ref.location, "\"*\" is not a scalar expression", "name one column");
    }
    ast->names.emplace_back(StringOf(ref.fields[i]));
  }
  if (ast->names.empty() || ast->names.size() > 2) {
    return Refuse(ref.location, "a column is written as name or input.name",
                  "a field inside a jsonb column is value ->> 'field'");
  }
  return ast;
}

AstPtr Converter::Case(const PgQuery__CaseExpr& e, int depth) {
  AstPtr ast = Make(Kind::kCase, e.location);
  ast->number = e.arg != nullptr ? 1 : 0;
  if (e.arg != nullptr && !Add(*ast, e.arg, depth)) return nullptr;
  for (size_t i = 0; i < e.n_args; ++i) {
    const PgQuery__CaseWhen* when = e.args[i]->case_when;
    if (!Add(*ast, when->expr, depth) || !Add(*ast, when->result, depth)) return nullptr;
  }
  if (e.defresult == nullptr) {
    ast->args.push_back(nullptr);
  } else if (!Add(*ast, e.defresult, depth)) {
    return nullptr;
  }
  return ast;
}

AstPtr Converter::Clock(const PgQuery__SQLValueFunction& f) {
  AstPtr ast = Make(Kind::kCall, f.location);
  ast->sql_syntax = true;
  switch (f.op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
      ast->text = "current_date";
      return ast;
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
      ast->text = "now";
      return ast;
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
      ast->text = "localtimestamp";
      return ast;
    default: {
      const size_t at = Offset(f.location);
      const std::string word(sql_.substr(at, TokenLength(sql_, at)));
      return Refuse(f.location, "\"" + word + "\" has no meaning in a stream",
                    "a column of that name is written \"" + word + "\" in double quotes");
    }
  }
}

AstPtr Converter::Indirection(const PgQuery__AIndirection& e, int depth) {
  if (e.n_indirection > static_cast<size_t>(kMaxExpressionDepth - std::min(depth, kMaxExpressionDepth))) {
    return Refuse(-1, "the expression is nested too deeply");
  }
  AstPtr ast = Convert(e.arg, depth + 1);
  for (size_t i = 0; ast && i < e.n_indirection; ++i) {
    if (e.indirection[i]->node_case != PG_QUERY__NODE__NODE_A_INDICES) {
      return Refuse(static_cast<int>(ast->offset) + prefix_, "only [index] may follow an expression",
                    "a field of a jsonb value is value ->> 'field'");
    }
    const PgQuery__AIndices& index = *e.indirection[i]->a_indices;
    auto outer = std::make_unique<Ast>();
    outer->kind = index.is_slice ? Kind::kSlice : Kind::kSubscript;
    outer->number = i > 0 ? 1 : 0;
    outer->offset = ast->offset;
    outer->args.push_back(std::move(ast));
    if (index.is_slice) {
      if (index.lidx == nullptr) {
        outer->args.push_back(nullptr);
      } else if (!Add(*outer, index.lidx, depth)) {
        return nullptr;
      }
    }
    if (index.uidx == nullptr) {
      outer->args.push_back(nullptr);
    } else if (!Add(*outer, index.uidx, depth)) {
      return nullptr;
    }
    ast = std::move(outer);
  }
  return ast;
}

AstPtr Converter::Convert(const PgNode* node, int depth) {
  if (node == nullptr) return Refuse(-1, "this expression is not supported");
  if (depth > kMaxExpressionDepth) return Refuse(-1, "the expression is nested too deeply");
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
      return Constant(*node->a_const);
    case PG_QUERY__NODE__NODE_COLUMN_REF:
      return Column(*node->column_ref);
    case PG_QUERY__NODE__NODE_A_EXPR:
      return Operator(*node->a_expr, depth);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
      return Boolean(*node->bool_expr, depth);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return Call(*node->func_call, depth);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      return Cast(*node->type_cast, depth);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
      return Case(*node->case_expr, depth);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
      return Clock(*node->sqlvalue_function);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
      return Indirection(*node->a_indirection, depth);
    case PG_QUERY__NODE__NODE_NULL_TEST: {
      const bool is_null = node->null_test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;
      AstPtr ast = Make(is_null ? Kind::kIsNull : Kind::kIsNotNull, node->null_test->location);
      return Add(*ast, node->null_test->arg, depth) ? std::move(ast) : nullptr;
    }
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: {
      static constexpr const char* kTests[] = {
          "", "is_true", "is_not_true", "is_false", "is_not_false", "is_unknown", "is_not_unknown"};
      AstPtr ast = Make(Kind::kBooleanTest, node->boolean_test->location);
      ast->text = kTests[static_cast<int>(node->boolean_test->booltesttype)];
      return Add(*ast, node->boolean_test->arg, depth) ? std::move(ast) : nullptr;
    }
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: {
      AstPtr ast = Make(Kind::kCoalesce, node->coalesce_expr->location);
      const auto* e = node->coalesce_expr;
      return AddAll(*ast, e->args, e->n_args, depth) ? std::move(ast) : nullptr;
    }
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: {
      const auto* e = node->min_max_expr;
      AstPtr ast =
          Make(e->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? Kind::kGreatest : Kind::kLeast, e->location);
      return AddAll(*ast, e->args, e->n_args, depth) ? std::move(ast) : nullptr;
    }
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: {
      const auto* e = node->a_array_expr;
      AstPtr ast = Make(Kind::kArray, e->location);
      return AddAll(*ast, e->elements, e->n_elements, depth) ? std::move(ast) : nullptr;
    }
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
      return Collate(*node->collate_clause, depth);
    case PG_QUERY__NODE__NODE_ROW_EXPR:
      return Row(*node->row_expr, depth);
    default:
      return NoScalar(*node);
  }
}

AstPtr Converter::Row(const PgQuery__RowExpr& row, int depth) {
  AstPtr ast = Make(Kind::kRow, row.location);
  return AddAll(*ast, row.args, row.n_args, depth) ? std::move(ast) : nullptr;
}

// Text has one order, that of its bytes: the collations that say just that change nothing.
AstPtr Converter::Collate(const PgQuery__CollateClause& clause, int depth) {
  const std::string name(LastName(clause.collname, clause.n_collname));
  static constexpr std::string_view kBytewise[] = {"C", "POSIX", "ucs_basic", "default", "C.utf8", "C.UTF-8"};
  if (std::find(std::begin(kBytewise), std::end(kBytewise), name) == std::end(kBytewise)) {
    return Refuse(clause.location, "collation \"" + name + "\" is not supported",
                  "text is compared byte by byte, as with COLLATE \"C\"");
  }
  AstPtr argument = Convert(clause.arg, depth + 1);
  if (!argument) return nullptr;
  AstPtr ast = Make(Kind::kCollate, clause.location);
  ast->text = name;
  ast->args.push_back(std::move(argument));
  return ast;
}

AstPtr Converter::NoScalar(const PgNode& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return Refuse(node.sub_link->location, "sub-queries are not allowed in expressions",
                    "use an enrich or join operator");
    case PG_QUERY__NODE__NODE_PARAM_REF:
      return Refuse(node.param_ref->location, "parameters ($1) are not allowed in expressions",
                    "values from outside are written ${NAME}");
    case PG_QUERY__NODE__NODE_XML_EXPR:
      return Refuse(node.xml_expr->location, "XML is not supported", "use jsonb");
    case PG_QUERY__NODE__NODE_XML_SERIALIZE:
      return Refuse(node.xml_serialize->location, "XML is not supported", "use jsonb");
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
      return Refuse(node.grouping_func->location, "GROUPING is not allowed in expressions",
                    "use an aggregate operator");
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
      return Refuse(node.set_to_default->location, "DEFAULT is not allowed in this context");
    case PG_QUERY__NODE__NODE_CURRENT_OF_EXPR:
      return Refuse(-1, "WHERE CURRENT OF is not supported");
    default:
      return Refuse(-1, "this expression is not supported");
  }
}

}  // namespace streamrun
