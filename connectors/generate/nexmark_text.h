// The texts of Nexmark: names, addresses, channels, random fill.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/generate/random.h"
#include "core/data/column.h"

namespace streamrun::generate {

/// A text column under construction, for generators that write straight into the buffer.
class TextWriter {
 public:
  explicit TextWriter(int64_t rows, int64_t bytes_per_row) {
    ends_.Reserve(static_cast<size_t>(rows + 1) * 4);
    ends_.Push<int32_t>(0);
    data_.Reserve(static_cast<size_t>(rows * bytes_per_row));
  }
  void Put(std::string_view text) { data_.Append(text.data(), text.size()); }
  void Put(char c) { data_.Push(c); }
  /// `length` letters a to z that depend on `seed` alone.
  void PutLetters(uint64_t seed, size_t length);
  /// 3 to max-1 letters, one in 13 of them `blank`.
  void PutWord(uint64_t seed, size_t max, char blank);
  void PutDigits(uint64_t value, int digits);
  void EndRow() { ends_.Push(static_cast<int32_t>(data_.size())); }
  ColumnPtr Finish() {
    const auto rows = static_cast<int64_t>(ends_.size() / 4) - 1;
    return std::make_shared<Column>(TypeId::kText, rows, 0, nullptr, ends_.Finish(), data_.Finish());
  }

 private:
  BufferBuilder ends_;
  BufferBuilder data_;
};

std::string_view FirstName(uint64_t random);
std::string_view LastName(uint64_t random);
std::string_view City(uint64_t random);
std::string_view State(uint64_t random);

/// Channels and the page each sends its visitors to: 4 hot ones first, then 10,000 others.
struct Channels {
  static constexpr uint32_t kHot = 4;
  static constexpr uint32_t kOthers = 10'000;
  ColumnPtr names;
  ColumnPtr urls;
  explicit Channels(RandomStream random);
  /// Row of both columns that a bid uses; half of the bids come over a hot channel.
  static uint32_t Pick(uint64_t random);
};

}  // namespace streamrun::generate
