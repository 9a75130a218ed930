// Text: padding, trimming, replacing, splitting, codes.
#include <algorithm>
#include <charconv>
#include <string>

#include "core/expr/function.h"
#include "core/expr/functions/slices.h"
#include "core/expr/kernel.h"
#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

// Appends `fill` over and over until `characters` are written; nothing when it is empty.
void AppendFill(TextSink& out, std::string_view fill, int64_t characters) {
  size_t at = 0;
  while (characters-- > 0 && !fill.empty()) {
    const size_t length = Utf8Length(fill[at]);
    out.Append(fill.substr(at, length));
    at += length;
    if (at >= fill.size()) at = 0;
  }
}

template <bool kLeft>
void PadWith(Row& row, TextSink& out, std::string_view text, int32_t length, std::string_view fill) {
  const int64_t want = std::max(length, 0);
  const int64_t have = CountUtf8(text);
  if (have >= want) return out.Append(text.substr(0, Utf8Offset(text, want)));
  if (fill.empty()) return out.Append(text);
  if (!row.Room(out, static_cast<size_t>(want - have) * 4 + text.size())) return;
  if (kLeft) AppendFill(out, fill, want - have);
  out.Append(text);
  if (!kLeft) AppendFill(out, fill, want - have);
}
template <bool kLeft>
void Pad(Row& row, TextSink& out, std::string_view text, int32_t length) {
  PadWith<kLeft>(row, out, text, length, " ");
}

bool HasCharacter(std::string_view set, std::string_view character) {
  for (size_t i = 0; i < set.size();) {
    const size_t length = Utf8Length(set[i]);
    if (set.substr(i, length) == character) return true;
    i += length;
  }
  return false;
}

template <bool kLeft, bool kRight>
std::string_view TrimSet(Row&, std::string_view text, std::string_view set) {
  while (kLeft && !text.empty()) {
    const size_t length = Utf8Length(text[0]);
    if (!HasCharacter(set, text.substr(0, length))) break;
    text.remove_prefix(length);
  }
  while (kRight && !text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && !IsUtf8Start(text[start])) --start;
    if (!HasCharacter(set, text.substr(start))) break;
    text = text.substr(0, start);
  }
  return text;
}
template <bool kLeft, bool kRight>
std::string_view Trim(Row&, std::string_view text) {
  while (kLeft && !text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (kRight && !text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void Replace(Row& row, TextSink& out, std::string_view text, std::string_view from, std::string_view to) {
  if (from.empty()) return out.Append(text);
  size_t at = 0;
  for (;;) {
    const size_t next = FindBytes(text, from, at);
    if (next == std::string_view::npos) return out.Append(text.substr(at));
    if (!row.Room(out, text.size() + to.size())) return;
    out.Append(text.substr(at, next - at));
    out.Append(to);
    at = next + from.size();
  }
}

void Translate(Row&, TextSink& out, std::string_view text, std::string_view from, std::string_view to) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text[i]);
    const std::string_view character = text.substr(i, length);
    i += length;
    int64_t index = 0;
    size_t at = 0;
    for (; at < from.size() && from.substr(at, Utf8Length(from[at])) != character; ++index)
      at += Utf8Length(from[at]);
    if (at >= from.size()) {
      out.Append(character);
      continue;
    }
    const size_t target = Utf8Offset(to, index);
    if (target < to.size()) out.Append(to.substr(target, Utf8Length(to[target])));
  }
}

// The offset where field number `field` (1 or more) begins, or npos when there are fewer.
size_t FieldFromStart(std::string_view text, std::string_view separator, int64_t field) {
  size_t at = 0;
  for (; field > 1; --field) {
    at = FindBytes(text, separator, at);
    if (at == std::string_view::npos) return at;
    at += separator.size();
  }
  return at;
}

