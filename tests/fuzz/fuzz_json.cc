// Any bytes as JSON lines: the fast reader and the careful one must agree, row for row.
#include <cstdlib>

#include "connectors/formats/json_convert.h"
#include "connectors/formats/json_decoder.h"
#include "core/data/text_io.h"

namespace {

using namespace streamrun;  // NOLINT

/// Everything that came out, as text.
class Transcript final : public DecodeOutput {
 public:
  void Emit(BatchPtr batch) override {
    for (int64_t row = 0; row < batch->rows(); ++row) {
      text += std::to_string(batch->origin().offsets->as<int64_t>()[row]);
      for (const ColumnPtr& column : batch->columns()) {
        text += '|';
        PrintValue(*column, row, text);
      }
      text += '\n';
    }
  }
  void FailRecord(int64_t offset, std::string_view raw, std::string code, std::string message) override {
    text += "!" + std::to_string(offset) + code + message;
    text += raw;
  }
  std::string text;
};

std::string Read(const Chunk& chunk, json::Readers readers) {
  std::vector<json::Column> columns = {{"a", TypeId::kBigint, {"a"}, json::kNoUnit},
                                       {"t", TypeId::kTimestamp, {"t"}, json::kNoUnit},
                                       {"s", TypeId::kText, {"s"}, json::kNoUnit},
                                       {"d", TypeId::kDouble, {"d"}, json::kNoUnit},
                                       {"id", TypeId::kNumeric, {"u", "id"}, json::kNoUnit},
                                       {"l", DataType::List(TypeId::kText), {"l"}, json::kNoUnit},
                                       {"j", TypeId::kJsonb, {"j"}, json::kNoUnit}};
  std::vector<Field> fields;
  for (const json::Column& column : columns) fields.push_back({column.name, column.type});
  DecodeOptions options;
  options.schema = std::make_shared<const Schema>(std::move(fields));
  options.origin = true;
  const auto decoder =
      json::MakeDecoder(json::Plan::Build(std::move(columns), {}, {}, false), options, readers);
  Transcript out;
  if (!decoder->Begin(chunk).ok()) std::abort();
  while (*decoder->Decode(out) == Outcome::kHaveMore) {
  }
  return out.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Chunk chunk;
  chunk.bytes = Buffer::Copy({reinterpret_cast<const char*>(data), size});
  chunk.split = std::make_shared<const std::string>("fuzz");
  if (Read(chunk, json::Readers::kBoth) != Read(chunk, json::Readers::kCarefulOnly)) std::abort();
  return 0;
}
