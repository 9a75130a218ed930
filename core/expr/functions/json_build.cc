// jsonb: making values (manual 9.16.1, table 9.47), and the parts of a value as arrays.
#include "core/data/json_text.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/json_result.h"
#include "core/expr/functions/lists.h"
#include "core/expr/json_order.h"
#include "core/expr/json_scan.h"

namespace streamrun {

namespace {

// ISO 8601 as jsonb has it: T between date and time, minutes in the zone.
void IsoForm(TypeId id, std::string& text) {
  if (id != TypeId::kTimestamp && id != TypeId::kTimestamptz) return;
  if (const size_t blank = text.find(' '); blank != std::string::npos) text[blank] = 'T';
  if (id != TypeId::kTimestamptz) return;
  if (const size_t zone = text.find("+00"); zone != std::string::npos) text.insert(zone + 3, ":00");
}

// Booleans as true and false, dates and times in ISO form, everything else as PostgreSQL prints it.
void AppendScalarText(const Column& column, int64_t row, std::string& out) {
  if (column.type().id() == TypeId::kBoolean) {
    out += column.Bool(row) ? "true" : "false";
    return;
  }
  std::string text;
  PrintValue(column, row, text);
  IsoForm(column.type().id(), text);
  out += text;
}

// A value as JSON: numbers, booleans and jsonb as they are, lists as arrays, the rest as strings of their
// text.
void AppendJson(const Column& column, int64_t row, std::string& out) {
  if (column.IsNull(row)) {
    out += "null";
    return;
  }
  const TypeId id = column.type().id();
  if (id == TypeId::kJsonb) return AppendCanonicalJson(column.Text(row), JsonForm::kPrinted, out);
  if (id == TypeId::kText) return AppendQuoted(column.Text(row), out);
  if (id == TypeId::kList) {
    const auto* offsets = column.values<int32_t>();
    out += '[';
    for (int32_t i = offsets[row]; i < offsets[row + 1]; ++i) {
      if (i > offsets[row]) out += ", ";
      AppendJson(*column.child(), i, out);
    }
    out += ']';
    return;
  }
  if (id == TypeId::kBoolean) return AppendScalarText(column, row, out);
  std::string text;
  AppendScalarText(column, row, text);
  const bool special = text.find_first_of("Nn") != std::string::npos;  // NaN, Infinity
  if (!column.type().is_numeric() || special) return AppendQuoted(text, out);
  if (id != TypeId::kDouble) {
    out += text;
    return;
  }
  // Numbers are kept as numeric prints them: no exponent, no -0.
  AppendCanonicalJson(text, JsonForm::kPrinted, out);
}

ColumnPtr ToJson(KernelCall& call) {
  const Vector& v = call.arg(0);
  std::string json;
  return WriteText(call, [&](Row& row, TextSink& out) {
    json.clear();
    AppendJson(*v.column, v.at(row.number()), json);
    PutJson(row, out, json);
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
    PutJson(row, out, json);
  });
}

void PutCanonical(Row& row, TextSink& out, const std::string& json) {
  thread_local std::string canonical;
  canonical.clear();
  AppendCanonicalJson(json, JsonForm::kPrinted, canonical);
  PutJson(row, out, canonical);
}

ColumnPtr BuildObject(KernelCall& call) {
  std::string json;
  std::string text;
  return WriteText(call, [&](Row& row, TextSink& out) {
    if (call.arg_count() % 2 != 0)
      return row.Fail("22023", "argument list must have even number of elements");
    json = "{";
    for (size_t i = 0; i < call.arg_count(); i += 2) {
      const Vector& key = call.arg(i);
      if (key.IsNull(row.number())) {
        return row.Fail("22023", "argument " + std::to_string(i + 1) + ": key must not be null");
      }
      const TypeId id = key.column->type().id();
      if (id == TypeId::kList || id == TypeId::kJsonb) {
        return row.Fail("22023", "key value must be scalar, not array, composite, or json");
      }
      if (i > 0) json += ", ";
      text.clear();
      AppendScalarText(*key.column, key.at(row.number()), text);
      AppendQuoted(text, json);
      json += ": ";
      AppendJson(*call.arg(i + 1).column, call.arg(i + 1).at(row.number()), json);
    }
    json += "}";
    PutCanonical(row, out, json);
  });
}
void EmptyObject(Row&, TextSink& out) { out.Append("{}"); }
void EmptyArray(Row&, TextSink& out) { out.Append("[]"); }

// One member of jsonb_object; false after failing the row.
bool AddMember(Row& row, const ListView& keys, int32_t key, const ListView& values, int32_t value,
               std::string& json) {
  if (keys.child->IsNull(key)) {
    row.Fail("22004", "null value not allowed for object key");
    return false;
  }
  json += json.empty() ? '{' : ',';
  AppendQuoted(keys.child->Text(key), json);
  json += ':';
  if (values.child->IsNull(value)) {
    json += "null";
  } else {
    AppendQuoted(values.child->Text(value), json);
  }
  return true;
}

void ObjectOfPairs(Row& row, TextSink& out, ListView list) {
  if (list.size() % 2 != 0) return row.Fail("2202E", "array must have even number of elements");
  std::string json;
  for (int32_t i = list.begin; i < list.end; i += 2) {
    if (!AddMember(row, list, i, list, i + 1, json)) return;
  }
  PutCanonical(row, out, json.empty() ? "{}" : json + "}");
}
void ObjectOfLists(Row& row, TextSink& out, ListView keys, ListView values) {
  // An empty array has no dimension at all, in PostgreSQL's words.
  if ((keys.size() == 0) != (values.size() == 0))
    return row.Fail("2202E", "wrong number of array subscripts");
  if (keys.size() != values.size()) return row.Fail("2202E", "mismatched array dimensions");
  std::string json;
  for (int32_t i = 0; i < keys.size(); ++i) {
    if (!AddMember(row, keys, keys.begin + i, values, values.begin + i, json)) return;
  }
  PutCanonical(row, out, json.empty() ? "{}" : json + "}");
}

ColumnPtr Keys(KernelCall& call) {
  const Reader<std::string_view> in(call.arg(0));
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const std::string_view json = TrimJson(in[row.number()]);
    if (json.empty() || json[0] != '{') {
      const bool array = !json.empty() && json[0] == '[';
      return row.Fail("22023",
                      array ? "cannot call jsonb_keys on an array" : "cannot call jsonb_keys on a scalar");
    }
    for (const JsonMembers::Member& member : JsonMembers(json)) child.AppendText(member.key);
  });
}

