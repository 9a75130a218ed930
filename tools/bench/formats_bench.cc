// Rows per second of the formats on one core, beside a plain copy of the same bytes.
//   formats_bench bids.jsonl [bids.csv]
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "core/component/registry.h"

using namespace streamrun;  // NOLINT

namespace {

class NoTables final : public BindContext {
 public:
  using BindContext::BindContext;
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent&) override { return nullptr; }
};

class Keep final : public DecodeOutput {
 public:
  void Emit(BatchPtr batch) override {
    rows += batch->rows();
    if (keep) batches.push_back(std::move(batch));
  }
  void FailRecord(int64_t, std::string_view raw, std::string code, std::string message) override {
    if (failed++ == 0)
      std::fprintf(stderr, "%s: %s [%.*s]\n", code.c_str(), message.c_str(), int(raw.size()), raw.data());
  }
  bool keep = false;
  int64_t rows = 0;
  int64_t failed = 0;
  std::vector<BatchPtr> batches;
};

/// Processor time, so that neighbours on a shared machine disturb less.
double Now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <typename F>
double MedianSeconds(F run) {
  std::vector<double> seconds;
  for (int i = 0; i < 7; ++i) {
    const double start = Now();
    run();
    seconds.push_back(Now() - start);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

/// The file in chunks of about 1 MiB that end at newlines; `header`: the first line goes into every chunk.
std::vector<Chunk> Read(const char* path, bool header) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::vector<Chunk> chunks;
  size_t at = 0;
  std::shared_ptr<const std::string> first;
  if (header) {
    at = text.find('\n') + 1;
    first = std::make_shared<const std::string>(text.substr(0, at - 1));
  }
  while (at < text.size() && at < (size_t{400} << 20)) {
    const size_t end = std::min(text.size(), text.rfind('\n', std::min(at + (1 << 20), text.size())) + 1);
    Chunk chunk;
    chunk.bytes = Buffer::Copy(std::string_view(text).substr(at, end - at));
    chunk.offset = static_cast<int64_t>(at);
    chunk.split = std::make_shared<const std::string>(path);
    chunk.header = first;
    chunks.push_back(std::move(chunk));
    at = end;
  }
  return chunks;
}

std::vector<DeclaredColumn> Bids() {
  std::vector<DeclaredColumn> columns;
  for (const auto& [name, type] :
       std::vector<std::pair<const char*, TypeId>>{{"auction", TypeId::kBigint},
                                                   {"bidder", TypeId::kBigint},
                                                   {"price", TypeId::kBigint},
                                                   {"channel", TypeId::kText},
                                                   {"url", TypeId::kText},
                                                   {"date_time", TypeId::kTimestamp},
                                                   {"extra", TypeId::kText}}) {
    columns.push_back({name, type, "", "", {}});
  }
  return columns;
}

void Run(const char* format, const std::vector<Chunk>& chunks) {
  Diagnostics diagnostics;
  const ConfigValue config = ConfigValue::Map({}, {});
  NoTables context("bench", "format", config, {}, diagnostics);
  const FormatDefinition* definition = Registry::Global().FindFormat(format);
  if (definition == nullptr) return;
  const auto bound = definition->bind_decoder(context, Bids());
  size_t bytes = 0;
  for (const Chunk& chunk : chunks) bytes += chunk.bytes->size();
  std::string copy(1 << 21, ' ');
  const double copying = MedianSeconds([&] {
    for (const Chunk& chunk : chunks) std::memcpy(copy.data(), chunk.bytes->data(), chunk.bytes->size());
  });
  struct Case {
    const char* name;
    std::vector<bool> wanted;
  };
  std::vector<BatchPtr> batches;
  for (const Case& one :
       {Case{"0 of 7", {false, false, false, false, false, false, false}},
        Case{"3 of 7 (auction, price, date_time)", {true, false, true, false, false, true, false}},
        Case{"4 of 7 (auction, bidder, price, date_time)", {true, true, true, false, false, true, false}},
        Case{"4 of 7 (auction, price, channel, date_time)", {true, false, true, true, false, true, false}},
        Case{"7 of 7", {true, true, true, true, true, true, true}}}) {
    DecodeOptions options;
    options.schema = bound->schema;
    options.wanted = one.wanted;
    Keep out;
    const double seconds = MedianSeconds([&] {
      out = {};
      const auto decoder = bound->CreateDecoder(options);
      for (const Chunk& chunk : chunks) {
        (void)decoder->Begin(chunk);
        while (*decoder->Decode(out) == Outcome::kHaveMore) {
        }
      }
    });
    std::printf("%s decode %-46s %6.2f M rows/s  %5.2f GB/s  %5.1f x memcpy time\n", format, one.name,
                static_cast<double>(out.rows) / seconds / 1e6, static_cast<double>(bytes) / seconds / 1e9,
                seconds / copying);
  }
  for (const bool text : {false, true}) {
    std::vector<Field> fields = {bound->schema->field(0), bound->schema->field(text ? 2 : 1),
                                 bound->schema->field(text ? 3 : 2), bound->schema->field(5)};
    const std::vector<int> from = text ? std::vector<int>{0, 2, 3, 5} : std::vector<int>{0, 1, 2, 5};
    auto schema = std::make_shared<const Schema>(fields);
    DecodeOptions options;
    options.schema = bound->schema;
    Keep out;
    out.keep = true;
    const auto decoder = bound->CreateDecoder(options);
    for (size_t i = 0; i < std::min<size_t>(chunks.size(), 40); ++i) {
      (void)decoder->Begin(chunks[i]);
      while (*decoder->Decode(out) == Outcome::kHaveMore) {
      }
    }
    for (BatchPtr& batch : out.batches) {
      std::vector<ColumnPtr> columns;
      for (const int c : from) columns.push_back(batch->column(c));
      batch = std::make_shared<const Batch>(schema, batch->rows(), std::move(columns));
    }
    const auto encoder = definition->bind_encoder(context, schema)->CreateEncoder();
    BufferBuilder encoded;
    BufferBuilder ends;
    size_t size = 0;
    const double seconds = MedianSeconds([&] {
      size = 0;
      for (const BatchPtr& batch : out.batches) {
        encoded.Clear();
        ends.Clear();
        (void)encoder->Encode(*batch, encoded, ends);
        size += encoded.size();
      }
    });
    std::printf("%s encode 4 columns (%s) %35.2f M rows/s  %5.2f GB/s\n", format,
                text ? "2 bigint, text, timestamp" : "3 bigint, timestamp",
                static_cast<double>(out.rows) / seconds / 1e6, static_cast<double>(size) / seconds / 1e9);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: formats_bench bids.jsonl [bids.csv]\n");
    return 2;
  }
  Run("json", Read(argv[1], false));
  if (argc > 2) Run("csv", Read(argv[2], true));
  return 0;
}
