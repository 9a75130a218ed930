// Schema messages: types, extension types, and streamrun's marks in the custom metadata.
#include <charconv>
#include <cstring>
#include <optional>

#include "core/data/arrow_ipc.h"
#include "core/data/arrow_ipc_message.h"

namespace streamrun {

using namespace arrow_ipc;  // NOLINT: the private half of this file set

namespace {

using KeyValues = std::vector<flatbuffers::Offset<fb::KeyValue>>;
using FieldVector = flatbuffers::Vector<flatbuffers::Offset<fb::Field>>;
using KeyValueVector = flatbuffers::Vector<flatbuffers::Offset<fb::KeyValue>>;

// Types that Arrow stores as another one, told apart by an extension name. The first two are Arrow's
// canonical ones.
struct Extension {
  TypeId id;
  std::string_view name;
  int width;  // of the fixed-size binary, 0 = utf8
};
constexpr Extension kExtensions[] = {{TypeId::kUuid, "arrow.uuid", 16},
                                     {TypeId::kJsonb, "arrow.json", 0},
                                     {TypeId::kNumeric, "streamrun.numeric", 24},
                                     {TypeId::kInet, "streamrun.inet", 18},
                                     {TypeId::kInterval, "streamrun.interval", 16}};

class SchemaWriter {
 public:
  std::string Write(const IpcLayout& layout) {
    const auto schema = Build(layout);
    builder_.Finish(
        fb::CreateMessage(builder_, fb::MetadataVersion_V5, fb::MessageHeader_Schema, schema.Union(), 0));
    std::string out(HeaderSize(builder_.GetSize()), '\0');
    PutHeader(builder_.GetBufferPointer(), builder_.GetSize(), reinterpret_cast<uint8_t*>(out.data()));
    return out;
  }

  std::string WriteFooter(const IpcLayout& layout, const std::vector<IpcBlock>& blocks) {
    const auto schema = Build(layout);
    std::vector<fb::Block> list;
    for (const IpcBlock& b : blocks) {
      list.emplace_back(static_cast<int64_t>(b.offset), static_cast<int32_t>(b.metadata),
                        static_cast<int64_t>(b.body));
    }
    const auto none = builder_.CreateVectorOfStructs(std::vector<fb::Block>());
    const auto batches = builder_.CreateVectorOfStructs(list);
    builder_.Finish(fb::CreateFooter(builder_, fb::MetadataVersion_V5, schema, none, batches));
    return {reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()};
  }

 private:
  flatbuffers::Offset<fb::Schema> Build(const IpcLayout& layout) {
    std::vector<flatbuffers::Offset<fb::Field>> fields;
    bool identity = static_cast<int>(layout.live.size()) == layout.schema->size();
    for (size_t i = 0; i < layout.live.size(); ++i) identity &= layout.live[i] == static_cast<int>(i);
    for (const int index : layout.live) {
      const Field& field = layout.schema->field(index);
      fields.push_back(WriteField(field.name, field.type, identity ? -1 : index));
    }
    if (layout.origin) fields.push_back(Hidden(kOriginColumn, 64));
    if (layout.changes) fields.push_back(Hidden(kChangeColumn, 8));
    const auto metadata = builder_.CreateVector(Marks(layout));
    const auto list = builder_.CreateVector(fields);
    return fb::CreateSchema(builder_, fb::Endianness_Little, list, metadata);
  }

  flatbuffers::Offset<fb::KeyValue> Pair(std::string_view key, std::string_view value) {
    const auto k = builder_.CreateString(key.data(), key.size());
    return fb::CreateKeyValue(builder_, k, builder_.CreateString(value.data(), value.size()));
  }

  KeyValues Marks(const IpcLayout& layout) {
    const Schema& schema = *layout.schema;
    KeyValues marks;
    const auto column = [&](const char* key, int index) {
      if (index >= 0) marks.push_back(Pair(key, std::to_string(index)));
    };
    column(kEventTime, schema.event_time);
    column(kWindowStart, schema.window_start);
    column(kWindowEnd, schema.window_end);
    if (schema.changes) marks.push_back(Pair(kSchemaChanges, "1"));
    if (layout.origin) marks.push_back(Pair(kHasOrigin, "1"));
    if (layout.changes) marks.push_back(Pair(kHasChange, "1"));
    std::vector<bool> live(static_cast<size_t>(schema.size()));
    for (const int index : layout.live) live[static_cast<size_t>(index)] = true;
    for (int i = 0; i < schema.size(); ++i) {
      if (live[static_cast<size_t>(i)]) continue;
      const Field& field = schema.field(i);
      marks.push_back(Pair(kPrunedPrefix + std::to_string(i), field.type.ToString() + ":" + field.name));
    }
    return marks;
  }

