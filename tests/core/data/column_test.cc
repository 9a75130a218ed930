#include "core/data/column.h"

#include <random>

#include "core/data/column_builder.h"
#include "core/data/selection.h"
#include "core/data/text_io.h"
#include "core/data/value.h"
#include "doctest/doctest.h"
#include "tests/core/data/sample_batch.h"

namespace streamrun {
namespace {

// What the rows of a column print as.
std::vector<std::string> Rows(const Column& column) {
  std::vector<std::string> rows;
  for (int64_t i = 0; i < column.length(); ++i) {
    rows.emplace_back();
    PrintValue(column, i, rows.back());
  }
  return rows;
}

int64_t CountNulls(const Column& column) {
  int64_t nulls = 0;
  for (int64_t i = 0; i < column.length(); ++i) nulls += column.IsNull(i);
  return nulls;
}

TEST_CASE("nulls stand where they were appended, at every position of a byte") {
  for (const DataType& type : SampleTypes()) {
    CAPTURE(type.ToString());
    for (int64_t length = 0; length < 20; ++length) {
      for (int64_t null = 0; null < length; ++null) {
        ColumnBuilder builder(type);
        for (int64_t i = 0; i < length; ++i) {
          if (i == null || i == null + 3) {
            builder.AppendNull();
          } else {
            SampleValue(type, i).AppendTo(builder);
          }
        }
        const ColumnPtr column = builder.Finish();
        CHECK(column->null_count() == CountNulls(*column));
        for (int64_t i = 0; i < length; ++i) {
          CHECK(column->IsNull(i) == (i == null || i == null + 3));
          if (!column->IsNull(i))
            CHECK(Value::FromColumn(*column, i).ToText() == SampleValue(type, i).ToText());
        }
      }
    }
  }
}

TEST_CASE("a builder cut back and filled again equals one that never failed") {
  std::mt19937 random(1);
  for (const DataType& type : SampleTypes()) {
    CAPTURE(type.ToString());
    for (int round = 0; round < 60; ++round) {
      ColumnBuilder builder(type);
      std::vector<Value> model;
      for (int step = 0; step < 40; ++step) {
        if (random() % 8 == 0) {
          const auto keep = static_cast<int64_t>(random() % (model.size() + 1));
          builder.TruncateTo(keep);
          model.resize(static_cast<size_t>(keep), Value::Null(type));
          continue;
        }
        model.push_back(random() % 4 == 0 ? Value::Null(type)
                                          : SampleValue(type, static_cast<int64_t>(random() % 50)));
        model.back().AppendTo(builder);
      }
      const ColumnPtr column = builder.Finish();
      REQUIRE(column->length() == static_cast<int64_t>(model.size()));
      CHECK(column->null_count() == CountNulls(*column));
      for (size_t i = 0; i < model.size(); ++i) {
        CHECK(Value::FromColumn(*column, static_cast<int64_t>(i)).ToText() == model[i].ToText());
      }
    }
  }
}

TEST_CASE("a finished builder starts a new column") {
  for (const DataType& type : SampleTypes()) {
    ColumnBuilder builder(type);
    builder.AppendNull();
    SampleValue(type, 1).AppendTo(builder);
    const ColumnPtr first = builder.Finish();
    SampleValue(type, 2).AppendTo(builder);
    const ColumnPtr second = builder.Finish();
    CHECK(first->length() == 2);
    CHECK(second->length() == 1);
    CHECK(!second->has_nulls());
    CHECK(Rows(*second)[0] == SampleValue(type, 2).ToText());
  }
}

TEST_CASE("taking rows gives those rows, in that order, as often as asked") {
  std::mt19937 random(2);
  for (const DataType& type : SampleTypes()) {
    CAPTURE(type.ToString());
    const ColumnPtr column = SampleColumn(type, 67, 5);
    const std::vector<std::string> all = Rows(*column);
    for (const size_t count : {size_t{0}, size_t{1}, size_t{8}, size_t{9}, size_t{200}}) {
      Selection rows;
      for (size_t i = 0; i < count; ++i) rows.push_back(random() % 67);
      const ColumnPtr taken = Take(column, rows);
      REQUIRE(taken->length() == static_cast<int64_t>(count));
      CHECK(taken->null_count() == CountNulls(*taken));
      const std::vector<std::string> got = Rows(*taken);
      for (size_t i = 0; i < count; ++i) CHECK(got[i] == all[rows[i]]);
    }
  }
}

TEST_CASE("a slice and a take keep origin, change kinds and pruned columns") {
  const BatchPtr batch = SampleBatch(30, 3, true);
  const BatchPtr slice = Slice(batch, 4, 9);
  REQUIRE(slice->rows() == 5);
  CHECK(slice->pruned(1) == batch->pruned(1));
  CHECK(slice->origin().split == batch->origin().split);
  for (int64_t i = 0; i < 5; ++i) {
    CHECK(slice->origin().offsets->as<int64_t>()[i] == batch->origin().offsets->as<int64_t>()[i + 4]);
    CHECK(slice->change(i) == batch->change(i + 4));
  }
  CHECK(Slice(batch, 0, 30) == batch);
}

TEST_CASE("batches behind each other hold every row once, whatever their lengths") {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    std::vector<BatchPtr> pieces;
    std::vector<std::vector<std::string>> expected(SampleTypes().size());
    std::vector<int64_t> offsets;
    for (int piece = 0; piece < 5; ++piece) {
      const auto rows = static_cast<int64_t>(random() % 21);
      pieces.push_back(SampleBatch(rows, static_cast<int>(random() % 4), random() % 2 == 0));
      for (size_t c = 0; c < expected.size(); ++c) {
        const ColumnPtr& column = pieces.back()->column(static_cast<int>(c));
        for (const std::string& text : Rows(*column)) expected[c].push_back(text);
      }
      for (int64_t i = 0; i < rows; ++i) offsets.push_back(pieces.back()->origin().offsets->as<int64_t>()[i]);
    }
    const BatchPtr all = Concat(pieces);
    for (size_t c = 0; c < expected.size(); ++c) {
      const Column& column = *all->column(static_cast<int>(c));
      CHECK(Rows(column) == expected[c]);
      CHECK(column.null_count() == CountNulls(column));
    }
    int64_t row = 0;
    for (const BatchPtr& piece : pieces) {
      for (int64_t i = 0; i < piece->rows(); ++i, ++row) CHECK(all->change(row) == piece->change(i));
    }
    CHECK(std::equal(offsets.begin(), offsets.end(), all->origin().offsets->as<int64_t>()));
  }
}

TEST_CASE("a value goes through a column and back unchanged") {
  for (const DataType& type : SampleTypes()) {
    ColumnBuilder builder(type);
    SampleValue(type, 3).AppendTo(builder);
    Value::Null(type).AppendTo(builder);
    const ColumnPtr column = builder.Finish();
    CHECK(Value::FromColumn(*column, 0).ToText() == SampleValue(type, 3).ToText());
    CHECK(Value::FromColumn(*column, 1).is_null());
  }
}

TEST_CASE("a schema finds a column by exact name first, then by the only folded one") {
  const Schema schema({{"Price", TypeId::kBigint}, {"price", TypeId::kBigint}, {"Qty", TypeId::kBigint}});
  CHECK(schema.Find("price") == 1);
  CHECK(schema.Find("Price") == 0);
  CHECK(schema.Find("PRICE") == -2);
  CHECK(schema.Find("qty") == 2);
  CHECK(schema.Find("none") == -1);
  CHECK(schema.ToString() == "Price bigint, price bigint, Qty bigint");
}

TEST_CASE("types read back what they print and PostgreSQL's aliases") {
  for (const DataType& type : SampleTypes()) CHECK(*DataType::Parse(type.ToString()) == type);
  CHECK(*DataType::Parse("INT8") == DataType(TypeId::kBigint));
  CHECK(*DataType::Parse(" numeric ( 10 , 2 ) []") == DataType::List(DataType::Decimal(10, 2)));
  CHECK(*DataType::Parse("decimal(5)") == DataType::Decimal(5, 0));
  for (const char* bad : {"", "bigit", "numeric(0)", "numeric(39)", "numeric(5,6)", "numeric(5,2", "text(5)",
                          "text[][]", "numeric(1,2,3)"}) {
    CAPTURE(bad);
    CHECK(!DataType::Parse(bad).ok());
  }
  CHECK(DataType::Parse("bigit").status().message() == "unknown type 'bigit'; did you mean 'bigint'?");
}

TEST_CASE("a buffer handed over keeps its bytes and 64 zeroes behind them") {
  BufferBuilder builder;
  for (int i = 0; i < 1000; ++i) builder.Push(i);
  const BufferPtr buffer = builder.Finish();
  CHECK(buffer->size() == 4000);
  CHECK(reinterpret_cast<uintptr_t>(buffer->data()) % 64 == 0);
  for (int i = 0; i < 1000; ++i) CHECK(buffer->as<int>()[i] == i);
  for (size_t i = 0; i < Buffer::kPadding; ++i) CHECK(buffer->data()[buffer->size() + i] == 0);
  CHECK(builder.size() == 0);
  CHECK(builder.Finish()->size() == 0);
}

}  // namespace
}  // namespace streamrun
