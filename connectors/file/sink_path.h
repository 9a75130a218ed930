// Names of the files that a file sink writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace streamrun {

/// A sink's `path` with its placeholders: `{worker}` is the number of the writing worker, `{n}` the number of
/// the part file, five digits at least.
class SinkPath {
 public:
  SinkPath() = default;
  explicit SinkPath(std::string pattern) : pattern_(std::move(pattern)) {}

  const std::string& pattern() const { return pattern_; }
  bool HasWorker() const { return pattern_.find("{worker}") != std::string::npos; }
  bool HasNumber() const { return pattern_.find("{n}") != std::string::npos; }
  /// The first `{...}` that is neither, empty if there is none.
  std::string UnknownPlaceholder() const;
  /// The same path with a place for the part number: "-{n}" before the first dot of the file name.
  SinkPath WithNumber() const;
  /// The path of one file.
  std::string Expand(int worker, uint64_t number) const;
  /// The number of the part that the file name `name` stands for when worker `worker` writes it.
  std::optional<uint64_t> NumberOf(std::string_view name, int worker) const;
  /// The same for the in-progress name of a part.
  std::optional<uint64_t> NumberOfInProgress(std::string_view name, int worker) const;

 private:
  std::string pattern_;
};

/// ".NAME.inprogress" in the same directory: what readers ignore.
std::string InProgressPath(const std::string& path);

/// "a/b/../c" relative to the working directory as "/cwd/a/c": the same file under one name, without looking
/// at it.
std::string AbsolutePath(const std::string& path);

}  // namespace streamrun