  flatbuffers::Offset<fb::Field> Hidden(std::string_view name, int bits) {
    const auto text = builder_.CreateString(name.data(), name.size());
    const auto type = fb::CreateInt(builder_, bits, true);
    const auto children = builder_.CreateVector(std::vector<flatbuffers::Offset<fb::Field>>());
    return fb::CreateField(builder_, text, false, fb::Type_Int, type.Union(), 0, children);
  }

  flatbuffers::Offset<fb::Field> WriteField(std::string_view name, const DataType& type, int index) {
    std::vector<flatbuffers::Offset<fb::Field>> children;
    if (type.id() == TypeId::kList) children.push_back(WriteField("item", type.element(), -1));
    KeyValues metadata;
    for (const Extension& e : kExtensions) {
      if (e.id != type.id()) continue;
      metadata.push_back(Pair(kExtensionName, e.name));
      metadata.push_back(Pair(kExtensionData, ""));
    }
    if (index >= 0) metadata.push_back(Pair(kColumnIndex, std::to_string(index)));
    const auto text = builder_.CreateString(name.data(), name.size());
    const auto child_list = builder_.CreateVector(children);
    const auto pairs = builder_.CreateVector(metadata);
    const auto [kind, table] = WriteType(type);
    return fb::CreateField(builder_, text, true, kind, table, 0, child_list, pairs);
  }

  std::pair<fb::Type, flatbuffers::Offset<void>> WriteType(const DataType& type) {
    switch (type.id()) {
      case TypeId::kBoolean:
        return {fb::Type_Bool, fb::CreateBool(builder_).Union()};
      case TypeId::kInteger:
        return {fb::Type_Int, fb::CreateInt(builder_, 32, true).Union()};
      case TypeId::kBigint:
        return {fb::Type_Int, fb::CreateInt(builder_, 64, true).Union()};
      case TypeId::kDouble:
        return {fb::Type_FloatingPoint, fb::CreateFloatingPoint(builder_, fb::Precision_DOUBLE).Union()};
      case TypeId::kDecimal:
        return {fb::Type_Decimal, fb::CreateDecimal(builder_, type.precision(), type.scale(), 128).Union()};
      case TypeId::kText:
      case TypeId::kJsonb:
        return {fb::Type_Utf8, fb::CreateUtf8(builder_).Union()};
      case TypeId::kBytea:
        return {fb::Type_Binary, fb::CreateBinary(builder_).Union()};
      case TypeId::kDate:
        return {fb::Type_Date, fb::CreateDate(builder_, fb::DateUnit_DAY).Union()};
      case TypeId::kTimestamp:
        return {fb::Type_Timestamp, fb::CreateTimestamp(builder_, fb::TimeUnit_MICROSECOND).Union()};
      case TypeId::kTimestamptz: {
        const auto zone = builder_.CreateString("UTC");
        return {fb::Type_Timestamp, fb::CreateTimestamp(builder_, fb::TimeUnit_MICROSECOND, zone).Union()};
      }
      case TypeId::kList:
        return {fb::Type_List, fb::CreateList(builder_).Union()};
      default:
        return {fb::Type_FixedSizeBinary, fb::CreateFixedSizeBinary(builder_, type.byte_width()).Union()};
    }
  }

