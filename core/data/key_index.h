// Finds the rows of a table by key: what a look-up does for every row of a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/data/column.h"

namespace streamrun {

/// An open-addressing hash index over unique keys. Keys are equal as HashRows says (NaN equals NaN, numeric
/// without trailing zeros, ...), but a null equals nothing: rows with a null in the key are neither indexed
/// nor found. A single integer-like or text key has a path of its own. Not thread-safe (Find keeps scratch
/// memory).
class KeyIndex {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  struct Duplicate {
    uint32_t first;
    uint32_t second;
  };

  /// Indexes the first `rows` (< 2^31) rows of the key columns, replacing what was there. Returns two rows of
  /// equal key if there are any; the index is then unusable.
  std::optional<Duplicate> Build(std::vector<ColumnPtr> keys, int64_t rows);

  /// found[i] = row of the table with the key of row i, or kNone. `keys` have the types of Build's.
  void Find(const std::vector<ColumnPtr>& keys, int64_t rows, std::vector<uint32_t>* found);

 private:
  enum class Kind : uint8_t { kInteger, kText, kBytes };
  struct Slot {
    uint64_t tag;  // kInteger: the key itself, else its hash
    uint32_t row;  // kNone: free
  };

  size_t Place(uint64_t tag) const;
  template <typename Equal>
  uint32_t Probe(uint64_t tag, Equal equal) const;
  void Tags(const std::vector<ColumnPtr>& keys, int64_t rows);
  template <typename Equal>
  void FindEach(const std::vector<ColumnPtr>& keys, int64_t rows, Equal equal, std::vector<uint32_t>* found);
  std::string_view KeyBytes(uint32_t row) const;

  Kind kind_ = Kind::kBytes;
  std::vector<ColumnPtr> keys_;
  std::vector<Slot> slots_;
  int shift_ = 63;
  // kBytes: canonical key bytes of every row, and where each row's end (rows + 1 numbers).
  std::string key_bytes_;
  std::vector<size_t> key_ends_;
  std::vector<uint64_t> tags_;  // of the rows under way
  std::string probe_bytes_;
};

}  // namespace streamrun
