// jsonb: values changed in one place (manual 9.16.1: || - #- and table 9.47: jsonb_set, jsonb_insert).
#include <climits>

#include "core/data/json_text.h"
#include "core/expr/function.h"
#include "core/expr/functions/json_result.h"
#include "core/expr/json_scan.h"

namespace streamrun {

namespace {

// The canonical form, so that keys are unique; good until the next call of the thread.
std::string_view Canonical(std::string_view json) {
  thread_local std::string text;
  text.clear();
  AppendCanonicalJson(json, JsonForm::kPrinted, text);
  return text;
}

bool IsScalar(std::string_view json) { return json.empty() || (json[0] != '{' && json[0] != '['); }

// Collects the members of one object or the elements of one array.
class Container {
 public:
  Container(std::string& out, char open) : out_(out), close_(open == '{' ? '}' : ']') { out_ += open; }
  void Element(std::string_view value) {
    Separate();
    out_ += value;
  }
  void RawKey(std::string_view body) {
    Separate();
    out_ += '"';
    out_ += body;
    out_ += "\": ";
  }
  void Key(std::string_view key) {
    Separate();
    AppendQuoted(key, out_);
    out_ += ": ";
  }
  void Separate() {
    if (!first_) out_ += ", ";
    first_ = false;
  }
  void Close() { out_ += close_; }

 private:
  std::string& out_;
  char close_;
  bool first_ = true;
};

enum class Edit : uint8_t { kReplace, kCreate, kInsertBefore, kInsertAfter, kDelete };

// Rewrites one value along a path. `value` is the new one (not of kDelete).
class PathEditor {
 public:
  PathEditor(Row& row, const ListView& path, std::string_view value, Edit edit, std::string& out)
      : row_(row), path_(path), value_(value), edit_(edit), out_(out) {}

  void Walk(std::string_view json, int32_t level) {
    if (path_.child->IsNull(path_.begin + level)) {
      return row_.Fail("22004", "path element at position " + std::to_string(level + 1) + " is null");
    }
    if (IsScalar(json)) {
      out_ += json;
    } else if (json[0] == '{') {
      Object(json, level);
    } else {
      Array(json, level);
    }
  }

 private:
  bool IsLast(int32_t level) const { return level == path_.size() - 1; }
  bool Inserts() const { return edit_ == Edit::kInsertBefore || edit_ == Edit::kInsertAfter; }
  bool Adds() const { return edit_ == Edit::kCreate || Inserts(); }

  void Object(std::string_view json, int32_t level) {
    const std::string_view name = path_.child->Text(path_.begin + level);
    Container object(out_, '{');
    bool found = false;
    for (JsonCursor member(json); member.Next() && !row_.dropped();) {
      if (!KeyEquals(member.key(), name)) {
        object.RawKey(member.key());
        out_ += member.value();
        continue;
      }
      found = true;
      if (!IsLast(level)) {
        object.RawKey(member.key());
        Walk(member.value(), level + 1);
      } else if (Inserts()) {
        return row_.Fail("22023", "cannot replace existing key");
      } else if (edit_ != Edit::kDelete) {
        object.RawKey(member.key());
        out_ += value_;
      }
    }
    if (!found && IsLast(level) && Adds()) {
      object.Key(name);
      out_ += value_;
    }
    object.Close();
  }

  // Position of the element that the path means: below 0 when in front of the first.
  int64_t Position(int32_t level, int64_t length) {
    const std::string_view text = path_.child->Text(path_.begin + level);
    int32_t index = 0;
    if (!ReadIndex(text, &index)) {
      row_.Fail("22P02", "path element at position " + std::to_string(level + 1) + " is not an integer: \"" +
                             std::string(text) + "\"");
      return 0;
    }
    return index < 0 ? index + length : index;
  }

  void Array(std::string_view json, int32_t level) {
    const int64_t length = JsonLength(json);
    const int64_t at = Position(level, length);
    if (row_.dropped()) return;
    Container array(out_, '[');
    if (at < 0 && IsLast(level) && Adds()) array.Element(value_);
    int64_t i = 0;
    for (JsonCursor element(json); element.Next() && !row_.dropped(); ++i) {
      if (i != at) {
        array.Element(element.value());
      } else if (IsLast(level)) {
        Here(element.value(), array);
      } else {
        array.Separate();
        Walk(element.value(), level + 1);
      }
    }
    if (at >= length && IsLast(level) && Adds()) array.Element(value_);
    array.Close();
  }

  void Here(std::string_view old, Container& array) {
    if (edit_ == Edit::kDelete) return;
    if (edit_ != Edit::kInsertAfter) array.Element(value_);
    if (Inserts()) array.Element(old);
    if (edit_ == Edit::kInsertAfter) array.Element(value_);
  }