  flatbuffers::FlatBufferBuilder builder_;
};

std::string_view View(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

std::optional<std::string_view> FindKey(const KeyValueVector* pairs, std::string_view key) {
  if (pairs == nullptr) return std::nullopt;
  for (const fb::KeyValue* pair : *pairs) {
    if (View(pair->key()) == key) return View(pair->value());
  }
  return std::nullopt;
}

// A column number below `limit`, or -1.
int ParseIndex(std::string_view text, int limit) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 && value < limit ? value : -1;
}

Status NoType(const fb::Field& field, std::string_view what) {
  return Status::Unsupported("Arrow column '" + std::string(View(field.name())) + "' has the type " +
                             std::string(what) + ", which streamrun does not read");
}

Result<DataType> ReadType(const fb::Field& field, int depth);

Result<DataType> ReadBinary(const fb::Field& field, int width, TypeId plain) {
  const auto name = FindKey(field.custom_metadata(), kExtensionName);
  if (name) {
    for (const Extension& e : kExtensions) {
      if (e.name == *name && e.width == width) return DataType(e.id);
    }
  }
  if (plain == TypeId::kUnknown) return NoType(field, "fixed-size binary");
  return DataType(plain);
}

Result<DataType> ReadTimestampType(const fb::Field& field) {
  const fb::Timestamp* type = field.type_as_Timestamp();
  if (type->unit() != fb::TimeUnit_MICROSECOND)
    return NoType(field, "timestamp in units other than microseconds");
  return DataType(View(type->timezone()).empty() ? TypeId::kTimestamp : TypeId::kTimestamptz);
}

Result<DataType> ReadDecimalType(const fb::Field& field) {
  const fb::Decimal* type = field.type_as_Decimal();
  if (type->bit_width() != 128 || type->precision() < 1 || type->precision() > 38 || type->scale() < 0 ||
      type->scale() > type->precision()) {
    return NoType(field, "decimal beyond numeric(38, 0..38)");
  }
  return DataType::Decimal(type->precision(), type->scale());
}

Result<DataType> ReadListType(const fb::Field& field, int depth) {
  if (depth > 0) return NoType(field, "list of lists");
  if (field.children() == nullptr || field.children()->size() != 1)
    return Corrupt("a list without its element");
  SR_ASSIGN_OR_RETURN(DataType element, ReadType(*field.children()->Get(0), depth + 1));
  return DataType::List(std::move(element));
}

Result<DataType> ReadType(const fb::Field& field, int depth) {
  if (field.type() == nullptr) return Corrupt("a field without type");
  if (field.dictionary() != nullptr) return NoType(field, "dictionary");
  switch (field.type_type()) {
    case fb::Type_Bool:
      return DataType(TypeId::kBoolean);
    case fb::Type_Int: {
      const fb::Int* type = field.type_as_Int();
      if (type->is_signed() && type->bit_width() == 32) return DataType(TypeId::kInteger);
      if (type->is_signed() && type->bit_width() == 64) return DataType(TypeId::kBigint);
      return NoType(field, "integer of a width other than 32 and 64 or without sign");
    }
    case fb::Type_FloatingPoint:
      if (field.type_as_FloatingPoint()->precision() == fb::Precision_DOUBLE)
        return DataType(TypeId::kDouble);
      return NoType(field, "floating point below double");
    case fb::Type_Decimal:
      return ReadDecimalType(field);
    case fb::Type_Utf8:
      return ReadBinary(field, 0, TypeId::kText);
    case fb::Type_Binary:
      return DataType(TypeId::kBytea);
    case fb::Type_FixedSizeBinary:
      return ReadBinary(field, field.type_as_FixedSizeBinary()->byte_width(), TypeId::kUnknown);
    case fb::Type_Date:
      if (field.type_as_Date()->unit() == fb::DateUnit_DAY) return DataType(TypeId::kDate);
      return NoType(field, "date in milliseconds");
    case fb::Type_Timestamp:
      return ReadTimestampType(field);
    case fb::Type_List:
      return ReadListType(field, depth);
    default:
      return NoType(field, fb::EnumNameType(field.type_type()));
  }
}

class SchemaReader {
 public:
  Result<IpcLayout> Read(const fb::Schema& schema) {
    if (schema.endianness() != fb::Endianness_Little) return Status::Unsupported("big-endian Arrow data");
    metadata_ = schema.custom_metadata();
    layout_.origin = FindKey(metadata_, kHasOrigin).has_value();
    layout_.changes = FindKey(metadata_, kHasChange).has_value();
    const FieldVector* fields = schema.fields();
    const int sent = fields == nullptr ? 0 : static_cast<int>(fields->size());
    const int live = sent - layout_.origin - layout_.changes;
    if (live < 0) return Corrupt("the announced hidden columns are missing");
    SR_RETURN_IF_ERROR(CheckHidden(fields, live));
    columns_.resize(static_cast<size_t>(live + CountPruned()));
    for (int i = 0; i < live; ++i) SR_RETURN_IF_ERROR(ReadLive(*fields->Get(static_cast<unsigned>(i)), i));
    SR_RETURN_IF_ERROR(ReadPruned());
    return Finish();
  }

 private:
  int CountPruned() const {
    int count = 0;
    if (metadata_ == nullptr) return 0;
    for (const fb::KeyValue* pair : *metadata_) count += View(pair->key()).starts_with(kPrunedPrefix);
    return count;
  }

  Status CheckHidden(const FieldVector* fields, int at) const {
    const auto is = [&](int index, std::string_view name, int bits) {
      const fb::Field* field = fields->Get(static_cast<unsigned>(index));
      const fb::Int* type = field->type_as_Int();
      return View(field->name()) == name && type != nullptr && type->bit_width() == bits;
    };
    if (layout_.origin && !is(at++, kOriginColumn, 64))
      return Corrupt("the origin column is not as announced");
    if (layout_.changes && !is(at, kChangeColumn, 8)) return Corrupt("the change column is not as announced");
    return Status::Ok();
  }

