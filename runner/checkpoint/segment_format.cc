#include "runner/checkpoint/segment_format.h"

#include <algorithm>
#include <cstring>

#include "core/base/crc32c.h"
#include "runner/checkpoint/stored_json.h"

namespace streamrun::segment_format {

namespace {

template <typename T>
void Store(T value, char* out) {
  std::memcpy(out, &value, sizeof value);
}

template <typename T>
T Fetch(const char* in) {
  T value;
  std::memcpy(&value, in, sizeof value);
  return value;
}

}  // namespace

std::string FileHeader() {
  std::string header(kFileHeaderSize, '\0');
  kMagic.copy(header.data(), kMagic.size());
  Store(kVersion, header.data() + 4);
  return header;
}

Status CheckFileHeader(std::string_view bytes) {
  if (bytes.size() != kFileHeaderSize || bytes.substr(0, 4) != kMagic) {
    return Status::Corruption("is no segment: it does not begin with SRS1");
  }
  const auto version = Fetch<uint16_t>(bytes.data() + 4);
  if (version > kVersion) {
    return Status::Unsupported("has format version " + std::to_string(version) +
                               ", this streamrun reads up to " + std::to_string(kVersion));
  }
  if (version == 0 || Fetch<uint16_t>(bytes.data() + 6) != 0)
    return Status::Corruption("has a damaged header");
  return Status::Ok();
}

uint32_t RecordCrc(uint32_t length, RecordKind kind, std::string_view payload) {
  char head[kRecordHeaderSize - 4] = {};
  Store(length, head);
  head[4] = static_cast<char>(kind);
  return Crc32c(payload.data(), payload.size(), Crc32c(head, sizeof head));
}

std::array<char, kRecordHeaderSize> EncodeRecordHeader(RecordKind kind, std::string_view payload) {
  std::array<char, kRecordHeaderSize> out{};
  const auto length = static_cast<uint32_t>(payload.size());
  Store(length, out.data());
  Store(RecordCrc(length, kind, payload), out.data() + 4);
  out[8] = static_cast<char>(kind);
  return out;
}

Result<RecordHeader> DecodeRecordHeader(std::string_view bytes) {
  RecordHeader header;
  header.length = Fetch<uint32_t>(bytes.data());
  header.crc = Fetch<uint32_t>(bytes.data() + 4);
  const auto kind = static_cast<uint8_t>(bytes[8]);
  if (kind < static_cast<uint8_t>(RecordKind::kShape) || kind > static_cast<uint8_t>(RecordKind::kEnd)) {
    return Status::Corruption("a record of an unknown kind");
  }
  header.kind = static_cast<RecordKind>(kind);
  for (size_t i = 9; i < kRecordHeaderSize; ++i) {
    if (bytes[i] != 0) return Status::Corruption("a damaged record header");
  }
  return header;
}

std::string PrintShape(const TableSnapshot& table) {
  return StoredJson{{"table", JsonOf(table.name)},
                    {"key_columns", table.key_columns},
                    {"identity", table.identity},
                    {"whole", table.whole}}
      .dump();
}

Status ParseShape(std::string_view text, TableSnapshot* table) {
  SR_ASSIGN_OR_RETURN(const StoredJson json, ParseStoredJson(text, "the shape"));
  StoredObject object(json, "the shape");
  object.Read("table", table->name);
  object.Read("key_columns", table->key_columns);
  object.Read("identity", table->identity);
  object.Read("whole", table->whole);
  return object.status();
}

std::string PrintCounts(const Counts& counts) {
  return StoredJson{{"rows", counts.rows}, {"removed", counts.removed}}.dump();
}

Result<Counts> ParseCounts(std::string_view text) {
  SR_ASSIGN_OR_RETURN(const StoredJson json, ParseStoredJson(text, "the end"));
  Counts counts;
  StoredObject object(json, "the end");
  object.Read("rows", counts.rows);
  object.Read("removed", counts.removed);
  SR_RETURN_IF_ERROR(object.status());
  return counts;
}

IpcLayout LayoutOf(SchemaPtr schema) {
  IpcLayout layout;
  for (int i = 0; i < schema->size(); ++i) layout.live.push_back(i);
  layout.schema = std::move(schema);
  return layout;
}

Status CheckShape(const TableSnapshot& table) {
  const int columns = table.schema->size();
  if (columns == 0) return Status::Corruption("the table has no columns");
  if (table.key_columns < 0 || table.key_columns > columns) {
    return Status::Corruption("the table has no " + std::to_string(table.key_columns) + " key columns");
  }
  for (const int column : table.identity) {
    if (column < 0 || column >= columns) {
      return Status::Corruption("the identity names column " + std::to_string(column) +
                                ", which is not there");
    }
  }
  return Status::Ok();
}

}  // namespace streamrun::segment_format
