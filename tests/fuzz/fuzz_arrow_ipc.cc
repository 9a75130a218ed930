// Arrow messages from a hostile peer: whatever is accepted must be safe to read, print, hash, join and send
// again.
#include <cstdlib>
#include <string>

#include "core/data/arrow_ipc.h"
#include "core/data/row_hash.h"
#include "core/data/selection.h"
#include "tests/core/data/sample_batch.h"

namespace {

using namespace streamrun;

IpcLayout FuzzLayout() {
  const SchemaPtr schema = SampleSchema();
  IpcLayout layout{schema, {}, true, true};
  for (int i = 0; i < schema->size(); ++i) layout.live.push_back(i);
  return layout;
}

void Use(const BatchPtr& batch, const IpcLayout& layout) {
  std::string text;
  for (const ColumnPtr& column : batch->columns()) {
    for (int64_t i = 0; i < batch->rows(); ++i) PrintValue(*column, i, text);
  }
  std::vector<uint64_t> hashes;
  HashRows(batch->columns(), batch->rows(), &hashes);
  const BatchPtr twice = Concat({batch, batch});
  if (twice->rows() != 2 * batch->rows()) std::abort();
  if (!DecodeIpcBatch(EncodeIpcBatch(*batch, layout), layout).ok()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const IpcLayout layout = FuzzLayout();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = DecodeIpcBatch(Buffer::Copy(bytes), layout, size % 2 == 0);
  if (read.ok()) Use(*read, layout);
  if (const auto schema = DecodeIpcSchema(bytes); schema.ok()) {
    const auto again = DecodeIpcSchema(EncodeIpcSchema(*schema));
    if (!again.ok() || !(*again->schema == *schema->schema)) std::abort();
    const auto batch = DecodeIpcBatch(Buffer::Copy(bytes), *schema);
    if (batch.ok()) std::abort();  // one message is not both
  }
  return 0;
}

// Starts from real messages, edited in place: random bytes would never pass the flatbuffer's verifier.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  if (size >= 64 && seed % 16 != 0) return LLVMFuzzerMutate(data, size, max_size);
  static const IpcLayout layout = FuzzLayout();
  const std::string fresh =
      seed % 3 == 0 ? EncodeIpcSchema(layout)
                    : std::string(EncodeIpcBatch(*SampleBatch(seed / 16 % 20, 3, true), layout)->view());
  if (fresh.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  fresh.copy(reinterpret_cast<char*>(data), fresh.size());
  return fresh.size();
}
