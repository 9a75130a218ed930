#include "connectors/file/sink_path.h"

#include <charconv>
#include <filesystem>

#include "connectors/file/path_pattern.h"

namespace streamrun {

namespace {

constexpr std::string_view kInProgress = ".inprogress";

void Replace(std::string* text, std::string_view what, std::string_view with) {
  for (size_t at = text->find(what); at != std::string::npos; at = text->find(what, at + with.size())) {
    text->replace(at, what.size(), with);
  }
}

std::string_view Mark(const char& mark) { return {&mark, 1}; }

std::string Digits(uint64_t number) {
  std::string digits = std::to_string(number);
  return digits.size() < 5 ? std::string(5 - digits.size(), '0') + digits : digits;
}

}  // namespace

std::string SinkPath::Marked(std::string_view text) {
  std::string marked(text);
  Replace(&marked, "{worker}", Mark(kWorkerMark));
  Replace(&marked, "{n}", Mark(kNumberMark));
  return marked;
}

SinkPath SinkPath::FromMarked(std::string marked) {
  SinkPath path;
  path.pattern_ = std::move(marked);
  return path;
}

std::string SinkPath::Expand(int worker, uint64_t number) const {
  std::string path = pattern_;
  Replace(&path, Mark(kWorkerMark), std::to_string(worker));
  Replace(&path, Mark(kNumberMark), Digits(number));
  return path;
}

std::optional<uint64_t> SinkPath::NumberOf(std::string_view name, int worker) const {
  std::string expected(NameOf(pattern_));
  Replace(&expected, Mark(kWorkerMark), std::to_string(worker));
  const size_t at = expected.find(kNumberMark);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view behind = std::string_view(expected).substr(at + 1);
  if (name.size() < expected.size() - 1 + 5 || !name.starts_with(expected.substr(0, at)) ||
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

std::string WithNumber(const std::string& path) {
  if (path.find("{n}") != std::string::npos) return path;
  const size_t name = path.size() - NameOf(path).size();
  // A leading dot belongs to the name, one within braces to a column's; "out.jsonl.gz" keeps both extensions
  // at its end.
  size_t dot = name;
  for (bool braces = false; dot < path.size(); ++dot) {
    braces = path[dot] == '{' || (braces && path[dot] != '}');
    if (path[dot] == '.' && dot > name && !braces) break;
  }
  return path.substr(0, dot) + "-{n}" + path.substr(dot);
}

std::string InProgressPath(const std::string& path) {
  const std::string_view name = NameOf(path);
  return path.substr(0, path.size() - name.size()) + "." + std::string(name) + std::string(kInProgress);
}

std::string BehindLink(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

}  // namespace streamrun
