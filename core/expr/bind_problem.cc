// What the binder says about names and calls that mean nothing: PostgreSQL's sentence, and a way out.
#include <algorithm>

#include "core/base/suggest.h"
#include "core/expr/argument_names.h"
#include "core/expr/bind.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

std::string ListTypes(const std::vector<NodePtr>& args) {
  std::string out;
  for (size_t i = 0; i < args.size(); ++i) out += (i > 0 ? ", " : "") + PgName(args[i]->type);
  return out;
}

std::string OperatorHint(std::string_view name, const std::vector<NodePtr>& args) {
  if (args.size() != 2) return "add an explicit cast: (...)::type";
  const DataType& a = args[0]->type;
  const DataType& b = args[1]->type;
  if (name == "+" && a.id() == TypeId::kText && b.id() == TypeId::kText) return "text is joined with ||";
  if (name == "==") return "equality is written with one =";
  if (a.id() == TypeId::kText && b.is_numeric()) return "cast the text: (...)::" + b.ToString();
  if (b.id() == TypeId::kText && a.is_numeric()) return "cast the text: (...)::" + a.ToString();
  if (a.id() == TypeId::kJsonb || b.id() == TypeId::kJsonb) {
    return "take a value out of the jsonb first: (value ->> 'field')::type";
  }
  return "add an explicit cast: (...)::type";
}

}  // namespace

NodePtr Binder::NoColumn(const Ast& ast) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> relations;
  for (const Scope::Relation& relation : scope_.relations) {
    if (!relation.name.empty()) relations.push_back(relation.name);
    if (ast.names.size() == 2 && relation.name != ast.names[0]) continue;
    for (const Field& field : relation.schema->fields()) names.push_back(field.name);
  }
  const std::string& name = ast.names.back();
  if (ast.names.size() == 2 &&
      std::find(relations.begin(), relations.end(), ast.names[0]) == relations.end()) {
    std::string hint;
    if (const auto near = Nearest(ast.names[0], relations))
      hint = "did you mean \"" + std::string(*near) + "\"?";
    return Fail(
        ast.offset, "expr.unknown_input", "missing FROM-clause entry for table \"" + ast.names[0] + "\"",
        hint.empty() ? "a field of a jsonb column is written " + ast.names[0] + " ->> '" + name + "'" : hint);
  }
  const std::string shown = ast.names.size() == 2 ? ast.names[0] + "." + name : "\"" + name + "\"";
  std::string hint;
  if (const auto near = Nearest(name, names)) {
    hint = "did you mean \"" + std::string(*near) + "\"?";
  } else if (!names.empty()) {
    hint = "columns:";
    for (size_t i = 0; i < names.size() && i < 8; ++i) hint += (i > 0 ? ", " : " ") + std::string(names[i]);
    if (names.size() > 8) hint += ", ...";
  }
  return Fail(ast.offset, "expr.unknown_column", "column " + shown + " does not exist", hint);
}

