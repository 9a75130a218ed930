// Boolean results a word of the bitmap at a time: no row branches on its outcome or waits for the store of
// the row before.
#pragma once

#include <emmintrin.h>

#include "core/expr/kernel.h"

namespace streamrun {

/// 64 bytes of 0 or 1, aligned to 16 -> 64 bits.
inline uint64_t PackBits(const uint8_t* flags) {
  uint64_t word = 0;
  const __m128i zero = _mm_setzero_si128();
  for (int part = 0; part < 4; ++part) {
    const __m128i bytes = _mm_load_si128(reinterpret_cast<const __m128i*>(flags + part * 16));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_sub_epi8(zero, bytes)));
    word |= static_cast<uint64_t>(mask) << (part * 16);
  }
  return word;
}

/// The bits of f(0) ... f(count - 1), count <= 64. Bytes first, so that a simple f vectorises.
template <typename F>
uint64_t FlagsOf(int64_t count, F&& f) {
  alignas(16) uint8_t flags[64];
  if (count == 64) {
    for (int i = 0; i < 64; ++i) flags[i] = f(i);
    return PackBits(flags);
  }
  uint64_t word = 0;
  for (int i = 0; i < count; ++i) word |= static_cast<uint64_t>(static_cast<bool>(f(i))) << i;
  return word;
}

/// The result of word(w, live rows of w) for every word of the bitmap.
template <typename F>
ColumnPtr WriteWords(KernelCall& call, F&& word) {
  const int64_t rows = call.rows();
  BufferBuilder bits;
  bits.Resize(static_cast<size_t>(WordsFor(rows)) * 8);
  auto* words = bits.as<uint64_t>();
  for (int64_t w = 0; w < WordsFor(rows); ++w) {
    words[w] = word(w, call.live() ? call.live()[w] : WordMask(w, rows));
  }
  return call.Finish(bits.Finish());
}

/// The result of f(row) for the live rows; f may fail the row or make it null.
template <typename F>
ColumnPtr WriteBits(KernelCall& call, F&& f) {
  return WriteWords(call, [&](int64_t w, uint64_t left) {
    const int64_t base = w * 64;
    uint64_t word = 0;
    if (left == ~uint64_t{0}) {
      for (int i = 0; i < 64; ++i) word |= static_cast<uint64_t>(static_cast<bool>(f(base + i))) << i;
      return word;
    }
    for (; left != 0; left &= left - 1) {
      const int i = std::countr_zero(left);
      word |= static_cast<uint64_t>(static_cast<bool>(f(base + i))) << i;
    }
    return word;
  });
}

}  // namespace streamrun
