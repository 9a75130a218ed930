// libpg_query's protobuf tree -> Ast. The protobuf form is used because the JSON form loses negative
// integers.
#include "core/expr/parse.h"

#include <pg_query.h>

#include <algorithm>
#include <cctype>

#include "core/expr/utf8.h"
#include "pg_query/pg_query.pb-c.h"

namespace streamrun {

namespace {

constexpr std::string_view kPrefix = "SELECT ";

using PgNode = PgQuery__Node;

// Turns one tree into another; the first thing it cannot take ends the walk with a problem.
class Converter {
 public:
  Converter(std::string_view sql, ExprProblem* problem) : sql_(sql), problem_(problem) {}

  AstPtr Convert(const PgNode* node, int depth);

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
    const auto prefix = static_cast<int>(kPrefix.size());
    return location < prefix ? 0 : std::min(sql_.size(), static_cast<size_t>(location - prefix));
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
  AstPtr Cast(const PgQuery__TypeCast& cast, int depth);
  AstPtr Case(const PgQuery__CaseExpr& e, int depth);
  AstPtr Clock(const PgQuery__SQLValueFunction& f);
  AstPtr Indirection(const PgQuery__AIndirection& e, int depth);
  bool IntervalUnit(const PgQuery__TypeName& type, Ast& argument, int location);

