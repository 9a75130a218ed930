#include "runner/config/scalar_place.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace streamrun {

namespace {

bool Blank(char c) { return c == ' ' || c == '\t'; }

size_t LineEnd(std::string_view source, size_t at) { return std::min(source.find('\n', at), source.size()); }

// The line's end without blanks and the carriage return before it.
size_t ContentEnd(std::string_view source, size_t from, size_t line_end) {
  while (line_end > from && (Blank(source[line_end - 1]) || source[line_end - 1] == '\r')) --line_end;
  return line_end;
}

size_t SkipBlanks(std::string_view source, size_t at) {
  while (at < source.size() && Blank(source[at])) ++at;
  return at;
}

// `&anchor`, `!tag`, `!<verbatim>`, blanks, line ends and comments before the scalar itself.
size_t SkipProperties(std::string_view source, size_t at) {
  while (at < source.size() && (source[at] == '&' || source[at] == '!')) {
    while (at < source.size() && !Blank(source[at]) && source[at] != '\n' && source[at] != '\r') ++at;
    while (at < source.size()) {
      if (Blank(source[at]) || source[at] == '\n' || source[at] == '\r') {
        ++at;
      } else if (source[at] == '#') {
        at = LineEnd(source, at);
      } else {
        break;
      }
    }
  }
  return at;
}

// Collects decoded text together with its places.
class Collector {
 public:
  // A character that stands as such at `at`.
  void Copy(char c, size_t at) {
    if (runs_.empty() || !runs_.back().exact || at != next_) runs_.push_back({text_.size(), at, true});
    text_.push_back(c);
    // The next line begins a run of its own even when its first byte follows directly.
    next_ = c == '\n' ? std::string::npos : at + 1;
  }
  void Copy(std::string_view source, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) Copy(source[i], i);
  }
  // Text that something else at `at` stands for.
  void Stand(std::string_view decoded, size_t at) {
    runs_.push_back({text_.size(), at, false});
    text_.append(decoded);
  }
  // A folded line end: `ends` are the content ends of the lines that were left, one per line break.
  void Fold(const std::vector<size_t>& ends) {
    if (ends.size() == 1) Stand(" ", ends[0]);
    for (size_t i = 1; i < ends.size(); ++i) Stand("\n", ends[i]);
  }

  const std::string& text() const { return text_; }
  std::vector<ScalarPlace::Run> TakeRuns() { return std::move(runs_); }

 private:
  std::string text_;
  std::vector<ScalarPlace::Run> runs_;
  size_t next_ = std::string::npos;
};

// From the end of a line to the first character of the next line that has one. Fills `ends` for
// Collector::Fold.
size_t CrossLines(std::string_view source, size_t content_end, std::vector<size_t>* ends) {
  ends->assign(1, content_end);
  size_t at = LineEnd(source, content_end);
  while (at < source.size()) {
    const size_t begin = at + 1;
    const size_t first = SkipBlanks(source, begin);
    const size_t line_end = LineEnd(source, begin);
    if (ContentEnd(source, first, std::max(first, line_end)) > first) return first;
    ends->push_back(begin);
    at = line_end;
  }
  return source.size();
}

// --- Plain (7.3.3): the parser's value says where it ends. -----------------------------------------------
void PlacePlain(std::string_view source, std::string_view value, ScalarPlace* place) {
  Collector out;
  size_t at = place->begin;
  std::vector<size_t> ends;
  while (at < source.size()) {
    const size_t content_end = ContentEnd(source, at, LineEnd(source, at));
    const std::string_view rest = value.substr(out.text().size());
    const std::string_view line = source.substr(at, content_end - at);
    if (line.starts_with(rest)) {
      out.Copy(source, at, at + rest.size());
      place->end = at + rest.size();
      place->runs = out.TakeRuns();
      return;
    }
    out.Copy(source, at, content_end);
    at = CrossLines(source, content_end, &ends);
    out.Fold(ends);
    if (!value.starts_with(out.text())) return;
  }
}

