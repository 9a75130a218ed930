// The C++ half of arrow_interop.py: writes and reads Arrow IPC streams.
//
//   arrow_interop_tool write FILE   two batches of every type, with nulls, origin and change kinds
//   arrow_interop_tool read FILE    prints the schema, then every row as PostgreSQL would print it
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "core/data/arrow_ipc.h"
#include "tests/core/data/sample_batch.h"

namespace streamrun {
namespace {

int Fail(const Status& status) {
  std::cerr << status.ToString() << "\n";
  return 1;
}

int Write(const char* path) {
  const SchemaPtr schema = SampleSchema();
  IpcLayout layout{schema, {}, true, true};
  for (int i = 0; i < schema->size(); ++i) layout.live.push_back(i);
  std::ofstream out(path, std::ios::binary);
  out << EncodeIpcSchema(layout);
  for (const int rows : {10, 3}) out << EncodeIpcBatch(*SampleBatch(rows, 4, true), layout)->view();
  out << std::string_view("\xff\xff\xff\xff\0\0\0\0", 8);
  out.close();
  return out.good() ? 0 : 1;
}

void Print(const Batch& batch) {
  for (int64_t row = 0; row < batch.rows(); ++row) {
    std::string line;
    for (const ColumnPtr& column : batch.columns()) {
      if (!line.empty()) line += '|';
      PrintValue(*column, row, line);
    }
    if (batch.changes()) line += "|change " + std::to_string(static_cast<int>(batch.change(row)));
    std::cout << line << "\n";
  }
}

int Read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const BufferPtr stream = Buffer::Copy(bytes);
  std::string_view rest = stream->view();
  Result<size_t> size = IpcMessageSize(rest);
  if (!size.ok()) return Fail(size.status());
  const Result<IpcLayout> layout = DecodeIpcSchema(rest.substr(0, *size));
  if (!layout.ok()) return Fail(layout.status());
  std::cout << layout->schema->ToString() << "\n";
  while (true) {
    rest.remove_prefix(*size);
    size = IpcMessageSize(rest);
    if (!size.ok()) return Fail(size.status());
    if (*size == 0) return 0;
    const Result<BatchPtr> batch = DecodeIpcBatch(Buffer::Wrap(rest.data(), *size, stream), *layout, true);
    if (!batch.ok()) return Fail(batch.status());
    Print(**batch);
  }
}

}  // namespace
}  // namespace streamrun

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return std::string_view(argv[1]) == "write" ? streamrun::Write(argv[2]) : streamrun::Read(argv[2]);
}
