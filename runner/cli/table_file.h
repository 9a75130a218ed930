// Rows of a table of state in a file of the user's: out as JSON lines or Arrow, in as JSON lines.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/data/arrow_ipc.h"
#include "core/data/batch.h"

namespace streamrun {

/// Writes beside the path and takes its place at the end; what was there stays until then.
class TableFileWriter {
 public:
  /// `.arrow`: the Arrow IPC file format, `.arrows`: its stream format, else JSON lines.
  static Result<std::unique_ptr<TableFileWriter>> Create(Env* env, const std::string& path, SchemaPtr schema);
  ~TableFileWriter();
  Status Add(const BatchPtr& rows);
  Status Finish();
  int64_t rows() const { return rows_; }

 private:
  enum class Form : uint8_t { kJson, kStream, kFile };
  TableFileWriter(Env* env, std::string path, SchemaPtr schema);
  Status Put(std::string_view bytes);

  Env* env_;
  const std::string path_;
  const std::string written_;
  const Form form_;
  IpcLayout layout_;
  std::unique_ptr<WritableFile> file_;
  std::vector<IpcBlock> blocks_;
  int64_t rows_ = 0;
  uint64_t bytes_ = 0;
};

struct FileRows {
  BatchPtr batch;
  std::vector<int64_t> lines;  // of each row, from 1
};
/// JSON lines, each with every column of the schema and no other. Errors name line and column.
Result<FileRows> ReadTableFile(Env* env, const std::string& path, const SchemaPtr& schema);

}  // namespace streamrun
