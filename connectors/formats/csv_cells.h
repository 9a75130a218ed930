// Cuts a CSV record into cells (RFC 4180 section 2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace streamrun::csv {

/// A cell as it stands: without the quotes around it, but with doubled ones inside.
struct Cell {
  std::string_view text;
  bool quoted = false;
  bool doubled = false;  // `text` holds doubled quotes
};

enum class CellEnd : uint8_t {
  kDelimiter,  // another cell follows
  kNewline,    // the record ended
  kEnd,        // so did the text, without a newline
  kOpenQuote,  // the quote was not closed
  kAfterQuote  // something other than a delimiter or a newline follows the closing quote
};

/// Reads the cell at *p; on return *p is behind its delimiter or newline. A quote in an unquoted cell is an
/// ordinary character. A "\r" before the newline belongs to the line end. `quoted_newlines`: a newline in
/// quotes is content.
CellEnd ReadCell(const char** p, const char* end, char delimiter, char quote, bool quoted_newlines,
                 Cell* cell);

/// The content of a cell with doubled quotes, in `storage`.
std::string_view Undouble(std::string_view text, char quote, std::string* storage);

}  // namespace streamrun::csv
