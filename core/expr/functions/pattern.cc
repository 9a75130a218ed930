// LIKE and ILIKE. A constant pattern is cut into segments once; plain ones run over the whole column's bytes.
#include <algorithm>
#include <string>

#include "core/expr/bit_rows.h"
#include "core/expr/function.h"
#include "core/expr/functions/like_pattern.h"
#include "core/expr/text_head.h"
#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

void AppendLowered(std::string_view text, std::string* out) {
  for (size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      const char c = text[i++];
      *out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      continue;
    }
    size_t length;
    char bytes[4];
    const char32_t c = LowerOf(DecodeUtf8(text, i, &length));
    out->append(bytes, EncodeUtf8(c, bytes));
    i += length;
  }
}
std::string Lowered(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  AppendLowered(text, &out);
  return out;
}

// The texts to match: those of the argument, for ILIKE in lower case. Both as one run of bytes.
class Texts {
 public:
  Texts(KernelCall& call, bool fold) : offsets_(call.arg(0).column->values<int32_t>()) {
    const Column& column = *call.arg(0).column;
    data_ = column.text_data();
    mask_ = call.arg(0).constant ? 0 : -1;
    const int64_t rows = call.arg(0).constant ? 1 : call.rows();
    size_ = static_cast<size_t>(offsets_[rows]);
    if (!fold || rows == 0) return;
    const std::string_view all(data_, size_);
    lowered_.reserve(all.size());
    if (IsAscii(all)) {
      lowered_.resize(all.size());
      for (size_t i = 0; i < all.size(); ++i) {
        const bool upper = static_cast<unsigned char>(all[i] - 'A') < 26;
        lowered_[i] = static_cast<char>(all[i] | (upper ? 0x20 : 0));
      }
    } else {
      // Lengths may change, so the offsets do too.
      own_offsets_.push_back(0);
      for (int64_t row = 0; row < rows; ++row) {
        AppendLowered({data_ + offsets_[row], static_cast<size_t>(offsets_[row + 1] - offsets_[row])},
                      &lowered_);
        own_offsets_.push_back(static_cast<int32_t>(lowered_.size()));
      }
      offsets_ = own_offsets_.data();
    }
    data_ = lowered_.data();
    size_ = lowered_.size();
  }

  std::string_view operator[](int64_t row) const {
    const int64_t i = row & mask_;
    return {data_ + offsets_[i], static_cast<size_t>(offsets_[i + 1] - offsets_[i])};
  }
  bool constant() const { return mask_ == 0; }
  /// Bytes of all texts.
  size_t size() const { return size_; }
  const int32_t* offsets() const { return offsets_; }
  const char* data() const { return data_; }

 private:
  const int32_t* offsets_;
  const char* data_ = nullptr;
  size_t size_ = 0;
  int64_t mask_ = -1;
  std::string lowered_;
  std::vector<int32_t> own_offsets_;
};

template <bool kFold>
Result<std::shared_ptr<const void>> PrepareLike(std::span<const ColumnPtr> constants) {
  if (!constants[1] || constants[1]->IsNull(0)) return std::shared_ptr<const void>();
  const std::string_view text = constants[1]->Text(0);
  auto pattern = std::make_shared<LikePattern>(ParseLike(kFold ? Lowered(text) : std::string(text)));
  return std::shared_ptr<const void>(std::move(pattern));
}

// The literals at both ends of a pattern, which most texts do not have.
class Edges {
 public:
  Edges(const Texts& texts, const LikePattern& pattern) : texts_(texts) {
    const Segment& first = pattern.segments.front();
    const Segment& last = pattern.segments.back();
    if (!first.parts.empty() && first.parts.front().skip == 0) begin_ = first.parts.front().literal;
    if (!last.parts.empty()) end_ = last.parts.back().literal;
    const size_t size = std::min(begin_.size(), kHeadBytes);
    head_ = HeadText(begin_, begin_.size());
    first_mask_ = HeadMask(std::min<size_t>(size, 8));
    second_mask_ = HeadMask(size - std::min<size_t>(size, 8));
    const std::string_view tail = end_.substr(end_.size() - std::min<size_t>(end_.size(), 8));
    tail_ = HeadText(tail, tail.size()).first;
    tail_size_ = tail.size();
  }
  size_t size() const { return begin_.size() + end_.size(); }
  bool has_head() const { return !begin_.empty(); }
  bool has_tail() const { return !end_.empty(); }

