#include "core/data/arrow_ipc.h"

#include <cstring>
#include <random>

#include "core/data/selection.h"
#include "doctest/doctest.h"
#include "tests/core/data/sample_batch.h"

namespace streamrun {
namespace {

IpcLayout FullLayout(const SchemaPtr& schema, bool hidden) {
  IpcLayout layout{schema, {}, hidden, hidden};
  for (int i = 0; i < schema->size(); ++i) layout.live.push_back(i);
  return layout;
}

void CheckEqual(const Batch& a, const Batch& b) {
  REQUIRE(a.rows() == b.rows());
  REQUIRE(a.columns().size() == b.columns().size());
  for (int c = 0; c < a.schema()->size(); ++c) {
    CAPTURE(a.schema()->field(c).type.ToString());
    REQUIRE(a.pruned(c) == b.pruned(c));
    if (a.pruned(c)) continue;
    CHECK(a.column(c)->null_count() == b.column(c)->null_count());
    for (int64_t i = 0; i < a.rows(); ++i) {
      CHECK(Value::FromColumn(*a.column(c), i).ToText() == Value::FromColumn(*b.column(c), i).ToText());
    }
  }
}

// Reads every value: under AddressSanitizer a bad read in an accepted message ends the test.
void Touch(const Batch& batch) {
  for (const ColumnPtr& column : batch.columns()) {
    if (!column) continue;
    std::string out;
    for (int64_t i = 0; i < column->length(); ++i) PrintValue(*column, i, out);
  }
  for (int64_t i = 0; i < batch.rows(); ++i) {
    CHECK(static_cast<int>(batch.change(i)) <= 3);
    if (batch.origin()) CHECK(batch.origin().offsets->as<int64_t>()[i] + 1 != 0x7fffffffffff0001);
  }
}

TEST_CASE("a schema comes back with types, names and marks") {
  const SchemaPtr schema = SampleSchema();
  for (const bool hidden : {false, true}) {
    const IpcLayout layout = FullLayout(schema, hidden);
    const Result<IpcLayout> back = DecodeIpcSchema(EncodeIpcSchema(layout));
    REQUIRE(back.ok());
    CHECK(*back->schema == *schema);
    CHECK(back->live == layout.live);
    CHECK(back->origin == hidden);
    CHECK(back->changes == hidden);
  }
}

TEST_CASE("pruned columns keep their place in the schema and do not travel") {
  const BatchPtr batch = SampleBatch(100, 0, false);
  IpcLayout layout{batch->schema(), {8, 2, 15}, false, false};
  const Result<IpcLayout> back = DecodeIpcSchema(EncodeIpcSchema(layout));
  REQUIRE(back.ok());
  CHECK(*back->schema == *batch->schema());
  CHECK(back->live == layout.live);
  const BufferPtr message = EncodeIpcBatch(*batch, layout);
  CHECK(message->size() < EncodeIpcBatch(*batch, FullLayout(batch->schema(), false))->size() / 3);
  const Result<BatchPtr> read = DecodeIpcBatch(message, *back);
  REQUIRE(read.ok());
  for (int c = 0; c < batch->schema()->size(); ++c)
    CHECK((*read)->pruned(c) == (c != 8 && c != 2 && c != 15));
  CHECK((*read)->column(8)->Text(5) == batch->column(8)->Text(5));
  CHECK((*read)->column(2)->values<int64_t>()[99] == batch->column(2)->values<int64_t>()[99]);
}

TEST_CASE("batches of every type come back unchanged, with and without nulls") {
  for (const int64_t rows : {int64_t{0}, int64_t{1}, int64_t{7}, int64_t{8}, int64_t{9}, int64_t{300}}) {
    for (const int nulls : {0, 1, 3}) {
      const BatchPtr batch = SampleBatch(rows, nulls, true);
      const IpcLayout layout = FullLayout(batch->schema(), true);
      const BufferPtr message = EncodeIpcBatch(*batch, layout);
      CHECK(reinterpret_cast<uintptr_t>(message->data()) % 64 == 0);
      CHECK(message->size() % 64 == 0);
      CHECK(*IpcMessageSize(message->view()) == message->size());
      const Result<BatchPtr> back = DecodeIpcBatch(message, layout, true);
      REQUIRE_MESSAGE(back.ok(), back.status().message());
      CheckEqual(*batch, **back);
      REQUIRE((*back)->origin());
      CHECK(*(*back)->origin().split == *batch->origin().split);
      for (int64_t i = 0; i < rows; ++i) {
        CHECK((*back)->change(i) == batch->change(i));
        CHECK((*back)->origin().offsets->as<int64_t>()[i] == batch->origin().offsets->as<int64_t>()[i]);
      }
    }
  }
}

TEST_CASE("decoding copies nothing: columns point into the message") {
  const BatchPtr batch = SampleBatch(50, 4, false);
  const IpcLayout layout = FullLayout(batch->schema(), false);
  const BufferPtr message = EncodeIpcBatch(*batch, layout);
  const BatchPtr back = *DecodeIpcBatch(message, layout);
  for (const ColumnPtr& column : back->columns()) {
    CHECK(column->values_buffer()->data() > message->data());
    CHECK(column->values_buffer()->data() < message->data() + message->size());
    CHECK(reinterpret_cast<uintptr_t>(column->values_buffer()->data()) % 64 == 0);
  }
}

TEST_CASE("a batch that only inserts has no change column after decoding, one without origin none either") {
  const BatchPtr sample = SampleBatch(10, 0, false);
  const Batch plain(sample->schema(), 10, sample->columns());
  const IpcLayout layout = FullLayout(sample->schema(), true);
  const BatchPtr back = *DecodeIpcBatch(EncodeIpcBatch(plain, layout), layout);
  CHECK(back->changes() == nullptr);
  CHECK(!back->origin());
}

TEST_CASE("a decoded batch outlives the handle of its message") {
  const BatchPtr batch = SampleBatch(20, 3, false);
  const IpcLayout layout = FullLayout(batch->schema(), false);
  BufferPtr message = EncodeIpcBatch(*batch, layout);
  const BatchPtr back = *DecodeIpcBatch(message, layout);
  message.reset();
  CheckEqual(*batch, *back);
}

TEST_CASE("a message at an odd address is read all the same") {
  const BatchPtr batch = SampleBatch(33, 3, true);
  const IpcLayout layout = FullLayout(batch->schema(), true);
  const BufferPtr message = EncodeIpcBatch(*batch, layout);
  const BufferPtr shifted = Buffer::Copy("x" + std::string(message->view()));
  const BufferPtr odd = Buffer::Wrap(shifted->data() + 1, message->size(), shifted);
  const Result<BatchPtr> back = DecodeIpcBatch(odd, layout);
  REQUIRE(back.ok());
  CheckEqual(*batch, **back);
}

TEST_CASE("a decoded batch can be cut, joined and sent again") {
  const BatchPtr batch = SampleBatch(90, 4, true);
  const IpcLayout layout = FullLayout(batch->schema(), true);
  const BatchPtr once = *DecodeIpcBatch(EncodeIpcBatch(*batch, layout), layout);
  const BatchPtr joined = Concat({Slice(once, 0, 40), Slice(once, 40, 90)});
  CheckEqual(*batch, **DecodeIpcBatch(EncodeIpcBatch(*joined, layout), layout));
}

TEST_CASE("every cut of a message is refused") {
  const BatchPtr batch = SampleBatch(20, 3, true);
  const IpcLayout layout = FullLayout(batch->schema(), true);
  const BufferPtr message = EncodeIpcBatch(*batch, layout);
  const std::string schema = EncodeIpcSchema(layout);
  for (size_t size = 0; size < message->size(); size += size < 200 ? 1 : 37) {
    const Result<BatchPtr> back = DecodeIpcBatch(Buffer::Copy(message->view().substr(0, size)), layout);
    REQUIRE(!back.ok());
    CHECK(back.status().code() == Code::kCorruption);
  }
  for (size_t size = 0; size + 64 < schema.size(); ++size)
    CHECK(!DecodeIpcSchema(schema.substr(0, size)).ok());
}

TEST_CASE("a message with any byte changed is refused or safe to read") {
  const BatchPtr batch = SampleBatch(9, 3, true);
  const IpcLayout layout = FullLayout(batch->schema(), true);
  const BufferPtr message = EncodeIpcBatch(*batch, layout);
  std::mt19937 random(5);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(message->view());
    for (unsigned i = 0; i < 1 + random() % 3; ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random() % 4 == 0 ? 0xff : random());
    }
    const Result<BatchPtr> back = DecodeIpcBatch(Buffer::Copy(bytes), layout, random() % 2 == 0);
    if (back.ok()) Touch(**back);
  }
  const std::string schema = EncodeIpcSchema(layout);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = schema;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const Result<IpcLayout> back = DecodeIpcSchema(bytes);
    if (back.ok()) CHECK(back->schema->size() >= static_cast<int>(back->live.size()));
  }
}

