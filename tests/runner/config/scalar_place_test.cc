// For every scalar of many files: the file has the scalar's letter at each place that is claimed for it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "runner/config/pipeline_file.h"
#include "runner/config/source_text.h"

namespace streamrun {
namespace {

// Byte of `text` at line and column (in characters).
size_t ByteAt(const SourceText& source, int line, int column) {
  const std::string_view all = source.text();
  const std::string_view content = source.Line(line);
  size_t at = static_cast<size_t>(content.data() - all.data());
  for (int c = 1; c < column; ++c) {
    ++at;
    while (at < all.size() && (static_cast<unsigned char>(all[at]) & 0xc0) == 0x80) ++at;
  }
  return at;
}

bool StandsFor(std::string_view rest, char c) {
  if (rest.starts_with(c)) return true;
  if (rest.starts_with('\\') || rest.starts_with("''")) return true;
  // A folded or chomped line end.
  const bool line_end =
      rest.empty() || rest[0] == '\n' || rest[0] == '\r' || rest[0] == ' ' || rest[0] == '\t';
  return line_end && (c == ' ' || c == '\n');
}

struct Count {
  int scalars = 0;
  int placed = 0;
  int wrong = 0;
};

void CheckScalar(const ConfigValue& value, const SourceText& source, Count* count) {
  ++count->scalars;
  if (value.text().empty() || !value.segments().empty()) ++count->placed;
  for (size_t i = 0; !value.segments().empty() && i < value.text().size(); ++i) {
    if ((static_cast<unsigned char>(value.text()[i]) & 0xc0) == 0x80) continue;
    const SourceMark mark = value.At(i);
    const size_t at = ByteAt(source, mark.line, mark.column);
    const std::string_view rest = source.text().substr(std::min(at, source.text().size()));
    if (StandsFor(rest, value.text()[i])) continue;
    ++count->wrong;
    MESSAGE("byte ", i, " of '", value.text(), "' is claimed at ", mark.line, ":", mark.column);
  }
}

void Walk(const ConfigValue& value, const SourceText& source, Count* count) {
  if (value.is_scalar()) CheckScalar(value, source, count);
  for (const ConfigValue& item : value.items()) Walk(item, source, count);
  for (const auto& [key, v] : value.entries()) {
    Walk(key, source, count);
    Walk(v, source, count);
  }
}

std::string WithCarriageReturns(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

const std::vector<std::string> kFiles = {
    "a: plain\nb: 'single'\nc: \"double\"\n",
    "a: one\n  two\n  three\n\n\n  four\nb: x\n",
    "a: one  \n  two\t\n \n   three # comment\nb: 1\n",
    "a: 'one\n  two  \n\n  three'\nb: 'it''s ''quoted'''\nc: ''\n",
    "a: \"one\n  two \\\n  three\\\n\n\n  four\"\nb: \"tab\\tquote\\\" \\u00e9 \\x41 \\U0001F600 end\"\n",
    "a: \"a \\\n   \\ b\"\n",
    "a: |\n  line one\n    indented\n\n  line two\nb: 1\n",
    "a: |-\n  strip\n\n\nb: |+\n  keep\n\n\nc: 1\n",
    "a: |2\n    explicit\n   less\nb: 1\n",
    "a: >\n  folded\n  text\n\n  paragraph\n    more\n    indented\n  back\n\n\n  end\nb: 1\n",
    "a: >-\n\n  leading\n\n\n  blank\nb: >+\n  keep\n\n\n",
    "a: >2-\n    explicit more\n  normal\n  again\nb: 1\n",
    "a: | # comment\n  text\nb: >  # other\n  text\n  more\n",
    "größe: naïve ünïcode\nb: 'ö''ä'\nc: \"ß\\n😀 x\"\nd: |\n  ñandú 😀 y\n  z\n",
    "flow: {a: 1, b: [x, 'y', \"z\"], c: {d: e f g}}\n",
    "flow: {a: one\n  two, b: 'three\n  four',\n  c: [five,\n  six\n  seven]}\n",
    "a: &anchor value\nb: !!str 5\nc: &x !!str |\n  block\n  text\nd: &y\n  plain\ne: *anchor\n",
    "? key\n: value\n? 'quoted key'\n: x\n\"k\\ty\": z\n",
    "list:\n- a\n- 'b'\n- |\n  c\n  d\n-   e: f\n    g: h\n- - x\n  - y\n",
    "a: http://example.com/x#y\nb: a:b:c\nc: it's\nd: 5 > 3 # yes\n",
    "select: >\n  CASE WHEN price > 10\n    THEN 'a, b: c'\n    ELSE '#'\n  END\n",
    "---\na: |\n  x\n...\n",
    "a: |\n  no newline at end",
    "a: >\n  no newline\n  at end",
    "a: 'no newline'",
    "a: x",
    "a:\n    deeper\n    folded\n  \nb: |\n\n\n  after blanks\n   \n  x\n",
    "a: |\n  trailing   \n  tabs\there\t\nb: \"trailing   \n   x\t\n  y\"\n",
};

TEST_CASE("every place of a scalar has its letter") {
  for (const std::string& unix_text : kFiles) {
    for (const std::string& text : {unix_text, WithCarriageReturns(unix_text)}) {
      CAPTURE(text);
      Diagnostics diagnostics;
      const auto file = ParsePipeline(text, "t.yaml", {}, diagnostics);
      REQUIRE(file);
      Count count;
      Walk(file->root, SourceText("t.yaml", file->text), &count);
      CHECK(count.wrong == 0);
      CHECK(count.placed == count.scalars);
    }
  }
}

}  // namespace
}  // namespace streamrun
