// Merging the branches of CASE and COALESCE: each row is copied once, from the branch it took.
#include <array>
#include <cstring>
#include <deque>

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

// Where the text of every row stands: from each pointer kMove bytes may be read. Rows without one are empty.
class TextSources {
 public:
  explicit TextSources(int64_t rows) : texts_(static_cast<size_t>(rows), kNothing) {}

  /// Rows of `part`; writes their sizes.
  void Add(const MergePart& part, const RowSet& valid, int64_t rows, uint32_t* sizes) {
    const Column& column = *part.values.column;
    const int32_t* offsets = column.values<int32_t>();
    const char* data = column.text_data();
    const auto end = static_cast<size_t>(offsets[column.length()]);
    RowSet taken = part.rows;
    for (size_t w = 0; w < taken.size(); ++w) taken[w] &= valid[w];
    if (part.values.constant) {
      const char* text = Readable({data, end}, end);
      ForEachRow(taken.data(), rows, [&](int64_t row) {
        texts_[static_cast<size_t>(row)] = text;
        sizes[row] = static_cast<uint32_t>(end);
      });
      return;
    }
    ForEachRow(taken.data(), rows, [&](int64_t row) {
      const auto begin = static_cast<size_t>(offsets[row]);
      const size_t size = static_cast<size_t>(offsets[row + 1]) - begin;
      texts_[static_cast<size_t>(row)] = Readable({data + begin, size}, end - begin);
      sizes[row] = static_cast<uint32_t>(size);
    });
  }
  const char* operator[](int64_t row) const { return texts_[static_cast<size_t>(row)]; }

 private:
  static constexpr char kNothing[kMove] = {};

  // The text, or a copy of a short one that stands too near the end of its buffer.
  const char* Readable(std::string_view text, size_t readable) {
    if (readable >= kMove || text.size() > kMove) [[likely]]
      return text.data();
    if (text.empty()) return kNothing;
    auto& copy = copies_.emplace_back();
    std::memcpy(copy.data(), text.data(), text.size());
    return copy.data();
  }

  std::vector<const char*> texts_;
  std::deque<std::array<char, kMove>> copies_;
};

// Sizes become ends; a text that does not fit any more fails its row and is taken out.
void SumSizes(int64_t rows, uint32_t* ends, RowSet* valid, std::vector<RowFailure>* failures) {
  uint64_t total = 0;
  for (int64_t row = 0; row < rows; ++row) {
    if (total + ends[row + 1] > kMaxTextBytes) [[unlikely]] {
      failures->push_back({static_cast<uint32_t>(row), "54000", "the text of one batch exceeds 2 GiB"});
      (*valid)[static_cast<size_t>(row >> 6)] &= ~(uint64_t{1} << (row & 63));
      ends[row + 1] = 0;
    }
    total += ends[row + 1];
    ends[row + 1] = static_cast<uint32_t>(total);
  }
}

// Text: lengths first, so that the bytes are written once, where they belong.
ColumnPtr MergeTexts(const DataType& type, int64_t rows, const std::vector<MergePart>& parts,
                     std::vector<RowFailure>* failures) {
  RowSet valid = Present(rows, parts);
  TextSources sources(rows);
  BufferBuilder offsets;
  offsets.ResizeZeroed(static_cast<size_t>(rows + 1) * sizeof(uint32_t));
  auto* ends = offsets.as<uint32_t>();
  for (const MergePart& part : parts) sources.Add(part, valid, rows, ends + 1);
  SumSizes(rows, ends, &valid, failures);
  BufferBuilder bytes;
  bytes.Resize(static_cast<size_t>(ends[rows]) + kMove);
  auto* to = bytes.as<char>();
  for (int64_t row = 0; row < rows; ++row) {
    const size_t size = ends[row + 1] - ends[row];
    std::memcpy(to + ends[row], sources[row], kMove);
    if (size > kMove) std::memcpy(to + ends[row] + kMove, sources[row] + kMove, size - kMove);
  }
  bytes.Resize(ends[rows]);
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
