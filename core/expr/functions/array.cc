// Arrays: constructor, subscripts, and the functions over one-dimensional arrays. Indexes count from 1.
#include <algorithm>

#include "core/data/text_io.h"
#include "core/expr/compare_values.h"
#include "core/expr/function.h"
#include "core/expr/functions/lists.h"
#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

void AppendValue(ColumnBuilder& out, const Vector& v, int64_t row) { out.AppendFrom(*v.column, v.at(row)); }

void AppendList(ColumnBuilder& out, const ListView& list) {
  for (int32_t i = list.begin; i < list.end; ++i) out.AppendFrom(*list.child, i);
}

ListView ListAt(const Vector& v, int64_t row) { return Reader<ListView>(v)[row]; }

ColumnPtr Construct(KernelCall& call) {
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    for (size_t i = 0; i < call.arg_count(); ++i) AppendValue(child, call.arg(i), row.number());
  });
}

ColumnPtr Element(KernelCall& call) {
  const Reader<ListView> lists(call.arg(0));
  const Reader<int32_t> indexes(call.arg(1));
  return WriteValues(call, [&](Row& row, ColumnBuilder& out) {
    const ListView list = lists[row.number()];
    const int32_t index = indexes[row.number()];
    if (index < 1 || index > list.size() || list.child->IsNull(list.begin + index - 1)) return row.Null();
    out.AppendFrom(*list.child, list.begin + index - 1);
  });
}

ColumnPtr Slice(KernelCall& call) {
  const Reader<ListView> lists(call.arg(0));
  const Reader<int32_t> lower(call.arg(1));
  const Reader<int32_t> upper(call.arg(2));
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const ListView list = lists[row.number()];
    const int64_t from = std::max<int64_t>(1, lower[row.number()]);
    const int64_t to = std::min<int64_t>(list.size(), upper[row.number()]);
    for (int64_t i = from; i <= to; ++i) child.AppendFrom(*list.child, list.begin + i - 1);
  });
}

int32_t Cardinality(ListView list) { return list.size(); }
int32_t Length(Row& row, ListView list, int32_t dimension) {
  if (dimension != 1 || list.size() == 0) row.Null();
  return list.size();
}
int32_t Lower(Row& row, ListView list, int32_t dimension) {
  if (dimension != 1 || list.size() == 0) row.Null();
  return 1;
}

// A null array counts as empty, as in PostgreSQL.
ColumnPtr Append(KernelCall& call) {
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const int64_t r = row.number();
    if (!call.arg(0).IsNull(r)) AppendList(child, ListAt(call.arg(0), r));
    AppendValue(child, call.arg(1), r);
  });
}
ColumnPtr Prepend(KernelCall& call) {
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const int64_t r = row.number();
    AppendValue(child, call.arg(0), r);
    if (!call.arg(1).IsNull(r)) AppendList(child, ListAt(call.arg(1), r));
  });
}
ColumnPtr Concatenate(KernelCall& call) {
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const int64_t r = row.number();
    const bool no_left = call.arg(0).IsNull(r);
    const bool no_right = call.arg(1).IsNull(r);
    if (no_left && no_right) return row.Null();
    if (!no_left) AppendList(child, ListAt(call.arg(0), r));
    if (!no_right) AppendList(child, ListAt(call.arg(1), r));
  });
}

bool SameElement(const ListView& list, int32_t i, const Vector& v, int64_t row) {
  const bool null = v.IsNull(row);
  if (null || list.child->IsNull(i)) return null && list.child->IsNull(i);
  return CompareValues(*list.child, i, *v.column, v.at(row)) == 0;
}

ColumnPtr Position(KernelCall& call) {
  Writer<int32_t> out(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    if (call.arg(0).IsNull(row)) return call.Null(row);
    const ListView list = ListAt(call.arg(0), row);
    for (int32_t i = list.begin; i < list.end; ++i) {
      if (SameElement(list, i, call.arg(1), row)) return out.Put(row, i - list.begin + 1);
    }
    call.Null(row);
  });
  return out.Finish(call);
}

ColumnPtr Remove(KernelCall& call) {
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const int64_t r = row.number();
    if (call.arg(0).IsNull(r)) return row.Null();
    const ListView list = ListAt(call.arg(0), r);
    for (int32_t i = list.begin; i < list.end; ++i) {
      if (!SameElement(list, i, call.arg(1), r)) child.AppendFrom(*list.child, i);
    }
  });
}