// A message with the body of a text column edited before it is read.
Result<BatchPtr> ReadEdited(const BatchPtr& batch, void (*edit)(Column&, uint8_t*), bool utf8 = false) {
  const IpcLayout layout = FullLayout(batch->schema(), false);
  const BufferPtr message = EncodeIpcBatch(*batch, layout);
  const BatchPtr read = *DecodeIpcBatch(message, layout);
  Column column = *read->column(0);
  edit(column, const_cast<uint8_t*>(column.values<uint8_t>()));
  return DecodeIpcBatch(message, layout, utf8);
}

BatchPtr OneColumn(const ColumnPtr& column) {
  return std::make_shared<const Batch>(std::make_shared<Schema>(std::vector<Field>{{"c", column->type()}}),
                                       column->length(), std::vector<ColumnPtr>{column});
}

TEST_CASE("offsets that fall, start late or leave the data are corruption") {
  const BatchPtr batch = OneColumn(SampleColumn(TypeId::kText, 20, 0));
  const auto message = [](const Result<BatchPtr>& result) { return result.status().message(); };
  CHECK(ReadEdited(batch, [](Column&, uint8_t*) {}).ok());
  CHECK(message(ReadEdited(batch, [](Column&, uint8_t* p) { p[0] = 1; })) ==
        "Arrow message: offsets fall or do not start at 0");
  CHECK(message(ReadEdited(batch, [](Column&, uint8_t* p) { p[4 * 10 + 3] = 0x80; })) ==
        "Arrow message: offsets fall or do not start at 0");
  CHECK(message(ReadEdited(batch, [](Column&, uint8_t* p) { p[4 * 20 + 2] = 1; })) ==
        "Arrow message: a buffer is too short for its rows");
}

