// Record batch messages in: every length, offset, count and offsets buffer is checked, nothing is copied.
#include <bit>
#include <cstring>
#include <limits>

#include "core/data/arrow_ipc.h"
#include "core/data/arrow_ipc_message.h"
#include "core/data/numeric.h"
#include "core/data/utf8_check.h"

namespace streamrun {

using namespace arrow_ipc;  // NOLINT: the private half of this file set

namespace {

constexpr int64_t kMaxRows = std::numeric_limits<int32_t>::max() - 1;

// Readable for columns without rows, whose buffers a writer may leave out.
alignas(64) constexpr uint8_t kZeroes[64] = {};

int64_t CountOnes(const uint8_t* bits, int64_t count) {
  int64_t ones = 0;
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    uint64_t word;
    std::memcpy(&word, bits + i / 8, 8);
    ones += std::popcount(word);
  }
  for (; i < count; ++i) ones += bits[i >> 3] >> (i & 7) & 1;
  return ones;
}

// Offsets start at 0 and never fall. One pass without branches, which compilers turn into vector compares.
bool OffsetsRise(const int32_t* offsets, int64_t rows) {
  uint32_t falls = offsets[0] != 0;
  for (int64_t i = 0; i < rows; ++i) falls |= static_cast<uint32_t>(offsets[i + 1] < offsets[i]);
  return falls == 0;
}

// No value of the column starts inside a character, and all bytes are UTF-8.
bool TextIsUtf8(const int32_t* offsets, int64_t rows, const char* data) {
  if (!IsValidUtf8({data, static_cast<size_t>(offsets[rows])})) return false;
  for (int64_t i = 0; i < rows; ++i) {
    if (offsets[i] < offsets[rows] && (static_cast<uint8_t>(data[offsets[i]]) & 0xc0) == 0x80) return false;
  }
  return true;
}

bool CoefficientFits(Int128 value, int digits) {
  return value < PowerOfTen(digits) && value > -PowerOfTen(digits);
}

class BatchReader {
 public:
  BatchReader(const BufferPtr& owner, const Frame& frame, const fb::RecordBatch& record, bool check_utf8)
      : owner_(owner), body_(frame.body), record_(record), check_utf8_(check_utf8) {}

  Status Begin() {
    if (record_.compression() != nullptr) return Status::Unsupported("compressed Arrow batches");
    if (record_.length() < 0 || record_.length() > kMaxRows) return Corrupt("row count out of range");
    // The verifier checks the alignment of a vector's length only, not of the structs behind it.
    if (!Aligned(record_.nodes()) || !Aligned(record_.buffers())) return Corrupt("metadata is not aligned");
    return Status::Ok();
  }

  Result<ColumnPtr> ReadColumn(const DataType& type, int64_t rows, bool exact) {
    int64_t nulls = 0;
    SR_RETURN_IF_ERROR(NextNode(&rows, exact, &nulls));
    BufferPtr validity, values, data;
    SR_RETURN_IF_ERROR(Validity(rows, nulls, &validity));
    ColumnPtr child;
    switch (type.layout()) {
      case Layout::kBits:
        SR_RETURN_IF_ERROR(NextBuffer(static_cast<size_t>(rows + 7) / 8, &values));
        break;
      case Layout::kFixed:
        SR_RETURN_IF_ERROR(NextBuffer(static_cast<size_t>(rows * type.byte_width()), &values));
        SR_RETURN_IF_ERROR(CheckValues(type, rows, validity, *values));
        break;
      case Layout::kVarlen:
        SR_RETURN_IF_ERROR(Offsets(rows, &values));
        SR_RETURN_IF_ERROR(NextBuffer(static_cast<size_t>(values->as<int32_t>()[rows]), &data));
        if (check_utf8_ && type.id() != TypeId::kBytea &&
            !TextIsUtf8(values->as<int32_t>(), rows, data->as<char>())) {
          return Corrupt("text is not UTF-8");
        }
        break;
      case Layout::kList: {
        SR_RETURN_IF_ERROR(Offsets(rows, &values));
        SR_ASSIGN_OR_RETURN(child, ReadColumn(type.element(), values->as<int32_t>()[rows], false));
        break;
      }
    }
    return std::make_shared<const Column>(type, rows, nulls, std::move(validity), std::move(values),
                                          std::move(data), std::move(child));
  }

