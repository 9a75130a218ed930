// Text: length, case, joining, cutting and searching.
#include <algorithm>

#include "core/expr/function.h"
#include "core/expr/functions/slices.h"
#include "core/expr/kernel.h"
#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

// The bytes of all rows when the column is flat and they are ASCII; nothing otherwise.
bool AllAscii(const Vector& v, std::string_view* bytes) {
  if (v.constant) return false;
  const Column& column = *v.column;
  *bytes = {column.text_data(), static_cast<size_t>(column.values<int32_t>()[column.length()])};
  return IsAscii(*bytes);
}

ColumnPtr Length(KernelCall& call) {
  std::string_view bytes;
  Writer<int32_t> out(call);
  if (AllAscii(call.arg(0), &bytes)) {
    const auto* offsets = call.arg(0).column->values<int32_t>();
    for (int64_t row = 0; row < call.rows(); ++row) out.Put(row, offsets[row + 1] - offsets[row]);
  } else {
    const Reader<std::string_view> texts(call.arg(0));
    ForEachRow(call.live(), call.rows(),
               [&](int64_t row) { out.Put(row, static_cast<int32_t>(CountUtf8(texts[row]))); });
  }
  return out.Finish(call);
}

int32_t OctetLength(std::string_view text) { return static_cast<int32_t>(text.size()); }
int32_t BitLength(std::string_view text) { return static_cast<int32_t>(text.size() * 8); }

// Appends one character in another case; most stay one byte.
void AppendMapped(TextSink& out, std::string_view text, char32_t (*map)(char32_t)) {
  for (size_t i = 0; i < text.size();) {
    size_t length;
    char bytes[4];
    const char32_t c = map(DecodeUtf8(text, i, &length));
    out.Append({bytes, EncodeUtf8(c, bytes)});
    i += length;
  }
}

template <bool kUpper>
inline char MapAscii(char c) {
  const char first = kUpper ? 'a' : 'A';
  const bool hit = static_cast<unsigned char>(c - first) < 26;
  return static_cast<char>(c ^ (hit ? 0x20 : 0));
}

template <bool kUpper>
ColumnPtr ChangeCase(KernelCall& call) {
  std::string_view bytes;
  if (AllAscii(call.arg(0), &bytes)) {
    // Same lengths, so the offsets are shared and all rows are one run of bytes.
    BufferBuilder data;
    data.Resize(bytes.size());
    char* out = data.as<char>();
    for (size_t i = 0; i < bytes.size(); ++i) out[i] = MapAscii<kUpper>(bytes[i]);
    return call.Finish(call.arg(0).column->values_buffer(), data.Finish());
  }
  const Reader<std::string_view> texts(call.arg(0));
  return WriteText(call, [&](Row& row, TextSink& out) {
    AppendMapped(out, texts[row.number()], kUpper ? UpperOf : LowerOf);
  });
}

void Initcap(Row&, TextSink& out, std::string_view text) {
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    size_t length;
    char bytes[4];
    const char32_t c = DecodeUtf8(text, i, &length);
    out.Append({bytes, EncodeUtf8(inside ? LowerOf(c) : UpperOf(c), bytes)});
    inside = IsAlphanumeric(c);
    i += length;
  }
}

void Concat2(Row& row, TextSink& out, std::string_view a, std::string_view b) {
  if (!row.Room(out, a.size() + b.size())) return;
  out.Append(a);
  out.Append(b);
}

ColumnPtr ConcatAll(KernelCall& call) {
  std::vector<Reader<std::string_view>> texts;
  for (size_t i = 0; i < call.arg_count(); ++i) texts.emplace_back(call.arg(i));
  return WriteText(call, [&](Row& row, TextSink& out) {
    for (size_t i = 0; i < texts.size(); ++i) {
      if (call.arg(i).IsNull(row.number())) continue;
      const std::string_view text = texts[i][row.number()];
      if (!row.Room(out, text.size())) return;
      out.Append(text);
    }
  });
}