bool Holds(const ListView& list, const ListView& other, int32_t j) {
  for (int32_t i = list.begin; i < list.end; ++i) {
    if (!list.child->IsNull(i) && CompareValues(*list.child, i, *other.child, j) == 0) return true;
  }
  return false;
}
// Nulls are equal to nothing here, so a list with a null is contained in none.
bool Contains(ListView a, ListView b) {
  for (int32_t j = b.begin; j < b.end; ++j) {
    if (b.child->IsNull(j) || !Holds(a, b, j)) return false;
  }
  return true;
}
bool ContainedIn(ListView a, ListView b) { return Contains(b, a); }
bool Overlaps(ListView a, ListView b) {
  for (int32_t j = b.begin; j < b.end; ++j) {
    if (!b.child->IsNull(j) && Holds(a, b, j)) return true;
  }
  return false;
}

void Join(Row& row, TextSink& out, const ListView& list, std::string_view separator,
          const std::string_view* null) {
  bool first = true;
  std::string text;
  for (int32_t i = list.begin; i < list.end; ++i) {
    const bool is_null = list.child->IsNull(i);
    if (is_null && null == nullptr) continue;
    if (!first) out.Append(separator);
    first = false;
    text.clear();
    if (!is_null) PrintValue(*list.child, i, text);
    if (!row.Room(out, text.size() + separator.size() + (null ? null->size() : 0))) return;
    out.Append(is_null ? *null : std::string_view(text));
  }
}
void ToString(Row& row, TextSink& out, ListView list, std::string_view separator) {
  Join(row, out, list, separator, nullptr);
}
ColumnPtr ToStringWithNull(KernelCall& call) {
  const Reader<std::string_view> separators(call.arg(1));
  const Reader<std::string_view> nulls(call.arg(2));
  return WriteText(call, [&](Row& row, TextSink& out) {
    const int64_t r = row.number();
    if (call.arg(0).IsNull(r) || call.arg(1).IsNull(r)) return row.Null();
    const bool shown = !call.arg(2).IsNull(r);
    const std::string_view null = shown ? nulls[r] : std::string_view();
    Join(row, out, ListAt(call.arg(0), r), separators[r], shown ? &null : nullptr);
  });
}

// A null separator splits into characters, an empty one not at all.
ColumnPtr FromString(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  const Reader<std::string_view> separators(call.arg(1));
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const int64_t r = row.number();
    if (call.arg(0).IsNull(r)) return row.Null();
    const std::string_view text = texts[r];
    const bool has_null = call.arg_count() > 2 && !call.arg(2).IsNull(r);
    const std::string_view null = has_null ? Reader<std::string_view>(call.arg(2))[r] : std::string_view();
    const auto add = [&](std::string_view part) {
      has_null&& part == null ? child.AppendNull() : child.AppendText(part);
    };
    if (text.empty()) return;
    if (call.arg(1).IsNull(r)) {
      for (size_t i = 0; i < text.size(); i += Utf8Length(text[i])) add(text.substr(i, Utf8Length(text[i])));
      return;
    }
    const std::string_view separator = separators[r];
    if (separator.empty()) return add(text);
    size_t at = 0;
    for (;;) {
      const size_t next = FindBytes(text, separator, at);
      if (next == std::string_view::npos) return add(text.substr(at));
      add(text.substr(at, next - at));
      at = next + separator.size();
    }
  });
}

}  // namespace