// --- Quoted (7.3.1, 7.3.2) -------------------------------------------------------------------------------
void AppendUtf8(uint32_t c, std::string* out) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (c >> 6)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (c >> 12)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | (c >> 18)));
    out->push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

std::optional<uint32_t> Hex(std::string_view digits, size_t count) {
  if (digits.size() < count) return std::nullopt;
  uint32_t value = 0;
  for (const char c : digits.substr(0, count)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<uint32_t>(digit);
  }
  return value;
}

// Decodes the escape after a backslash; returns the bytes it takes (0 = none of YAML's).
size_t DecodeEscape(std::string_view after, std::string* out) {
  if (after.empty()) return 0;
  constexpr std::string_view kNames = "0abtnvfre \"/\\\tN_LP";
  constexpr uint32_t kCodes[] = {0,   7,   8,   9,    10,   11,   12,   13,     27,
                                 ' ', '"', '/', '\\', '\t', 0x85, 0xa0, 0x2028, 0x2029};
  if (const size_t i = kNames.find(after[0]); i != std::string_view::npos) {
    AppendUtf8(kCodes[i], out);
    return 1;
  }
  const size_t digits = after[0] == 'x' ? 2 : after[0] == 'u' ? 4 : after[0] == 'U' ? 8 : 0;
  if (digits == 0) return 0;
  const auto code = Hex(after.substr(1), digits);
  if (!code || *code > 0x10ffff) return 0;
  AppendUtf8(*code, out);
  return 1 + digits;
}

void PlaceQuoted(std::string_view source, std::string_view value, ScalarPlace* place) {
  const char quote = source[place->begin];
  Collector out;
  std::vector<size_t> ends;
  size_t at = place->begin + 1;
  while (at < source.size()) {
    const char c = source[at];
    if (c == quote && quote == '\'' && source.substr(at + 1).starts_with('\'')) {
      out.Stand("'", at);
      at += 2;
    } else if (c == quote) {
      place->end = at + 1;
      if (out.text() == value) place->runs = out.TakeRuns();
      // An empty scalar has a place too: between its quotes.
      if (value.empty() && place->runs.empty()) place->runs.push_back({0, place->begin + 1, true});
      return;
    } else if (c == '\\' && quote == '"') {
      std::string decoded;
      const size_t line_end = LineEnd(source, at);
      if (ContentEnd(source, at, line_end) == at + 1) {
        // An escaped line end joins the lines; blank lines after it still count.
        at = CrossLines(source, at + 1, &ends);
        for (size_t i = 1; i < ends.size(); ++i) out.Stand("\n", ends[i]);
        continue;
      }
      const size_t taken = DecodeEscape(source.substr(at + 1), &decoded);
      if (taken == 0) return;  // yaml-cpp has refused it
      out.Stand(decoded, at);
      at += 1 + taken;
    } else if (const size_t end = SkipBlanks(source, at);
               end < source.size() && (source[end] == '\n' || source.substr(end).starts_with("\r\n"))) {
      at = CrossLines(source, at, &ends);
      out.Fold(ends);
    } else {
      out.Copy(c, at++);
    }
  }
  place->unclosed = true;
}

// --- Block scalars (8.1) ---------------------------------------------------------------------------------
struct BlockLine {
  size_t begin;  // after the indentation
  size_t end;    // without the line end
  bool blank() const { return begin == end; }
};

size_t Indentation(std::string_view source, size_t line_begin) {
  size_t n = 0;
  while (line_begin + n < source.size() && source[line_begin + n] == ' ') ++n;
  return n;
}