ColumnPtr ConcatWs(KernelCall& call) {
  std::vector<Reader<std::string_view>> texts;
  for (size_t i = 0; i < call.arg_count(); ++i) texts.emplace_back(call.arg(i));
  return WriteText(call, [&](Row& row, TextSink& out) {
    if (call.arg(0).IsNull(row.number())) return row.Null();
    const std::string_view separator = texts[0][row.number()];
    bool first = true;
    for (size_t i = 1; i < texts.size(); ++i) {
      if (call.arg(i).IsNull(row.number())) continue;
      const std::string_view text = texts[i][row.number()];
      if (!row.Room(out, text.size() + separator.size())) return;
      if (!first) out.Append(separator);
      out.Append(text);
      first = false;
    }
  });
}

// Characters [start, start + count) with 1-based start, clipped to the text.
std::string_view Cut(std::string_view text, int64_t start, int64_t count) {
  const int64_t end = std::min<int64_t>(start + count, int64_t{1} << 40);
  const int64_t from = std::max<int64_t>(start, 1);
  if (end <= from) return {};
  const size_t begin = Utf8Offset(text, from - 1);
  const std::string_view rest = text.substr(begin);
  if (static_cast<size_t>(end - from) >= rest.size()) return rest;
  return rest.substr(0, Utf8Offset(rest, end - from));
}

std::string_view SubstringFrom(Row&, std::string_view text, int32_t start) {
  return Cut(text, start, int64_t{1} << 41);
}
std::string_view SubstringFor(Row& row, std::string_view text, int32_t start, int32_t count) {
  if (count >= 0) return Cut(text, start, count);
  row.Fail("22011", "negative substring length not allowed");
  return {};
}

int32_t Position(std::string_view text, std::string_view part) {
  const size_t at = FindBytes(text, part);
  return at == std::string_view::npos ? 0 : static_cast<int32_t>(CountUtf8(text.substr(0, at)) + 1);
}
ColumnPtr PositionOf(KernelCall& call) {
  const Vector& texts = call.arg(0);
  if (texts.constant || !call.arg(1).constant || call.arg(1).column->Text(0).empty())
    return Rows<Position>(call);
  const int32_t* offsets = texts.column->values<int32_t>();
  const char* data = texts.column->text_data();
  const std::string_view all(data, static_cast<size_t>(offsets[call.rows()]));
  const bool ascii = IsAscii(all);
  Writer<int32_t> out(call);
  FindInRows(all, offsets, call.rows(), call.arg(1).column->Text(0), [&](int64_t row, size_t at) {
    const auto begin = static_cast<size_t>(offsets[row]);
    const std::string_view before = all.substr(begin, at - begin);
    out.Put(row, static_cast<int32_t>(ascii ? before.size() : static_cast<size_t>(CountUtf8(before))) + 1);
  });
  return out.Finish(call);
}
bool StartsWith(std::string_view text, std::string_view head) { return text.starts_with(head); }

// left(text, -n) is all but the last n characters.
std::string_view Left(Row&, std::string_view text, int32_t count) {
  return text.substr(0, count >= 0 ? Utf8Offset(text, count) : Utf8OffsetFromEnd(text, -int64_t{count}));
}
std::string_view Right(Row&, std::string_view text, int32_t count) {
  return text.substr(count >= 0 ? Utf8OffsetFromEnd(text, count) : Utf8Offset(text, -int64_t{count}));
}

}  // namespace

