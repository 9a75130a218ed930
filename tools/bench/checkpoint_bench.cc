// State to disk and back: one table of (bigint key, bigint, bigint), written as a segment with fdatasync,
// read as a chain with a change on top. Usage: checkpoint_bench DIRECTORY
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/data/column_builder.h"
#include "runner/checkpoint/checkpoint_directory.h"
#include "runner/checkpoint/segment.h"

namespace {

using namespace streamrun;

constexpr int kRounds = 7;
constexpr int64_t kBatchRows = 65'536;

TableSnapshot MakeTable(int64_t rows, int64_t step, bool whole) {
  TableSnapshot table;
  table.name = "counts";
  table.schema = std::make_shared<const Schema>(
      std::vector<Field>{{"k", TypeId::kBigint}, {"a", TypeId::kBigint}, {"b", TypeId::kBigint}});
  table.key_columns = 1;
  table.identity = {0};
  table.whole = whole;
  for (int64_t begin = 0; begin < rows; begin += kBatchRows) {
    const int64_t end = std::min(rows, begin + kBatchRows);
    ColumnBuilder columns[3] = {ColumnBuilder(TypeId::kBigint), ColumnBuilder(TypeId::kBigint),
                                ColumnBuilder(TypeId::kBigint)};
    for (int64_t i = begin; i < end; ++i) {
      columns[0].Append<int64_t>(i * step * 7919);
      columns[1].Append<int64_t>(i);
      columns[2].Append<int64_t>(-i);
    }
    table.rows.push_back(std::make_shared<const Batch>(
        table.schema, end - begin,
        std::vector<ColumnPtr>{columns[0].Finish(), columns[1].Finish(), columns[2].Finish()}));
  }
  return table;
}

template <typename Work>
bool Measure(const char* what, int64_t rows, const Work& work) {
  Env* env = Env::Default();
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    const Timestamp begin = env->MonotonicNow();
    const Status status = work();
    times.push_back(static_cast<double>(env->MonotonicNow() - begin) / kMillisecond);
    if (!status.ok()) {
      std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
      return false;
    }
  }
  std::sort(times.begin(), times.end());
  std::printf("%-44s %9lld rows  median %8.2f ms  least %8.2f ms\n", what, static_cast<long long>(rows),
              times[kRounds / 2], times[0]);
  return true;
}

Status WriteAnew(const std::string& path, const TableSnapshot& table) {
  Env* env = Env::Default();
  (void)env->Remove(path).ok();
  SegmentInfo info;
  return WriteSegment(env, path, table, &info);
}

Status ReadAll(const std::vector<std::string>& paths, int64_t expected) {
  int64_t rows = 0;
  SR_RETURN_IF_ERROR(ReadChain(Env::Default(), paths, [&](const TableSnapshot&, const BatchPtr& batch) {
    rows += batch->rows();
    return Status::Ok();
  }));
  return rows == expected ? Status::Ok() : Status::Internal("read " + std::to_string(rows) + " rows");
}

bool Decisions(const std::string& directory) {
  Env* env = Env::Default();
  CheckpointDirectory checkpoints(env, directory);
  auto found = checkpoints.Recover();
  if (!found.ok()) return false;
  uint64_t epoch = found->epoch_high;
  return Measure("an epoch without state: begin to decided", 0, [&] {
    Manifest manifest;
    manifest.epoch = ++epoch;
    SR_RETURN_IF_ERROR(checkpoints.Begin(epoch));
    return checkpoints.Decide(manifest);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: checkpoint_bench DIRECTORY\n");
    return 2;
  }
  const std::string directory = argv[1];
  const TableSnapshot million = MakeTable(1'000'000, 1, true);
  const TableSnapshot change = MakeTable(100'000, 10, false);
  const TableSnapshot small = MakeTable(10'000, 100, false);
  const std::string whole_path = directory + "/whole";
  const std::string change_path = directory + "/change";
  const bool fine =
      Measure("write changes with fdatasync", 10'000, [&] { return WriteAnew(change_path, small); }) &&
      Measure("write changes with fdatasync", 100'000, [&] { return WriteAnew(change_path, change); }) &&
      Measure("write whole with fdatasync", 1'000'000, [&] { return WriteAnew(whole_path, million); }) &&
      Measure("read whole", 1'000'000, [&] { return ReadAll({whole_path}, 1'000'000); }) &&
      Measure("read whole and changes of every tenth", 1'100'000,
              [&] {
                return ReadAll({whole_path, change_path}, 1'000'000);
              }) &&
      Measure("compact them into one", 1'100'000,
              [&] {
                (void)Env::Default()->Remove(directory + "/compact").ok();
                SegmentInfo info;
                return CompactChain(Env::Default(), {whole_path, change_path}, directory + "/compact", &info);
              }) &&
      Decisions(directory);
  return fine ? 0 : 1;
}
