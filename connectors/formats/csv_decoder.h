// CSV text -> rows (RFC 4180).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/stream/codec.h"

namespace streamrun::csv {

struct Dialect {
  char delimiter = ',';
  char quote = '"';
  /// A quoted cell may hold newlines.
  bool quoted_newlines = true;
  /// The first line names the columns; without it they come in the order of the schema.
  bool header = true;
  /// What an unquoted cell says for null.
  std::string null_text;
};

std::unique_ptr<Decoder> MakeDecoder(const Dialect& dialect, const DecodeOptions& options);

}  // namespace streamrun::csv
