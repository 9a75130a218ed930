#include "core/component/diagnostics.h"

#include "core/base/suggest.h"

namespace streamrun {

namespace {

int UnderlineLength(const ConfigValue& value) {
  if (!value.is_scalar()) return 1;
  if (value.extent() > 0) return value.extent();
  if (value.text().empty() || value.text().find('\n') != std::string::npos) return 1;
  int characters = 0;
  for (const char c : value.text()) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return characters;
}

}  // namespace

void Diagnostics::ErrorAt(const ConfigValue& value, std::string code, std::string message,
                          std::string suggestion) {
  if (value.broken()) {
    ++errors_;
    return;
  }
  Error(value.mark(), std::move(code), std::move(message), std::move(suggestion), UnderlineLength(value));
}

void Diagnostics::WarningAt(const ConfigValue& value, std::string code, std::string message,
                            std::string suggestion) {
  if (value.broken()) return;
  Warning(value.mark(), std::move(code), std::move(message), std::move(suggestion), UnderlineLength(value));
}

std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const auto near = Nearest(word, candidates);
  return near ? "did you mean '" + std::string(*near) + "'?" : std::string();
}

}  // namespace streamrun
