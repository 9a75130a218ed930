// A sink's path with columns in it (`out/{country}/{day}.jsonl`): which file a row goes to.
//
// Data is hostile: a value becomes part of a name only as it stands and only when it can neither lead to
// another directory nor be mistaken for a file that this program names itself (docs/guide_files.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/batch.h"

namespace streamrun {

/// The `{...}` of `path` that are neither `{worker}` nor `{n}`, in order, without braces, each once.
std::vector<std::string> ColumnsIn(std::string_view path);

/// "a/b" of "a/b/{x}/{y}.jsonl", "." of "{x}.jsonl": nothing is written outside of it.
std::string BaseOf(const std::string& path);

/// Types whose values may name files: text as it is, the others as they print: true, false, digits,
/// YYYY-MM-DD, 8-4-4-4-12.
bool CanNameFiles(const DataType& type);

/// What is wrong with `value` as a part of a file name, as the end of a sentence; empty: nothing.
std::string NamePartProblem(std::string_view value);

/// Why `{worker}` or `{n}` of `path` could not be told from the text of columns beside it; empty: they can.
/// Then two workers, parts or values would share a file.
std::string AmbiguousNumber(std::string_view path);

/// Whether some values, workers and numbers make one file of two absolute paths.
bool MayBeOneFile(std::string_view a, std::string_view b);

/// Used by one thread.
class PathColumns {
 public:
  /// All of ColumnsIn(path) are columns of `schema` whose types can name files.
  PathColumns(const std::string& path, const Schema& schema, std::string null_name);

  /// Writes where row `row` goes, behind the base and with SinkPath's marks, to `path`. A row that cannot
  /// name a file gives a sentence.
  std::optional<std::string> Compose(const Batch& batch, int64_t row, std::string* path);
  /// What is wrong with the length of such a path; empty: nothing. A pure function: once for each path.
  std::string LengthProblem(std::string_view path) const;

 private:
  struct Piece {
    std::string text;
    int column = -1;  // instead of text
    std::string name;
  };

  std::vector<Piece> pieces_;
  const std::string null_name_;
  size_t base_length_;
  std::string value_;
};

}  // namespace streamrun
