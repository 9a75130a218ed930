// Orders to take dead letters in again: immutable files state/replay/<number>.jsonl, numbered in the order in
// which they were given (docs/formats/replay.md).
//
// An order is applied wholly behind one epoch and wholly before the next: a checkpoint says with one number
// which orders its state has in it, and those with greater ones are applied again after a crash.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/data/batch.h"
#include "core/stream/source.h"

namespace streamrun {

/// How a letter enters its node again; the column `entry` of the letter as JSON.
struct ReplayEntry {
  int input = -1;                           // of an operator or sink; -1: a source
  ChangeKind change = ChangeKind::kInsert;  // of a row of a changing stream
  std::optional<std::string> header;        // of the file that a record came from

  std::string Print() const;
  /// kCorruption when it is none.
  static Result<ReplayEntry> Parse(std::string_view json);
  friend bool operator==(const ReplayEntry&, const ReplayEntry&) = default;
};

/// One letter of an order.
struct ReplayLine {
  std::string node;
  std::string token;
  std::string source;  // where it came from at first, empty: unknown
  int64_t offset = -1;
  ReplayEntry entry;
  /// Exactly one of them: the record as it was read, or the row as a JSON object.
  std::optional<std::string> raw;
  std::optional<std::string> row;
};

/// The record of a line as its source gives it to the decoder, alone in a chunk. The line has `raw`.
Chunk ChunkOf(const ReplayLine& line);

/// What stands in the first line of an order.
struct ReplayOrder {
  uint64_t number = 0;
  Timestamp made = 0;  // wall clock
  uint64_t epoch = 0;  // the checkpoint that its letters stand in
  int64_t rows = 0;
  std::vector<std::string> nodes;  // whose letters they are, each once
  /// It will not be applied any more: only nodes and tokens of its letters are left.
  bool settled = false;
};

std::string ReplayDirectory(const std::string& state_directory);
/// Of an order that is to be applied.
std::string ReplayPath(const std::string& state_directory, uint64_t number);

/// Durable under `number` when it returns; kAlreadyExists when there is one with this number.
Status WriteReplayOrder(Env* env, const std::string& state_directory, uint64_t number, uint64_t epoch,
                        const std::vector<ReplayLine>& lines);
/// All that were not dropped, ascending. Reads their first lines only.
Result<std::vector<ReplayOrder>> ListReplayOrders(Env* env, const std::string& state_directory);
/// The number above all that there ever were.
Result<uint64_t> NextReplayNumber(Env* env, const std::string& state_directory);
/// kCorruption when a byte of it is not as it was written.
Status VerifyReplayOrder(Env* env, const std::string& state_directory, uint64_t number);
/// It is not to be applied any more, and its letters are open again. Durable.
Status DropReplayOrder(Env* env, const std::string& state_directory, uint64_t number);

/// Leaves nodes and tokens of an order that every kept checkpoint has in it. Durable.
Status SettleReplayOrder(Env* env, const std::string& state_directory, uint64_t number);
/// Files of orders that were dropped, but for one with the greatest number of all: what follows is numbered
/// behind it.
Status RemoveDroppedOrders(Env* env, const std::string& state_directory);
/// Nobody asks for its letters any more. Durable.
Status RemoveReplayOrder(Env* env, const std::string& state_directory, uint64_t number);

/// Reads an order line by line. Lines of a settled one have neither `raw` nor `row`.
class ReplayReader {
 public:
  static Result<std::unique_ptr<ReplayReader>> Open(Env* env, const std::string& path);
  const ReplayOrder& order() const { return order_; }
  /// Nothing at the end.
  Result<std::optional<ReplayLine>> Next();

 private:
  ReplayReader(std::unique_ptr<ReadableFile> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  Result<std::optional<std::string>> Line();

  std::unique_ptr<ReadableFile> file_;
  const std::string path_;
  std::string buffer_;
  size_t begin_ = 0;  // of what is unread in it
  uint64_t read_ = 0;
  ReplayOrder order_;
};

}  // namespace streamrun