template <bool kText>
ColumnPtr Elements(KernelCall& call) {
  const Reader<std::string_view> in(call.arg(0));
  std::string scratch;
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const std::string_view json = TrimJson(in[row.number()]);
    if (json.empty() || json[0] != '[') {
      const bool object = !json.empty() && json[0] == '{';
      return row.Fail("22023", object ? "cannot extract elements from an object"
                                      : "cannot extract elements from a scalar");
    }
    JsonCursor cursor(json);
    while (cursor.Next()) {
      const std::string_view value = cursor.value();
      if (!kText) {
        child.AppendText(value);
      } else if (value[0] == 'n') {
        child.AppendNull();
      } else if (value[0] == '"') {
        child.AppendText(StringMeaning(value, scratch));
      } else {
        scratch.clear();
        AppendCanonicalJson(value, JsonForm::kPrinted, scratch);
        child.AppendText(scratch);
      }
    }
  });
}

void AddParts(FunctionTable& t) {
  using enum Arg;
  t.push_back({"jsonb_keys",
               {kJsonb},
               kTextList,
               Keys,
               "the keys of an object as an array",
               "jsonb_keys('{\"b\": 1, \"a\": 2}') -> {a,b}",
               kAddition});
  t.push_back({"jsonb_elements",
               {kJsonb},
               kJsonbList,
               Elements<false>,
               "the elements of an array as jsonb[]",
               "cardinality(jsonb_elements('[1, \"x\"]')) -> 2",
               kAddition});
  t.push_back({"jsonb_elements_text",
               {kJsonb},
               kTextList,
               Elements<true>,
               "the elements of an array as text[]",
               "jsonb_elements_text('[1, \"x\", null]') -> {1,x,NULL}",
               kAddition});
}

}  // namespace

void AddJsonBuild(FunctionTable& t) {
  using enum Arg;
  t.push_back({"to_jsonb",
               {kAny},
               kJsonb,
               ToJson,
               "the value as jsonb",
               "to_jsonb('a \"b\"'::text) -> \"a \\\"b\\\"\""});
  t.push_back({"array_to_json",
               {kElements},
               kJsonb,
               ToJson,
               "the array as jsonb",
               "array_to_json(ARRAY[1, 2]) -> [1, 2]",
               kAddition});
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
  t.push_back({"jsonb_object",
               {kTextList},
               kJsonb,
               Rows<ObjectOfPairs>,
               "an object of strings from keys and values in turn",
               "jsonb_object('{a,1,b,x}') -> {\"a\": \"1\", \"b\": \"x\"}"});
  t.push_back({"jsonb_object",
               {kTextList, kTextList},
               kJsonb,
               Rows<ObjectOfLists>,
               "an object of strings from keys and their values",
               "jsonb_object('{a,b}', '{1,x}') -> {\"a\": \"1\", \"b\": \"x\"}"});
  AddParts(t);
}

}  // namespace streamrun
