// Merging the branches of CASE and COALESCE: each row is copied once, from the branch it took.
#include <algorithm>
#include <array>
#include <cstring>

#include "core/data/column_builder.h"
#include "core/expr/evaluate.h"

namespace streamrun {

namespace {

// Rows that have a value: in some part and not null there.
RowSet Present(int64_t rows, const std::vector<MergePart>& parts) {
  RowSet valid(static_cast<size_t>(WordsFor(rows)), 0);
  for (const MergePart& part : parts) {
    const Column& column = *part.values.column;
    if (part.values.constant && column.IsNull(0)) continue;
    const uint8_t* validity = part.values.constant ? nullptr : column.validity();
    for (int64_t w = 0; w < WordsFor(rows); ++w) {
      const auto i = static_cast<size_t>(w);
      valid[i] |= validity ? part.rows[i] & LoadWord(validity, w, rows) : part.rows[i];
    }
  }
  return valid;
}

struct Bytes16 {
  uint64_t a, b;
};
struct Bytes24 {
  uint64_t a, b, c;
};
struct Bytes18 {
  uint8_t bytes[18];
};

template <typename T>
BufferPtr MergeFixed(int64_t rows, const std::vector<MergePart>& parts) {
  BufferBuilder out;
  out.ResizeZeroed(static_cast<size_t>(rows) * sizeof(T));
  auto* to = out.as<T>();
  for (const MergePart& part : parts) {
    const Reader<T> from(part.values);
    ForEachRow(part.rows.data(), rows, [&](int64_t row) { to[row] = from[row]; });
  }
  return out.Finish();
}

BufferPtr MergeBits(int64_t rows, const std::vector<MergePart>& parts) {
  RowSet out(static_cast<size_t>(WordsFor(rows)), 0);
  for (const MergePart& part : parts) {
    const RowSet yes = TrueRows(part.values, rows);
    for (size_t w = 0; w < out.size(); ++w) out[w] |= yes[w] & part.rows[w];
  }
  return BitmapOf(out.data(), rows);
}

// The part of every row, as a number; rows in no part get parts.size().
std::vector<uint16_t> PartOfRow(int64_t rows, const std::vector<MergePart>& parts) {
  std::vector<uint16_t> which(static_cast<size_t>(rows), static_cast<uint16_t>(parts.size()));
  for (size_t p = 0; p < parts.size(); ++p) {
    ForEachRow(parts[p].rows.data(), rows,
               [&](int64_t row) { which[static_cast<size_t>(row)] = static_cast<uint16_t>(p); });
  }
  return which;
}

constexpr size_t kMove = sizeof(Bytes16);

// The texts of one part, for rows & mask.
struct TextSource {
  const int32_t* offsets;
  const char* data;
  size_t readable;  // bytes from data on
  int64_t mask;
};

// One source a part, and one of an empty text for the rows without a value. Short constants are copied to
// where kMove bytes may be read.
class TextSources {
 public:
  explicit TextSources(const std::vector<MergePart>& parts) : copies_(parts.size()) {
    for (size_t p = 0; p < parts.size(); ++p) {
      const Column& column = *parts[p].values.column;
      const int32_t* offsets = column.values<int32_t>();
      const auto size = static_cast<size_t>(offsets[column.length()]);
      const bool constant = parts[p].values.constant;
      sources_.push_back({offsets, column.text_data(), size, constant ? 0 : -1});
      if (!constant || size >= kMove) continue;
      if (size > 0) std::memcpy(copies_[p].data(), column.text_data(), size);
      sources_[p].data = copies_[p].data();
      sources_[p].readable = kMove;
    }
    static constexpr int32_t kNoOffsets[2] = {0, 0};
    static constexpr char kNoText[kMove] = {};
    sources_.push_back({kNoOffsets, kNoText, kMove, 0});
  }
  const TextSource& operator[](size_t part) const { return sources_[part]; }
  /// At most so many bytes are in all rows.
  size_t Bound(const std::vector<MergePart>& parts, int64_t rows) const {
    size_t bound = 0;
    for (size_t p = 0; p < parts.size(); ++p) {
      const TextSource& s = sources_[p];
      const bool constant = s.mask == 0;
      bound +=
          constant ? static_cast<size_t>(s.offsets[1] * CountBits(parts[p].rows.data(), rows)) : s.readable;
    }
    return std::min(bound, kMaxTextBytes);
  }