// The lines of a block whose content is indented by `indent`, up to the first line that is less indented.
std::vector<BlockLine> BlockLines(std::string_view source, size_t header, size_t indent) {
  std::vector<BlockLine> lines;
  size_t at = LineEnd(source, header);
  while (at < source.size()) {
    const size_t begin = at + 1;
    if (begin >= source.size()) break;
    at = LineEnd(source, begin);
    size_t end = at;
    if (end > begin && source[end - 1] == '\r') --end;
    const size_t spaces = std::min(Indentation(source, begin), end - begin);
    if (spaces < indent && begin + spaces < end) break;
    lines.push_back({std::min(begin + indent, end), end});
  }
  return lines;
}

bool PlaceLiteral(std::string_view source, std::string_view value, const std::vector<BlockLine>& lines,
                  ScalarPlace* place) {
  Collector out;
  for (const BlockLine& line : lines) {
    out.Copy(source, line.begin, line.end);
    out.Copy('\n', line.end);
    if (out.text().size() > value.size() + 1) break;
  }
  // Chomping only takes line ends away.
  if (!std::string_view(out.text()).starts_with(value)) return false;
  place->runs = out.TakeRuns();
  return true;
}

// What a folded line end became (a blank, or line ends) depends on the indentation of both neighbours; the
// parser's value tells, so only the lines themselves have to match.
bool PlaceFolded(std::string_view source, std::string_view value, const std::vector<BlockLine>& lines,
                 ScalarPlace* place) {
  Collector out;
  std::vector<size_t> ends;
  for (const BlockLine& line : lines) {
    if (!line.blank()) {
      const std::string_view content = source.substr(line.begin, line.end - line.begin);
      const std::string_view rest = value.substr(out.text().size());
      size_t gap = 0;
      const size_t widest =
          rest.starts_with(' ') && !ends.empty() ? 1 : std::min(rest.find_first_not_of('\n'), rest.size());
      while (gap <= widest && !rest.substr(gap).starts_with(content)) ++gap;
      if (gap > widest || (gap == 0 && !out.text().empty())) return false;
      for (size_t i = 0; i < gap; ++i) {
        out.Stand(rest.substr(i, 1), ends.empty() ? line.begin : ends[std::min(i, ends.size() - 1)]);
      }
      out.Copy(source, line.begin, line.end);
      ends.clear();
    }
    ends.push_back(line.end);
  }
  const std::string_view rest = value.substr(std::min(out.text().size(), value.size()));
  if (rest.find_first_not_of('\n') != std::string_view::npos || !value.starts_with(out.text())) return false;
  for (size_t i = 0; i < rest.size() && !ends.empty(); ++i)
    out.Stand("\n", ends[std::min(i, ends.size() - 1)]);
  place->runs = out.TakeRuns();
  return true;
}

void PlaceBlock(std::string_view source, std::string_view value, ScalarPlace* place) {
  const bool literal = source[place->begin] == '|';
  // Without an indentation indicator the first line with content sets it; with one (`|2`) it is that or less.
  size_t indent = 0;
  for (size_t at = LineEnd(source, place->begin); at < source.size(); at = LineEnd(source, at + 1)) {
    indent = Indentation(source, at + 1);
    const size_t first = at + 1 + indent;
    if (first < source.size() && source[first] != '\n' && source[first] != '\r') break;
  }
  for (size_t tried = 0; tried <= 16 && tried <= indent; ++tried) {
    const std::vector<BlockLine> lines = BlockLines(source, place->begin, indent - tried);
    if (literal ? PlaceLiteral(source, value, lines, place) : PlaceFolded(source, value, lines, place))
      return;
  }
}

}  // namespace

ScalarPlace PlaceScalar(std::string_view source, size_t mark, std::string_view value) {
  ScalarPlace place;
  place.begin = SkipProperties(source, std::min(mark, source.size()));
  if (place.begin >= source.size()) return place;
  switch (source[place.begin]) {
    case '\'':
    case '"':
      PlaceQuoted(source, value, &place);
      break;
    case '|':
    case '>':
      PlaceBlock(source, value, &place);
      break;
    default:
      PlacePlain(source, value, &place);
  }
  return place;
}

}  // namespace streamrun