  /// kHead, kTail: there is such a literal.
  template <bool kHead, bool kTail>
  bool Match(std::string_view text) const {
    const auto at = static_cast<size_t>(text.data() - texts_.data());
    if (text.size() < std::max(begin_.size(), end_.size())) return false;
    bool match = true;
    if constexpr (kHead) {
      const HeadText own(text, texts_.size() - at);
      match = ((own.first & first_mask_) == head_.first) & ((own.second & second_mask_) == head_.second);
    }
    if constexpr (kTail) match &= HasTail(text, at);
    return begin_.size() <= kHeadBytes ? match : match && text.starts_with(begin_);
  }

 private:
  bool HasTail(std::string_view text, size_t at) const {
    const HeadText own(text.substr(text.size() - tail_size_), texts_.size() - at - text.size() + tail_size_);
    return end_.size() <= 8 ? own.first == tail_ : own.first == tail_ && text.ends_with(end_);
  }

  const Texts& texts_;
  std::string_view begin_;
  std::string_view end_;
  HeadText head_;
  uint64_t first_mask_ = 0;
  uint64_t second_mask_ = 0;
  uint64_t tail_ = 0;
  size_t tail_size_ = 0;
};

// %literal%: one search over the bytes of all rows; a hit names its row by the offsets.
ColumnPtr ContainsColumn(KernelCall& call, const Texts& texts, std::string_view needle, bool negated) {
  const int32_t* offsets = texts.offsets();
  const int64_t rows = call.rows();
  RowSet found(static_cast<size_t>(WordsFor(rows)), 0);
  const std::string_view all(texts.data(), static_cast<size_t>(offsets[rows]));
  FindInRows(all, offsets, rows, needle,
             [&](int64_t row, size_t) { found[static_cast<size_t>(row >> 6)] |= uint64_t{1} << (row & 63); });
  if (negated) {
    for (int64_t w = 0; w < WordsFor(rows); ++w) {
      found[static_cast<size_t>(w)] = ~found[static_cast<size_t>(w)] & WordMask(w, rows);
    }
  }
  return call.Finish(BitmapOf(found.data(), rows));
}

template <typename F>
ColumnPtr Test(KernelCall& call, const Texts& texts, bool negated, F&& matches) {
  return WriteBits(call, [&](int64_t row) { return matches(row, texts[row]) != negated; });
}

// head%tail
template <bool kHead, bool kTail>
ColumnPtr TestEdges(KernelCall& call, const Texts& texts, const Edges& edges, bool negated) {
  return Test(call, texts, negated, [&](int64_t, std::string_view text) {
    return (text.size() >= edges.size()) & edges.Match<kHead, kTail>(text);
  });
}

bool MatchOrFail(KernelCall& call, const LikePattern& pattern, int64_t row, std::string_view text) {
  const bool matches = MatchLike(pattern, text);
  if (!matches || !pattern.broken) return matches;
  call.Fail(row, "22025", "LIKE pattern must not end with escape character");
  return false;
}

// Patterns of a column; neighbours are often the same.
template <bool kFold>
ColumnPtr LikeVarying(KernelCall& call, const Texts& texts, bool negated) {
  const Reader<std::string_view> patterns(call.arg(1));
  std::string last;
  LikePattern pattern = ParseLike(last);
  return Test(call, texts, negated, [&](int64_t row, std::string_view text) {
    if (patterns[row] != last) {
      last = patterns[row];
      pattern = ParseLike(kFold ? Lowered(last) : last);
    }
    return MatchOrFail(call, pattern, row, text);
  });
}