TEST_CASE("text is checked to be UTF-8 when asked, value by value") {
  const BatchPtr batch = OneColumn([] {
    ColumnBuilder builder{DataType(TypeId::kText)};
    builder.AppendText("a");
    builder.AppendText("\xc3\xa4");
    return builder.Finish();
  }());
  const auto split = [](Column&, uint8_t* offsets) { offsets[4] = 2; };  // cuts the character in two
  CHECK(ReadEdited(
            batch, [](Column&, uint8_t*) {}, true)
            .ok());
  CHECK(ReadEdited(batch, split, false).ok());
  CHECK(!ReadEdited(batch, split, true).ok());
  const auto broken = [](Column& c, uint8_t*) { const_cast<char*>(c.text_data())[0] = '\xff'; };
  CHECK(ReadEdited(batch, broken, false).ok());
  CHECK(!ReadEdited(batch, broken, true).ok());
}

TEST_CASE("a numeric, decimal or address outside its type is corruption") {
  const BatchPtr numeric = OneColumn(SampleColumn(TypeId::kNumeric, 3, 0));
  CHECK(!ReadEdited(numeric, [](Column&, uint8_t* p) { p[16] = 39; }).ok());
  CHECK(!ReadEdited(numeric, [](Column&, uint8_t* p) { p[20] = 4; }).ok());
  CHECK(!ReadEdited(numeric, [](Column&, uint8_t* p) { p[15] = 0x7f; }).ok());
  const BatchPtr decimal = OneColumn(SampleColumn(DataType::Decimal(20, 3), 3, 0));
  CHECK(ReadEdited(decimal, [](Column&, uint8_t*) {}).ok());
  CHECK(!ReadEdited(decimal, [](Column&, uint8_t* p) { p[16 + 12] = 1; }).ok());
  const BatchPtr inet = OneColumn(SampleColumn(TypeId::kInet, 3, 0));
  CHECK(!ReadEdited(inet, [](Column&, uint8_t* p) { p[18] = 5; }).ok());
  CHECK(!ReadEdited(inet, [](Column&, uint8_t* p) { p[19] = 33; }).ok());
}

TEST_CASE("a batch of another schema is refused") {
  const BatchPtr batch = SampleBatch(10, 0, false);
  const IpcLayout layout = FullLayout(batch->schema(), false);
  IpcLayout fewer = layout;
  fewer.live.pop_back();
  CHECK(!DecodeIpcBatch(EncodeIpcBatch(*batch, layout), fewer).ok());
  CHECK(!DecodeIpcBatch(EncodeIpcBatch(*batch, fewer), layout).ok());
  const std::string schema = EncodeIpcSchema(layout);
  CHECK(!DecodeIpcBatch(Buffer::Copy(schema), layout).ok());
  CHECK(!DecodeIpcSchema(EncodeIpcBatch(*batch, layout)->view()).ok());
}

}  // namespace
}  // namespace streamrun
