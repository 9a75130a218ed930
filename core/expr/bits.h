// Bitmaps a word at a time: validity, boolean values and the sets of rows that an expression works on.
//
// A row set is an array of 64-bit words, bit i of word w is row 64 w + i; bits behind the last row are 0. A
// null pointer stands for all rows.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/data/buffer.h"

namespace streamrun {

using RowSet = std::vector<uint64_t>;

inline int64_t WordsFor(int64_t rows) { return (rows + 63) / 64; }

/// Ones for the rows of word `w`.
inline uint64_t WordMask(int64_t w, int64_t rows) {
  const int64_t left = rows - w * 64;
  return left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
}

/// Word `w` of an Arrow bitmap of `rows` bits, which may be unaligned and end at its last byte.
inline uint64_t LoadWord(const uint8_t* bits, int64_t w, int64_t rows) {
  const int64_t left = rows - w * 64;
  uint64_t word = 0;
  if (left >= 64) {
    std::memcpy(&word, bits + w * 8, 8);
    return word;
  }
  std::memcpy(&word, bits + w * 8, static_cast<size_t>((left + 7) / 8));
  return word & WordMask(w, rows);
}

inline void LoadSet(const uint8_t* bits, int64_t rows, RowSet& out) {
  const int64_t words = WordsFor(rows);
  out.resize(static_cast<size_t>(words));
  for (int64_t w = 0; w < words; ++w) out[static_cast<size_t>(w)] = LoadWord(bits, w, rows);
}

inline int64_t CountBits(const uint64_t* words, int64_t rows) {
  int64_t count = 0;
  for (int64_t w = 0; w < WordsFor(rows); ++w) count += std::popcount(words[w]);
  return count;
}

inline bool AnyBit(const RowSet& set) {
  for (const uint64_t word : set) {
    if (word != 0) return true;
  }
  return false;
}

inline bool HasRow(const uint64_t* set, int64_t row) {
  return set == nullptr || ((set[row >> 6] >> (row & 63)) & 1);
}

/// A bitmap buffer from words.
inline BufferPtr BitmapOf(const uint64_t* words, int64_t rows) {
  BufferBuilder out;
  out.Resize(static_cast<size_t>(rows + 7) / 8);
  if (out.size() > 0) std::memcpy(out.data(), words, out.size());
  return out.Finish();
}

/// Calls f(row) for every row of the set, ascending.
template <typename F>
inline void ForEachRow(const uint64_t* set, int64_t rows, F&& f) {
  if (set == nullptr) {
    for (int64_t row = 0; row < rows; ++row) f(row);
    return;
  }
  for (int64_t w = 0; w < WordsFor(rows); ++w) {
    uint64_t word = set[w];
    const int64_t base = w * 64;
    if (word == ~uint64_t{0}) {
      for (int64_t i = 0; i < 64; ++i) f(base + i);
      continue;
    }
    for (; word != 0; word &= word - 1) f(base + std::countr_zero(word));
  }
}

}  // namespace streamrun