template <bool kFold, bool kNegated>
ColumnPtr Like(KernelCall& call) {
  const Texts texts(call, kFold);
  const auto* pattern = call.prepared<LikePattern>();
  if (pattern == nullptr) return LikeVarying<kFold>(call, texts, kNegated);
  if (pattern->broken) {
    return Test(call, texts, kNegated,
                [&](int64_t row, std::string_view text) { return MatchOrFail(call, *pattern, row, text); });
  }
  const std::vector<Segment>& s = pattern->segments;
  const bool plain = s.front().plain() && s.back().plain();
  const Edges edges(texts, *pattern);
  if (s.size() == 1 && plain) {
    return Test(call, texts, kNegated,
                [&](int64_t, std::string_view text) { return text == s[0].literal(); });
  }
  if (s.size() == 2 && plain) {
    if (!edges.has_head()) return TestEdges<false, true>(call, texts, edges, kNegated);
    if (!edges.has_tail()) return TestEdges<true, false>(call, texts, edges, kNegated);
    return TestEdges<true, true>(call, texts, edges, kNegated);
  }
  const bool contains = s.size() == 3 && s[0].parts.empty() && s[2].parts.empty() && s[1].plain();
  if (contains && !s[1].parts.empty() && !texts.constant()) {
    return ContainsColumn(call, texts, s[1].literal(), kNegated);
  }
  return Test(call, texts, kNegated, [&](int64_t, std::string_view text) {
    return edges.Match<true, true>(text) && MatchLike(*pattern, text);
  });
}

// like_escape(pattern, escape): rewrites a pattern to the default escape character.
void LikeEscape(Row& row, TextSink& out, std::string_view pattern, std::string_view escape) {
  if (CountUtf8(escape) > 1) {
    return row.Fail("22025", "invalid escape string");
  }
  if (!row.Room(out, pattern.size() * 2)) return;
  for (size_t i = 0; i < pattern.size();) {
    if (!escape.empty() && pattern.substr(i, escape.size()) == escape) {
      i += escape.size();
      out.Push('\\');
      if (i >= pattern.size()) return;
      const size_t length = Utf8Length(pattern[i]);
      out.Append(pattern.substr(i, length));
      i += length;
      continue;
    }
    if (pattern[i] == '\\') out.Push('\\');
    out.Push(pattern[i++]);
  }
}

}  // namespace

void AddPattern(FunctionTable& t) {
  using enum Arg;
  struct Form {
    std::string_view name;
    Kernel kernel;
    Prepare prepare;
    std::string_view help;
    std::string_view example;
  };
  const Form forms[] = {
      {"~~", Like<false, false>, PrepareLike<false>,
       "matches the pattern (LIKE): % any text, _ any one character", "'abc' LIKE 'a%' -> t"},
      {"!~~", Like<false, true>, PrepareLike<false>, "does not match the pattern (NOT LIKE)",
       "'abc' NOT LIKE '_b%' -> f"},
      {"~~*", Like<true, false>, PrepareLike<true>, "matches the pattern in any case (ILIKE)",
       "'ABC' ILIKE '%bc' -> t"},
      {"!~~*", Like<true, true>, PrepareLike<true>, "does not match the pattern in any case (NOT ILIKE)",
       "'ABC' NOT ILIKE 'abc' -> f"},
      {"like", Like<false, false>, PrepareLike<false>, "the operator ~~ as a function",
       "\"like\"('abc', 'a%') -> t"},
      {"notlike", Like<false, true>, PrepareLike<false>, "the operator !~~ as a function",
       "notlike('abc', 'a%') -> f"},
  };
  for (const Form& form : forms) {
    t.push_back(
        {form.name, {kText, kText}, kBoolean, form.kernel, form.help, form.example, kPartial, form.prepare});
  }
  t.push_back({"like_escape",
               {kText, kText},
               kText,
               Rows<LikeEscape>,
               "a LIKE pattern with the default escape",
               "'10%' LIKE '10#%' ESCAPE '#' -> t"});
}

}  // namespace streamrun
