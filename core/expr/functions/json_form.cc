// jsonb: the same value in another form (jsonb_pretty, jsonb_strip_nulls).
#include "core/data/json_text.h"
#include "core/expr/function.h"
#include "core/expr/functions/json_result.h"
#include "core/expr/json_order.h"

namespace streamrun {

namespace {

// Four blanks a level, an empty container on two lines, as PostgreSQL lays it out.
void AppendPretty(std::string_view json, int depth, std::string& out) {
  json = TrimJson(json);
  if (json.empty()) return;
  if (json[0] != '{' && json[0] != '[') return AppendCanonicalJson(json, JsonForm::kPrinted, out);
  const bool object = json[0] == '{';
  const auto line = [&](int level) {
    out += '\n';
    out.append(static_cast<size_t>(level) * 4, ' ');
  };
  out += json[0];
  bool first = true;
  const auto next = [&] {
    if (!first) out += ',';
    first = false;
    line(depth + 1);
  };
  if (object) {
    const JsonMembers members(json);
    for (const JsonMembers::Member& member : members) {
      next();
      AppendQuoted(member.key, out);
      out += ": ";
      AppendPretty(member.value, depth + 1, out);
    }
  } else {
    for (JsonCursor element(json); element.Next();) {
      next();
      AppendPretty(element.value(), depth + 1, out);
    }
  }
  line(depth);
  out += object ? '}' : ']';
}

void Pretty(Row& row, TextSink& out, std::string_view json) {
  thread_local std::string text;
  text.clear();
  // Each level adds four blanks a line: too much is refused before it is built.
  if (!row.Room(out, json.size() * static_cast<size_t>(4 * JsonDepth(json) + 8))) return;
  AppendPretty(json, 0, text);
  out.Append(text);
}

// Members that are null go, at every level; null elements of arrays stay.
void AppendStripped(std::string_view json, std::string& out) {
  json = TrimJson(json);
  if (json.empty()) return;
  if (json[0] != '{' && json[0] != '[') {
    out += json;
    return;
  }
  const bool object = json[0] == '{';
  out += json[0];
  bool first = true;
  const auto separate = [&] {
    if (!first) out += ", ";
    first = false;
  };
  if (object) {
    const JsonMembers members(json);
    for (const JsonMembers::Member& member : members) {
      if (member.value[0] == 'n') continue;
      separate();
      AppendQuoted(member.key, out);
      out += ": ";
      AppendStripped(member.value, out);
    }
  } else {
    for (JsonCursor element(json); element.Next();) {
      separate();
      AppendStripped(element.value(), out);
    }
  }
  out += object ? '}' : ']';
}

void StripNulls(Row& row, TextSink& out, std::string_view json) {
  thread_local std::string text;
  text.clear();
  AppendStripped(json, text);
  PutJson(row, out, text);
}

}  // namespace

void AddJsonForm(FunctionTable& t) {
  using enum Arg;
  t.push_back({"jsonb_pretty",
               {kJsonb},
               kText,
               Rows<Pretty>,
               "on several lines, indented",
               "replace(jsonb_pretty('{\"a\": [1]}'), E'\\n', '|') -> {|    \"a\": [|        1|    ]|}"});
  t.push_back({"jsonb_strip_nulls",
               {kJsonb},
               kJsonb,
               Rows<StripNulls>,
               "without the members that are null",
               "jsonb_strip_nulls('{\"a\": null, \"b\": [null]}') -> {\"b\": [null]}"});
}

}  // namespace streamrun
