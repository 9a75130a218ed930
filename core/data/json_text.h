// JSON text as a jsonb value: is it well-formed, and its canonical form. A small reader of our own, because
// core/data must stay light; the decoders of connectors use simdjson and may skip the check it already made.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace streamrun {

/// Nesting of arrays and objects that jsonb values may have.
inline constexpr int kMaxJsonDepth = 512;

/// Well-formed JSON (RFC 8259) that PostgreSQL's jsonb takes: no \u0000, surrogates in pairs, numbers within
/// 1000 digits on either side of the point. "invalid input syntax for type json" and what is wrong.
Status ValidateJson(std::string_view text);

enum class JsonForm : uint8_t {
  kPrinted,  // as PostgreSQL prints jsonb: {"a": 1, "b": [1.50, 2]}, numbers with their trailing zeros
  kKey,      // equal values give equal bytes: no blanks, no trailing zeros in fractions
};

/// Appends the canonical form of text that ValidateJson (or another strict parser) accepted: members ordered
/// by key length, then bytes, the last of equal keys kept, numbers without exponent, strings with the escapes
/// that must be. Text that is not JSON gives some bytes, never a bad read.
void AppendCanonicalJson(std::string_view text, JsonForm form, std::string& out);

}  // namespace streamrun