namespace {

template <size_t N>
bool IsOneOf(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool IsAggregateName(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "array_agg",        "avg",        "bit_and",     "bit_or",     "bit_xor",
      "bool_and",         "bool_or",    "corr",        "count",      "covar_pop",
      "covar_samp",       "every",      "json_agg",    "jsonb_agg",  "json_object_agg",
      "jsonb_object_agg", "max",        "min",         "mode",       "percentile_cont",
      "percentile_disc",  "regr_avgx",  "regr_avgy",   "regr_count", "regr_intercept",
      "regr_r2",          "regr_slope", "regr_sxx",    "regr_sxy",   "regr_syy",
      "stddev",           "stddev_pop", "stddev_samp", "string_agg", "sum",
      "var_pop",          "var_samp",   "variance",    "xmlagg"};
  return IsOneOf(name, kNames);
}

bool IsWindowName(std::string_view name) {
  static constexpr std::string_view kNames[] = {"row_number",  "rank",       "dense_rank", "percent_rank",
                                                "cume_dist",   "ntile",      "lag",        "lead",
                                                "first_value", "last_value", "nth_value"};
  return IsOneOf(name, kNames);
}

bool IsSetName(std::string_view name) {
  static constexpr std::string_view kNames[] = {"unnest",
                                                "generate_series",
                                                "generate_subscripts",
                                                "regexp_matches",
                                                "regexp_split_to_table",
                                                "string_to_table",
                                                "json_array_elements",
                                                "json_array_elements_text",
                                                "jsonb_array_elements",
                                                "jsonb_array_elements_text",
                                                "json_each",
                                                "json_each_text",
                                                "jsonb_each",
                                                "jsonb_each_text",
                                                "json_object_keys",
                                                "jsonb_object_keys",
                                                "jsonb_path_query",
                                                "jsonb_path_query_tz",
                                                "jsonb_populate_recordset",
                                                "jsonb_to_recordset"};
  return IsOneOf(name, kNames);
}

// Overloads that a hint lists.
constexpr size_t kMaxSignatures = 6;

// Names that PostgreSQL or another system has, and what to write here.
struct Missing {
  std::string_view name;
  std::string_view instead;
};
constexpr Missing kMissing[] = {
    {"row_to_json", "make an object: jsonb_build_object('name', value)"},
    {"to_json", "use to_jsonb"},
    {"json_build_object", "use jsonb_build_object"},
    {"json_build_array", "use jsonb_build_array"},
    {"json_typeof", "use jsonb_typeof"},
    {"json_array_length", "use jsonb_array_length"},
    {"json_extract_path", "use jsonb_extract_path"},
    {"json_extract_path_text", "use jsonb_extract_path_text"},
    {"ifnull", "use coalesce(a, b)"},
    {"nvl", "use coalesce(a, b)"},
    {"isnull", "write x IS NULL"},
    {"if", "write CASE WHEN condition THEN a ELSE b END"},
    {"iif", "write CASE WHEN condition THEN a ELSE b END"},
    {"len", "use length"},
    {"substring_index", "use split_part"},
    {"instr", "use position(part in text) or strpos"},
    {"locate", "use position(part in text) or strpos"},
    {"charindex", "use position(part in text) or strpos"},
    {"ucase", "use upper"},
    {"lcase", "use lower"},
    {"regexp_extract", "use substring(text from pattern)"},
    {"contains", "use strpos(text, part) > 0, or LIKE"},
    {"endswith", "use right(text, length(end)) = end, or LIKE"},
    {"startswith", "use starts_with"},
    {"datediff", "subtract: b::date - a::date"},
    {"date_diff", "subtract: b::date - a::date"},
    {"dateadd", "add an interval: t + interval '1 day'"},
    {"date_add", "add an interval: t + interval '1 day'"},
    {"date_sub", "subtract an interval: t - interval '1 day'"},
    {"date_format", "use to_char"},
    {"strftime", "use to_char"},
    {"year", "use extract(year from t)"},
    {"month", "use extract(month from t)"},
    {"day", "use extract(day from t)"},
    {"hour", "use extract(hour from t)"},
    {"minute", "use extract(minute from t)"},
    {"second", "use extract(second from t)"},
    {"from_unixtime", "use to_timestamp"},
    {"unix_timestamp", "use extract(epoch from t)"},
    {"json_extract", "use value -> 'field' or value ->> 'field'"},
    {"json_value", "use value ->> 'field'"},
    {"get_json_object", "use value ->> 'field'"},
    {"try_cast", "use try_bigint, try_double, try_numeric, try_boolean, try_date, try_timestamptz, ..."},
    {"size", "use cardinality"},
    {"array_contains", "write value = ANY (array)"},
    {"list_contains", "write value = ANY (array)"},
    {"nextval", "a stream has no sequences"},
    {"currval", "a stream has no sequences"},
    {"pg_sleep", "a stream does not wait inside expressions"},
};

std::string Instead(std::string_view name) {
  for (const Missing& m : kMissing) {
    if (m.name == name) return std::string(m.instead);
  }
  return "";
}

}  // namespace

