// Text in and out of every type, exactly as PostgreSQL 15 reads and prints it (settings: ISO dates, UTC,
// extra_float_digits 1, IntervalStyle postgres, bytea hex). Used by casts, formats and messages: the only
// place that knows these forms.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/data/column.h"
#include "core/data/column_builder.h"
#include "core/data/type.h"

namespace streamrun {

// Parsing. An error is InvalidArgument with PostgreSQL's message ('invalid input syntax for type bigint:
// "x"'); leading and trailing white space is accepted where PostgreSQL accepts it.
Result<bool> ParseBoolean(std::string_view text);
Result<int32_t> ParseInteger(std::string_view text);
Result<int64_t> ParseBigint(std::string_view text);
Result<double> ParseDouble(std::string_view text);
Result<Numeric> ParseNumeric(std::string_view text);
/// Rounds half away from zero to `scale`; "numeric field overflow" beyond `precision`.
Result<Decimal128> ParseDecimal(std::string_view text, int precision, int scale);
Result<Uuid> ParseUuid(std::string_view text);
Result<Inet> ParseInet(std::string_view text);
Result<std::string> ParseBytea(std::string_view text);
Result<int32_t> ParseDate(std::string_view text);
/// Accepts ISO 8601 (T or blank, fractions up to 6 digits, rounded beyond) and PostgreSQL's ISO output; an
/// offset is ignored for timestamp and applied for timestamptz, as in PostgreSQL. BC, infinity and -infinity
/// accepted.
Result<Timestamp> ParseTimestamp(std::string_view text);
Result<Timestamp> ParseTimestamptz(std::string_view text);
Result<Interval> ParseInterval(std::string_view text);

/// Fast path for "YYYY-MM-DD?hh:mm:ss[.f{1,6}][Z]" with ? blank or T. Returns false for any other form (the
/// caller then uses ParseTimestamp); never accepts what that would refuse.
bool ParseTimestampFast(std::string_view text, Timestamp* out);

/// Parses `text` as `type` and appends it (list: PostgreSQL's '{a,b}' form). On error nothing is appended.
Status AppendParsed(std::string_view text, ColumnBuilder& builder);

// Printing: append to `out`.
void PrintBigint(int64_t value, std::string& out);
void PrintDouble(double value,
                 std::string& out);  // shortest form that reads back the same: "0.1", "1e+25", "NaN"
void PrintNumeric(const Numeric& value, std::string& out);
void PrintDecimal(Decimal128 value, int scale, std::string& out);
void PrintUuid(const Uuid& value, std::string& out);
void PrintInet(const Inet& value, std::string& out);
void PrintBytea(std::string_view value, std::string& out);
void PrintDate(int32_t days, std::string& out);
void PrintTimestamp(Timestamp value, std::string& out);    // "2024-01-01 00:00:00.1"
void PrintTimestamptz(Timestamp value, std::string& out);  // "2024-01-01 00:00:00.1+00"
void PrintInterval(const Interval& value, std::string& out);
/// Row `row` of a column, null as "NULL" (inside a list: NULL), boolean as "t" and "f" (the cast to text
/// gives "true" and "false" and is core/expr's), jsonb in its canonical form.
void PrintValue(const Column& column, int64_t row, std::string& out);

// The same into raw memory for encoders: write at most the bytes said, return the end.
char* PrintTimestampTo(Timestamp value, char* out);                // 32
char* PrintBigintTo(int64_t value, char* out);                     // 20
char* PrintDoubleTo(double value, char* out);                      // 32
char* PrintDecimalTo(__int128 coefficient, int scale, char* out);  // 44, scale 0..38

/// Civil calendar (proleptic Gregorian). Hinnant, "chrono-compatible low-level date algorithms".
int64_t DaysFromCivil(int64_t year, int month, int day);
void CivilFromDays(int64_t days, int64_t* year, int* month, int* day);

}  // namespace streamrun