  // A hidden column: `width` bytes a row, never null.
  Status ReadHidden(int width, BufferPtr* out) {
    int64_t rows = record_.length();
    int64_t nulls = 0;
    SR_RETURN_IF_ERROR(NextNode(&rows, true, &nulls));
    BufferPtr validity;
    SR_RETURN_IF_ERROR(Validity(rows, nulls, &validity));
    if (nulls != 0) return Corrupt("nulls in a hidden column");
    return NextBuffer(static_cast<size_t>(rows * width), out);
  }

  Status End() const {
    const bool all = (record_.nodes() == nullptr || node_ == record_.nodes()->size()) &&
                     (record_.buffers() == nullptr || buffer_ == record_.buffers()->size());
    return all ? Status::Ok() : Corrupt("more columns than the schema has");
  }

 private:
  template <typename Vector>
  static bool Aligned(const Vector* structs) {
    return structs == nullptr || structs->size() == 0 ||
           reinterpret_cast<uintptr_t>(structs->Data()) % 8 == 0;
  }

  // `rows`: what must be there; a list's child may hold more.
  Status NextNode(int64_t* rows, bool exact, int64_t* nulls) {
    if (record_.nodes() == nullptr || node_ >= record_.nodes()->size()) return Corrupt("a column is missing");
    const fb::FieldNode* node = record_.nodes()->Get(node_++);
    if (node->length() > kMaxRows || (exact ? node->length() != *rows : node->length() < *rows)) {
      return Corrupt("a column has another row count than its batch");
    }
    *rows = node->length();
    *nulls = node->null_count();
    return *nulls >= 0 && *nulls <= *rows ? Status::Ok() : Corrupt("null count out of range");
  }

  Status NextBuffer(size_t needed, BufferPtr* out) {
    if (record_.buffers() == nullptr || buffer_ >= record_.buffers()->size())
      return Corrupt("a buffer is missing");
    const fb::Buffer* buffer = record_.buffers()->Get(buffer_++);
    const int64_t offset = buffer->offset();
    const int64_t length = buffer->length();
    if (offset < 0 || length < 0 || static_cast<uint64_t>(offset) > body_.size() ||
        static_cast<uint64_t>(length) > body_.size() - static_cast<uint64_t>(offset)) {
      return Corrupt("a buffer lies outside the body");
    }
    if (offset % 8 != 0) return Corrupt("a buffer is not aligned");
    if (static_cast<size_t>(length) < needed) return Corrupt("a buffer is too short for its rows");
    *out = Buffer::Wrap(body_.data() + offset, needed, owner_);
    if (needed == 0) *out = Buffer::Wrap(kZeroes, 0, nullptr);
    return Status::Ok();
  }

  Status Validity(int64_t rows, int64_t nulls, BufferPtr* out) {
    SR_RETURN_IF_ERROR(NextBuffer(nulls > 0 ? static_cast<size_t>(rows + 7) / 8 : 0, out));
    if (nulls > 0 && CountOnes((*out)->data(), rows) != rows - nulls)
      return Corrupt("null count and bitmap differ");
    if (nulls == 0) out->reset();
    return Status::Ok();
  }

  Status Offsets(int64_t rows, BufferPtr* out) {
    // Arrow allows an empty offsets buffer for a column without rows.
    SR_RETURN_IF_ERROR(NextBuffer(rows == 0 ? 0 : static_cast<size_t>(rows + 1) * 4, out));
    if (rows == 0) {
      *out = Buffer::Wrap(kZeroes, 4, nullptr);
      return Status::Ok();
    }
    return OffsetsRise((*out)->as<int32_t>(), rows) ? Status::Ok()
                                                    : Corrupt("offsets fall or do not start at 0");
  }