bool Binder::NotAnAggregate(const Ast& ast) {
  const auto refuse = [&](std::string message, std::string hint) {
    Fail(ast.offset, "expr.unsupported", std::move(message), std::move(hint));
    return true;
  };
  const bool known = !FunctionsNamed(ast.text).empty();
  const bool claimed = hook_ != nullptr && hook_->Claims(ast.text);
  if (!known && !claimed && IsAggregateName(ast.text)) {
    return refuse("aggregate functions are not allowed in expressions: " + ast.text,
                  "use an aggregate operator and refer to its result by name");
  }
  if (!known && IsWindowName(ast.text)) {
    return refuse("window functions are not allowed in expressions: " + ast.text,
                  "use an aggregate or top operator");
  }
  if (!known && IsSetName(ast.text)) {
    return refuse("set-returning functions are not allowed in expressions: " + ast.text,
                  "use the unnest operator: one row for every element");
  }
  std::string_view what = ast.star             ? "*"
                          : ast.distinct       ? "DISTINCT"
                          : ast.within_group   ? "WITHIN GROUP"
                          : !ast.order.empty() ? "ORDER BY"
                          : ast.filter         ? "FILTER"
                                               : "";
  if (what.empty()) return false;
  return refuse(std::string(what) + " specified, but " + ast.text + " is not an aggregate function",
                "leave " + std::string(what) + " out");
}

NodePtr Binder::NoOperator(const Ast& ast, std::string_view name, const std::vector<NodePtr>& args,
                           bool ambiguous) {
  std::string shown = args.size() == 1
                          ? std::string(name) + " " + PgName(args[0]->type)
                          : PgName(args[0]->type) + " " + std::string(name) + " " + PgName(args[1]->type);
  if (ambiguous) {
    return Fail(ast.offset, "expr.ambiguous", "operator is not unique: " + shown,
                "could not choose a best candidate operator: add an explicit cast");
  }
  return Fail(ast.offset, "expr.type", "operator does not exist: " + shown, OperatorHint(name, args));
}

NodePtr Binder::NoNamed(const Ast& ast, const std::vector<NodePtr>& args) {
  std::string shown = ast.text + "(";
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0) shown += ", ";
    if (!ast.arg_names[i].empty()) shown += ast.arg_names[i] + " => ";
    shown += PgName(args[i]->type);
  }
  std::string hint = "its arguments have no names: write them in their order";
  if (const auto names = ArgumentNames(ast.text); !names.empty()) {
    hint = "its arguments are";
    for (size_t i = 0; i < names.size(); ++i) hint += (i > 0 ? ", " : " ") + std::string(names[i].name);
  } else if (FunctionsNamed(ast.text).empty()) {
    return NoFunction(ast, args, false);
  }
  return Fail(ast.offset, "expr.unknown_function", "function " + shown + ") does not exist", hint);
}

NodePtr Binder::NoFunction(const Ast& ast, const std::vector<NodePtr>& args, bool ambiguous) {
  const std::string shown = (ast.sql_syntax ? "pg_catalog." : "") + ast.text + "(" + ListTypes(args) + ")";
  if (ambiguous) {
    return Fail(ast.offset, "expr.ambiguous", "function " + shown + " is not unique",
                "could not choose a best candidate function: add an explicit cast");
  }
  std::string hint = Instead(ast.text);
  if (const auto entries = FunctionsNamed(ast.text); !entries.empty() && !entries[0]->has(kNoHelp)) {
    hint = "there is ";
    for (size_t i = 0; i < entries.size() && i < kMaxSignatures; ++i)
      hint += (i > 0 ? "; " : "") + entries[i]->Signature();
    if (entries.size() > kMaxSignatures) hint += "; ...";
  } else if (const auto near = Nearest(ast.text, FunctionNames()); near && hint.empty()) {
    hint = "did you mean \"" + std::string(*near) + "\"?";
  }
  return Fail(ast.offset, "expr.unknown_function", "function " + shown + " does not exist", hint);
}

}  // namespace streamrun
