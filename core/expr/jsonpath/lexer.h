// Tokens of a jsonpath (manual 9.16.2; PostgreSQL's lexical rules for names, numbers and escapes).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace streamrun {

struct PathToken {
  enum Kind : uint8_t {
    kEnd,
    kName,      // an unquoted name, keywords too
    kString,    // "..."
    kVariable,  // $name or $"name"
    kInteger,
    kDecimal,
    kSymbol,  // one or two characters
  };
  Kind kind = kEnd;
  std::string text;         // what it says, escapes resolved
  bool has_escape = false;  // of a name: it is no keyword then
  std::string shown;        // what PostgreSQL's message says is near; empty = the end

  bool Is(std::string_view symbol) const { return kind == kSymbol && text == symbol; }
  /// Keywords ignore case but for true, false and null.
  bool IsKeyword(std::string_view lower) const;
};

class PathLexer {
 public:
  explicit PathLexer(std::string_view text) : text_(text) {}
  Result<PathToken> Next();

 private:
  Status SkipBlanks();
  Result<PathToken> Number();
  Result<PathToken> Name();
  Status Quoted(PathToken* token);
  Status Escape(std::string& out);
  Status Unicode(size_t begin, std::string& out);
  Status Wrong(std::string_view what, size_t begin, size_t end) const;
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  std::string_view text_;
  size_t pos_ = 0;
};

}  // namespace streamrun
