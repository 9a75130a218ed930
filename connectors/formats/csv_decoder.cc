#include "connectors/formats/csv_decoder.h"

#include <strings.h>

#include "connectors/formats/batch_writer.h"
#include "connectors/formats/csv_cells.h"
#include "connectors/formats/json_careful.h"
#include "connectors/formats/json_scan.h"
#include "connectors/formats/timestamp_scan.h"

namespace streamrun::csv {

namespace {

struct Problem {
  std::string code;
  std::string message;
};

/// What the cells at one position of a record become.
struct Position {
  ColumnWriter* column = nullptr;  // null: no one wants it
  const std::string* name = nullptr;
  TimestampScanner timestamps;
};

class CsvDecoder final : public Decoder {
 public:
  CsvDecoder(const Dialect& dialect, const DecodeOptions& options)
      : dialect_(dialect), schema_(options.schema), rows_(options) {
    if (!dialect_.header) MapByOrder();
  }

  Status Begin(const Chunk& chunk) override {
    split_ = chunk.split;
    offset_ = chunk.offset;
    begin_ = at_ = chunk.bytes->as<char>();
    end_ = begin_ + chunk.bytes->size();
    ends_ = chunk.record_ends ? chunk.record_ends->as<uint32_t>() : nullptr;
    frames_ = chunk.record_ends ? chunk.record_ends->size() / sizeof(uint32_t) : 0;
    frame_ = 0;
    if (offset_ == 0 && chunk.bytes->view().starts_with("\xef\xbb\xbf")) at_ += 3;
    valid_utf8_ = ends_ == nullptr && json::IsUtf8(chunk.bytes->view());
    rows_.Restart();
    if (dialect_.header && chunk.header && (!header_ || *header_ != *chunk.header))
      MapByHeader(*chunk.header);
    return Status::Ok();
  }

  Result<Outcome> Decode(DecodeOutput& out) override {
    bool full = false;
    while (!full && !AtEnd()) {
      const int64_t offset = offset_ + (ends_ != nullptr ? static_cast<int64_t>(frame_) : at_ - begin_);
      full = ReadRecord(offset, out);
    }
    if (BatchPtr batch = rows_.Finish(split_, Consumed())) out.Emit(std::move(batch));
    return AtEnd() ? Outcome::kNeedInput : Outcome::kHaveMore;
  }

 private:
  bool AtEnd() const { return ends_ != nullptr ? frame_ == frames_ : at_ == end_; }
  size_t Consumed() const { return static_cast<size_t>(at_ - begin_); }

  void MapByOrder() {
    positions_.clear();
    for (int i = 0; i < schema_->size(); ++i) {
      positions_.push_back({rows_.column(i), &schema_->field(i).name, {}});
    }
  }

  void MapByHeader(const std::string& header) {
    header_ = header;
    header_problem_.clear();
    positions_.clear();
    std::string text = header.starts_with("\xef\xbb\xbf") ? header.substr(3) : header;
    std::vector<std::string> names;
    const char* p = text.data();
    for (CellEnd end = CellEnd::kDelimiter; end == CellEnd::kDelimiter;) {
      Cell cell;
      end = ReadCell(&p, text.data() + text.size(), dialect_.delimiter, dialect_.quote, true, &cell);
      if (end == CellEnd::kOpenQuote || end == CellEnd::kAfterQuote)
        header_problem_ = "the header has a broken quote";
      std::string storage;
      names.emplace_back(cell.doubled ? Undouble(cell.text, dialect_.quote, &storage) : cell.text);
    }
    positions_.resize(names.size());
    for (int i = 0; i < schema_->size(); ++i) {
      const std::string& name = schema_->field(i).name;
      const int at = FindName(names, name);
      if (at < 0) {
        header_problem_ = "the header has no column \"" + name + "\"";
      } else {
        positions_[static_cast<size_t>(at)] = {rows_.column(i), &name, {}};
      }
    }
  }

  /// The same bytes, else the only one that differs in case, else -1.
  static int FindName(const std::vector<std::string>& names, const std::string& wanted) {
    int folded = -1;
    int matches = 0;
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == wanted) return static_cast<int>(i);
      if (strcasecmp(names[i].c_str(), wanted.c_str()) != 0) continue;
      folded = static_cast<int>(i);
      ++matches;
    }
    return matches == 1 ? folded : -1;
  }

  /// True when the batch is full.
  bool ReadRecord(int64_t offset, DecodeOutput& out) {
    const char* const start = at_;
    const char* const limit = ends_ != nullptr ? begin_ + ends_[frame_] : end_;
    // With one column an empty line is an empty cell.
    if (ends_ == nullptr && positions_.size() != 1 &&
        (*start == '\n' || (*start == '\r' && start + 1 < end_ && start[1] == '\n'))) {
      at_ = start + (*start == '\n' ? 1 : 2);  // a blank line
      return false;
    }
    Problem problem;
    const bool fine = ReadCells(start, limit, &problem);
    if (ends_ != nullptr) {
      ++frame_;
      at_ = limit;
    }
    if (fine) return rows_.FinishRow(offset, Consumed());
    rows_.ForgetRow();
    std::string_view raw(start, static_cast<size_t>(at_ - start));
    if (ends_ == nullptr && raw.ends_with('\n')) raw.remove_suffix(1);
    if (ends_ == nullptr && raw.ends_with('\r')) raw.remove_suffix(1);
    out.FailRecord(offset, raw, std::move(problem.code), std::move(problem.message));
    return false;
  }