void AddArray(FunctionTable& t) {
  using enum Arg;
  constexpr uint32_t kNulls = kTotal | kSeesNulls;
  t.push_back({"array",
               {kElement},
               kElements,
               Construct,
               "an array of the values",
               "ARRAY[1, 2] -> {1,2}",
               kNulls | kVariadic | kNoHelp});
  t.push_back({"array_element",
               {kElements, kInteger},
               kElement,
               Element,
               "an element, counted from 1",
               "(ARRAY[4, 5])[2] -> 5",
               kTotal | kNoHelp});
  t.push_back({"array_slice",
               {kElements, kInteger, kInteger},
               kElements,
               Slice,
               "a run of elements",
               "(ARRAY[4, 5, 6])[2:3] -> {5,6}",
               kTotal | kNoHelp});
  t.push_back({"cardinality",
               {kElements},
               kInteger,
               Rows<Cardinality>,
               "number of elements",
               "cardinality(ARRAY[1, 2]) -> 2",
               kTotal});
  t.push_back({"array_length",
               {kElements, kInteger},
               kInteger,
               Rows<Length>,
               "number of elements in a dimension, null for an empty array",
               "array_length(ARRAY[1, 2], 1) -> 2",
               kTotal});
  t.push_back({"array_lower",
               {kElements, kInteger},
               kInteger,
               Rows<Lower>,
               "first index of a dimension",
               "array_lower(ARRAY[1, 2], 1) -> 1",
               kTotal});
  t.push_back({"array_upper",
               {kElements, kInteger},
               kInteger,
               Rows<Length>,
               "last index of a dimension",
               "array_upper(ARRAY[1, 2], 1) -> 2",
               kTotal});
  t.push_back({"array_append",
               {kElements, kElement},
               kElements,
               Append,
               "the array with an element behind",
               "array_append(ARRAY[1, 2], 3) -> {1,2,3}",
               kNulls});
  t.push_back({"array_prepend",
               {kElement, kElements},
               kElements,
               Prepend,
               "the array with an element in front",
               "array_prepend(1, ARRAY[2, 3]) -> {1,2,3}",
               kNulls});
  t.push_back({"array_cat",
               {kElements, kElements},
               kElements,
               Concatenate,
               "both arrays joined",
               "array_cat(ARRAY[1], ARRAY[2]) -> {1,2}",
               kNulls});
  t.push_back({"||",
               {kElements, kElements},
               kElements,
               Concatenate,
               "both arrays joined",
               "ARRAY[1] || ARRAY[2] -> {1,2}",
               kNulls});
  t.push_back({"||",
               {kElements, kElement},
               kElements,
               Append,
               "the array with an element behind",
               "ARRAY[1] || 2 -> {1,2}",
               kNulls});
  t.push_back({"||",
               {kElement, kElements},
               kElements,
               Prepend,
               "the array with an element in front",
               "1 || ARRAY[2] -> {1,2}",
               kNulls});
  t.push_back({"array_position",
               {kElements, kElement},
               kInteger,
               Position,
               "index of the first equal element",
               "array_position(ARRAY['a', 'b'], 'b') -> 2",
               kNulls});
  t.push_back({"array_remove",
               {kElements, kElement},
               kElements,
               Remove,
               "the array without the equal elements",
               "array_remove(ARRAY[1, 2, 1], 1) -> {2}",
               kNulls});
  t.push_back({"@>",
               {kElements, kElements},
               kBoolean,
               Rows<Contains>,
               "true when the first has all elements of the second",
               "ARRAY[1, 2, 3] @> ARRAY[3, 1] -> t",
               kTotal});
  t.push_back({"<@",
               {kElements, kElements},
               kBoolean,
               Rows<ContainedIn>,
               "true when the second has all elements of the first",
               "ARRAY[1] <@ ARRAY[1, 2] -> t",
               kTotal});
  t.push_back({"&&",
               {kElements, kElements},
               kBoolean,
               Rows<Overlaps>,
               "true when they have an element in common",
               "ARRAY[1, 4] && ARRAY[4, 5] -> t",
               kTotal});
  t.push_back({"array_to_string",
               {kElements, kText},
               kText,
               Rows<ToString>,
               "the elements' texts with a separator between",
               "array_to_string(ARRAY[1, 2, NULL], ',') -> 1,2"});
  t.push_back({"array_to_string",
               {kElements, kText, kText},
               kText,
               ToStringWithNull,
               "the same with a text for nulls",
               "array_to_string(ARRAY[1, NULL], ',', '*') -> 1,*",
               kSeesNulls});
  t.push_back({"string_to_array",
               {kText, kText},
               kTextList,
               FromString,
               "the text cut at a separator",
               "string_to_array('a,b', ',') -> {a,b}",
               kNulls});
  t.push_back({"string_to_array",
               {kText, kText, kText},
               kTextList,
               FromString,
               "the same with a text that means null",
               "string_to_array('a,-', ',', '-') -> {a,NULL}",
               kNulls});
}

}  // namespace streamrun
