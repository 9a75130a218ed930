// Unicode escapes and normal forms.
#include <algorithm>
#include <cstdio>
#include <string>

#include "core/expr/function.h"
#include "core/expr/functions/normal_form.h"
#include "core/expr/kernel.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

constexpr std::string_view kBadPair = "invalid Unicode surrogate pair";

bool IsHigh(char32_t c) { return c >= 0xd800 && c <= 0xdbff; }
bool IsLow(char32_t c) { return c >= 0xdc00 && c <= 0xdfff; }

// Digits behind a backslash: \XXXX \+XXXXXX \uXXXX \UXXXXXXXX. False when they are not there.
bool ReadEscape(std::string_view text, size_t* at, std::string_view* digits) {
  size_t from = *at;
  size_t count = 4;
  if (from < text.size() && (text[from] == '+' || text[from] == 'u' || text[from] == 'U')) {
    count = text[from] == '+' ? 6 : text[from] == 'u' ? 4 : 8;
    ++from;
  }
  *digits = text.substr(std::min(from, text.size()), count);
  *at = from + count;
  return digits->size() == count &&
         digits->find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

void Unistr(Row& row, TextSink& out, std::string_view text) {
  if (!row.Room(out, text.size())) return;
  char32_t high = 0;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '\\' || text.substr(i, 2) == "\\\\") {
      if (high != 0) return row.Fail("42601", std::string(kBadPair));
      out.Push(text[i]);
      i += text[i] == '\\' ? 2 : 1;
      continue;
    }
    ++i;
    std::string_view digits;
    if (!ReadEscape(text, &i, &digits)) return row.Fail("42601", "invalid Unicode escape");
    const auto code = static_cast<char32_t>(std::stoul(std::string(digits), nullptr, 16));
    if (code == 0 || code > 0x10ffff) {
      char shown[16];
      std::snprintf(shown, sizeof(shown), "%04X", static_cast<unsigned>(code));
      return row.Fail("22023", "invalid Unicode code point: " + std::string(shown));
    }
    if ((high != 0) != IsLow(code)) return row.Fail("42601", std::string(kBadPair));
    if (IsHigh(code)) {
      high = code;
      continue;
    }
    char bytes[4];
    const char32_t c = high != 0 ? 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00) : code;
    out.Append({bytes, EncodeUtf8(c, bytes)});
    high = 0;
  }
  if (high != 0) row.Fail("42601", std::string(kBadPair));
}

// NFC, NFD, NFKC and NFKD in any case.
bool ReadForm(Row& row, std::string_view name, NormalForm* form) {
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  form->compatible = upper == "NFKC" || upper == "NFKD";
  form->composed = upper == "NFC" || upper == "NFKC";
  if (form->compatible || form->composed || upper == "NFD") return true;
  row.Fail("22023", "invalid normalization form: " + std::string(name));
  return false;
}

void NormalizeTo(Row& row, TextSink& out, std::string_view text, std::string_view name) {
  NormalForm form;
  if (!ReadForm(row, name, &form)) return;
  thread_local std::string normal;
  Normalize(text, form, &normal);
  if (row.Room(out, normal.size())) out.Append(normal);
}
void NormalizeDefault(Row& row, TextSink& out, std::string_view text) { NormalizeTo(row, out, text, "NFC"); }

bool IsNormalizedAs(Row& row, std::string_view text, std::string_view name) {
  NormalForm form;
  if (!ReadForm(row, name, &form)) return false;
  thread_local std::string normal;
  Normalize(text, form, &normal);
  return normal == text;
}
bool IsNormalized(Row& row, std::string_view text) { return IsNormalizedAs(row, text, "NFC"); }

}  // namespace

void AddUnicodeText(FunctionTable& t) {
  using enum Arg;
  t.push_back({"unistr",
               {kText},
               kText,
               Rows<Unistr>,
               "the text with Unicode escapes \\XXXX, \\+XXXXXX, \\uXXXX and "
               "\\UXXXXXXXX resolved",
               "unistr('d\\0061t\\+000061') -> data"});
  t.push_back({"normalize",
               {kText},
               kText,
               Rows<NormalizeDefault>,
               "in Unicode normal form NFC",
               "length(normalize(U&'\\0061\\0308bc')) -> 3"});
  t.push_back({"normalize",
               {kText, kText},
               kText,
               Rows<NormalizeTo>,
               "in a Unicode normal form: NFC, NFD, NFKC or NFKD",
               "normalize('①', NFKC) -> 1"});
  t.push_back({"is_normalized",
               {kText},
               kBoolean,
               Rows<IsNormalized>,
               "true when in Unicode normal form NFC",
               "'abc' IS NORMALIZED -> t"});
  t.push_back({"is_normalized",
               {kText, kText},
               kBoolean,
               Rows<IsNormalizedAs>,
               "true when in a Unicode normal form: NFC, NFD, NFKC or NFKD",
               "'①' IS NFKC NORMALIZED -> f"});
}

}  // namespace streamrun
