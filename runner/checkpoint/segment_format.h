// The private half of segment*.cc: records of a segment (docs/formats/checkpoint.md).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/arrow_ipc.h"
#include "runner/checkpoint/segment.h"

namespace streamrun::segment_format {

inline constexpr std::string_view kMagic = "SRS1";
inline constexpr uint16_t kVersion = 1;
inline constexpr size_t kFileHeaderSize = 8;
inline constexpr size_t kRecordHeaderSize = 16;
/// Records start at multiples of this, so that Arrow reads columns where they lie.
inline constexpr size_t kAlignment = 8;

/// Values are on disk; records come in this order.
enum class RecordKind : uint8_t {
  kShape = 1,          // JSON
  kSchema = 2,         // Arrow schema message of the table
  kRemovedSchema = 3,  // Arrow schema message of the removals that follow
  kRemoved = 4,        // Arrow record batch message
  kRows = 5,           // Arrow record batch message
  kEnd = 6,            // JSON
};

struct RecordHeader {
  uint32_t length = 0;  // of the payload, without its padding
  uint32_t crc = 0;     // RecordCrc
  RecordKind kind = RecordKind::kShape;
};

struct Counts {
  int64_t rows = 0;
  int64_t removed = 0;  // rows in removals
  friend bool operator==(const Counts&, const Counts&) = default;
};

std::string FileHeader();
Status CheckFileHeader(std::string_view bytes);
std::array<char, kRecordHeaderSize> EncodeRecordHeader(RecordKind kind, std::string_view payload);
/// Lengths and checksum are for the reader to compare.
Result<RecordHeader> DecodeRecordHeader(std::string_view bytes);
uint32_t RecordCrc(uint32_t length, RecordKind kind, std::string_view payload);

/// Name, key columns, identity and wholeness.
std::string PrintShape(const TableSnapshot& table);
Status ParseShape(std::string_view json, TableSnapshot* table);
std::string PrintCounts(const Counts& counts);
Result<Counts> ParseCounts(std::string_view json);

/// Every column travels, nothing hidden does.
IpcLayout LayoutOf(SchemaPtr schema);
/// Are key columns and identity columns of its schema? Has it any columns at all?
Status CheckShape(const TableSnapshot& table);

/// Appends records to a new file.
class Writer {
 public:
  /// `shape` says all but the rows.
  static Result<std::unique_ptr<Writer>> Create(Env* env, const std::string& path,
                                                const TableSnapshot& shape);
  Status AddRemoved(const BatchPtr& batch);
  Status AddRows(const BatchPtr& batch);
  /// The end record, and fdatasync.
  Status Finish(SegmentInfo* info);

 private:
  Writer(std::unique_ptr<WritableFile> file, const TableSnapshot& shape);
  Status AddBatch(RecordKind kind, const IpcLayout& layout, const BatchPtr& batch);
  Status AddRecord(RecordKind kind, std::string_view payload);
  Status Put(std::string_view bytes);
  Status FlushPending();

  std::unique_ptr<WritableFile> file_;
  SchemaPtr schema_;
  bool whole_;
  IpcLayout rows_layout_;
  std::optional<IpcLayout> removed_layout_;
  Counts counts_;
  std::string pending_;  // small records go out together
  uint32_t crc_ = 0;
  uint64_t bytes_ = 0;
};

/// Reads records in their order. Every byte is checked before it is used.
class Reader final : public TableLink {
 public:
  static Result<std::unique_ptr<Reader>> Open(Env* env, const std::string& path);
  /// Bytes from elsewhere (fuzzing); `path` is for messages.
  static Result<std::unique_ptr<Reader>> Open(std::unique_ptr<ReadableFile> file, std::string path);

  /// All but the rows.
  const TableSnapshot& shape() const override { return shape_; }
  /// A null batch tells that the file was whole.
  Result<Item> Next() override;

 private:
  Reader(std::unique_ptr<ReadableFile> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  struct Record {
    RecordKind kind = RecordKind::kShape;
    BufferPtr payload;
  };
  Status Begin();
  Result<Record> ReadRecord();
  Result<BufferPtr> ReadExactly(size_t length);
  Result<Item> Take(const Record& record);
  Status TakeRemovedSchema(const Record& record);
  Status TakeEnd(const Record& record) const;
  /// kCorruption, naming path and place.
  Status Damaged(std::string_view what) const;

  std::unique_ptr<ReadableFile> file_;
  std::string path_;
  uint64_t size_ = 0;
  uint64_t at_ = 0;
  uint64_t record_at_ = 0;  // of the record under way
  RecordKind last_ = RecordKind::kShape;
  TableSnapshot shape_;
  IpcLayout rows_layout_;
  std::optional<IpcLayout> removed_layout_;
  Counts counts_;
};

}  // namespace streamrun::segment_format
