// jsonb: what a value is, what it contains and how it compares (manual 8.14.3, 8.14.4, 9.16.1).
#include "core/expr/function.h"
#include "core/expr/functions/lists.h"
#include "core/expr/json_order.h"
#include "core/expr/json_scan.h"

namespace streamrun {

namespace {

void TypeName(Row&, TextSink& out, std::string_view json) { out.Append(JsonTypeOf(json)); }

int32_t ArrayLength(Row& row, std::string_view json) {
  const std::string_view type = JsonTypeOf(json);
  if (type == "array") return static_cast<int32_t>(JsonLength(json));
  row.Fail("22023", type == "object" ? "cannot get array length of a non-array"
                                     : "cannot get array length of a scalar");
  return 0;
}

std::string_view Body(std::string_view string) { return string.substr(1, string.size() - 2); }

bool HasKey(std::string_view json, std::string_view key) {
  json = TrimJson(json);
  if (json.empty()) return false;
  if (json[0] == '{') return !JsonMember(json, key).empty();
  const auto is_key = [&](std::string_view v) {
    return v.size() >= 2 && v[0] == '"' && KeyEquals(Body(v), key);
  };
  if (json[0] != '[') return is_key(json);
  JsonCursor cursor(json);
  while (cursor.Next()) {
    if (is_key(cursor.value())) return true;
  }
  return false;
}

template <bool kAll>
bool HasKeys(std::string_view json, ListView keys) {
  for (int32_t i = keys.begin; i < keys.end; ++i) {
    if (!keys.child->IsNull(i) && HasKey(json, keys.child->Text(i)) != kAll) return !kAll;
  }
  return kAll;
}

bool Contains(std::string_view a, std::string_view b, bool top);

bool ObjectContains(std::string_view a, std::string_view b) {
  if (a[0] != '{') return false;
  std::string scratch;
  JsonCursor wanted(b);
  while (wanted.Next()) {
    std::string_view key = wanted.key();
    if (wanted.key_escaped()) {
      scratch.clear();
      AppendUnescaped(key, scratch);
      key = scratch;
    }
    const std::string_view own = JsonMember(a, key);
    if (own.empty()) return false;
    // Of equal keys in `b` only the last counts.
    if (!Contains(own, JsonMember(b, key), false)) return false;
  }
  return true;
}

bool ElementContains(std::string_view array, std::string_view value) {
  JsonCursor own(array);
  while (own.Next()) {
    if (Contains(own.value(), value, false)) return true;
  }
  return false;
}

// Objects by members, arrays by elements in any order.
bool Contains(std::string_view a, std::string_view b, bool top) {
  a = TrimJson(a);
  b = TrimJson(b);
  if (a.empty() || b.empty()) return false;
  if (b[0] == '{') return ObjectContains(a, b);
  if (a[0] == '[') {
    // An array contains a bare scalar, at the top only.
    if (b[0] != '[') return top && ElementContains(a, b);
    JsonCursor wanted(b);
    while (wanted.Next()) {
      if (!ElementContains(a, wanted.value())) return false;
    }
    return true;
  }
  return b[0] != '[' && a[0] != '{' && SameJsonScalar(a, b);
}
bool ContainsJson(std::string_view a, std::string_view b) { return Contains(a, b, true); }
bool ContainedJson(std::string_view a, std::string_view b) { return Contains(b, a, true); }

bool Less(std::string_view a, std::string_view b) { return CompareJson(a, b) < 0; }
bool LessEqual(std::string_view a, std::string_view b) { return CompareJson(a, b) <= 0; }
bool Greater(std::string_view a, std::string_view b) { return CompareJson(a, b) > 0; }
bool GreaterEqual(std::string_view a, std::string_view b) { return CompareJson(a, b) >= 0; }

void AddOrder(FunctionTable& t) {
  using enum Arg;
  t.push_back({"<",
               {kJsonb, kJsonb},
               kBoolean,
               Rows<Less>,
               "less: null, string, number, boolean, array, object; then by size, then by content",
               "'[1]'::jsonb < '[1, 2]' -> t",
               kTotal});
  t.push_back({"<=",
               {kJsonb, kJsonb},
               kBoolean,
               Rows<LessEqual>,
               "less or equal",
               "'1'::jsonb <= '1.0' -> t",
               kTotal});
  t.push_back(
      {">", {kJsonb, kJsonb}, kBoolean, Rows<Greater>, "greater", "'{}'::jsonb > '[1]' -> t", kTotal});
  t.push_back({">=",
               {kJsonb, kJsonb},
               kBoolean,
               Rows<GreaterEqual>,
               "greater or equal",
               "'2'::jsonb >= '10' -> f",
               kTotal});
}

}  // namespace

void AddJsonContain(FunctionTable& t) {
  using enum Arg;
  t.push_back({"jsonb_typeof",
               {kJsonb},
               kText,
               Rows<TypeName>,
               "object, array, string, number, boolean or null",
               "jsonb_typeof('[1]') -> array",
               kTotal});
  t.push_back({"jsonb_array_length",
               {kJsonb},
               kInteger,
               Rows<ArrayLength>,
               "number of elements",
               "jsonb_array_length('[1, 2, 3]') -> 3"});
  t.push_back({"?",
               {kJsonb, kText},
               kBoolean,
               Rows<HasKey>,
               "has the key, or the string as an element",
               "'{\"a\": 1}'::jsonb ? 'a' -> t",
               kTotal});
  t.push_back({"?|",
               {kJsonb, kTextList},
               kBoolean,
               Rows<HasKeys<false>>,
               "has one of the keys",
               "'{\"a\": 1}'::jsonb ?| ARRAY['b', 'a'] -> t",
               kTotal});
  t.push_back({"?&",
               {kJsonb, kTextList},
               kBoolean,
               Rows<HasKeys<true>>,
               "has all of the keys",
               "'{\"a\": 1}'::jsonb ?& ARRAY['b', 'a'] -> f",
               kTotal});
  t.push_back({"@>",
               {kJsonb, kJsonb},
               kBoolean,
               Rows<ContainsJson>,
               "contains the second value",
               "'{\"a\": 1, \"b\": 2}'::jsonb @> '{\"b\": 2}' -> t",
               kTotal});
  t.push_back({"<@",
               {kJsonb, kJsonb},
               kBoolean,
               Rows<ContainedJson>,
               "is contained in the second value",
               "'{\"b\": 2}'::jsonb <@ '{\"a\": 1, \"b\": 2}' -> t",
               kTotal});
  AddOrder(t);
}

}  // namespace streamrun
