// jsonb: taking parts out, testing, building.
#include "core/data/json_text.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/lists.h"
#include "core/expr/json_path.h"

namespace streamrun {

namespace {

void Give(Row& row, TextSink& out, std::string_view json) {
  if (json.empty()) return row.Null();
  out.Append(json);
}

// ->> gives the meaning of a string, null for null, else the text as jsonb prints it.
void GiveText(Row& row, TextSink& out, std::string_view json) {
  json = TrimJson(json);
  if (json.empty() || json[0] == 'n') return row.Null();
  std::string text;
  if (json[0] == '"') {
    const std::string_view body = json.substr(1, json.size() - 2);
    if (body.find('\\') == std::string_view::npos) return out.Append(body);
    AppendUnescaped(body, text);
  } else if (json[0] == 't' || json[0] == 'f') {
    return out.Append(json);
  } else {
    AppendCanonicalJson(json, JsonForm::kPrinted, text);
  }
  out.Append(text);
}

template <bool kText>
void Emit(Row& row, TextSink& out, std::string_view json) {
  kText ? GiveText(row, out, json) : Give(row, out, json);
}

template <bool kText>
void Member(Row& row, TextSink& out, std::string_view json, std::string_view key) {
  Emit<kText>(row, out, JsonMember(json, key));
}
template <bool kText>
void Element(Row& row, TextSink& out, std::string_view json, int32_t index) {
  Emit<kText>(row, out, JsonElement(json, index));
}

// One step of a path: a key of an object, or an index of an array written as text.
std::string_view Step(std::string_view json, std::string_view name) {
  json = TrimJson(json);
  if (json.empty()) return {};
  if (json[0] == '{') return JsonMember(json, name);
  if (json[0] != '[') return {};
  const auto index = ParseInteger(name);
  return index.ok() ? JsonElement(json, *index) : std::string_view();
}

template <bool kText>
void Path(Row& row, TextSink& out, std::string_view json, ListView path) {
  json = TrimJson(json);
  for (int32_t i = path.begin; i < path.end && !json.empty(); ++i) {
    json = path.child->IsNull(i) ? std::string_view() : Step(json, path.child->Text(i));
  }
  Emit<kText>(row, out, json);
}

template <bool kText>
ColumnPtr PathOf(KernelCall& call) {
  std::vector<Reader<std::string_view>> args;
  for (size_t i = 0; i < call.arg_count(); ++i) args.emplace_back(call.arg(i));
  return WriteText(call, [&](Row& row, TextSink& out) {
    std::string_view json = TrimJson(args[0][row.number()]);
    for (size_t i = 1; i < args.size() && !json.empty(); ++i) json = Step(json, args[i][row.number()]);
    Emit<kText>(row, out, json);
  });
}

void TypeName(Row&, TextSink& out, std::string_view json) { out.Append(JsonTypeOf(json)); }

int32_t ArrayLength(Row& row, std::string_view json) {
  const std::string_view type = JsonTypeOf(json);
  if (type == "array") return static_cast<int32_t>(JsonLength(json));
  row.Fail("22023", type == "object" ? "cannot get array length of a non-array"
                                     : "cannot get array length of a scalar");
  return 0;
}

bool HasKey(std::string_view json, std::string_view key) {
  json = TrimJson(json);
  if (json.empty()) return false;
  if (json[0] == '{') return !JsonMember(json, key).empty();
  if (json[0] == '"') return KeyEquals(json.substr(1, json.size() - 2), key);
  JsonCursor cursor(json);
  while (cursor.Next()) {
    const std::string_view v = cursor.value();
    if (v[0] == '"' && KeyEquals(v.substr(1, v.size() - 2), key)) return true;
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

bool SameScalar(std::string_view a, std::string_view b) {
  if (a == b) return true;
  std::string x;
  std::string y;
  AppendCanonicalJson(a, JsonForm::kKey, x);
  AppendCanonicalJson(b, JsonForm::kKey, y);
  return x == y;
}

// jsonb containment (manual 8.14.3): objects by members, arrays by elements in any order.
bool Contains(std::string_view a, std::string_view b, bool top) {
  a = TrimJson(a);
  b = TrimJson(b);
  if (a.empty() || b.empty()) return false;
  if (b[0] == '{') {
    if (a[0] != '{') return false;
    JsonCursor wanted(b);
    while (wanted.Next()) {
      std::string key;
      AppendUnescaped(wanted.key(), key);
      const std::string_view own = JsonMember(a, key);
      if (own.empty() || !Contains(own, wanted.value(), false)) return false;
    }
    return true;
  }
  if (a[0] == '[') {
    const auto holds = [&](std::string_view value) {
      JsonCursor own(a);
      while (own.Next()) {
        if (Contains(own.value(), value, false)) return true;
      }
      return false;
    };
    // An array contains a bare scalar, at the top only.
    if (b[0] != '[') return top && holds(b);
    JsonCursor wanted(b);
    while (wanted.Next()) {
      if (!holds(wanted.value())) return false;
    }
    return true;
  }
  return b[0] != '[' && a[0] != '{' && SameScalar(a, b);
}
bool ContainsJson(std::string_view a, std::string_view b) { return Contains(a, b, true); }
bool ContainedJson(std::string_view a, std::string_view b) { return Contains(b, a, true); }

// A value as JSON: numbers, booleans and jsonb as they are, lists as arrays, the rest as strings of their
// text; timestamps in ISO form (to_jsonb).
void AppendJson(const Column& column, int64_t row, std::string& out) {
  if (column.IsNull(row)) {
    out += "null";
    return;
  }
  std::string text;
  switch (column.type().id()) {
    case TypeId::kBoolean:
      out += column.Bool(row) ? "true" : "false";
      return;
    case TypeId::kJsonb:
      AppendCanonicalJson(column.Text(row), JsonForm::kPrinted, out);
      return;
    case TypeId::kList: {
      const auto* offsets = column.values<int32_t>();
      out += '[';
      for (int32_t i = offsets[row]; i < offsets[row + 1]; ++i) {
        if (i > offsets[row]) out += ", ";
        AppendJson(*column.child(), i, out);
      }
      out += ']';
      return;
    }
    default:
      PrintValue(column, row, text);
  }
  const TypeId id = column.type().id();
  const bool special = text.find_first_of("Nn") != std::string::npos;  // NaN, Infinity
  if (column.type().is_numeric() && !special) {
    // Numbers are kept as numeric prints them: no exponent.
    if (text.find('e') == std::string::npos) {
      out += text;
    } else {
      AppendCanonicalJson(text, JsonForm::kPrinted, out);
    }
    return;
  }
  const bool timestamp = id == TypeId::kTimestamp || id == TypeId::kTimestamptz;
  if (timestamp && text.size() > 10 && text[10] == ' ') text[10] = 'T';
  if (id == TypeId::kTimestamptz && text.size() > 3 && text[text.size() - 3] == '+') text += ":00";
  AppendQuoted(text, out);
}

ColumnPtr ToJson(KernelCall& call) {
  const Vector& v = call.arg(0);
  std::string json;
  return WriteText(call, [&](Row& row, TextSink& out) {
    json.clear();
    AppendJson(*v.column, v.at(row.number()), json);
    out.Append(json);
  });
}

ColumnPtr BuildArray(KernelCall& call) {
  std::string json;
  return WriteText(call, [&](Row& row, TextSink& out) {
    json = "[";
    for (size_t i = 0; i < call.arg_count(); ++i) {
      if (i > 0) json += ", ";
      AppendJson(*call.arg(i).column, call.arg(i).at(row.number()), json);
    }
    json += "]";
    if (row.Room(out, json.size())) out.Append(json);
  });
}

ColumnPtr BuildObject(KernelCall& call) {
  std::string json;
  std::string text;
  std::string canonical;
  return WriteText(call, [&](Row& row, TextSink& out) {
    if (call.arg_count() % 2 != 0)
      return row.Fail("22023", "argument list must have even number of elements");
    json = "{";
    for (size_t i = 0; i < call.arg_count(); i += 2) {
      const Vector& key = call.arg(i);
      if (key.IsNull(row.number())) {
        return row.Fail("22023", "argument " + std::to_string(i + 1) + ": key must not be null");
      }
      if (i > 0) json += ", ";
      text.clear();
      PrintValue(*key.column, key.at(row.number()), text);
      AppendQuoted(text, json);
      json += ": ";
      AppendJson(*call.arg(i + 1).column, call.arg(i + 1).at(row.number()), json);
    }
    json += "}";
    canonical.clear();
    AppendCanonicalJson(json, JsonForm::kPrinted, canonical);
    if (row.Room(out, canonical.size())) out.Append(canonical);
  });
}
void EmptyObject(Row&, TextSink& out) { out.Append("{}"); }
void EmptyArray(Row&, TextSink& out) { out.Append("[]"); }

// || of jsonb: objects merge, everything else becomes one array.
void Concatenate(Row& row, TextSink& out, std::string_view a, std::string_view b) {
  a = TrimJson(a);
  b = TrimJson(b);
  if (a.empty() || b.empty()) return row.Null();
  std::string joined;
  const bool objects = a[0] == '{' && b[0] == '{';
  const auto inner = [&](std::string_view v) {
    const bool open = objects || v[0] == '[';
    return open ? TrimJson(v.substr(1, v.size() - 2)) : v;
  };
  const std::string_view left = inner(a);
  const std::string_view right = inner(b);
  joined += objects ? '{' : '[';
  joined += left;
  if (!left.empty() && !right.empty()) joined += ',';
  joined += right;
  joined += objects ? '}' : ']';
  std::string canonical;
  AppendCanonicalJson(joined, JsonForm::kPrinted, canonical);
  if (row.Room(out, canonical.size())) out.Append(canonical);
}

void AddExtraction(FunctionTable& t) {
  using enum Arg;
  t.push_back({"->",
               {kJsonb, kText},
               kJsonb,
               Rows<Member<false>>,
               "a field of an object",
               "'{\"a\": {\"b\": 1}}'::jsonb -> 'a' -> {\"b\": 1}",
               kTotal});
  t.push_back({"->",
               {kJsonb, kInteger},
               kJsonb,
               Rows<Element<false>>,
               "an element of an array, counted from 0",
               "'[1, 2]'::jsonb -> 1 -> 2",
               kTotal});
  t.push_back({"->>",
               {kJsonb, kText},
               kText,
               Rows<Member<true>>,
               "a field of an object as text",
               "'{\"a\": \"x\"}'::jsonb ->> 'a' -> x",
               kTotal});
  t.push_back({"->>",
               {kJsonb, kInteger},
               kText,
               Rows<Element<true>>,
               "an element of an array as text",
               "'[1, 2]'::jsonb ->> 1 -> 2",
               kTotal});
  t.push_back({"#>",
               {kJsonb, kTextList},
               kJsonb,
               Rows<Path<false>>,
               "the value at a path",
               "'{\"a\": [1, {\"b\": 2}]}'::jsonb #> '{a,1,b}' -> 2",
               kTotal});
  t.push_back({"#>>",
               {kJsonb, kTextList},
               kText,
               Rows<Path<true>>,
               "the value at a path as text",
               "'{\"a\": [1, \"x\"]}'::jsonb #>> '{a,1}' -> x",
               kTotal});
  t.push_back({"jsonb_extract_path",
               {kJsonb, kText},
               kJsonb,
               PathOf<false>,
               "the value at a path",
               "jsonb_extract_path('{\"a\": {\"b\": 1}}', 'a', 'b') -> 1",
               kTotal | kVariadic});
  t.push_back({"jsonb_extract_path_text",
               {kJsonb, kText},
               kText,
               PathOf<true>,
               "the value at a path as text",
               "jsonb_extract_path_text('{\"a\": {\"b\": \"x\"}}', 'a', 'b') -> x",
               kTotal | kVariadic});
}

}  // namespace

void AddJson(FunctionTable& t) {
  using enum Arg;
  AddExtraction(t);
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
  t.push_back({"||",
               {kJsonb, kJsonb},
               kJsonb,
               Rows<Concatenate>,
               "objects merged, arrays joined",
               "'[1]'::jsonb || '[2]'::jsonb -> [1, 2]"});
  t.push_back({"to_jsonb",
               {kAny},
               kJsonb,
               ToJson,
               "the value as jsonb",
               "to_jsonb('a \"b\"'::text) -> \"a \\\"b\\\"\"",
               kTotal});
  t.push_back({"jsonb_build_array",
               {},
               kJsonb,
               Rows<EmptyArray>,
               "an empty array",
               "jsonb_build_array() -> []",
               kTotal});
  t.push_back({"jsonb_build_array",
               {kAny},
               kJsonb,
               BuildArray,
               "an array of the values",
               "jsonb_build_array(1, 'a', NULL) -> [1, \"a\", null]",
               kSeesNulls | kVariadic});
  t.push_back({"jsonb_build_object",
               {},
               kJsonb,
               Rows<EmptyObject>,
               "an empty object",
               "jsonb_build_object() -> {}",
               kTotal});
  t.push_back({"jsonb_build_object",
               {kAny},
               kJsonb,
               BuildObject,
               "an object of keys and values in turn",
               "jsonb_build_object('a', 1, 'b', true) -> {\"a\": 1, \"b\": true}",
               kSeesNulls | kVariadic});
}

}  // namespace streamrun
