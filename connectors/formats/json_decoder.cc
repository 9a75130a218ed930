#include "connectors/formats/json_decoder.h"

#include "connectors/formats/batch_writer.h"
#include "connectors/formats/json_careful.h"
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
      : plan_(std::move(plan)), rows_(options), careful_(plan_, rows_), readers_(readers) {}

  Status Begin(const Chunk& chunk) override {
    split_ = chunk.split;
    records_.Begin(chunk);
    rows_.Restart();
    return Status::Ok();
  }

  Result<Outcome> Decode(DecodeOutput& out) override {
    while (!records_.AtEnd()) {
      if (!ReadRecord(out)) continue;
      Flush(out);
      return records_.AtEnd() ? Outcome::kNeedInput : Outcome::kHaveMore;
    }
    Flush(out);
    return Outcome::kNeedInput;
  }

 private:
  /// True when the batch is full.
  bool ReadRecord(DecodeOutput& out) {
    const int64_t offset = records_.offset();
    const std::string_view record = records_.Next();
    if (IsBlank(record)) return false;
    RecordProblem problem;
    if (careful_.Read(record, &problem)) return rows_.FinishRow(offset, records_.position());
    rows_.ForgetRow();
    out.FailRecord(offset, record, std::move(problem.code), std::move(problem.message));
    return false;
  }

  void Flush(DecodeOutput& out) {
    if (BatchPtr batch = rows_.Finish(split_, records_.position())) out.Emit(std::move(batch));
  }

  const Plan plan_;
  BatchWriter rows_;
  CarefulReader careful_;
  Readers readers_;
  RecordCursor records_;
  std::shared_ptr<const std::string> split_;
};

}  // namespace

std::unique_ptr<Decoder> MakeDecoder(Plan plan, const DecodeOptions& options, Readers readers) {
  return std::make_unique<JsonDecoder>(std::move(plan), options, readers);
}

}  // namespace streamrun::json