 private:
  std::vector<TextSource> sources_;
  std::vector<std::array<char, kMove>> copies_;
};

// Short texts in one move, which may write beyond them.
inline void CopyText(char* to, const TextSource& from, size_t begin, size_t size) {
  if (size <= kMove && begin + kMove <= from.readable) [[likely]] {
    std::memcpy(to, from.data + begin, kMove);
  } else if (size > 0) {
    std::memcpy(to, from.data + begin, size);
  }
}

ColumnPtr MergeTexts(const DataType& type, int64_t rows, const std::vector<MergePart>& parts,
                     std::vector<RowFailure>* failures) {
  const std::vector<uint16_t> which = PartOfRow(rows, parts);
  RowSet valid = Present(rows, parts);
  const TextSources sources(parts);
  BufferBuilder offsets;
  offsets.Resize(static_cast<size_t>(rows + 1) * sizeof(int32_t));
  auto* ends = offsets.as<int32_t>();
  ends[0] = 0;
  BufferBuilder bytes;
  bytes.Resize(sources.Bound(parts, rows) + kMove);
  auto* to = bytes.as<char>();
  size_t total = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const bool present = HasRow(valid.data(), row);
    const TextSource& from = sources[present ? which[static_cast<size_t>(row)] : parts.size()];
    const int64_t i = row & from.mask;
    const auto begin = static_cast<size_t>(from.offsets[i]);
    size_t size = static_cast<size_t>(from.offsets[i + 1]) - begin;
    if (total + size > kMaxTextBytes) [[unlikely]] {
      failures->push_back({static_cast<uint32_t>(row), "54000", "the text of one batch exceeds 2 GiB"});
      valid[static_cast<size_t>(row >> 6)] &= ~(uint64_t{1} << (row & 63));
      size = 0;
    }
    CopyText(to + total, from, begin, size);
    total += size;
    ends[row + 1] = static_cast<int32_t>(total);
  }
  bytes.Resize(total);
  const int64_t nulls = rows - CountBits(valid.data(), rows);
  BufferPtr validity = nulls > 0 ? BitmapOf(valid.data(), rows) : nullptr;
  return std::make_shared<const Column>(type, rows, nulls, std::move(validity), offsets.Finish(),
                                        bytes.Finish());
}

ColumnPtr MergeLists(const DataType& type, int64_t rows, const std::vector<MergePart>& parts) {
  const std::vector<uint16_t> which = PartOfRow(rows, parts);
  ColumnBuilder builder(type);
  builder.Reserve(rows);
  for (int64_t row = 0; row < rows; ++row) {
    const size_t p = which[static_cast<size_t>(row)];
    if (p == parts.size()) {
      builder.AppendNull();
    } else {
      builder.AppendFrom(*parts[p].values.column, parts[p].values.at(row));
    }
  }
  return builder.Finish();
}

BufferPtr MergeValues(const DataType& type, int64_t rows, const std::vector<MergePart>& parts) {
  if (type.layout() == Layout::kBits) return MergeBits(rows, parts);
  switch (type.byte_width()) {
    case 4:
      return MergeFixed<uint32_t>(rows, parts);
    case 8:
      return MergeFixed<uint64_t>(rows, parts);
    case 16:
      return MergeFixed<Bytes16>(rows, parts);
    case 24:
      return MergeFixed<Bytes24>(rows, parts);
    default:
      return MergeFixed<Bytes18>(rows, parts);
  }
}

}  // namespace

ColumnPtr Merge(const DataType& type, int64_t rows, const std::vector<MergePart>& parts,
                std::vector<RowFailure>* failures) {
  if (type.layout() == Layout::kVarlen) return MergeTexts(type, rows, parts, failures);
  if (type.layout() == Layout::kList) return MergeLists(type, rows, parts);
  const RowSet valid = Present(rows, parts);
  const int64_t nulls = rows - CountBits(valid.data(), rows);
  BufferPtr validity = nulls > 0 ? BitmapOf(valid.data(), rows) : nullptr;
  return std::make_shared<const Column>(type, rows, nulls, std::move(validity),
                                        MergeValues(type, rows, parts));
}

}  // namespace streamrun
