#include "connectors/formats/json_decoder.h"

#include "connectors/formats/batch_writer.h"
#include "connectors/formats/json_careful.h"
#include "connectors/formats/json_fast.h"
#include "connectors/formats/json_scan.h"
#include "connectors/formats/record_cursor.h"

namespace streamrun::json {

namespace {

bool IsBlank(std::string_view record) {
  for (const char c : record) {
    if (!IsSpace(c) && c != '\n') return false;
  }
  return true;
}

class JsonDecoder final : public Decoder {
 public:
  JsonDecoder(Plan plan, const DecodeOptions& options, Readers readers)
      : plan_(std::move(plan)),
        rows_(options),
        fast_(plan_, rows_),
        careful_(plan_, rows_),
        readers_(readers) {}

  Status Begin(const Chunk& chunk) override {
    split_ = chunk.split;
    records_.Begin(chunk);
    rows_.Restart();
    fast_end_ = nullptr;
    if (readers_ == Readers::kCarefulOnly || records_.framed()) return Status::Ok();
    const std::string_view text = chunk.bytes->view();
    // The fast reader stops at newlines, so it must find one.
    if (const size_t last = text.rfind('\n'); last != std::string_view::npos)
      fast_end_ = text.data() + last + 1;
    return Status::Ok();
  }

  Result<Outcome> Decode(DecodeOutput& out) override {
    while (!records_.AtEnd()) {
      if (!ReadFast() && !ReadRecord(out)) continue;
      Flush(out);
      return records_.AtEnd() ? Outcome::kNeedInput : Outcome::kHaveMore;
    }
    Flush(out);
    return Outcome::kNeedInput;
  }

 private:
  /// Takes lines as long as the fast reader can; true when the batch is full.
  bool ReadFast() {
    const char* at = records_.at();
    while (at < fast_end_) {
      const char* next = fast_.Read(at);
      if (next == nullptr) {
        rows_.ForgetRow();
        break;
      }
      const int64_t offset = records_.offset();
      records_.MoveTo(at = next);
      if (rows_.FinishRow(offset, records_.position())) return true;
    }
    return false;
  }

  /// One record by itself: the last line without a newline, framed ones, and all that the fast reader left.
  /// True when the batch is full.
  bool ReadRecord(DecodeOutput& out) {
    if (records_.AtEnd()) return false;
    const bool refused = records_.at() < fast_end_;
    const int64_t offset = records_.offset();
    const std::string_view record = records_.Next();
    if (IsBlank(record)) return false;
    if (!refused && readers_ == Readers::kBoth) {
      if (ReadAlone(record)) return rows_.FinishRow(offset, records_.position());
      rows_.ForgetRow();
    }
    RecordProblem problem;
    if (careful_.Read(record, &problem)) return rows_.FinishRow(offset, records_.position());
    rows_.ForgetRow();
    out.FailRecord(offset, record, std::move(problem.code), std::move(problem.message));
    return false;
  }

  /// The fast reader needs a newline behind the record: read a copy that has one.
  bool ReadAlone(std::string_view record) {
    line_.assign(record);
    line_.push_back('\n');
    line_.append(Buffer::kPadding, '\0');
    return fast_.Read(line_.data()) == line_.data() + record.size() + 1;
  }

  void Flush(DecodeOutput& out) {
    if (BatchPtr batch = rows_.Finish(split_, records_.position())) out.Emit(std::move(batch));
  }

  const Plan plan_;
  BatchWriter rows_;
  FastReader fast_;
  CarefulReader careful_;
  Readers readers_;
  RecordCursor records_;
  std::shared_ptr<const std::string> split_;
  const char* fast_end_ = nullptr;  // behind the last newline of the chunk
  std::string line_;
};

}  // namespace

std::unique_ptr<Decoder> MakeDecoder(Plan plan, const DecodeOptions& options, Readers readers) {
  return std::make_unique<JsonDecoder>(std::move(plan), options, readers);
}

}  // namespace streamrun::json
