// Any bytes as CSV: every byte is read, and rows that came out are written and read back the same.
#include <cstdlib>

#include "connectors/formats/csv_decoder.h"
#include "connectors/formats/csv_encoder.h"

namespace {

using namespace streamrun;  // NOLINT

class Kept final : public DecodeOutput {
 public:
  void Emit(BatchPtr batch) override { batches.push_back(std::move(batch)); }
  void FailRecord(int64_t, std::string_view, std::string, std::string) override { ++failed; }
  std::vector<BatchPtr> batches;
  int failed = 0;
};

Kept Read(std::string_view text, const csv::Dialect& dialect, const SchemaPtr& schema) {
  Chunk chunk;
  chunk.bytes = Buffer::Copy(text);
  chunk.split = std::make_shared<const std::string>("fuzz");
  chunk.offset = 1;
  DecodeOptions options;
  options.schema = schema;
  const auto decoder = csv::MakeDecoder(dialect, options);
  Kept out;
  if (!decoder->Begin(chunk).ok()) std::abort();
  while (*decoder->Decode(out) == Outcome::kHaveMore) {
  }
  return out;
}

std::string Write(const std::vector<BatchPtr>& batches, const csv::Dialect& dialect,
                  const SchemaPtr& schema) {
  BufferBuilder bytes;
  BufferBuilder ends;
  const auto encoder = csv::MakeEncoder(dialect, schema);
  for (const BatchPtr& batch : batches) (void)encoder->Encode(*batch, bytes, ends);
  return std::string(bytes.view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  csv::Dialect dialect;
  dialect.header = false;
  dialect.quoted_newlines = (data[0] & 1) != 0;
  auto schema = std::make_shared<const Schema>(
      std::vector<Field>{{"a", TypeId::kBigint}, {"b", TypeId::kText}, {"c", TypeId::kTimestamp}});
  const Kept first = Read({reinterpret_cast<const char*>(data) + 1, size - 1}, dialect, schema);
  dialect.quoted_newlines = true;
  const std::string written = Write(first.batches, dialect, schema);
  const Kept second = Read(written, dialect, schema);
  if (second.failed != 0 || Write(second.batches, dialect, schema) != written) std::abort();
  return 0;
}
