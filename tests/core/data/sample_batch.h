// Columns and batches of every type for the tests of this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/data/batch.h"
#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/data/value.h"

namespace streamrun {

inline const std::vector<DataType>& SampleTypes() {
  static const std::vector<DataType> types = {TypeId::kBoolean,
                                              TypeId::kInteger,
                                              TypeId::kBigint,
                                              TypeId::kDouble,
                                              DataType::Decimal(20, 3),
                                              TypeId::kNumeric,
                                              TypeId::kUuid,
                                              TypeId::kInet,
                                              TypeId::kText,
                                              TypeId::kBytea,
                                              TypeId::kDate,
                                              TypeId::kTimestamp,
                                              TypeId::kTimestamptz,
                                              TypeId::kInterval,
                                              TypeId::kJsonb,
                                              DataType::List(TypeId::kBigint),
                                              DataType::List(TypeId::kText),
                                              DataType::List(TypeId::kBoolean),
                                              DataType::List(TypeId::kNumeric)};
  return types;
}

/// Value number `n` of a type; different numbers mostly give different values.
inline Value SampleValue(const DataType& type, int64_t n) {
  switch (type.id()) {
    case TypeId::kBoolean:
      return {type, n % 3 == 0};
    case TypeId::kInteger:
    case TypeId::kDate:
      return {type, static_cast<int32_t>(n * 7919 - 100)};
    case TypeId::kBigint:
      return {type, n * 1'000'003 - 7};
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return {type, 1'700'000'000'000'000 + n * 123'456'789};
    case TypeId::kDouble:
      return {type, static_cast<double>(n) * 1.25 - 3};
    case TypeId::kDecimal:
      return {type, Decimal128::Of(Int128{n} * 1'234'567'890'123 - 5)};
    case TypeId::kNumeric:
      return {type, Numeric::Of(Int128{n} * 98'765'432'109'876 - 3, static_cast<int>(n % 9))};
    case TypeId::kUuid: {
      Uuid uuid;
      for (int i = 0; i < 16; ++i) uuid.bytes[i] = static_cast<uint8_t>(n * 31 + i);
      return {type, uuid};
    }
    case TypeId::kInet:
      return {type, *ParseInet(n % 2 ? "10.1.2." + std::to_string(n % 256)
                                     : "2001:db8::" + std::to_string(n % 999))};
    case TypeId::kInterval:
      return {type, Interval{static_cast<int32_t>(n), static_cast<int32_t>(-n), n * 1'000'001}};
    case TypeId::kJsonb:
      return {type, "{\"n\": " + std::to_string(n) + "}"};
    case TypeId::kList: {
      std::vector<Value> elements;
      for (int64_t i = 0; i < n % 4; ++i) {
        elements.push_back(i == 2 ? Value::Null(type.element()) : SampleValue(type.element(), n + i));
      }
      return {type, std::move(elements)};
    }
    default:
      return {type,
              std::string(static_cast<size_t>(n % 20), static_cast<char>('a' + n % 26)) + std::to_string(n)};
  }
}

/// `rows` values; every `null_every`-th is null (0: none).
inline ColumnPtr SampleColumn(const DataType& type, int64_t rows, int null_every) {
  ColumnBuilder builder(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (null_every > 0 && i % null_every == null_every - 1) {
      builder.AppendNull();
    } else {
      SampleValue(type, i).AppendTo(builder);
    }
  }
  return builder.Finish();
}

inline SchemaPtr SampleSchema() {
  std::vector<Field> fields;
  for (const DataType& type : SampleTypes()) fields.push_back({"c" + std::to_string(fields.size()), type});
  auto schema = std::make_shared<Schema>(std::move(fields));
  schema->event_time = 11;
  schema->window_start = 12;
  schema->window_end = 11;
  schema->changes = true;
  return schema;
}

inline BatchPtr SampleBatch(int64_t rows, int null_every, bool changes) {
  static const SchemaPtr schema = SampleSchema();
  static const auto split = std::make_shared<const std::string>("file:/tmp/sample");
  std::vector<ColumnPtr> columns;
  for (const Field& field : schema->fields()) columns.push_back(SampleColumn(field.type, rows, null_every));
  BufferBuilder offsets, kinds;
  for (int64_t i = 0; i < rows; ++i) {
    offsets.Push<int64_t>(i * 100);
    kinds.Push(static_cast<int8_t>(i % 4));
  }
  return std::make_shared<const Batch>(schema, rows, std::move(columns), Origin{split, offsets.Finish()},
                                       changes ? kinds.Finish() : nullptr);
}

}  // namespace streamrun
