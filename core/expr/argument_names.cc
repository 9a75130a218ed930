#include "core/expr/argument_names.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace streamrun {

namespace {

// pg_proc.proargnames and the defaults of PostgreSQL 15, of the functions that are in our table.
std::unordered_map<std::string_view, std::vector<NamedArgument>> MakeTable() {
  const std::vector<NamedArgument> path{{"target"}, {"path"}, {"vars", "{}"}, {"silent", "false"}};
  std::unordered_map<std::string_view, std::vector<NamedArgument>> table{
      {"make_interval",
       {{"years", "0"},
        {"months", "0"},
        {"weeks", "0"},
        {"days", "0"},
        {"hours", "0"},
        {"mins", "0"},
        {"secs", "0.0"}}},
      {"make_date", {{"year"}, {"month"}, {"day"}}},
      {"make_time", {{"hour"}, {"min"}, {"sec"}}},
      {"make_timestamp", {{"year"}, {"month"}, {"mday"}, {"hour"}, {"min"}, {"sec"}}},
      {"make_timestamptz", {{"year"}, {"month"}, {"mday"}, {"hour"}, {"min"}, {"sec"}, {"timezone"}}},
      {"parse_ident", {{"str"}, {"strict", "true"}}},
      {"jsonb_set", {{"jsonb_in"}, {"path"}, {"replacement"}, {"create_if_missing", "true"}}},
      {"jsonb_set_lax",
       {{"jsonb_in"},
        {"path"},
        {"replacement"},
        {"create_if_missing", "true"},
        {"null_value_treatment", "use_json_null"}}},
      {"jsonb_insert", {{"jsonb_in"}, {"path"}, {"replacement"}, {"insert_after", "false"}}},
      {"jsonb_extract_path", {{"from_json"}, {"path_elems"}}},
      {"jsonb_extract_path_text", {{"from_json"}, {"path_elems"}}},
  };
  for (const std::string_view name : {"jsonb_path_exists", "jsonb_path_match", "jsonb_path_query_array",
                                      "jsonb_path_query_first", "jsonb_path_exists_tz", "jsonb_path_match_tz",
                                      "jsonb_path_query_array_tz", "jsonb_path_query_first_tz"}) {
    table[name] = path;
  }
  return table;
}

}  // namespace

std::span<const NamedArgument> ArgumentNames(std::string_view function) {
  static const auto table = MakeTable();
  const auto found = table.find(function);
  if (found == table.end()) return {};
  return found->second;
}

}  // namespace streamrun