  /// Leaves at_ behind the record, and when its quotes are broken behind its first line, so that the lines
  /// after it are not lost with it.
  bool ReadCells(const char* start, const char* limit, Problem* problem) {
    const char* p = start;
    size_t count = 0;
    CellEnd end = CellEnd::kDelimiter;
    for (; end == CellEnd::kDelimiter; ++count) {
      Cell cell;
      end = ReadCell(&p, limit, dialect_.delimiter, dialect_.quote, dialect_.quoted_newlines, &cell);
      if (end == CellEnd::kOpenQuote || end == CellEnd::kAfterQuote) {
        SkipLine(start, limit);
        *problem = {"csv.quote",
                    end == CellEnd::kOpenQuote
                        ? "the quote that opens cell " + std::to_string(count + 1) + " is not closed"
                        : "something follows the closing quote of cell " + std::to_string(count + 1)};
        return false;
      }
      if (count >= positions_.size() || positions_[count].column == nullptr || !problem->code.empty())
        continue;
      PutCell(positions_[count], cell, problem);
    }
    at_ = p;
    if (!header_problem_.empty()) *problem = {"csv.header", header_problem_};
    if (!valid_utf8_ && !json::IsUtf8({start, static_cast<size_t>(p - start)})) {
      *problem = {"utf8.invalid", "the record is not valid UTF-8"};
    }
    if (ends_ != nullptr && p != limit) *problem = {"csv.lines", "one message holds more than one record"};
    if (problem->code.empty() && count != positions_.size()) {
      *problem = {"csv.columns",
                  "wanted " + std::to_string(positions_.size()) + " cells, found " + std::to_string(count)};
    }
    return problem->code.empty();
  }

  void SkipLine(const char* start, const char* limit) {
    const void* newline = std::memchr(start, '\n', static_cast<size_t>(limit - start));
    at_ = newline != nullptr ? static_cast<const char*>(newline) + 1 : limit;
  }

  void PutCell(Position& position, const Cell& cell, Problem* problem) {
    ColumnWriter& column = *position.column;
    const int64_t row = rows_.row();
    if (!cell.quoted) {
      if (cell.text == dialect_.null_text) {
        column.PutNull(row);
        return;
      }
      if (PutPlain(position, cell.text, row)) return;
    }
    const std::string_view text = cell.doubled ? Undouble(cell.text, dialect_.quote, &storage_) : cell.text;
    const Status status = column.PutParsed(row, text);
    if (!status.ok()) *problem = {"csv.type", "column \"" + *position.name + "\": " + status.message()};
  }

  /// The forms that nearly all cells have, without the general parsers; false for all others. Eight bytes
  /// behind the last cell are padding, like those behind any other.
  static bool PutPlain(Position& position, std::string_view text, int64_t row) {
    ColumnWriter& column = *position.column;
    switch (column.type().id()) {
      case TypeId::kBigint: {
        const bool negative = text.starts_with('-');
        const char* digits = text.data() + negative;
        const size_t size = text.size() - negative;
        if (size == 0 || size > 8) return false;
        uint64_t bytes;
        std::memcpy(&bytes, digits, 8);
        if (json::CountDigits(bytes) < static_cast<int>(size)) return false;
        const int64_t value = static_cast<int64_t>(json::ParseDigits(bytes, static_cast<int>(size)));
        column.Put(row, negative ? -value : value);
        return true;
      }
      case TypeId::kText:
        column.PutPaddedText(row, text.data(), text.size());
        return true;
      case TypeId::kTimestamp:
      case TypeId::kTimestamptz: {
        Timestamp value;
        if (!position.timestamps.Scan(text.data(), text.size(), &value)) return false;
        column.Put(row, value);
        return true;
      }
      default:
        return false;
    }
  }

  const Dialect dialect_;
  SchemaPtr schema_;
  BatchWriter rows_;
  std::optional<std::string> header_;
  std::string header_problem_;
  std::vector<Position> positions_;
  std::shared_ptr<const std::string> split_;
  int64_t offset_ = 0;
  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  const uint32_t* ends_ = nullptr;
  size_t frames_ = 0;
  size_t frame_ = 0;
  bool valid_utf8_ = false;
  std::string storage_;
};

}  // namespace

std::unique_ptr<Decoder> MakeDecoder(const Dialect& dialect, const DecodeOptions& options) {
  return std::make_unique<CsvDecoder>(dialect, options);
}

}  // namespace streamrun::csv
