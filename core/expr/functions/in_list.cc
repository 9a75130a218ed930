// x IN (constants): one look-up in a set that is made at bind.
#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "core/data/row_hash.h"
#include "core/expr/bit_rows.h"
#include "core/expr/compare_values.h"
#include "core/expr/function.h"
#include "core/expr/text_head.h"

namespace streamrun {

namespace {

// Types whose values are one 64-bit word.
bool IsWord(TypeId id) {
  return id == TypeId::kInteger || id == TypeId::kBigint || id == TypeId::kDate || id == TypeId::kTimestamp ||
         id == TypeId::kTimestamptz || id == TypeId::kDouble;
}

// Equal values have one word: -0 is 0, and there is one NaN.
uint64_t WordOf(int32_t v) { return static_cast<uint64_t>(static_cast<int64_t>(v)); }
uint64_t WordOf(int64_t v) { return static_cast<uint64_t>(v); }
uint64_t WordOf(double v) {
  if (v == 0) return 0;
  return std::isnan(v) ? ~uint64_t{0} : std::bit_cast<uint64_t>(v);
}

uint64_t WordAt(const Column& column, int64_t row) {
  if (column.type().id() == TypeId::kDouble) return WordOf(column.values<double>()[row]);
  if (column.type().byte_width() == 4) return WordOf(column.values<int32_t>()[row]);
  return WordOf(column.values<int64_t>()[row]);
}

// Slots for a table of open addressing. Short ones are mostly empty, so that a value that is not there meets
// no other, which the processor foresees.
size_t SlotsFor(size_t values) { return std::bit_ceil(values * (values <= 256 ? 8 : 2) + 1); }

// Words in open addressing; a short list is just gone through.
class WordSet {
 public:
  void Build(std::vector<uint64_t> words) {
    words_ = std::move(words);
    if (words_.size() <= kShort) return;
    slots_.assign(SlotsFor(words_.size()), Slot{});
    for (const uint64_t word : words_) {
      size_t at = Place(word);
      while (slots_[at].used && slots_[at].word != word) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {word, true};
    }
  }
  /// The values of a short list, or null.
  const std::vector<uint64_t>* few() const { return slots_.empty() ? &words_ : nullptr; }
  bool Contains(uint64_t word) const {
    if (slots_.empty()) {
      bool found = false;
      for (const uint64_t candidate : words_) found |= candidate == word;
      return found;
    }
    for (size_t at = Place(word); slots_[at].used; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].word == word) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kShort = 8;
  struct Slot {
    uint64_t word = 0;
    bool used = false;
  };
  size_t Place(uint64_t word) const {
    return static_cast<size_t>((word * 0x9e3779b97f4a7c15u) >> 32) & (slots_.size() - 1);
  }
  std::vector<uint64_t> words_;
  std::vector<Slot> slots_;
};

// Texts in open addressing, found by their heads and lengths.
class TextSet {
 public:
  void Build(std::vector<std::string> texts) {
    kept_ = std::move(texts);
    slots_.assign(SlotsFor(kept_.size()), Slot{});
    for (const std::string& text : kept_) {
      const HeadText value(text, text.size());
      size_t at = Place(value.first, text.size());
      while (slots_[at].used && !EqualTexts(slots_[at].value, value)) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {value, true};
    }
  }
  bool Contains(const HeadText& value) const {
    return Find(value.first, value.text.size(), [&] { return value; });
  }
  /// The text of a row of a column.
  bool Contains(const HeadReader& texts, int64_t row) const {
    return Find(texts.FirstAt(row), texts.SizeAt(row), [&] { return texts[row]; });
  }

