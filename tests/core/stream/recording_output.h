// A SourceOutput that remembers, for tests of sources and framers.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "core/stream/source.h"

namespace streamrun {

struct RecordingOutput final : public SourceOutput {
  struct Record {
    std::string bytes;
    Ordinal ordinal;
    int64_t offset;
  };
  struct Failure {
    std::string split, raw, code, message;
    int64_t offset;
  };

  void EmitChunk(Chunk chunk) override {
    const std::string_view bytes = chunk.bytes->view();
    // What the contract promises: padding that can be read.
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < Buffer::kPadding; ++i) sum = sum + chunk.bytes->data()[bytes.size() + i];
    if (chunk.record_ends) {
      uint32_t begin = 0;
      for (size_t i = 0; i < chunk.record_ends->size() / 4; ++i) {
        const uint32_t end = chunk.record_ends->as<uint32_t>()[i];
        records.push_back({std::string(bytes.substr(begin, end - begin)), chunk.ordinal,
                           chunk.offset + static_cast<int64_t>(i)});
        begin = end;
      }
    } else {
      for (size_t begin = 0; begin < bytes.size();) {
        const size_t newline = std::min(bytes.find('\n', begin), bytes.size());
        records.push_back({std::string(bytes.substr(begin, newline - begin)), chunk.ordinal,
                           chunk.offset + static_cast<int64_t>(begin)});
        begin = newline + 1;
      }
    }
    chunks.push_back(std::move(chunk));
  }
  void EmitBatch(BatchPtr, Ordinal) override {}
  void FailRecord(const std::shared_ptr<const std::string>& split, int64_t offset, std::string_view raw,
                  std::string code, std::string message) override {
    failures.push_back({split ? *split : "", std::string(raw), std::move(code), std::move(message), offset});
  }
  void Progress(Ordinal next) override { progress = next; }

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const Record& record : records) lines.push_back(record.bytes);
    return lines;
  }

  std::vector<Chunk> chunks;
  std::vector<Record> records;
  std::vector<Failure> failures;
  Ordinal progress = 0;
};

}  // namespace streamrun
