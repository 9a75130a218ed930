// Texts with their first sixteen bytes as two numbers, which decide most comparisons without a call or a
// branch.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/expr/kernel.h"

namespace streamrun {

inline constexpr size_t kHeadBytes = 16;

/// Ones for the first `bytes` (0 to 8) of a big-endian word.
inline uint64_t HeadMask(size_t bytes) {
  static constexpr uint64_t kMasks[] = {0,
                                        0xff00000000000000,
                                        0xffff000000000000,
                                        0xffffff0000000000,
                                        0xffffffff00000000,
                                        0xffffffffff000000,
                                        0xffffffffffff0000,
                                        0xffffffffffffff00,
                                        0xffffffffffffffff};
  return kMasks[bytes];
}

/// A text and its first bytes as big-endian numbers, zeros behind a shorter text: they compare as the bytes
/// do.
struct HeadText {
  std::string_view text;
  uint64_t first = 0;
  uint64_t second = 0;

  HeadText() = default;
  /// `readable`: how many bytes from the beginning of the text on may be read.
  HeadText(std::string_view t, size_t readable) : text(t) {
    uint64_t words[2];
    if (readable >= kHeadBytes) [[likely]] {
      std::memcpy(words, t.data(), sizeof words);
    } else {
      words[0] = words[1] = 0;
      if (!t.empty()) std::memcpy(words, t.data(), std::min(t.size(), sizeof words));
    }
    const size_t size = std::min(t.size(), kHeadBytes);
    first = __builtin_bswap64(words[0]) & HeadMask(std::min<size_t>(size, 8));
    second = __builtin_bswap64(words[1]) & HeadMask(size - std::min<size_t>(size, 8));
  }
};

/// What stands behind the heads of two texts that are longer.
inline int CompareTails(std::string_view a, std::string_view b) {
  return a.substr(kHeadBytes).compare(b.substr(kHeadBytes));
}

inline bool EqualTexts(const HeadText& a, const HeadText& b) {
  const bool alike = ((a.first ^ b.first) | (a.second ^ b.second) | (a.text.size() ^ b.text.size())) == 0;
  return a.text.size() <= kHeadBytes ? alike : alike && CompareTails(a.text, b.text) == 0;
}

/// By bytes. Also right for zero bytes: of two texts with equal heads the shorter one begins the other.
inline bool LessTexts(const HeadText& a, const HeadText& b) {
  const bool same_first = a.first == b.first;
  const bool less = (a.first < b.first) | (same_first & (a.second < b.second));
  const bool same = same_first & (a.second == b.second);
  if ((a.text.size() > kHeadBytes) & (b.text.size() > kHeadBytes)) {
    return same ? CompareTails(a.text, b.text) < 0 : less;
  }
  return less | (same & (a.text.size() < b.text.size()));
}

/// Texts of an argument with their heads.
class HeadReader {
 public:
  explicit HeadReader(const Vector& v)
      : offsets_(v.column->values<int32_t>()),
        data_(v.column->text_data()),
        end_(static_cast<size_t>(offsets_[v.column->length()])),
        constant_(v.constant) {
    if (v.constant) one_ = Read(0);
  }
  HeadText operator[](int64_t row) const { return constant_ ? one_ : Read(row); }
  /// HeadText::first alone, of a text in a column: enough where texts seldom begin alike.
  uint64_t FirstAt(int64_t row) const {
    const auto begin = static_cast<size_t>(offsets_[row]);
    if (end_ - begin < kHeadBytes) [[unlikely]]
      return Read(row).first;
    uint64_t word;
    std::memcpy(&word, data_ + begin, sizeof word);
    return __builtin_bswap64(word) & HeadMask(std::min<size_t>(SizeAt(row), sizeof word));
  }
  size_t SizeAt(int64_t row) const { return static_cast<size_t>(offsets_[row + 1] - offsets_[row]); }

 private:
  HeadText Read(int64_t row) const {
    const auto begin = static_cast<size_t>(offsets_[row]);
    return {{data_ + begin, SizeAt(row)}, end_ - begin};
  }

  const int32_t* offsets_;
  const char* data_;
  size_t end_;
  bool constant_;
  HeadText one_;
};

}  // namespace streamrun