void AddText(FunctionTable& t) {
  using enum Arg;
  for (const std::string_view name : {"length", "char_length", "character_length"}) {
    t.push_back({name,
                 {kText},
                 kInteger,
                 Length,
                 "number of characters",
                 name == "length"        ? "length('añb') -> 3"
                 : name == "char_length" ? "char_length('añb') -> 3"
                                         : "character_length('añb') -> 3",
                 kTotal});
  }
  t.push_back({"length",
               {kBytea},
               kInteger,
               Rows<OctetLength>,
               "number of bytes",
               "length('\\x0102'::bytea) -> 2",
               kTotal});
  t.push_back({"octet_length",
               {kText},
               kInteger,
               Rows<OctetLength>,
               "number of bytes",
               "octet_length('añb') -> 4",
               kTotal});
  t.push_back({"octet_length",
               {kBytea},
               kInteger,
               Rows<OctetLength>,
               "number of bytes",
               "octet_length('\\x1234'::bytea) -> 2",
               kTotal});
  t.push_back(
      {"bit_length", {kText}, kInteger, Rows<BitLength>, "number of bits", "bit_length('ab') -> 16", kTotal});
  t.push_back(
      {"lower", {kText}, kText, ChangeCase<false>, "the text in lower case", "lower('TOM') -> tom", kTotal});
  t.push_back(
      {"upper", {kText}, kText, ChangeCase<true>, "the text in upper case", "upper('tom') -> TOM", kTotal});
  t.push_back({"initcap",
               {kText},
               kText,
               Rows<Initcap>,
               "every word with a capital first letter",
               "initcap('hi THOMAS') -> Hi Thomas",
               kTotal});
  t.push_back({"||", {kText, kText}, kText, Rows<Concat2>, "both texts joined", "'a' || 'b' -> ab"});
  t.push_back({"||",
               {kBytea, kBytea},
               kBytea,
               Rows<Concat2>,
               "both joined",
               "'\\x01'::bytea || '\\x02'::bytea -> \\x0102"});
  t.push_back(
      {"||", {kText, kCastText}, kText, Rows<Concat2>, "the text and the value's text", "'n=' || 5 -> n=5"});
  t.push_back({"||",
               {kCastText, kText},
               kText,
               Rows<Concat2>,
               "the value's text and the text",
               "5 || ' apples' -> 5 apples"});
  t.push_back({"concat",
               {kOutput},
               kText,
               ConcatAll,
               "the texts of all arguments joined; nulls are left out",
               "concat('a', NULL, 5) -> a5",
               kSeesNulls | kVariadic});
  t.push_back({"concat_ws",
               {kText, kOutput},
               kText,
               ConcatWs,
               "all but the first argument joined with the first between them; nulls are left out",
               "concat_ws(', ', 'a', NULL, 'b') -> a, b",
               kSeesNulls | kVariadic});
  for (const std::string_view name : {"substring", "substr"}) {
    const bool first = name == "substring";
    t.push_back({name,
                 {kText, kInteger},
                 kText,
                 SliceRows<SubstringFrom>,
                 "the text from a character on, counted from 1",
                 first ? "substring('Thomas' from 3) -> omas" : "substr('Thomas', 3) -> omas",
                 kTotal});
    t.push_back({name,
                 {kText, kInteger, kInteger},
                 kText,
                 SliceRows<SubstringFor>,
                 "a number of characters from one on",
                 first ? "substring('Thomas' from 2 for 3) -> hom" : "substr('Thomas', 2, 3) -> hom"});
  }
  t.push_back({"strpos",
               {kText, kText},
               kInteger,
               PositionOf,
               "where the second text begins in the first, 0 if nowhere",
               "strpos('high', 'ig') -> 2",
               kTotal});
  t.push_back({"position",
               {kText, kText},
               kInteger,
               PositionOf,
               "where a text begins in another, 0 if nowhere",
               "position('om' in 'Thomas') -> 3",
               kTotal});
  t.push_back({"starts_with",
               {kText, kText},
               kBoolean,
               Rows<StartsWith>,
               "true when the first text begins with the second",
               "starts_with('alphabet', 'alph') -> t",
               kTotal});
  t.push_back({"^@",
               {kText, kText},
               kBoolean,
               Rows<StartsWith>,
               "true when the first text begins with the second",
               "'alphabet' ^@ 'alph' -> t",
               kTotal});
  t.push_back({"left",
               {kText, kInteger},
               kText,
               SliceRows<Left>,
               "the first n characters, or all but the last -n",
               "left('abcde', 2) -> ab",
               kTotal});
  t.push_back({"right",
               {kText, kInteger},
               kText,
               SliceRows<Right>,
               "the last n characters, or all but the first -n",
               "right('abcde', 2) -> de",
               kTotal});
}

}  // namespace streamrun
