// Merging the branches of CASE and COALESCE: each row is copied once, from the branch it took.
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

// Text: lengths first, so that the bytes are written once, where they belong.
ColumnPtr MergeTexts(const DataType& type, int64_t rows, const std::vector<MergePart>& parts) {
  const std::vector<uint16_t> which = PartOfRow(rows, parts);
  const RowSet valid = Present(rows, parts);
  std::vector<Reader<std::string_view>> readers;
  for (const MergePart& part : parts) readers.emplace_back(part.values);
  BufferBuilder offsets;
  offsets.Resize(static_cast<size_t>(rows + 1) * sizeof(int32_t));
  auto* at = offsets.as<int32_t>();
  at[0] = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const bool present = HasRow(valid.data(), row);
    const size_t size = present ? readers[which[static_cast<size_t>(row)]][row].size() : 0;
    at[row + 1] = at[row] + static_cast<int32_t>(size);
  }
  BufferBuilder bytes;
  bytes.Resize(static_cast<size_t>(at[rows]));
  auto* to = bytes.as<char>();
  ForEachRow(valid.data(), rows, [&](int64_t row) {
    const std::string_view text = readers[which[static_cast<size_t>(row)]][row];
    if (!text.empty()) std::memcpy(to + at[row], text.data(), text.size());
  });
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

ColumnPtr Merge(const DataType& type, int64_t rows, const std::vector<MergePart>& parts) {
  if (type.layout() == Layout::kVarlen) return MergeTexts(type, rows, parts);
  if (type.layout() == Layout::kList) return MergeLists(type, rows, parts);
  const RowSet valid = Present(rows, parts);
  const int64_t nulls = rows - CountBits(valid.data(), rows);
  BufferPtr validity = nulls > 0 ? BitmapOf(valid.data(), rows) : nullptr;
  return std::make_shared<const Column>(type, rows, nulls, std::move(validity),
                                        MergeValues(type, rows, parts));
}

}  // namespace streamrun
