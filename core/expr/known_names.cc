#include "core/expr/known_names.h"

#include <algorithm>

namespace streamrun {

namespace {

template <size_t N>
bool IsOneOf(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

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

}  // namespace

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

std::string InsteadOf(std::string_view name) {
  for (const Missing& m : kMissing) {
    if (m.name == name) return std::string(m.instead);
  }
  return "";
}

}  // namespace streamrun
