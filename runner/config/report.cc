#include "runner/config/report.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>

#include "runner/config/source_text.h"

namespace streamrun {

namespace {

constexpr size_t kGutter = 5;      // digits of the line number
constexpr size_t kMaxWidth = 160;  // cells of a shown line
constexpr std::string_view kCut = "...";

struct Colors {
  std::string_view bold, red, yellow, green, cyan, dim, off;
};
constexpr Colors kPlain = {"", "", "", "", "", "", ""};
constexpr Colors kAnsi = {"\x1b[1m",  "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;32m",
                          "\x1b[36m", "\x1b[2m",    "\x1b[0m"};

std::vector<Finding> InFileOrder(const std::vector<Finding>& findings) {
  std::vector<Finding> sorted = findings;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.mark.file, a.mark.line, a.mark.column) <
           std::tie(b.mark.file, b.mark.line, b.mark.column);
  });
  // A value that an alias repeats is found wrong at each repetition, at the same place.
  const auto same = [](const Finding& a, const Finding& b) {
    return std::tie(a.mark.file, a.mark.line, a.mark.column, a.code, a.message) ==
           std::tie(b.mark.file, b.mark.line, b.mark.column, b.code, b.message);
  };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  return sorted;
}

std::string_view SeverityName(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

// Cells that a terminal gives a character (Unicode Standard Annex 11, the ranges that matter in
// configuration).
size_t Width(uint32_t c) {
  struct Range {
    uint32_t first, last;
  };
  constexpr std::array kNone = {Range{0x300, 0x36f}, Range{0x200b, 0x200f}, Range{0xfe00, 0xfe0f},
                                Range{0x20d0, 0x20ff}};
  constexpr std::array kWide = {Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0xa4cf},
                                Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},
                                Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f},
                                Range{0x1f680, 0x1f6ff}, Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd}};
  const auto inside = [c](const Range& r) { return c >= r.first && c <= r.last; };
  if (std::any_of(kNone.begin(), kNone.end(), inside)) return 0;
  return std::any_of(kWide.begin(), kWide.end(), inside) ? 2 : 1;
}

struct Cell {
  std::string text;
  size_t width;
};

