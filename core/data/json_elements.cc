#include "core/data/json_elements.h"

namespace streamrun {

namespace {

constexpr std::string_view kBlank = " \t\r\n";

// Position of the closing quote of the string that opens at `open`.
size_t EndOfString(std::string_view text, size_t open) {
  size_t i = open + 1;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  return i;
}

void AppendTrimmed(std::string_view element, ColumnBuilder& elements) {
  const size_t first = element.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return;  // only between the brackets of an empty array
  elements.AppendText(element.substr(first, element.find_last_not_of(kBlank) - first + 1));
}

}  // namespace

JsonKind KindOfJson(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return JsonKind::kScalar;
  switch (text[first]) {
    case '[':
      return JsonKind::kArray;
    case '{':
      return JsonKind::kObject;
    case 'n':
      return JsonKind::kNull;
    default:
      return JsonKind::kScalar;
  }
}

// In valid JSON only strings and the depth of brackets matter: a comma at depth 0 ends an element.
void AppendJsonElements(std::string_view text, ColumnBuilder& elements) {
  size_t begin = text.find('[') + 1;
  int depth = 0;
  for (size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      i = EndOfString(text, i);
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == ']')) {
      AppendTrimmed(text.substr(begin, i - begin), elements);
      begin = i + 1;
      if (c == ']') return;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

}  // namespace streamrun
