// Any bytes as a pipeline file: reading never crashes or hangs, findings can be shown, and a tree that reads
// prints as YAML and as canonical JSON that read back the same. Places of scalars are checked as well: a
// wrong one would put a caret under the wrong token.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "runner/config/pipeline_file.h"
#include "runner/config/report.h"
#include "runner/config/source_text.h"

namespace {

using namespace streamrun;  // NOLINT: a test of one header

void Require(bool condition) {
  if (!condition) std::abort();
}

// Does the file at `rest` show the letter `c` of a scalar: as such, as an escape, a variable or a folded line
// end?
bool StandsFor(std::string_view rest, char c) {
  if (rest.starts_with(c) || rest.starts_with('\\') || rest.starts_with("''") || rest.starts_with("${"))
    return true;
  const bool blank = rest.empty() || rest[0] == '\n' || rest[0] == '\r' || rest[0] == ' ' || rest[0] == '\t';
  return blank && (c == ' ' || c == '\n');
}

void CheckPlaces(const ConfigValue& value, const SourceText& source) {
  for (size_t i = 0; !value.segments().empty() && i < value.text().size(); ++i) {
    if ((static_cast<unsigned char>(value.text()[i]) & 0xc0) == 0x80) continue;
    const SourceMark mark = value.At(i);
    Require(StandsFor(source.text().substr(source.Byte(mark.line, mark.column)), value.text()[i]));
  }
  for (const ConfigValue& item : value.items()) CheckPlaces(item, source);
  for (const auto& [key, v] : value.entries()) {
    CheckPlaces(key, source);
    CheckPlaces(v, source);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  ReadOptions options;
  options.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name.empty() || name[0] == 'M') return std::nullopt;
    return "${" + name + "}: [x";
  };
  // No file of this machine is read: `${file:}` is cut out.
  if (text.find("${file:") != std::string::npos) return 0;

  Diagnostics diagnostics;
  const auto file = ParsePipeline(text, "fuzz", options, diagnostics);
  Require(file.has_value() != diagnostics.has_errors());
  RenderFindings(diagnostics.findings(), text, true);
  RenderFindingsJson(diagnostics.findings());
  if (!file) return 0;

  CheckPlaces(file->root, SourceText("fuzz", file->text));
  MaskSecrets(file->text, file->root);
  const std::string json = PrintCanonicalJson(file->root, true);
  const Result<ConfigValue> back = ParseCanonicalJson(json);
  Require(back.ok() && PrintCanonicalJson(*back, true) == json);

  Diagnostics again;
  const auto printed = ParsePipeline(PrintYaml(file->root), "printed", options, again);
  // Printing adds quotes and indentation: only then may a limit stop it.
  if (!printed) return Require(again.findings().at(0).code == "yaml.limit"), 0;
  Require(PrintCanonicalJson(printed->root, true) == json);
  return 0;
}
