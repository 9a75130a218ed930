#include "core/expr/token.h"

#include <algorithm>
#include <cctype>

namespace streamrun {

namespace {

bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The word that ends before `offset`, when it is one that PostgreSQL reserves.
std::string ReservedWordBefore(std::string_view sql, size_t offset) {
  static constexpr std::string_view kReserved[] = {
      "all",   "asc",    "check", "column", "default", "desc",   "distinct", "do",   "else",
      "end",   "fetch",  "for",   "from",   "group",   "grant",  "having",   "in",   "into",
      "limit", "offset", "on",    "order",  "primary", "select", "table",    "then", "to",
      "union", "unique", "user",  "using",  "when",    "where",  "window",   "with"};
  size_t end = offset;
  while (end > 0 && sql[end - 1] == ' ') --end;
  size_t begin = end;
  while (begin > 0 && IsWord(sql[begin - 1])) --begin;
  std::string word(sql.substr(begin, end - begin));
  std::string lower = word;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(std::begin(kReserved), std::end(kReserved), lower) != std::end(kReserved) ? word : "";
}

}  // namespace

std::string SyntaxHint(std::string_view sql, size_t offset) {
  const std::string_view rest = sql.substr(std::min(offset, sql.size()));
  if (rest.starts_with("==")) return "equality is written with one =";
  if (rest.starts_with("&&")) return "write AND";
  std::string word(rest.substr(0, TokenLength(sql, offset)));
  if (word.empty() || !std::isalpha(static_cast<unsigned char>(word[0])))
    word = ReservedWordBefore(sql, offset);
  if (word.empty()) return "";
  return "a reserved word used as a column name is written \"" + word + "\" in double quotes";
}

size_t TokenLength(std::string_view sql, size_t offset) {
  if (offset >= sql.size()) return 0;
  const std::string_view rest = sql.substr(offset);
  const char first = rest[0];
  size_t n = 1;
  if (first == '\'' || first == '"') {
    while (n < rest.size()) {
      if (rest[n++] != first) continue;
      if (n < rest.size() && rest[n] == first) {
        ++n;
        continue;
      }
      break;
    }
    return n;
  }
  if (IsWord(first)) {
    const bool number = std::isdigit(static_cast<unsigned char>(first));
    while (n < rest.size() && (IsWord(rest[n]) || (number && rest[n] == '.'))) ++n;
    return n;
  }
  static constexpr std::string_view kOperator = "+-*/<>=~!@#%^&|`?:";
  if (first == '-' && rest.size() > 1 && std::isdigit(static_cast<unsigned char>(rest[1]))) {
    return 1 + TokenLength(sql, offset + 1);
  }
  if (kOperator.find(first) == std::string_view::npos) return 1;
  while (n < rest.size() && kOperator.find(rest[n]) != std::string_view::npos) ++n;
  return n;
}

}  // namespace streamrun
