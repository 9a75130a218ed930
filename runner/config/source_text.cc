#include "runner/config/source_text.h"

#include <algorithm>

namespace streamrun {

namespace {

// Bytes of the character at text[i], 0 when malformed (RFC 3629, section 4).
size_t CharacterLength(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) -> unsigned {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
  };
  const auto tail = [&](size_t k) { return (byte(k) & 0xc0) == 0x80; };
  const unsigned a = byte(i);
  const unsigned b = byte(i + 1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf) return tail(i + 1) ? 2 : 0;
  if (a >= 0xe0 && a <= 0xef) {
    const bool second = a == 0xe0 ? b >= 0xa0 && b <= 0xbf : a == 0xed ? b >= 0x80 && b <= 0x9f : tail(i + 1);
    return second && tail(i + 2) ? 3 : 0;
  }
  if (a >= 0xf0 && a <= 0xf4) {
    const bool second = a == 0xf0 ? b >= 0x90 && b <= 0xbf : a == 0xf4 ? b >= 0x80 && b <= 0x8f : tail(i + 1);
    return second && tail(i + 2) && tail(i + 3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

SourceText::SourceText(std::string file, std::string_view text)
    : file_(std::move(file)), text_(text), starts_{0} {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts_.push_back(i + 1);
  }
}

SourceMark SourceText::Mark(size_t at) const {
  at = std::min(at, text_.size());
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), at);
  const int line = static_cast<int>(after - starts_.begin());
  const bool onward = line == last_line_ && at >= last_at_;
  size_t from = onward ? last_at_ : *(after - 1);
  int column = onward ? last_column_ : 1;
  for (size_t i = from; i < at; ++i) column += (static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80;
  last_at_ = at;
  last_line_ = line;
  last_column_ = column;
  return {file_, line, column};
}

std::string_view SourceText::Line(int line) const {
  if (line < 1 || static_cast<size_t>(line) > starts_.size()) return {};
  const size_t begin = starts_[static_cast<size_t>(line) - 1];
  std::string_view rest = text_.substr(begin, text_.find('\n', begin) - begin);
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

size_t SourceText::Byte(int line, int column) const {
  const std::string_view content = Line(line);
  if (content.data() == nullptr) return text_.size();
  size_t at = 0;
  for (int c = 1; c < column && at < content.size(); ++c) {
    ++at;
    while (at < content.size() && (static_cast<unsigned char>(content[at]) & 0xc0) == 0x80) ++at;
  }
  return static_cast<size_t>(content.data() - text_.data()) + at;
}

size_t ValidUtf8Prefix(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const size_t length = CharacterLength(text, i);
    if (length == 0) return i;
    i += length;
  }
  return i;
}

}  // namespace streamrun