std::string_view SplitPart(Row& row, std::string_view text, std::string_view separator, int32_t field) {
  if (field == 0) {
    row.Fail("22023", "field position must not be zero");
    return {};
  }
  if (separator.empty()) return field == 1 || field == -1 ? text : std::string_view();
  int64_t wanted = field;
  if (field < 0) {
    // Fields are cut from the start, so those from the end are known when all are counted.
    int64_t fields = 1;
    for (size_t at = 0; (at = FindBytes(text, separator, at)) != std::string_view::npos;
         at += separator.size()) {
      ++fields;
    }
    wanted = fields + field + 1;
    if (wanted < 1) return {};
  }
  const size_t at = FieldFromStart(text, separator, wanted);
  if (at == std::string_view::npos) return {};
  const size_t end = FindBytes(text, separator, at);
  return text.substr(at, end == std::string_view::npos ? end : end - at);
}

void Repeat(Row& row, TextSink& out, std::string_view text, int32_t count) {
  if (count <= 0 || text.empty()) return;
  const auto times = static_cast<size_t>(count);
  // The limit of PostgreSQL's text is 1 GB.
  if (times > (size_t{1} << 30) / text.size()) return row.Fail("54000", "requested length too large");
  if (!row.Room(out, times * text.size())) return;
  for (size_t i = 0; i < times; ++i) out.Append(text);
}

void Reverse(Row&, TextSink& out, std::string_view text) {
  char* to = out.Extend(text.size()) + text.size();
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text[i]);
    to -= length;
    std::copy_n(text.data() + i, length, to);
    i += length;
  }
}

void OverlayFor(Row& row, TextSink& out, std::string_view text, std::string_view with, int32_t from,
                int32_t count) {
  if (from <= 0) return row.Fail("22011", "negative substring length not allowed");
  const int64_t behind = static_cast<int64_t>(from) + count;
  if (behind != static_cast<int32_t>(behind)) return row.Fail("22003", "integer out of range");
  if (!row.Room(out, text.size() * 2 + with.size())) return;
  out.Append(text.substr(0, Utf8Offset(text, from - 1)));
  out.Append(with);
  out.Append(text.substr(Utf8Offset(text, std::max<int64_t>(behind, 1) - 1)));
}
void Overlay(Row& row, TextSink& out, std::string_view text, std::string_view with, int32_t from) {
  OverlayFor(row, out, text, with, from, static_cast<int32_t>(CountUtf8(with)));
}

int32_t Ascii(std::string_view text) {
  size_t length;
  return text.empty() ? 0 : static_cast<int32_t>(DecodeUtf8(text, 0, &length));
}
void Chr(Row& row, TextSink& out, int32_t code) {
  if (code < 0) return row.Fail("22023", "character number must be positive");
  if (code == 0) return row.Fail("54000", "null character not permitted");
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    const bool surrogate = code <= 0xdfff;
    return row.Fail("54000", surrogate
                                 ? "requested character not valid for encoding: " + std::to_string(code)
                                 : "requested character too large for encoding: " + std::to_string(code));
  }
  char bytes[4];
  out.Append({bytes, EncodeUtf8(static_cast<char32_t>(code), bytes)});
}

template <typename T>
void ToHex(Row&, TextSink& out, T value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + 16, static_cast<std::make_unsigned_t<T>>(value), 16).ptr;
  out.Append({digits, static_cast<size_t>(end - digits)});
}

