#include "connectors/file/sink_path.h"

#include <charconv>
#include <filesystem>

#include "connectors/file/path_pattern.h"

namespace streamrun {

namespace {

constexpr std::string_view kWorker = "{worker}";
constexpr std::string_view kNumber = "{n}";
constexpr std::string_view kInProgress = ".inprogress";

std::string Replace(std::string text, std::string_view what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string Digits(uint64_t number) {
  std::string digits = std::to_string(number);
  return digits.size() < 5 ? std::string(5 - digits.size(), '0') + digits : digits;
}

}  // namespace

std::string SinkPath::UnknownPlaceholder() const {
  for (size_t at = pattern_.find('{'); at != std::string::npos; at = pattern_.find('{', at + 1)) {
    const size_t close = pattern_.find('}', at);
    if (close == std::string::npos) break;
    const std::string name = pattern_.substr(at, close - at + 1);
    if (name != kWorker && name != kNumber) return name;
  }
  return {};
}

SinkPath SinkPath::WithNumber() const {
  if (HasNumber()) return *this;
  const size_t name = pattern_.size() - NameOf(pattern_).size();
  // A leading dot belongs to the name; "out.jsonl.gz" keeps both extensions at its end.
  const size_t dot = std::min(pattern_.find('.', name + 1), pattern_.size());
  return SinkPath(pattern_.substr(0, dot) + "-{n}" + pattern_.substr(dot));
}

std::string SinkPath::Expand(int worker, uint64_t number) const {
  return Replace(Replace(pattern_, kWorker, std::to_string(worker)), kNumber, Digits(number));
}

std::optional<uint64_t> SinkPath::NumberOf(std::string_view name, int worker) const {
  const std::string expected = Replace(std::string(NameOf(pattern_)), kWorker, std::to_string(worker));
  const size_t at = expected.find(kNumber);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view behind = std::string_view(expected).substr(at + kNumber.size());
  if (name.size() < expected.size() - kNumber.size() + 5 || !name.starts_with(expected.substr(0, at)) ||
      !name.ends_with(behind)) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(at, name.size() - at - behind.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<uint64_t> SinkPath::NumberOfInProgress(std::string_view name, int worker) const {
  if (!name.starts_with('.') || !name.ends_with(kInProgress)) return std::nullopt;
  return NumberOf(name.substr(1, name.size() - 1 - kInProgress.size()), worker);
}

std::string InProgressPath(const std::string& path) {
  const std::string_view name = NameOf(path);
  return path.substr(0, path.size() - name.size()) + "." + std::string(name) + std::string(kInProgress);
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

}  // namespace streamrun
