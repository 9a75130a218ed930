// The dead letters of a pipeline as people see them, whether it runs or not: what each is, and what became of
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/data/batch.h"
#include "core/expr/expression.h"
#include "runner/checkpoint/manifest.h"
#include "runner/exec/replay_order.h"

namespace streamrun {

enum class LetterState : uint8_t {
  kOpen,      // can be replayed
  kWaiting,   // an order to replay it waits
  kReplayed,  // it was taken in again
  kNew,       // behind the last checkpoint: void if the pipeline fails now
  kEarlier,   // of a run before the one that began anew, which read its row again
};
/// "open", "waiting for replay", "replayed", "not in a checkpoint yet", "of an earlier run".
std::string_view LetterStateName(LetterState state);

struct Letter {
  std::string token;
  std::string node, port, code, message;
  std::string source;
  int64_t offset = -1;
  Timestamp event_time = kMinTimestamp;
  std::string revision;
  int64_t epoch = 0;
  std::optional<std::string> raw;    // bytes
  std::optional<std::string> row;    // JSON
  std::optional<std::string> entry;  // JSON; nothing: it cannot enter again as it is
  LetterState state = LetterState::kOpen;
  uint64_t order = 0;  // kWaiting, kReplayed
};

/// DeadLetterSchema and `state text`: what --where is about.
SchemaPtr LetterSchema();

/// --where over LetterSchema; nothing: every letter. An error names the option.
Result<std::optional<Evaluator>> LetterCondition(const std::string& where);

class LetterBox {
 public:
  /// Reads the checkpoint that counts and the orders. kNotFound: there is no such state directory.
  static Result<LetterBox> Open(Env* env, const std::string& state_directory);

  /// Nothing: there is no checkpoint yet.
  const std::optional<Manifest>& checkpoint() const { return checkpoint_; }
  bool checkpoint_committed() const { return committed_; }
  const std::vector<ReplayOrder>& orders() const { return orders_; }
  /// Orders that no checkpoint has in it yet.
  std::vector<ReplayOrder> Waiting() const;

  /// Every letter for which `where` (over LetterSchema, if given) holds, in the order in which its file has
  /// them. Equal tokens are told apart by ".2", ".3" ... behind them: then rows and their places are equal.
  Status Read(std::optional<Evaluator>& where, const std::function<Status(const Letter&)>& take) const;

  struct Cleared {
    int64_t letters = 0;
    int64_t bytes = 0;
    int64_t left = 0;  // letters
  };
  /// Removes the files without a letter that could still be replayed, or every file. Nobody may be running.
  Result<Cleared> Clear(bool every) const;

 private:
  struct File {
    std::string name;
    uint64_t size = 0;
    uint64_t settled = 0;  // bytes that a checkpoint knows
    bool earlier = false;
  };
  LetterBox(Env* env, std::string directory) : env_(env), directory_(std::move(directory)) {}
  Status FindCheckpoint();
  Status FindOrders();
  Result<std::vector<File>> Files() const;
  Status ReadFile(const File& file, std::unordered_map<std::string, int>* seen,
                  std::optional<Evaluator>& where, const std::function<Status(const Letter&)>& take) const;
  Letter LetterOf(const Batch& batch, int64_t row) const;

  Env* env_;
  std::string directory_;
  std::optional<Manifest> checkpoint_;
  bool committed_ = false;
  std::vector<ReplayOrder> orders_;
  std::unordered_map<std::string, uint64_t> ordered_;  // number of the order of a token
};

}  // namespace streamrun
