#include "runner/config/yaml_problem.h"

#include <yaml-cpp/exceptions.h>

#include <algorithm>

namespace streamrun {

namespace {

namespace Msg = YAML::ErrorMsg;

struct Sentence {
  std::string_view yaml;
  std::string_view code;
  std::string_view message;
  std::string_view suggestion;
};

constexpr std::string_view kSyntax = "yaml.syntax";

// What yaml-cpp says, and what to tell instead.
const Sentence kSentences[] = {
    {Msg::TAB_IN_INDENTATION, "yaml.tab", "a tab stands in the indentation", "YAML indents with blanks only"},
    {Msg::MAP_VALUE, kSyntax, "a ': ' cannot stand here",
     "put a value that contains ': ' in quotes; check that the line before has its ':' and the same "
     "indentation"},
    {Msg::MAP_KEY, kSyntax, "a key cannot stand here",
     "check the indentation of this line and the one before"},
    {Msg::BLOCK_ENTRY, kSyntax, "a list item ('- ') cannot stand here",
     "begin the list on the line below its key, or put a text that begins with '- ' in quotes"},
    {Msg::END_OF_MAP, kSyntax, "the mapping breaks off here",
     "check the indentation, and that each key is followed by ': '"},
    {Msg::END_OF_SEQ, kSyntax, "the list breaks off here",
     "check the indentation, and that each item begins with '- '"},
    {Msg::FLOW_END, kSyntax, "this bracket closes nothing", "remove it, or put the text in quotes"},
    {Msg::UNKNOWN_TOKEN, kSyntax, "a value cannot begin with this character", "put the value in quotes"},
    {Msg::CHAR_IN_SCALAR, kSyntax, "this character cannot stand here in a text", "put the text in quotes"},
    {Msg::DOC_IN_SCALAR, kSyntax, "a line with '---' or '...' stands inside a quoted text",
     "close the quote before it"},
    {Msg::ALIAS_NOT_FOUND, "yaml.alias", "'*' begins a YAML alias, and no name follows",
     "put a text that begins with '*' in quotes"},
    {Msg::CHAR_IN_ALIAS, "yaml.alias", "'*' begins a YAML alias, and this is no name",
     "put a text that begins with '*' in quotes"},
    {Msg::UNKNOWN_ANCHOR, "yaml.alias", "no value before this has an anchor of that name",
     "put a text that begins with '*' in quotes"},
    {Msg::ANCHOR_NOT_FOUND, "yaml.alias", "'&' begins a YAML anchor, and no name follows",
     "put a text that begins with '&' in quotes"},
    {Msg::CHAR_IN_ANCHOR, "yaml.alias", "'&' begins a YAML anchor, and this is no name",
     "put a text that begins with '&' in quotes"},
    {Msg::ALIAS_CONTENT, "yaml.alias", "an alias stands for a whole value; nothing may follow it",
     "put a text that begins with '*' in quotes"},
    {Msg::CHAR_IN_BLOCK, kSyntax, "after '|' or '>' only a line end may follow",
     "begin the text on the next line"},
    {Msg::ZERO_INDENT_IN_BLOCK, kSyntax, "the indentation of a block text is at least 1",
     "write '|' or '>' alone"},
    {Msg::INVALID_HEX, kSyntax, "this is no hexadecimal digit",
     "in single quotes a backslash is just a backslash"},
    {Msg::TAG_WITH_NO_SUFFIX, "yaml.tag", "'!' begins a YAML tag",
     "put a text that begins with '!' in quotes"},
    {Msg::CHAR_IN_TAG_HANDLE, "yaml.tag", "'!' begins a YAML tag",
     "put a text that begins with '!' in quotes"},
    {Msg::END_OF_VERBATIM_TAG, "yaml.tag", "'!' begins a YAML tag",
     "put a text that begins with '!' in quotes"},
};

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// `key:value` on the line: column of the ':' (0-based bytes), or npos.
size_t ColonWithoutBlank(std::string_view line) {
  size_t i = line.find_first_not_of(" -");
  if (i == std::string_view::npos) return i;
  const size_t begin = i;
  while (i < line.size() &&
         (std::isalnum(static_cast<unsigned char>(line[i])) || line[i] == '_' || line[i] == '-'))
    ++i;
  if (i == begin || i + 1 >= line.size() || line[i] != ':') return std::string_view::npos;
  return std::string_view(" \r\t/").find(line[i + 1]) == std::string_view::npos ? i : std::string_view::npos;
}

class Reporter {
 public:
  Reporter(const YamlProblem& problem, const SourceText& source, Diagnostics& diagnostics)
      : problem_(problem), source_(source), diagnostics_(diagnostics) {}

  bool UnclosedQuote() {
    if (problem_.message != Msg::EOF_IN_SCALAR && problem_.message != Msg::DOC_IN_SCALAR) return false;
    const size_t quote = source_.text().find_first_of("'\"", problem_.last_end);
    if (quote == std::string_view::npos) return false;
    return Say(quote, kSyntax, "this quote is never closed",
               "add the closing quote; inside single quotes write '' for one quote");
  }

