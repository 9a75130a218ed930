// Names of the files that a file sink writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace streamrun {

/// A sink's `path` with its placeholders: `{worker}` is the number of the writing worker, `{n}` the number of
/// the part file, five digits at least. They are kept as control characters, which names made of data never
/// hold: a value "{n}" is only text.
class SinkPath {
 public:
  static constexpr char kWorkerMark = '\x01';
  static constexpr char kNumberMark = '\x02';
  /// `text` with the marks in the place of `{worker}` and `{n}`.
  static std::string Marked(std::string_view text);

  SinkPath() = default;
  /// As the user writes it.
  explicit SinkPath(std::string_view text) : pattern_(Marked(text)) {}
  /// With marks already.
  static SinkPath FromMarked(std::string marked);

  const std::string& marked() const { return pattern_; }
  bool HasWorker() const { return pattern_.find(kWorkerMark) != std::string::npos; }
  bool HasNumber() const { return pattern_.find(kNumberMark) != std::string::npos; }
  /// The path of one file.
  std::string Expand(int worker, uint64_t number) const;
  /// The number of the part that the file name `name` stands for when worker `worker` writes it.
  std::optional<uint64_t> NumberOf(std::string_view name, int worker) const;
  /// The same for the in-progress name of a part.
  std::optional<uint64_t> NumberOfInProgress(std::string_view name, int worker) const;

 private:
  std::string pattern_;
};

/// A path as the user writes it with a place for the part number: if it has none, "-{n}" before the first dot
/// of the file name.
std::string WithNumber(const std::string& path);

/// ".NAME.inprogress" in the same directory: what readers ignore.
std::string InProgressPath(const std::string& path);

/// A symbolic link keeps pointing where it did: what is written and renamed is the file that it names.
std::string BehindLink(const std::string& path);

/// "a/b/../c" relative to the working directory as "/cwd/a/c": the same file under one name, without looking
/// at it.
std::string AbsolutePath(const std::string& path);

}  // namespace streamrun