  // Values that arithmetic would use as an index or overflow on.
  Status CheckValues(const DataType& type, int64_t rows, const BufferPtr& validity,
                     const Buffer& values) const {
    const auto present = [&](int64_t i) { return !validity || GetBit(validity->data(), i); };
    bool fine = true;
    if (type.id() == TypeId::kDecimal) {
      const auto* decimals = values.as<Decimal128>();
      for (int64_t i = 0; i < rows; ++i) {
        fine &= !present(i) || CoefficientFits(decimals[i].value(), type.precision());
      }
    } else if (type.id() == TypeId::kNumeric) {
      const auto* numerics = values.as<Numeric>();
      for (int64_t i = 0; i < rows; ++i) {
        const Numeric& n = numerics[i];
        fine &= !present(i) || (n.scale >= 0 && n.scale <= kNumericDigits && n.kind >= 0 && n.kind <= 3 &&
                                CoefficientFits(n.coefficient(), kNumericDigits));
      }
    } else if (type.id() == TypeId::kInet) {
      const auto* addresses = values.as<Inet>();
      for (int64_t i = 0; i < rows; ++i) {
        const Inet& a = addresses[i];
        fine &= !present(i) || (a.family == 4 && a.prefix <= 32) || (a.family == 6 && a.prefix <= 128);
      }
    }
    return fine ? Status::Ok() : Corrupt("a value is outside its type");
  }

  const BufferPtr& owner_;
  std::string_view body_;
  const fb::RecordBatch& record_;
  bool check_utf8_;
  unsigned node_ = 0;
  unsigned buffer_ = 0;
};

// Null when every row is an insert.
Status CheckChanges(int64_t rows, BufferPtr* changes) {
  const auto* kinds = (*changes)->as<uint8_t>();
  uint8_t all = 0;
  for (int64_t i = 0; i < rows; ++i) all |= kinds[i];
  if (all > 3) return Corrupt("an unknown change kind");
  if (all == 0) changes->reset();
  return Status::Ok();
}

Origin ReadOrigin(const fb::Message& message, BufferPtr offsets) {
  Origin origin;
  if (message.custom_metadata() == nullptr) return origin;
  for (const fb::KeyValue* pair : *message.custom_metadata()) {
    if (pair->key() == nullptr || pair->value() == nullptr || pair->key()->string_view() != kSplit) continue;
    origin.split = std::make_shared<const std::string>(pair->value()->str());
    origin.offsets = std::move(offsets);
    break;
  }
  return origin;
}

}  // namespace

Result<BatchPtr> DecodeIpcBatch(const BufferPtr& message, const IpcLayout& layout, bool check_utf8) {
  // Columns are read in place, so they need an aligned start; transports that give none cost one copy.
  const bool aligned = reinterpret_cast<uintptr_t>(message->data()) % 8 == 0;
  const BufferPtr owner = aligned ? message : Buffer::Copy(message->view());
  SR_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(owner->view()));
  const fb::RecordBatch* record = frame.message->header_as_RecordBatch();
  if (record == nullptr) return Corrupt("not a record batch");
  BatchReader reader(owner, frame, *record, check_utf8);
  SR_RETURN_IF_ERROR(reader.Begin());
  const int64_t rows = record->length();
  std::vector<ColumnPtr> columns(static_cast<size_t>(layout.schema->size()));
  for (const int index : layout.live) {
    SR_ASSIGN_OR_RETURN(columns[static_cast<size_t>(index)],
                        reader.ReadColumn(layout.schema->field(index).type, rows, true));
  }
  Origin origin;
  BufferPtr changes;
  if (layout.origin) {
    BufferPtr offsets;
    SR_RETURN_IF_ERROR(reader.ReadHidden(8, &offsets));
    origin = ReadOrigin(*frame.message, std::move(offsets));
  }
  if (layout.changes) {
    SR_RETURN_IF_ERROR(reader.ReadHidden(1, &changes));
    SR_RETURN_IF_ERROR(CheckChanges(rows, &changes));
  }
  SR_RETURN_IF_ERROR(reader.End());
  return std::make_shared<const Batch>(layout.schema, rows, std::move(columns), std::move(origin),
                                       std::move(changes));
}

}  // namespace streamrun