  Status Place(int index, std::string_view name, DataType type) {
    if (index < 0 || columns_[static_cast<size_t>(index)])
      return Corrupt("column numbers do not fit together");
    columns_[static_cast<size_t>(index)] = Field{std::string(name), std::move(type)};
    return Status::Ok();
  }

  Status ReadLive(const fb::Field& field, int position) {
    SR_ASSIGN_OR_RETURN(DataType type, ReadType(field, 0));
    const auto marked = FindKey(field.custom_metadata(), kColumnIndex);
    const int index = marked ? ParseIndex(*marked, static_cast<int>(columns_.size())) : position;
    layout_.live.push_back(index);
    return Place(index, View(field.name()), std::move(type));
  }

  Status ReadPruned() {
    if (metadata_ == nullptr) return Status::Ok();
    for (const fb::KeyValue* pair : *metadata_) {
      std::string_view key = View(pair->key());
      if (!key.starts_with(kPrunedPrefix)) continue;
      key.remove_prefix(std::string_view(kPrunedPrefix).size());
      const std::string_view value = View(pair->value());
      const size_t colon = value.find(':');
      if (colon == std::string_view::npos) return Corrupt("a pruned column without type");
      Result<DataType> type = DataType::Parse(value.substr(0, colon));
      if (!type.ok()) return Corrupt("a pruned column of no known type");
      SR_RETURN_IF_ERROR(
          Place(ParseIndex(key, static_cast<int>(columns_.size())), value.substr(colon + 1), *type));
    }
    return Status::Ok();
  }

  Status Mark(const char* key, const std::vector<Field>& fields, int* out) const {
    const auto value = FindKey(metadata_, key);
    if (!value) return Status::Ok();
    *out = ParseIndex(*value, static_cast<int>(fields.size()));
    if (*out < 0) return Corrupt("a mark names no column");
    const TypeId id = fields[static_cast<size_t>(*out)].type.id();
    if (id != TypeId::kTimestamp && id != TypeId::kTimestamptz)
      return Corrupt("a mark names a column without time");
    return Status::Ok();
  }

  Result<IpcLayout> Finish() {
    std::vector<Field> fields;
    for (std::optional<Field>& column : columns_) {
      if (!column) return Corrupt("column numbers do not fit together");
      fields.push_back(std::move(*column));
    }
    int event_time = -1, window_start = -1, window_end = -1;
    SR_RETURN_IF_ERROR(Mark(kEventTime, fields, &event_time));
    SR_RETURN_IF_ERROR(Mark(kWindowStart, fields, &window_start));
    SR_RETURN_IF_ERROR(Mark(kWindowEnd, fields, &window_end));
    auto schema = std::make_shared<Schema>(std::move(fields));
    schema->event_time = event_time;
    schema->window_start = window_start;
    schema->window_end = window_end;
    schema->changes = FindKey(metadata_, kSchemaChanges).has_value();
    layout_.schema = std::move(schema);
    return std::move(layout_);
  }

  const KeyValueVector* metadata_ = nullptr;
  IpcLayout layout_;
  std::vector<std::optional<Field>> columns_;
};

}  // namespace

std::string EncodeIpcFooter(const IpcLayout& layout, const std::vector<IpcBlock>& blocks) {
  std::string footer = SchemaWriter().WriteFooter(layout, blocks);
  const auto size = static_cast<uint32_t>(footer.size());
  footer.append(reinterpret_cast<const char*>(&size), sizeof(size));  // little endian, as all of it
  return footer + "ARROW1";
}

IpcBlock LocateIpcBatch(uint64_t offset, std::string_view message) {
  uint32_t length = 0;  // of the metadata, behind the marker
  std::memcpy(&length, message.data() + 4, sizeof(length));
  return {offset, length + 8, message.size() - length - 8};
}

std::string EncodeIpcSchema(const IpcLayout& layout) { return SchemaWriter().Write(layout); }

Result<IpcLayout> DecodeIpcSchema(std::string_view message) {
  // The verifier reads words in place: bring the bytes to an aligned address.
  const BufferPtr aligned = Buffer::Copy(message);
  SR_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(aligned->view()));
  const fb::Schema* schema = frame.message->header_as_Schema();
  if (schema == nullptr) return Corrupt("not a schema");
  return SchemaReader().Read(*schema);
}

}  // namespace streamrun
