// The tree as YAML text: block style, two blanks a level. What it prints reads back as an equal tree, except
// that secrets are `***` and comments are gone.
#include <algorithm>

#include "runner/config/interpolate.h"
#include "runner/config/pipeline_file.h"
#include "runner/config/yaml_reader.h"

namespace streamrun {

namespace {

constexpr size_t kMaxSimpleKey = 1000;  // YAML 1.2, 7.4.2: an implicit key has at most 1024 characters

std::string DoubleQuoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (text.substr(i).starts_with(kByteOrderMark)) {
      out += "\\uFEFF";
      i += kByteOrderMark.size() - 1;
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string SingleQuoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
  return out + "'";
}

std::string OneLine(std::string_view text, bool quoted) {
  if (!quoted && ReadsBackPlain(text)) return std::string(text);
  return ReadsBackAsWritten(text) ? SingleQuoted(text) : DoubleQuoted(text);
}

// Text of several lines that a `|` block can hold: printable lines, the first of them not blank nor indented.
bool FitsLiteral(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text[0] == '\n' || text[0] == ' ' || text[0] == '\t')
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) {
                       return c == '\n' || c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
                     }) &&
         text.find(kByteOrderMark) == std::string_view::npos;
}

class Printer {
 public:
  std::string Print(const ConfigValue& root) {
    Block(root, 0);
    if (!out_.ends_with('\n')) out_ += '\n';
    return std::move(out_);
  }

 private:
  // The entries or items of a non-empty collection, the first of them where the output stands.
  void Block(const ConfigValue& value, int indent) {
    bool first = true;
    const auto line = [&] {
      if (!first) out_.append(static_cast<size_t>(indent), ' ');
      first = false;
    };
    for (const ConfigValue& item : value.items()) {
      line();
      out_ += "- ";
      Nested(item, indent);
    }
    for (const auto& [key, v] : value.entries()) {
      line();
      Key(key, indent);
      Value(v, indent);
    }
    if (first) Flow(value);
  }

  void Key(const ConfigValue& key, int indent) {
    const std::string text = key.text().find('\n') == std::string::npos ? OneLine(key.text(), key.quoted())
                                                                        : DoubleQuoted(key.text());
    if (text.size() > kMaxSimpleKey) {
      out_ += "? " + text + "\n" + std::string(static_cast<size_t>(indent), ' ');
    } else {
      out_ += text;
    }
    out_ += ':';
  }

  void Value(const ConfigValue& value, int indent) {
    if (Collection(value)) {
      out_ += '\n';
      out_.append(static_cast<size_t>(indent) + 2, ' ');
      Block(value, indent + 2);
    } else {
      out_ += ' ';
      Flow(value, indent + 2);
    }
  }

  // A list item: a collection continues on the line of its dash.
  void Nested(const ConfigValue& value, int indent) {
    if (Collection(value)) {
      Block(value, indent + 2);
    } else {
      Flow(value, indent + 2);
    }
  }

  void Flow(const ConfigValue& value, int indent = 2) {
    if (value.is_map() || value.is_list()) {
      out_ += value.is_map() ? "{}\n" : "[]\n";
    } else if (!value.is_scalar()) {
      out_ += "null\n";
    } else if (value.secret()) {
      out_ += "'***'\n";
    } else {
      Text(EscapeVariables(value.text()), value.quoted(), indent);
    }
  }

  void Text(const std::string& text, bool quoted, int indent) {
    if (!quoted || !FitsLiteral(text)) {
      out_ += OneLine(text, quoted) + '\n';
      return;
    }
    // Chomping (YAML 1.2, 8.1.1.2): `|` keeps one line end, `|-` none, `|+` all.
    const bool none = !text.ends_with('\n');
    const bool several = text.ends_with("\n\n");
    out_ += none ? "|-\n" : several ? "|+\n" : "|\n";
    size_t begin = 0;
    while (begin < text.size()) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      if (end > begin) out_.append(static_cast<size_t>(indent), ' ').append(text, begin, end - begin);
      out_ += '\n';
      begin = end + 1;
    }
  }

  static bool Collection(const ConfigValue& value) {
    return !value.items().empty() || !value.entries().empty();
  }

  std::string out_;
};

}  // namespace

std::string PrintYaml(const ConfigValue& root) { return Printer().Print(root); }

}  // namespace streamrun
