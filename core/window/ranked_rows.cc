#include "core/window/ranked_rows.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/agg/compare_stored.h"

namespace streamrun {

namespace {

constexpr uint64_t kTopBit = uint64_t{1} << 63;

uint64_t OfInteger(int64_t value) { return static_cast<uint64_t>(value) ^ kTopBit; }

// PostgreSQL's order of doubles: NaN above everything, -0 equal to 0.
uint64_t OfDouble(double value) {
  if (std::isnan(value)) return std::numeric_limits<uint64_t>::max();
  const auto bits = std::bit_cast<uint64_t>(value == 0 ? 0.0 : value);
  return (bits & kTopBit) != 0 ? ~bits : bits | kTopBit;
}

uint64_t OfText(std::string_view text) {
  uint64_t first = 0;
  std::memcpy(&first, text.data(), std::min<size_t>(text.size(), 8));
  return __builtin_bswap64(first);
}

// Calls put(row, value of the prefix) for every row; types without a prefix get 0.
template <typename Put>
void ForEachPrefix(const Column& column, int64_t rows, const Put& put) {
  switch (column.type().id()) {
    case TypeId::kInteger:
    case TypeId::kDate:
      for (int64_t i = 0; i < rows; ++i) put(i, OfInteger(column.values<int32_t>()[i]));
      break;
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      for (int64_t i = 0; i < rows; ++i) put(i, OfInteger(column.values<int64_t>()[i]));
      break;
    case TypeId::kDouble:
      for (int64_t i = 0; i < rows; ++i) put(i, OfDouble(column.values<double>()[i]));
      break;
    case TypeId::kText:
    case TypeId::kBytea:
      for (int64_t i = 0; i < rows; ++i) put(i, OfText(column.Text(i)));
      break;
    default:
      for (int64_t i = 0; i < rows; ++i) put(i, 0);
  }
}

}  // namespace

RankedRows::RankedRows(std::vector<DataType> types, std::vector<RankKey> order, size_t ranks)
    : store_(std::move(types)), order_(std::move(order)), ranks_(ranks) {}

void RankedRows::Prefixes(const std::vector<ColumnPtr>& columns, int64_t rows,
                          std::vector<uint64_t>* out) const {
  const RankKey& key = order_.front();
  const Column& column = *columns[static_cast<size_t>(key.column)];
  out->resize(static_cast<size_t>(rows));
  const uint64_t flip = key.descending ? std::numeric_limits<uint64_t>::max() : 0;
  ForEachPrefix(column, rows,
                [&](int64_t i, uint64_t value) { (*out)[static_cast<size_t>(i)] = value ^ flip; });
  if (!column.has_nulls()) return;
  const uint64_t null = key.nulls_first ? 0 : std::numeric_limits<uint64_t>::max();
  for (int64_t i = 0; i < rows; ++i) {
    if (column.IsNull(i)) (*out)[static_cast<size_t>(i)] = null;
  }
}

void RankedRows::Put(const std::vector<ColumnPtr>& columns, const std::vector<uint32_t>& rows,
                     const std::vector<uint64_t>& prefixes, std::vector<uint32_t>* slots) {
  store_.Put(columns, rows, slots);
  if (prefixes_.size() < store_.slots()) prefixes_.Resize(store_.slots());
  for (size_t i = 0; i < rows.size(); ++i) prefixes_[(*slots)[i]] = prefixes[rows[i]];
}

int RankedRows::CompareBy(uint32_t a, uint32_t b, size_t keys) const {
  if (prefixes_[a] != prefixes_[b]) return prefixes_[a] < prefixes_[b] ? -1 : 1;
  for (size_t k = 0; k < keys; ++k) {
    const RankKey& key = order_[k];
    const SlotColumn& column = store_.column(static_cast<size_t>(key.column));
    const bool a_null = column.IsNull(a);
    const bool b_null = column.IsNull(b);
    if (a_null || b_null) {
      if (a_null != b_null) return a_null == key.nulls_first ? -1 : 1;
      continue;
    }
    const int order = CompareSlots(column, a, b);
    if (order != 0) return key.descending ? -order : order;
  }
  return 0;
}

}  // namespace streamrun
