#include "core/data/utf8_check.h"

#include <cstdint>
#include <cstring>

namespace streamrun {

namespace {

bool IsTail(uint8_t c) { return (c & 0xc0) == 0x80; }

// Bytes of the well-formed sequence that starts at p with a byte >= 0x80, or 0.
int SequenceLength(const uint8_t* p, const uint8_t* end) {
  const int length = *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
  if (length == 0 || end - p < length) return 0;
  for (int i = 1; i < length; ++i) {
    if (!IsTail(p[i])) return 0;
  }
  if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
      (*p == 0xf4 && p[1] > 0x8f)) {
    return 0;
  }
  return length;
}

}  // namespace

size_t FindInvalidUtf8(std::string_view text) {
  const auto* const begin = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* p = begin;
  const uint8_t* end = p + text.size();
  while (p < end) {
    // ASCII, sixteen bytes at a time.
    while (end - p >= 16) {
      uint64_t words[2];
      std::memcpy(words, p, 16);
      if (((words[0] | words[1]) & 0x8080808080808080u) != 0) break;
      p += 16;
    }
    while (p < end && *p < 0x80) ++p;
    while (p < end && *p >= 0x80) {
      const int length = SequenceLength(p, end);
      if (length == 0) return static_cast<size_t>(p - begin);
      p += length;
    }
  }
  return std::string_view::npos;
}

bool IsValidUtf8(std::string_view text) { return FindInvalidUtf8(text) == std::string_view::npos; }

}  // namespace streamrun
