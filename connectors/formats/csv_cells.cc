#include "connectors/formats/csv_cells.h"

#include <emmintrin.h>

#include <cstring>

namespace streamrun::csv {

namespace {

/// First delimiter or newline in [p, end), or end.
const char* FindCellEnd(const char* p, const char* end, char delimiter) {
  const __m128i stop = _mm_set1_epi8(delimiter);
  const __m128i newline = _mm_set1_epi8('\n');
  for (; end - p >= 16; p += 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const int found = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(x, stop), _mm_cmpeq_epi8(x, newline)));
    if (found != 0) return p + __builtin_ctz(static_cast<unsigned>(found));
  }
  while (p < end && *p != delimiter && *p != '\n') ++p;
  return p;
}

/// The closing quote of the cell whose content begins at p, or null.
const char* FindClosingQuote(const char* p, const char* end, char quote, bool quoted_newlines,
                             bool* doubled) {
  for (;;) {
    const char* at = static_cast<const char*>(std::memchr(p, quote, static_cast<size_t>(end - p)));
    const char* stop = at != nullptr ? at : end;
    if (!quoted_newlines && std::memchr(p, '\n', static_cast<size_t>(stop - p)) != nullptr) return nullptr;
    if (at == nullptr || at + 1 == end || at[1] != quote) return at;
    *doubled = true;
    p = at + 2;
  }
}

CellEnd ReadQuoted(const char** p, const char* end, char delimiter, char quote, bool quoted_newlines,
                   Cell* cell) {
  const char* start = *p + 1;
  const char* close = FindClosingQuote(start, end, quote, quoted_newlines, &cell->doubled);
  if (close == nullptr) return CellEnd::kOpenQuote;
  cell->quoted = true;
  cell->text = {start, static_cast<size_t>(close - start)};
  const char* at = close + 1;
  if (at < end && *at == delimiter) {
    *p = at + 1;
    return CellEnd::kDelimiter;
  }
  if (at < end && *at == '\r' && (at + 1 == end || at[1] == '\n')) ++at;
  if (at == end) {
    *p = at;
    return CellEnd::kEnd;
  }
  if (*at != '\n') return CellEnd::kAfterQuote;
  *p = at + 1;
  return CellEnd::kNewline;
}

}  // namespace

CellEnd ReadCell(const char** p, const char* end, char delimiter, char quote, bool quoted_newlines,
                 Cell* cell) {
  *cell = {};
  const char* start = *p;
  if (start < end && *start == quote) return ReadQuoted(p, end, delimiter, quote, quoted_newlines, cell);
  const char* stop = FindCellEnd(start, end, delimiter);
  const bool more = stop < end && *stop == delimiter;
  const char* last = stop;
  if (!more && last > start && last[-1] == '\r') --last;
  cell->text = {start, static_cast<size_t>(last - start)};
  *p = stop < end ? stop + 1 : stop;
  return more ? CellEnd::kDelimiter : stop < end ? CellEnd::kNewline : CellEnd::kEnd;
}

std::string_view Undouble(std::string_view text, char quote, std::string* storage) {
  storage->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    storage->push_back(text[i]);
    if (text[i] == quote) ++i;
  }
  return *storage;
}

}  // namespace streamrun::csv