// One cell per character; tabs are blanks, what cannot be shown is a question mark.
std::vector<Cell> Cells(std::string_view line) {
  std::vector<Cell> cells;
  for (size_t i = 0; i < line.size();) {
    const auto lead = static_cast<unsigned char>(line[i]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    const std::string_view bytes = line.substr(i, length);
    if (lead == '\t') {
      cells.push_back({" ", 1});
    } else if (lead < 0x20 || lead == 0x7f || ValidUtf8Prefix(bytes) < bytes.size() ||
               bytes.size() < length) {
      cells.push_back({"?", 1});
      ++i;
      continue;
    } else if (length == 1) {
      cells.push_back({std::string(bytes), 1});
    } else {
      uint32_t code = lead & (0xffu >> (length + 1));
      for (size_t k = 1; k < length; ++k) code = (code << 6) | (static_cast<unsigned char>(bytes[k]) & 0x3f);
      // Other controls (C1, line separators, text direction) could rearrange the terminal.
      const bool unsafe = (code >= 0x80 && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
                          (code >= 0x2066 && code <= 0x2069);
      cells.push_back(unsafe ? Cell{"?", 1} : Cell{std::string(bytes), Width(code)});
    }
    i += length;
  }
  return cells;
}

// The part of a line that is shown: cells [first, last).
struct Window {
  size_t first;
  size_t last;
};

// A long line is cut so that the caret stands in its first third.
Window Cut(const std::vector<Cell>& cells, size_t caret) {
  size_t total = 0;
  for (const Cell& c : cells) total += c.width;
  if (total <= kMaxWidth) return {0, cells.size()};
  const size_t room = kMaxWidth - 2 * kCut.size();
  Window window{std::min(caret, cells.size()), std::min(caret, cells.size())};
  size_t width = 0;
  while (window.first > 0 && width + cells[window.first - 1].width <= room / 3)
    width += cells[--window.first].width;
  while (window.last < cells.size() && width + cells[window.last].width <= room)
    width += cells[window.last++].width;
  while (window.first > 0 && width + cells[window.first - 1].width <= room)
    width += cells[--window.first].width;
  return window;
}

void AppendLine(const Finding& finding, std::string_view line, const Colors& color, std::string* out) {
  const std::vector<Cell> cells = Cells(line);
  const size_t caret = finding.mark.column > 0 ? static_cast<size_t>(finding.mark.column) - 1 : 0;
  const Window window = Cut(cells, caret);
  const bool cut_before = window.first > 0;
  const bool cut_after = window.last < cells.size();

  const std::string number = std::to_string(finding.mark.line);
  std::string shown(cut_before ? kCut : "");
  size_t before = shown.size();
  size_t under = 0;
  const size_t end = caret + static_cast<size_t>(std::max(finding.length, 1));
  for (size_t i = window.first; i < window.last; ++i) {
    shown += cells[i].text;
    if (i < caret) before += cells[i].width;
    if (i >= caret && i < end) under += cells[i].width;
  }
  if (caret > cells.size()) before += caret - cells.size();
  if (cut_after) shown += kCut;

  const size_t pad = kGutter > number.size() ? kGutter - number.size() : 0;
  out->append(pad, ' ').append(color.dim).append(number).append(" |").append(color.off);
  if (!shown.empty()) out->append(" ").append(shown);
  out->append("\n").append(pad + number.size(), ' ').append(color.dim).append(" |").append(color.off);
  out->append(" ").append(before, ' ').append(color.green).append("^");
  out->append(under > 1 ? under - 1 : 0, '~').append(color.off).append("\n");
}

void Append(const Finding& finding, const SourceText& source, const Colors& color, std::string* out) {
  out->append(color.bold).append(finding.mark.file);
  if (finding.mark.line > 0) {
    out->append(":" + std::to_string(finding.mark.line) + ":" + std::to_string(finding.mark.column));
  }
  out->append(":").append(color.off).append(" ");
  out->append(finding.severity == Severity::kError ? color.red : color.yellow);
  out->append(SeverityName(finding.severity)).append(":").append(color.off).append(" ");
  out->append(finding.message)
      .append(" ")
      .append(color.dim)
      .append("[" + finding.code + "]")
      .append(color.off);
  out->append("\n");
  if (finding.mark.line > 0 && !source.text().empty()) {
    AppendLine(finding, source.Line(finding.mark.line), color, out);
  }
  if (!finding.suggestion.empty()) {
    out->append("  ").append(color.cyan).append(finding.suggestion).append(color.off).append("\n");
  }
}

// Marks the bytes of `source` that hold a secret's text. What a `${file:}` brought in does not stand in the
// file.
void MarkSecret(const ConfigValue& value, const SourceText& source, std::vector<bool>* hidden) {
  const auto hide = [&](int line, int column, int characters) {
    size_t at = source.Byte(line, column);
    for (int n = 0; n < characters && at < source.text().size() && source.text()[at] != '\n'; ++n) {
      const size_t next = source.Byte(line, column + n + 1);
      std::fill(hidden->begin() + static_cast<ptrdiff_t>(at), hidden->begin() + static_cast<ptrdiff_t>(next),
                true);
      at = next;
    }
  };
  const bool literal = std::none_of(value.segments().begin(), value.segments().end(), [&](const auto& s) {
    return !s.exact && source.text().substr(source.Byte(s.line, s.column)).starts_with("${");
  });
  if (value.extent() > 0 && literal) return hide(value.mark().line, value.mark().column, value.extent());
  const auto& segments = value.segments();
  for (size_t i = 0; i < segments.size(); ++i) {
    const size_t end = i + 1 < segments.size() ? segments[i + 1].offset : value.text().size();
    const int characters = segments[i].exact ? static_cast<int>(end - segments[i].offset) : 0;
    hide(segments[i].line, segments[i].column, characters);
  }
}

void MarkSecrets(const ConfigValue& value, const SourceText& source, std::vector<bool>* hidden) {
  if (value.is_scalar() && value.secret()) MarkSecret(value, source, hidden);
  for (const ConfigValue& item : value.items()) MarkSecrets(item, source, hidden);
  for (const auto& [key, v] : value.entries()) MarkSecrets(v, source, hidden);
}

}  // namespace

std::string RenderFindings(const std::vector<Finding>& findings, std::string_view text, bool color) {
  const SourceText source("", text);
  std::string out;
  for (const Finding& finding : InFileOrder(findings)) Append(finding, source, color ? kAnsi : kPlain, &out);
  return out;
}

std::string RenderFindingsJson(const std::vector<Finding>& findings) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const Finding& f : InFileOrder(findings)) {
    array.push_back({{"file", f.mark.file},
                     {"line", f.mark.line},
                     {"column", f.mark.column},
                     {"code", f.code},
                     {"severity", SeverityName(f.severity)},
                     {"message", f.message},
                     {"suggestion", f.suggestion}});
  }
  return array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string MaskSecrets(std::string_view text, const ConfigValue& root) {
  std::vector<bool> hidden(text.size());
  MarkSecrets(root, SourceText("", text), &hidden);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!hidden[i]) {
      out.push_back(text[i]);
    } else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      out.push_back('*');
    }
  }
  return out;
}

}  // namespace streamrun