  std::string_view sql_;
  ExprProblem* problem_;
};

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
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
      return Refuse(e.location, "SIMILAR TO is not supported", "use a regular expression: x ~ '^(...)$'");
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

AstPtr Converter::Call(const PgQuery__FuncCall& call, int depth) {
  const std::string name(LastName(call.funcname, call.n_funcname));
  if (call.over != nullptr) {
    return Refuse(call.location, "window functions are not allowed in expressions",
                  "use an aggregate or top operator");
  }
  if (call.agg_star || call.agg_distinct || call.agg_filter != nullptr || call.n_agg_order > 0) {
    return Refuse(call.location, "aggregate functions are not allowed in expressions",
                  "use an aggregate operator and refer to its result by name");
  }
  if (call.func_variadic) return Refuse(call.location, "VARIADIC is not supported", "list the arguments");
  AstPtr ast = Make(Kind::kCall, call.location);
  ast->text = name;
  ast->sql_syntax = call.funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX;
  for (size_t i = 0; i < call.n_args; ++i) {
    if (call.args[i]->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      return Refuse(call.args[i]->named_arg_expr->location, "named arguments are not supported",
                    "write the arguments in their order");
    }
    if (!Add(*ast, call.args[i], depth)) return nullptr;
  }
  return ast;
}

// Type modifiers are integer constants: numeric(10,2), varchar(3), the field mask of an interval.
std::vector<int> Modifiers(const PgQuery__TypeName& type) {
  std::vector<int> out;
  for (size_t i = 0; i < type.n_typmods; ++i) {
    const PgNode* node = type.typmods[i];
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST) continue;
    if (node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) out.push_back(node->a_const->ival->ival);
  }
  return out;
}

// INTERVAL '10' MINUTE: the mask (bits of PostgreSQL's utils/datetime.h) gives a bare number its unit.
bool Converter::IntervalUnit(const PgQuery__TypeName& type, Ast& argument, int location) {
  const std::vector<int> modifiers = Modifiers(type);
  if (modifiers.empty() || modifiers[0] == 0x7fff) return true;
  struct Unit {
    int mask;
    const char* name;
  };
  static constexpr Unit kUnits[] = {{4, "years"},    {2, "months"},     {8, "days"},
                                    {1024, "hours"}, {2048, "minutes"}, {4096, "seconds"}};
  for (const Unit& unit : kUnits) {
    if (unit.mask != modifiers[0] || argument.kind != Kind::kString) continue;
    const bool bare = argument.text.find_first_not_of("0123456789+-. ") == std::string::npos;
    if (bare) argument.text += std::string(" ") + unit.name;
    return true;
  }
  Refuse(location, "interval fields such as DAY TO SECOND are not supported",
         "write the units inside the literal: interval '1 day 2 hours'");
  return false;
}

AstPtr Converter::Cast(const PgQuery__TypeCast& cast, int depth) {
  const PgQuery__TypeName& type = *cast.type_name;
  AstPtr ast = Make(Kind::kCast, cast.location);
  if (!Add(*ast, cast.arg, depth)) return nullptr;
  std::string name(LastName(type.names, type.n_names));
  const std::vector<int> modifiers = Modifiers(type);
  if (name == "interval") {
    if (!IntervalUnit(type, *ast->args[0], type.location)) return nullptr;
  } else if (name == "numeric" && !modifiers.empty()) {
    name += "(" + std::to_string(modifiers[0]) +
            (modifiers.size() > 1 ? "," + std::to_string(modifiers[1]) : std::string()) + ")";
  } else if (name == "varchar" && !modifiers.empty()) {
    ast->number = modifiers[0];
  } else if (!modifiers.empty()) {
    return Refuse(type.location, "type modifiers of " + name + " are not supported",
                  name == "bpchar" ? "use text" : "write " + name + " without a modifier");
  }
  if (name == "float4" || name == "int2") {
    return Refuse(type.location,
                  "type " + std::string(name == "int2" ? "smallint" : "real") + " is not supported",
                  name == "int2" ? "use integer" : "use double precision");
  }
  if (type.n_array_bounds > 0) name += "[]";
  ast->text = std::move(name);
  // `'x'::t` has the place of "::", `t 'x'` none of its own.
  if (cast.location < 0) ast->offset = Offset(type.location);
  ast->names.push_back(std::to_string(Offset(type.location)));
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
  AstPtr ast = Convert(e.arg, depth + 1);
  for (size_t i = 0; ast && i < e.n_indirection; ++i) {
    if (e.indirection[i]->node_case != PG_QUERY__NODE__NODE_A_INDICES) {
      return Refuse(-1, "only [index] may follow an expression",
                    "a field of a jsonb value is value ->> 'field'");
    }
    const PgQuery__AIndices& index = *e.indirection[i]->a_indices;
    auto outer = std::make_unique<Ast>();
    outer->kind = index.is_slice ? Kind::kSlice : Kind::kSubscript;
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
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return Refuse(node->sub_link->location, "sub-queries are not allowed in expressions",
                    "use an enrich or join operator");
    case PG_QUERY__NODE__NODE_PARAM_REF:
      return Refuse(node->param_ref->location, "parameters ($1) are not allowed in expressions",
                    "values from outside are written ${NAME}");
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
      return Refuse(node->collate_clause->location,
                    "COLLATE is not supported: text is compared byte by byte");
    case PG_QUERY__NODE__NODE_ROW_EXPR:
      return Refuse(node->row_expr->location, "rows are not supported in expressions",
                    "compare the columns one by one");
    default:
      return Refuse(-1, "this expression is not supported");
  }
}

// Deepest nesting of braces in a JSON text. Unpacking the protobuf form recurses with large frames in C, so
// the depth must be known before.
int BraceDepth(std::string_view json) {
  int depth = 0;
  int deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}') {
      --depth;
    }
  }
  return deepest;
}

// cursorpos is 1-based and counts characters of the wrapped text.
size_t OffsetOfCharacter(std::string_view wrapped, int cursor) {
  size_t at = 0;
  for (int i = 1; i < cursor && at < wrapped.size(); ++i) {
    ++at;
    while (at < wrapped.size() && (static_cast<unsigned char>(wrapped[at]) & 0xc0) == 0x80) ++at;
  }
  return at < kPrefix.size() ? 0 : at - kPrefix.size();
}

std::nullptr_t Fail(ExprProblem* problem, size_t offset, size_t length, std::string message,
                    std::string suggestion = "") {
  *problem = {offset, std::max<size_t>(length, 1), "expr.syntax", std::move(message), std::move(suggestion)};
  return nullptr;
}