void AddTrims(FunctionTable& t) {
  using enum Arg;
  t.push_back({"btrim",
               {kText},
               kText,
               SliceRows<Trim<true, true>>,
               "without blanks at both ends",
               "trim('  a ') -> a",
               kTotal});
  t.push_back({"btrim",
               {kText, kText},
               kText,
               SliceRows<TrimSet<true, true>>,
               "without the given characters at both ends",
               "btrim('xyxtrimyyx', 'xyz') -> trim",
               kTotal});
  t.push_back({"ltrim",
               {kText},
               kText,
               SliceRows<Trim<true, false>>,
               "without blanks in front",
               "ltrim('  a') -> a",
               kTotal});
  t.push_back({"ltrim",
               {kText, kText},
               kText,
               SliceRows<TrimSet<true, false>>,
               "without the given characters in front",
               "ltrim('zzzytest', 'xyz') -> test",
               kTotal});
  t.push_back({"rtrim",
               {kText},
               kText,
               SliceRows<Trim<false, true>>,
               "without blanks behind",
               "rtrim('a  ') -> a",
               kTotal});
  t.push_back({"rtrim",
               {kText, kText},
               kText,
               SliceRows<TrimSet<false, true>>,
               "without the given characters behind",
               "rtrim('testxxzx', 'xyz') -> test",
               kTotal});
}

}  // namespace

void AddTextEdit(FunctionTable& t) {
  using enum Arg;
  AddTrims(t);
  t.push_back({"lpad",
               {kText, kInteger},
               kText,
               Rows<Pad<true>>,
               "filled with blanks in front to a length, or cut to it",
               "lpad('7', 3) ->   7"});
  t.push_back({"lpad",
               {kText, kInteger, kText},
               kText,
               Rows<PadWith<true>>,
               "filled in front to a length, or cut to it",
               "lpad('hi', 5, 'xy') -> xyxhi"});
  t.push_back({"rpad",
               {kText, kInteger},
               kText,
               Rows<Pad<false>>,
               "filled with blanks behind to a length, or cut to it",
               "rpad('hello', 3) -> hel"});
  t.push_back({"rpad",
               {kText, kInteger, kText},
               kText,
               Rows<PadWith<false>>,
               "filled behind to a length, or cut to it",
               "rpad('hi', 5, 'xy') -> hixyx"});
  t.push_back({"replace",
               {kText, kText, kText},
               kText,
               Rows<Replace>,
               "every occurrence of a text replaced",
               "replace('abcdef', 'cd', 'XX') -> abXXef"});
  t.push_back({"translate",
               {kText, kText, kText},
               kText,
               Rows<Translate>,
               "characters replaced one by one; those without a partner are removed",
               "translate('12345', '143', 'ax') -> a2x5",
               kTotal});
  t.push_back({"split_part",
               {kText, kText, kInteger},
               kText,
               SliceRows<SplitPart>,
               "one field of a text cut at a separator, from the end when negative",
               "split_part('a-b-c', '-', 2) -> b"});
  t.push_back({"repeat",
               {kText, kInteger},
               kText,
               Rows<Repeat>,
               "the text several times",
               "repeat('Pg', 3) -> PgPgPg"});
  t.push_back({"reverse",
               {kText},
               kText,
               Rows<Reverse>,
               "the characters from the end",
               "reverse('abc') -> cba",
               kTotal});
  t.push_back({"overlay",
               {kText, kText, kInteger},
               kText,
               Rows<Overlay>,
               "part of the text replaced by another",
               "overlay('Txxxxas' placing 'hom' from 2) -> Thomxas"});
  t.push_back({"overlay",
               {kText, kText, kInteger, kInteger},
               kText,
               Rows<OverlayFor>,
               "a number of characters replaced",
               "overlay('Txxxxas' placing 'hom' from 2 for 4) -> Thomas"});
  t.push_back(
      {"ascii", {kText}, kInteger, Rows<Ascii>, "code of the first character", "ascii('x') -> 120", kTotal});
  t.push_back({"chr", {kInteger}, kText, Rows<Chr>, "the character of a code", "chr(65) -> A"});
  t.push_back(
      {"to_hex", {kInteger}, kText, Rows<ToHex<int32_t>>, "hexadecimal digits", "to_hex(255) -> ff", kTotal});
  t.push_back({"to_hex",
               {kBigint},
               kText,
               Rows<ToHex<int64_t>>,
               "hexadecimal digits",
               "to_hex(1099511627775) -> ffffffffff",
               kTotal});
}

}  // namespace streamrun
