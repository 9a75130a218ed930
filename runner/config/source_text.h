// The text of a pipeline file and the way from a byte to line and column.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/component/config_value.h"

namespace streamrun {

/// Borrows `text`. Not thread-safe: it remembers the last answer, so that asking for ascending bytes of one
/// very long line stays linear.
class SourceText {
 public:
  SourceText(std::string file, std::string_view text);

  std::string_view text() const { return text_; }
  const std::string& file() const { return file_; }
  /// Line and column (in characters, both from 1) of byte `at`; the end of the text for anything beyond it.
  SourceMark Mark(size_t at) const;
  /// The byte at line and column; the end of the line for a column beyond it.
  size_t Byte(int line, int column) const;
  /// The line (from 1) without its line end; empty beyond the last.
  std::string_view Line(int line) const;

 private:
  std::string file_;
  std::string_view text_;
  std::vector<size_t> starts_;  // first byte of each line
  mutable size_t last_at_ = 0;
  mutable int last_line_ = 1;
  mutable int last_column_ = 1;
};

/// Number of bytes of the well-formed UTF-8 at the start of `text` (RFC 3629: no overlong forms, no
/// surrogates).
size_t ValidUtf8Prefix(std::string_view text);

}  // namespace streamrun
