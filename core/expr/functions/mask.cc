// Hiding personal data: a text with only its ends readable. hmac() makes pseudonyms.
#include "core/expr/function.h"
#include "core/expr/kernel.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

// A text that has nothing to hide between the ends is hidden whole: short values must not pass readable.
void MaskWith(Row& row, TextSink& out, std::string_view text, int32_t left, int32_t right,
              std::string_view mark) {
  if (left < 0 || right < 0)
    return row.Fail("22023", "the number of characters to keep must not be negative");
  if (CountUtf8(mark) != 1)
    return row.Fail("22023", "a mask is one character, not \"" + std::string(mark) + "\"");
  const int64_t characters = CountUtf8(text);
  const bool keeps = static_cast<int64_t>(left) + right < characters;
  const int64_t hidden = keeps ? characters - left - right : characters;
  if (!row.Room(out, text.size() + static_cast<size_t>(hidden) * mark.size())) return;
  if (keeps) out.Append(text.substr(0, Utf8Offset(text, left)));
  for (int64_t i = 0; i < hidden; ++i) out.Append(mark);
  if (keeps) out.Append(text.substr(Utf8Offset(text, characters - right)));
}
void Mask(Row& row, TextSink& out, std::string_view text, int32_t left, int32_t right) {
  MaskWith(row, out, text, left, right, "*");
}

}  // namespace

void AddMask(FunctionTable& t) {
  using enum Arg;
  t.push_back({"mask",
               {kText, kInteger, kInteger},
               kText,
               Rows<Mask>,
               "the text with * for all characters but so many at the start and the end; a text that is not "
               "longer than those is hidden whole",
               "mask('4111111111111111', 0, 4) -> ************1111",
               kAddition});
  t.push_back({"mask",
               {kText, kInteger, kInteger, kText},
               kText,
               Rows<MaskWith>,
               "the same with another character than *",
               "mask('anna@example.org', 1, 4, 'x') -> axxxxxxxxxxx.org",
               kAddition});
}

}  // namespace streamrun
