// What a JSON value becomes in a column of a given type. Both readers of the json format end here, so that
// the fast and the careful one cannot disagree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/formats/column_writer.h"
#include "core/data/column_builder.h"
#include "core/data/type.h"

namespace streamrun::json {

/// No unit: timestamps are text.
inline constexpr int kNoUnit = -100;

/// Why a value does not fit: code "json.type" or "json.range", and the second half of a sentence.
struct Misfit {
  const char* code = "json.type";
  std::string reason;
};

/// Puts `token` (the text of one validated value, not null) as `row`. `unit`: decimal digits between the
/// number's unit and microseconds (s 6, ms 3, us 0, ns -3), or kNoUnit. False: nothing was put and `misfit`
/// says why.
bool PutToken(std::string_view token, int unit, int64_t row, ColumnWriter& column, Misfit* misfit);

/// The number `token` times 10^shift as an integer. kInexact: it has a fraction; then `out` is rounded, half
/// away from zero.
enum class Scaled : uint8_t { kExact, kInexact, kOutOfRange };
Scaled ScaleNumber(std::string_view token, int shift, int64_t* out);

/// "number 12" for messages; long values are cut.
std::string Describe(std::string_view token);

}  // namespace streamrun::json