  // `path: "a" b`, `where: 'it's'`: what yaml-cpp noticed stands right behind a quoted text.
  bool TextAfterQuote() {
    const std::string_view text = source_.text();
    const size_t end = problem_.last_end;
    if (end == 0 || end > problem_.at || (text[end - 1] != '"' && text[end - 1] != '\'')) return false;
    const std::string_view between = text.substr(end, problem_.at - end);
    if (between.find_first_not_of(" \t") != std::string_view::npos || problem_.at >= text.size())
      return false;
    return Say(problem_.at, kSyntax, "text follows the closing quote",
               text[end - 1] == '"'
                   ? "put the whole value in quotes; inside double quotes write \\\" for one quote"
                   : "put the whole value in quotes; inside single quotes write '' for one quote");
  }

  // `[${VAR}]`: in flow style the brace begins a mapping.
  bool VariableInFlow() {
    const size_t dollar = problem_.last_end - 1;
    if (problem_.last_end == 0 || !source_.text().substr(dollar).starts_with("${")) return false;
    return Say(dollar, kSyntax, "inside { } and [ ] a variable needs quotes around it", "write \"${NAME}\"");
  }

  bool UnclosedFlow() {
    if (problem_.message != Msg::END_OF_MAP_FLOW && problem_.message != Msg::END_OF_SEQ_FLOW) return false;
    if (problem_.open_flow == std::string::npos) return false;
    const char open = source_.text()[problem_.open_flow];
    const std::string close = open == '[' ? "]" : "}";
    return Say(problem_.open_flow, kSyntax,
               std::string("this '") + open + "' is not closed by a '" + close + "'",
               "add the '" + close + "', or put a text that contains brackets in quotes");
  }

  bool BadEscape() {
    if (!problem_.message.starts_with(Msg::INVALID_ESCAPE)) return false;
    const std::string name = problem_.message.substr(std::string_view(Msg::INVALID_ESCAPE).size());
    return Say(source_.text().rfind('\\', problem_.at), kSyntax,
               "'\\" + name + "' is no escape in double quotes",
               name == "$" ? "write '\\\\${' in double quotes, or use single quotes"
                           : "write '\\\\" + name + "', or use single quotes");
  }

  // A tab is often reported as something else: look at the line itself.
  bool TabInIndentation() {
    for (const int line : {Line(), Line() - 1}) {
      const std::string_view text = source_.Line(line);
      const size_t first = text.find_first_not_of(' ');
      if (first == std::string_view::npos || text[first] != '\t' || Trim(text).empty()) continue;
      diagnostics_.Error({source_.file(), line, static_cast<int>(first) + 1}, "yaml.tab",
                         "a tab stands in the indentation", "YAML indents with blanks only");
      return true;
    }
    return false;
  }

  bool MissingBlank() {
    for (const int line : {Line(), Line() - 1}) {
      const std::string_view text = source_.Line(line);
      const size_t colon = ColonWithoutBlank(text);
      if (colon == std::string_view::npos) continue;
      diagnostics_.Error({source_.file(), line, static_cast<int>(colon) + 1}, std::string(kSyntax),
                         "a blank is missing after ':'", "write 'key: value'");
      return true;
    }
    return false;
  }

  bool Known() {
    for (const Sentence& s : kSentences) {
      if (problem_.message == s.yaml) {
        return Say(Indicator(), s.code, std::string(s.message), std::string(s.suggestion));
      }
    }
    return false;
  }

  // `- x` where a mapping goes on.
  bool ItemInMapping() {
    if (problem_.message != Msg::END_OF_MAP || !source_.text().substr(problem_.at).starts_with("- "))
      return false;
    return Say(problem_.at, kSyntax, "a list item ('- ') cannot stand here",
               "a list begins on the line below its key and holds nothing else");
  }

  bool Unknown() { return Say(problem_.at, kSyntax, "this is not valid YAML: " + problem_.message, ""); }

 private:
  int Line() const { return source_.Mark(problem_.at).line; }

  // yaml-cpp notices a lonely `*`, `&` or `!` one character too late.
  size_t Indicator() const {
    const std::string_view text = source_.text();
    const size_t at = problem_.at;
    const bool late = at > 0 && std::string_view("*&!").find(text[at - 1]) != std::string_view::npos;
    return late ? at - 1 : at;
  }

  bool Say(size_t at, std::string_view code, std::string message, std::string suggestion) {
    diagnostics_.Error(source_.Mark(at), std::string(code), std::move(message), std::move(suggestion));
    return true;
  }

  const YamlProblem& problem_;
  const SourceText& source_;
  Diagnostics& diagnostics_;
};

}  // namespace

void ReportYamlProblem(const YamlProblem& problem, const SourceText& source, Diagnostics& diagnostics) {
  Reporter report(problem, source, diagnostics);
  (void)(report.UnclosedQuote() || report.BadEscape() || report.TabInIndentation() ||
         report.VariableInFlow() || report.UnclosedFlow() || report.TextAfterQuote() ||
         report.ItemInMapping() || report.MissingBlank() || report.Known() || report.Unknown());
}

}  // namespace streamrun
