// x IN (constants): one look-up in a set that is made at bind.
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
      size_t at = Place(value);
      while (slots_[at].used && !EqualTexts(slots_[at].value, value)) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {value, true};
    }
  }
  bool Contains(const HeadText& value) const {
    for (size_t at = Place(value); slots_[at].used; at = (at + 1) & (slots_.size() - 1)) {
      if (EqualTexts(slots_[at].value, value)) return true;
    }
    return false;
  }

 private:
  struct Slot {
    HeadText value;
    bool used = false;
  };
  size_t Place(const HeadText& value) const {
    const uint64_t mixed = (value.first ^ (value.second >> 7) ^ value.text.size()) * 0x9e3779b97f4a7c15u;
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
  if (!has_null && !x.column->has_nulls()) {
    return WriteBits(call, [&](int64_t row) { return contains(row) != kNegated; });
  }
  return WriteBits(call, [&](int64_t row) {
    const bool found = !x.IsNull(row) && contains(row);
    if (x.IsNull(row) || (!found && has_null)) call.Null(row);
    return found != kNegated;
  });
}

template <bool kNegated, typename T>
ColumnPtr LookUpWords(KernelCall& call, const InList& list) {
  const Reader<T> values(call.arg(0));
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
                              [&](int64_t row) { return list.texts.Contains(texts[row]); });
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
