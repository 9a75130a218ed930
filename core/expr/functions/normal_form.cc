#include "core/expr/functions/normal_form.h"

#include <algorithm>
#include <tuple>

#include "core/expr/functions/normal_data.h"
#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

// Hangul syllables (Unicode Standard, 3.12).
constexpr char32_t kSyllables = 0xac00;
constexpr char32_t kLeads = 0x1100;
constexpr char32_t kVowels = 0x1161;
constexpr char32_t kTails = 0x11a7;
constexpr char32_t kLeadCount = 19;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTailCount;

int CombiningClass(char32_t c) {
  const CombiningRange* end = kCombining + kCombiningSize;
  const CombiningRange* found =
      std::lower_bound(kCombining, end, c, [](const CombiningRange& r, char32_t v) { return r.last < v; });
  return found != end && found->first <= c ? found->combining : 0;
}

const Decomposition* Find(const Decomposition* begin, size_t size, char32_t c) {
  const Decomposition* found =
      std::lower_bound(begin, begin + size, c, [](const Decomposition& d, char32_t v) { return d.code < v; });
  return found != begin + size && found->code == c ? found : nullptr;
}

void Decompose(char32_t c, bool compatible, std::u32string* out) {
  if (c - kSyllables < kSyllableCount) {
    const char32_t index = c - kSyllables;
    *out += kLeads + index / (kVowelCount * kTailCount);
    *out += kVowels + index % (kVowelCount * kTailCount) / kTailCount;
    if (index % kTailCount != 0) *out += kTails + index % kTailCount;
    return;
  }
  const Decomposition* found = compatible ? Find(kCompatible, kCompatibleSize, c) : nullptr;
  if (found != nullptr) {
    out->append(kCompatibleText + found->at, found->count);
  } else if ((found = Find(kCanonical, kCanonicalSize, c)) != nullptr) {
    out->append(kCanonicalText + found->at, found->count);
  } else {
    *out += c;
  }
}

// Marks between two starters stand in the order of their classes.
void SortMarks(std::u32string* text) {
  for (size_t i = 0; i < text->size();) {
    if (CombiningClass((*text)[i]) == 0) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text->size() && CombiningClass((*text)[end]) != 0) ++end;
    std::stable_sort(text->begin() + static_cast<std::ptrdiff_t>(i),
                     text->begin() + static_cast<std::ptrdiff_t>(end),
                     [](char32_t a, char32_t b) { return CombiningClass(a) < CombiningClass(b); });
    i = end;
  }
}

// What two characters compose to, or 0.
char32_t Compose(char32_t a, char32_t b) {
  if (a - kLeads < kLeadCount && b - kVowels < kVowelCount) {
    return kSyllables + ((a - kLeads) * kVowelCount + (b - kVowels)) * kTailCount;
  }
  const bool open_syllable = a - kSyllables < kSyllableCount && (a - kSyllables) % kTailCount == 0;
  if (open_syllable && b > kTails && b - kTails < kTailCount) return a + (b - kTails);
  const Composition* end = kCompositions + kCompositionsSize;
  const Composition* found =
      std::lower_bound(kCompositions, end, std::pair(a, b), [](const Composition& c, const auto& pair) {
        return std::tie(c.first, c.second) < std::tie(pair.first, pair.second);
      });
  return found != end && found->first == a && found->second == b ? found->composed : 0;
}

// A mark joins its starter unless one of the same or a higher class stands between them.
void ComposeAll(std::u32string* text) {
  size_t written = 0;
  size_t starter = std::u32string::npos;
  int last_class = -1;
  for (const char32_t c : *text) {
    const int combining = CombiningClass(c);
    if (starter != std::u32string::npos && last_class < combining) {
      if (const char32_t composed = Compose((*text)[starter], c)) {
        (*text)[starter] = composed;
        continue;
      }
    }
    if (combining == 0) {
      starter = written;
      last_class = -1;
    } else {
      last_class = combining;
    }
    (*text)[written++] = c;
  }
  text->resize(written);
}

}  // namespace

void Normalize(std::string_view text, NormalForm form, std::string* out) {
  if (IsAscii(text)) {
    out->assign(text);
    return;
  }
  thread_local std::u32string wide;
  wide.clear();
  for (size_t i = 0, length = 0; i < text.size(); i += length) {
    Decompose(DecodeUtf8(text, i, &length), form.compatible, &wide);
  }
  SortMarks(&wide);
  if (form.composed) ComposeAll(&wide);
  out->clear();
  char bytes[4];
  for (const char32_t c : wide) out->append(bytes, EncodeUtf8(c, bytes));
}

}  // namespace streamrun
