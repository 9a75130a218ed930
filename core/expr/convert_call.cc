// Function calls, and casts with the names and modifiers of types.
#include "core/expr/convert.h"

namespace streamrun {

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

namespace {

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

}  // namespace

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

}  // namespace streamrun