// The only target of a SELECT that has nothing but targets, else null.
const PgNode* OnlyTarget(const PgQuery__ParseResult& tree) {
  if (tree.n_stmts != 1 || tree.stmts[0]->stmt == nullptr) return nullptr;
  const PgNode* stmt = tree.stmts[0]->stmt;
  if (stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return nullptr;
  const PgQuery__SelectStmt& s = *stmt->select_stmt;
  const bool bare = s.n_distinct_clause == 0 && s.into_clause == nullptr && s.n_from_clause == 0 &&
                    s.where_clause == nullptr && s.n_group_clause == 0 && s.having_clause == nullptr &&
                    s.n_window_clause == 0 && s.n_values_lists == 0 && s.n_sort_clause == 0 &&
                    s.limit_offset == nullptr && s.limit_count == nullptr && s.n_locking_clause == 0 &&
                    s.with_clause == nullptr && s.larg == nullptr && s.rarg == nullptr;
  if (!bare || s.n_target_list != 1 || s.target_list[0]->node_case != PG_QUERY__NODE__NODE_RES_TARGET)
    return nullptr;
  const PgQuery__ResTarget& target = *s.target_list[0]->res_target;
  const bool named = target.name != nullptr && target.name[0] != '\0';
  return named ? nullptr : target.val;
}

bool CheckText(std::string_view sql, ExprProblem* problem) {
  if (sql.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    Fail(problem, 0, 1, "the expression is empty");
  } else if (sql.size() > kMaxExpressionBytes) {
    Fail(problem, 0, 1, "the expression is longer than 65536 bytes");
  } else if (const size_t nul = sql.find('\0'); nul != std::string_view::npos) {
    Fail(problem, nul, 1, "the expression has a zero byte");
  } else if (const size_t bad = FindInvalidUtf8(sql); bad != std::string_view::npos) {
    Fail(problem, bad, 1, "the expression is not valid UTF-8");
  } else {
    return true;
  }
  return false;
}

// Fills `problem` and returns false when the grammar refuses the text or nests it too deeply.
bool CheckSyntax(std::string_view sql, const std::string& wrapped, ExprProblem* problem) {
  const PgQueryParseResult result = pg_query_parse(wrapped.c_str());
  bool ok = true;
  if (result.error != nullptr) {
    const size_t offset = std::min(sql.size(), OffsetOfCharacter(wrapped, result.error->cursorpos));
    const std::string_view message = result.error->message;
    // The grammar's own stack ends at some thousand levels.
    const bool deep = message.find("memory exhausted") != std::string_view::npos;
    Fail(problem, offset, TokenLength(sql, offset),
         deep ? "the expression is nested too deeply" : std::string(message),
         deep ? "" : SyntaxHint(sql, offset));
    ok = false;
  } else if (BraceDepth(result.parse_tree) > 2 * kMaxExpressionDepth) {
    Fail(problem, 0, 1, "the expression is nested too deeply");
    ok = false;
  }
  pg_query_free_parse_result(result);
  return ok;
}

}  // namespace

AstPtr ParseExpression(std::string_view sql, ExprProblem* problem) {
  if (!CheckText(sql, problem)) return nullptr;
  const std::string wrapped = std::string(kPrefix) + std::string(sql);
  if (!CheckSyntax(sql, wrapped, problem)) return nullptr;
  const PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(wrapped.c_str());
  PgQuery__ParseResult* tree = nullptr;
  if (parsed.error == nullptr) {
    tree = pg_query__parse_result__unpack(nullptr, parsed.parse_tree.len,
                                          reinterpret_cast<const uint8_t*>(parsed.parse_tree.data));
  }
  AstPtr ast;
  if (tree == nullptr) {
    Fail(problem, 0, 1, "the expression cannot be parsed");
  } else if (const PgNode* target = OnlyTarget(*tree); target == nullptr) {
    Fail(problem, 0, 1, "this is not one scalar expression",
         "write only the expression: no SELECT, FROM, AS, comma list or semicolon");
  } else {
    ast = Converter(sql, problem).Convert(target, 0);
  }
  if (tree != nullptr) pg_query__parse_result__free_unpacked(tree, nullptr);
  pg_query_free_protobuf_parse_result(parsed);
  return ast;
}

}  // namespace streamrun