 private:
  struct Slot {
    HeadText value;
    bool used = false;
  };
  // whole() is asked for where first bytes and size are those of a text in the set.
  template <typename F>
  bool Find(uint64_t first, size_t size, F whole) const {
    for (size_t at = Place(first, size); slots_[at].used; at = (at + 1) & (slots_.size() - 1)) {
      const HeadText& own = slots_[at].value;
      if ((own.first == first) & (own.text.size() == size) && EqualTexts(own, whole())) return true;
    }
    return false;
  }
  size_t Place(uint64_t first, size_t size) const {
    const uint64_t mixed = (first ^ size) * 0x9e3779b97f4a7c15u;
    return static_cast<size_t>(mixed >> 32) & (slots_.size() - 1);
  }
  std::vector<std::string> kept_;
  std::vector<Slot> slots_;
};

struct InList {
  WordSet words;
  TextSet texts;  // texts, or canonical key bytes
  bool has_null = false;
};

// The value as text in which equality is that of the type.
std::string_view KeyOf(const std::vector<ColumnPtr>& column, int64_t row, std::string& scratch) {
  const TypeId id = column[0]->type().id();
  if (id == TypeId::kText || id == TypeId::kBytea) return column[0]->Text(row);
  scratch.clear();
  if (id == TypeId::kInterval) {
    const __int128 length = IntervalLength(column[0]->values<Interval>()[row]);
    scratch.append(reinterpret_cast<const char*>(&length), sizeof(length));
  } else {
    AppendKeyBytes(column, row, scratch);
  }
  return scratch;
}

Result<std::shared_ptr<const void>> PrepareIn(std::span<const ColumnPtr> constants) {
  auto list = std::make_shared<InList>();
  std::vector<uint64_t> words;
  std::vector<std::string> texts;
  std::string scratch;
  for (const ColumnPtr& value : constants.subspan(1)) {
    if (!value) return Status::Internal("IN needs constants");
    if (value->IsNull(0)) {
      list->has_null = true;
    } else if (IsWord(value->type().id())) {
      words.push_back(WordAt(*value, 0));
    } else {
      texts.emplace_back(KeyOf({value}, 0, scratch));
    }
  }
  list->words.Build(std::move(words));
  list->texts.Build(std::move(texts));
  return std::shared_ptr<const void>(std::move(list));
}

// Runs contains(row) for the rows that are not null; what is not found is null when the list has a null.
template <bool kNegated, typename F>
ColumnPtr LookUp(KernelCall& call, bool has_null, F contains) {
  const Vector& x = call.arg(0);
  if (!has_null && !x.constant) {
    call.set_validity(x.column->validity_buffer());
    return WriteBits(call, [&](int64_t row) { return contains(row) != kNegated; });
  }
  return WriteBits(call, [&](int64_t row) {
    const bool found = !x.IsNull(row) && contains(row);
    if (x.IsNull(row) || (!found && has_null)) call.Null(row);
    return found != kNegated;
  });
}

// A short list: one comparison of all rows of a word with each of its values.
template <bool kNegated, typename T>
ColumnPtr LookUpFew(KernelCall& call, const T* values, const std::vector<uint64_t>& few) {
  return WriteWords(call, [&](int64_t w, uint64_t) {
    const int64_t count = std::min<int64_t>(call.rows() - w * 64, 64);
    const T* x = values + w * 64;
    uint64_t found = 0;
    for (const uint64_t word : few) {
      const T wanted = static_cast<T>(word);
      found |= FlagsOf(count, [&](int i) { return x[i] == wanted; });
    }
    return kNegated ? ~found & WordMask(w, call.rows()) : found;
  });
}

template <bool kNegated, typename T>
ColumnPtr LookUpWords(KernelCall& call, const InList& list) {
  const Vector& x = call.arg(0);
  const std::vector<uint64_t>* few = list.words.few();
  if constexpr (std::is_integral_v<T>) {
    if (few != nullptr && !list.has_null && !x.constant) {
      call.set_validity(x.column->validity_buffer());
      return LookUpFew<kNegated>(call, x.column->values<T>(), *few);
    }
  }
  const Reader<T> values(x);
  return LookUp<kNegated>(call, list.has_null,
                          [&](int64_t row) { return list.words.Contains(WordOf(values[row])); });
}

template <bool kNegated>
ColumnPtr In(KernelCall& call) {
  const InList& list = *call.prepared<InList>();
  const Vector& x = call.arg(0);
  switch (x.column->type().id()) {
    case TypeId::kInteger:
    case TypeId::kDate:
      return LookUpWords<kNegated, int32_t>(call, list);
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return LookUpWords<kNegated, int64_t>(call, list);
    case TypeId::kDouble:
      return LookUpWords<kNegated, double>(call, list);
    case TypeId::kText:
    case TypeId::kBytea: {
      const HeadReader texts(x);
      return LookUp<kNegated>(call, list.has_null,
                              [&](int64_t row) { return list.texts.Contains(texts, row); });
    }
    default: {
      const std::vector<ColumnPtr> column{x.column};
      std::string scratch;
      return LookUp<kNegated>(call, list.has_null, [&](int64_t row) {
        const std::string_view key = KeyOf(column, x.at(row), scratch);
        return list.texts.Contains({key, key.size()});
      });
    }
  }
}

}  // namespace

void AddInList(FunctionTable& t) {
  using enum Arg;
  constexpr uint32_t kFlags = kTotal | kSeesNulls | kVariadic | kNoHelp;
  t.push_back({"in",
               {kElement, kElement},
               kBoolean,
               In<false>,
               "true when the value is in the list",
               "",
               kFlags,
               PrepareIn});
  t.push_back({"not_in",
               {kElement, kElement},
               kBoolean,
               In<true>,
               "true when the value is not in the list",
               "",
               kFlags,
               PrepareIn});
}

}  // namespace streamrun