  Row& row_;
  const ListView& path_;
  std::string_view value_;
  Edit edit_;
  std::string& out_;
};

void EditPath(Row& row, TextSink& out, std::string_view json, const ListView& path, std::string_view value,
              Edit edit) {
  json = Canonical(json);
  if (IsScalar(json)) {
    return row.Fail("22023",
                    edit == Edit::kDelete ? "cannot delete path in scalar" : "cannot set path in scalar");
  }
  if (path.size() == 0) return out.Append(json);
  thread_local std::string result;
  result.clear();
  PathEditor(row, path, TrimJson(value), edit, result).Walk(json, 0);
  if (!row.dropped()) PutJson(row, out, result);
}

bool IsEmptyContainer(std::string_view json) {
  json = TrimJson(json);
  return !IsScalar(json) && JsonLength(json) == 0;
}

void Set(Row& row, TextSink& out, std::string_view json, ListView path, std::string_view value, bool create) {
  // Nothing to replace: the path is not looked at.
  if (!create && IsEmptyContainer(json)) return out.Append(TrimJson(json));
  EditPath(row, out, json, path, value, create ? Edit::kCreate : Edit::kReplace);
}
void SetOrCreate(Row& row, TextSink& out, std::string_view json, ListView path, std::string_view value) {
  Set(row, out, json, path, value, true);
}
void Insert(Row& row, TextSink& out, std::string_view json, ListView path, std::string_view value,
            bool after) {
  EditPath(row, out, json, path, value, after ? Edit::kInsertAfter : Edit::kInsertBefore);
}
void InsertBefore(Row& row, TextSink& out, std::string_view json, ListView path, std::string_view value) {
  Insert(row, out, json, path, value, false);
}
void DeletePath(Row& row, TextSink& out, std::string_view json, ListView path) {
  if (IsEmptyContainer(json)) return out.Append(TrimJson(json));
  EditPath(row, out, json, path, {}, Edit::kDelete);
}

// jsonb_set_lax: what an SQL null as the new value does is the last argument's choice.
void SetNull(Row& row, TextSink& out, std::string_view json, const ListView& path, bool create,
             std::string_view treatment) {
  if (treatment == "use_json_null") return Set(row, out, json, path, "null", create);
  if (treatment == "delete_key") return DeletePath(row, out, json, path);
  if (treatment == "return_target") return out.Append(TrimJson(json));
  if (treatment == "raise_exception") return row.Fail("22004", "JSON value must not be null");
  row.Fail("22023",
           "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or "
           "\"raise_exception\"");
}

ColumnPtr SetLax(KernelCall& call) {
  const Reader<std::string_view> jsons(call.arg(0));
  const Reader<ListView> paths(call.arg(1));
  const Reader<std::string_view> values(call.arg(2));
  return WriteText(call, [&](Row& row, TextSink& out) {
    const int64_t r = row.number();
    const size_t count = call.arg_count();
    const bool no_create = count > 3 && call.arg(3).IsNull(r);
    if (call.arg(0).IsNull(r) || call.arg(1).IsNull(r) || no_create) return row.Null();
    const bool create = count <= 3 || Reader<bool>(call.arg(3))[r];
    const bool no_treatment = count > 4 && call.arg(4).IsNull(r);
    if (no_treatment) return SetNull(row, out, {}, {}, false, {});
    if (!call.arg(2).IsNull(r)) return Set(row, out, jsons[r], paths[r], values[r], create);
    const std::string_view treatment =
        count > 4 ? Reader<std::string_view>(call.arg(4))[r] : std::string_view("use_json_null");
    SetNull(row, out, jsons[r], paths[r], create, treatment);
  });
}

// --- Deleting keys and elements

// The value without the members, or string elements, that `drop` names.
template <typename Drop>
void Without(Row& row, TextSink& out, std::string_view json, Drop drop) {
  json = Canonical(json);
  if (IsScalar(json)) return row.Fail("22023", "cannot delete from scalar");
  thread_local std::string result;
  result.clear();
  const bool object = json[0] == '{';
  Container kept(result, json[0]);
  std::string scratch;
  for (JsonCursor cursor(json); cursor.Next();) {
    const std::string_view value = cursor.value();
    if (object) {
      scratch.clear();
      if (cursor.key_escaped()) AppendUnescaped(cursor.key(), scratch);
      if (drop(cursor.key_escaped() ? std::string_view(scratch) : cursor.key())) continue;
      kept.RawKey(cursor.key());
      result += value;
    } else if (value[0] != '"' || !drop(StringMeaning(value, scratch))) {
      kept.Element(value);
    }
  }
  kept.Close();
  out.Append(result);
}

void DeleteKey(Row& row, TextSink& out, std::string_view json, std::string_view key) {
  Without(row, out, json, [&](std::string_view own) { return own == key; });
}
void DeleteKeys(Row& row, TextSink& out, std::string_view json, ListView keys) {
  Without(row, out, json, [&](std::string_view own) {
    for (int32_t i = keys.begin; i < keys.end; ++i) {
      if (!keys.child->IsNull(i) && keys.child->Text(i) == own) return true;
    }
    return false;
  });
}
void DeleteElement(Row& row, TextSink& out, std::string_view json, int32_t index) {
  json = TrimJson(json);
  if (IsScalar(json)) return row.Fail("22023", "cannot delete from scalar");
  if (json[0] == '{') return row.Fail("22023", "cannot delete from object using integer index");
  const int64_t length = JsonLength(json);
  const int64_t at = index < 0 ? index + length : index;
  thread_local std::string result;
  result.clear();
  Container kept(result, '[');
  int64_t i = 0;
  for (JsonCursor cursor(json); cursor.Next(); ++i) {
    if (i != at) kept.Element(cursor.value());
  }
  kept.Close();
  out.Append(result);
}

// || of jsonb: objects merge, everything else becomes one array.
void Concatenate(Row& row, TextSink& out, std::string_view a, std::string_view b) {
  a = TrimJson(a);
  b = TrimJson(b);
  if (a.empty() || b.empty()) return row.Null();
  const bool objects = a[0] == '{' && b[0] == '{';
  const auto inner = [&](std::string_view v) {
    const bool open = objects || v[0] == '[';
    return open ? TrimJson(v.substr(1, v.size() - 2)) : v;
  };
  const std::string_view left = inner(a);
  const std::string_view right = inner(b);
  thread_local std::string joined;
  joined.assign(1, objects ? '{' : '[');
  joined += left;
  if (!left.empty() && !right.empty()) joined += ", ";
  joined += right;
  joined += objects ? '}' : ']';
  PutJson(row, out, objects ? Canonical(joined) : std::string_view(joined));
}

void AddDeletions(FunctionTable& t) {
  using enum Arg;
  t.push_back({"-",
               {kJsonb, kText},
               kJsonb,
               Rows<DeleteKey>,
               "the object without a key, the array without the equal strings",
               "'{\"a\": 1, \"b\": 2}'::jsonb - 'a' -> {\"b\": 2}"});
  t.push_back({"-",
               {kJsonb, kTextList},
               kJsonb,
               Rows<DeleteKeys>,
               "the same for several keys",
               "'{\"a\": 1, \"b\": 2}'::jsonb - ARRAY['a', 'b'] -> {}"});
  t.push_back({"-",
               {kJsonb, kInteger},
               kJsonb,
               Rows<DeleteElement>,
               "the array without an element, counted from 0, from the end when negative",
               "'[1, 2, 3]'::jsonb - 1 -> [1, 3]"});
  t.push_back({"#-",
               {kJsonb, kTextList},
               kJsonb,
               Rows<DeletePath>,
               "without the value at a path",
               "'{\"a\": [1, 2]}'::jsonb #- '{a,0}' -> {\"a\": [2]}"});
}

}  // namespace

void AddJsonEdit(FunctionTable& t) {
  using enum Arg;
  t.push_back({"||",
               {kJsonb, kJsonb},
               kJsonb,
               Rows<Concatenate>,
               "objects merged, arrays joined",
               "'[1]'::jsonb || '[2]'::jsonb -> [1, 2]"});
  AddDeletions(t);
  t.push_back({"jsonb_set",
               {kJsonb, kTextList, kJsonb},
               kJsonb,
               Rows<SetOrCreate>,
               "with the value at the path replaced, or added when its place is there",
               "jsonb_set('{\"a\": [1, 2]}', '{a,0}', '9') -> {\"a\": [9, 2]}"});
  t.push_back({"jsonb_set",
               {kJsonb, kTextList, kJsonb, kBoolean},
               kJsonb,
               Rows<Set>,
               "the same; adds only when the last argument is true",
               "jsonb_set('{\"a\": 1}', '{b}', '2', false) -> {\"a\": 1}"});
  for (const size_t count : {3, 4, 5}) {
    std::vector<Arg> args{kJsonb, kTextList, kJsonb, kBoolean, kText};
    args.resize(count);
    t.push_back({"jsonb_set_lax", std::move(args), kJsonb, SetLax,
                 "jsonb_set with a choice what a null does: use_json_null, delete_key, return_target or "
                 "raise_exception",
                 count == 5
                     ? "jsonb_set_lax('{\"a\": 1, \"b\": 2}', '{a}', NULL, true, 'delete_key') -> {\"b\": 2}"
                     : "jsonb_set_lax('{\"a\": 1}', '{a}', NULL) -> {\"a\": null}",
                 kSeesNulls});
  }
  t.push_back({"jsonb_insert",
               {kJsonb, kTextList, kJsonb},
               kJsonb,
               Rows<InsertBefore>,
               "with a value put in front of the path's element, or as a new key",
               "jsonb_insert('{\"a\": [1, 2]}', '{a,1}', '9') -> {\"a\": [1, 9, 2]}"});
  t.push_back({"jsonb_insert",
               {kJsonb, kTextList, kJsonb, kBoolean},
               kJsonb,
               Rows<Insert>,
               "the same; behind the element when the last argument is true",
               "jsonb_insert('[1, 2]', '{0}', '9', true) -> [1, 9, 2]"});
}

}  // namespace streamrun
