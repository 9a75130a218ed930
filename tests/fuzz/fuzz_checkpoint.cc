// Segments and manifests from a damaged or hostile disk: whatever is accepted must be safe to use and to
// write again. Checksums are put right first, or the fuzzer would hardly ever get past them.
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/base/sealed_file.h"
#include "core/data/row_hash.h"
#include "core/data/text_io.h"
#include "runner/checkpoint/manifest.h"
#include "runner/checkpoint/segment_format.h"
#include "tests/core/data/sample_batch.h"
#include "tests/sim/crash_env.h"

namespace {

using namespace streamrun;
namespace format = segment_format;

void PutCrcsRight(std::string& bytes) {
  for (size_t at = format::kFileHeaderSize; at + format::kRecordHeaderSize <= bytes.size();) {
    uint32_t length;
    std::memcpy(&length, bytes.data() + at, 4);
    const size_t payload = at + format::kRecordHeaderSize;
    if (length > bytes.size() - payload) return;
    const uint32_t crc = format::RecordCrc(length, static_cast<format::RecordKind>(bytes[at + 8]),
                                           std::string_view(bytes).substr(payload, length));
    std::memcpy(bytes.data() + at + 4, &crc, 4);
    at = payload + (length + format::kAlignment - 1) / format::kAlignment * format::kAlignment;
  }
}

void Put(CrashEnv& env, const std::string& path, std::string_view bytes) {
  if (!env.WriteFileAtomically(path, bytes).ok()) std::abort();
}

void Use(const TableSnapshot& table) {
  for (const BatchPtr& batch : table.rows) {
    std::string text;
    for (const ColumnPtr& column : batch->columns()) {
      for (int64_t i = 0; i < batch->rows(); ++i) PrintValue(*column, i, text);
    }
    std::vector<uint64_t> hashes;
    HashRows(batch->columns(), batch->rows(), &hashes);
  }
}

void TrySegment(std::string bytes) {
  PutCrcsRight(bytes);
  CrashEnv env;
  Put(env, "/s", bytes);
  const auto table = ReadSegment(&env, "/s");
  if (!table.ok()) return;
  Use(*table);
  SegmentInfo info;
  if (!WriteSegment(&env, "/again", *table, &info).ok()) std::abort();
  const auto again = ReadSegment(&env, "/again");
  if (!again.ok() || !(*again->schema == *table->schema) || again->identity != table->identity) std::abort();
  // As the newest part of a chain, whatever its base is; and as a base.
  TableSnapshot base = *table;
  base.whole = true;
  base.removed.clear();
  if (!WriteSegment(&env, "/base", base, &info).ok()) std::abort();
  if (!CompactChain(&env, {"/base", "/s"}, "/compact", &info).ok()) std::abort();
}

void TryManifest(std::string_view json) {
  const auto manifest = ParseManifest(Seal(json));
  if (!manifest.ok()) return;
  const std::string printed = PrintManifest(*manifest);
  const auto again = ParseManifest(printed);
  if (!again.ok() || PrintManifest(*again) != printed) std::abort();
}

std::string SampleSegment(unsigned seed) {
  CrashEnv env;
  TableSnapshot table;
  table.name = "t";
  table.schema = SampleSchema();
  table.identity = {1};
  table.whole = seed % 2 == 0;
  table.rows = {SampleBatch(seed / 2 % 5, 3, false)};
  if (!table.whole) {
    const auto of_one = std::make_shared<const Schema>(std::vector<Field>{table.schema->field(1)});
    const BatchPtr sample = SampleBatch(3, 2, false);
    table.removed = {std::make_shared<const Batch>(of_one, 3, std::vector<ColumnPtr>{sample->column(1)})};
  }
  SegmentInfo info;
  if (!WriteSegment(&env, "/s", table, &info).ok()) std::abort();
  return *env.ReadFile("/s", 1 << 20);
}

std::string SampleManifest() {
  Manifest manifest;
  manifest.fragments.resize(1);
  manifest.fragments[0].nodes.resize(1);
  manifest.fragments[0].nodes[0].snapshot.position = "\xff";
  manifest.fragments[0].nodes[0].tables.push_back({"t", "a bigint", 1, {{"f", 1, 2, true, 3}}});
  manifest.fragments[0].channels.resize(1);
  const std::string text = PrintManifest(manifest);
  return text.substr(0, text.find('\n'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size > 0 && data[0] == '{') {
    if (bytes.find('\n') == std::string::npos) TryManifest(bytes);
  } else {
    TrySegment(bytes);
  }
  return 0;
}

// Starts from real ones, edited in place.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  if (size >= 64 && seed % 16 != 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string fresh = seed % 3 == 0 ? SampleManifest() : SampleSegment(seed / 16);
  if (fresh.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  fresh.copy(reinterpret_cast<char*>(data), fresh.size());
  return fresh.size();
}
