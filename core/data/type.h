// The types of a column: PostgreSQL's scalar types and lists of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace streamrun {

enum class TypeId : uint8_t {
  kUnknown,      // only the type of an untyped NULL or string literal inside an expression; never of a column
  kBoolean,      // one bit
  kInteger,      // int32
  kBigint,       // int64
  kDouble,       // IEEE double
  kDecimal,      // numeric(p,s), p <= 38: Decimal128 coefficient at the type's scale
  kNumeric,      // bare numeric: Numeric struct, every value has its own scale
  kUuid,         // 16 bytes, network order
  kInet,         // Inet struct, 18 bytes
  kText,         // UTF-8
  kBytea,        // any bytes
  kDate,         // int32 days since 1970-01-01
  kTimestamp,    // int64 microseconds since 1970-01-01, zone-less
  kTimestamptz,  // int64 microseconds since the Unix epoch, UTC
  kInterval,     // Interval struct
  kJsonb,        // validated JSON text as it came; canonicalised when compared, hashed or printed
  kList,         // array of one element type
};

/// How values of a type lie in memory (Arrow layouts).
enum class Layout : uint8_t { kBits, kFixed, kVarlen, kList };

class DataType {
 public:
  DataType() = default;
  /// Any type but kDecimal and kList.
  constexpr DataType(TypeId id) : id_(id) {}  // NOLINT: implicit by design
  /// numeric(precision, scale), 1 <= precision <= 38, 0 <= scale <= precision.
  static DataType Decimal(int precision, int scale);
  static DataType List(DataType element);

  TypeId id() const { return id_; }
  int precision() const { return precision_; }
  int scale() const { return scale_; }
  /// Element type of a list; only for kList.
  const DataType& element() const { return *element_; }

  Layout layout() const;
  /// Bytes per value for Layout::kFixed, else 0.
  int byte_width() const;
  bool is_numeric() const { return id_ >= TypeId::kInteger && id_ <= TypeId::kNumeric; }
  /// integer, bigint, date and the timestamps: a signed number of 4 or 8 bytes.
  bool is_integer_like() const {
    return id_ == TypeId::kInteger || id_ == TypeId::kBigint || id_ == TypeId::kDate ||
           id_ == TypeId::kTimestamp || id_ == TypeId::kTimestamptz;
  }
  bool is_text_like() const { return id_ == TypeId::kText || id_ == TypeId::kJsonb || id_ == TypeId::kBytea; }

  /// As written in YAML and SQL: "bigint", "numeric(10,2)", "text[]".
  std::string ToString() const;
  /// Reads what ToString writes and PostgreSQL's aliases (int, int8, float8, varchar, bool, decimal, ...).
  /// InvalidArgument names the text and the nearest type.
  static Result<DataType> Parse(std::string_view text);

  friend bool operator==(const DataType& a, const DataType& b);

 private:
  TypeId id_ = TypeId::kUnknown;
  uint8_t precision_ = 0;
  uint8_t scale_ = 0;
  std::shared_ptr<const DataType> element_;
};

using Int128 = __int128;

/// A bare numeric: coefficient / 10^scale, or one of the specials. 24 bytes; the coefficient is stored as two
/// little-endian halves so that the struct needs 8-byte alignment only.
struct Numeric {
  enum Kind : int32_t { kFinite = 0, kNaN = 1, kPositiveInfinity = 2, kNegativeInfinity = 3 };
  uint64_t low = 0;
  int64_t high = 0;
  int32_t scale = 0;  // 0..38 digits after the point, kept for display as PostgreSQL does
  int32_t kind = kFinite;

  static Numeric Of(Int128 coefficient, int scale) {
    return {static_cast<uint64_t>(coefficient), static_cast<int64_t>(coefficient >> 64), scale, kFinite};
  }
  Int128 coefficient() const {
    return static_cast<Int128>((static_cast<unsigned __int128>(static_cast<uint64_t>(high)) << 64) | low);
  }
};
static_assert(sizeof(Numeric) == 24);

/// A numeric(p,s) value in memory: little-endian two's complement, Arrow decimal128.
struct Decimal128 {
  uint64_t low = 0;
  int64_t high = 0;
  static Decimal128 Of(Int128 v) { return {static_cast<uint64_t>(v), static_cast<int64_t>(v >> 64)}; }
  Int128 value() const {
    return static_cast<Int128>((static_cast<unsigned __int128>(static_cast<uint64_t>(high)) << 64) | low);
  }
};
static_assert(sizeof(Decimal128) == 16);

/// PostgreSQL's interval: the three parts are independent (a month has no fixed number of days).
struct Interval {
  int32_t months = 0;
  int32_t days = 0;
  int64_t micros = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};
static_assert(sizeof(Interval) == 16);

struct Uuid {
  uint8_t bytes[16] = {};
  friend bool operator==(const Uuid&, const Uuid&) = default;
};

/// PostgreSQL's inet: host address with a prefix length. IPv4 uses the first 4 bytes, the rest are 0.
struct Inet {
  uint8_t family = 4;   // 4 or 6
  uint8_t prefix = 32;  // 0..32 or 0..128
  uint8_t address[16] = {};
  friend bool operator==(const Inet&, const Inet&) = default;
};
static_assert(sizeof(Inet) == 18);

}  // namespace streamrun
