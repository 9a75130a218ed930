// The columns of one node's keyed state together: in memory up to a limit, beyond it in a file.
//
// Where the idea comes from: Bitcask (Sheehy and Smith 2010) and FASTER (Chandramouli et al., SIGMOD 2018)
// keep the index in memory and the records on the disk, hot ones cached. Here a record is a slot of some
// columns, the cache is the kernel's page cache, and how much of it may be used is decided here: the kernel
// alone would fill all memory before it wrote anything out.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/scratch_file.h"
#include "core/base/status.h"
#include "core/data/state_block.h"

namespace streamrun {

/// A block of a space; in the file when `base` is not null.
struct PlacedBlock {
  struct Run {
    uint64_t offset;  // in the file
    size_t length;
  };

  StateSpace* space = nullptr;
  StateBlock* owner = nullptr;
  std::list<PlacedBlock>::iterator self;
  char* base = nullptr;  // where the reserved addresses begin
  size_t reserved = 0;
  std::vector<Run> runs;  // mapped one behind the other, from base on
  size_t mapped = 0;      // bytes of the runs
  size_t tail = 0;        // bytes of memory behind them: the file could not grow
};

/// Not thread-safe: a node's data thread makes it current while it calls the node's code, and asks between
/// events whether all still fits.
class StateSpace {
 public:
  struct Options {
    /// Of this node and instance alone, not made yet.
    std::string directory;
    /// Bytes of memory; 0 (tests): everything is in the file, which may be on no disk (no directory), and
    /// nothing is refused.
    size_t max_memory = 0;
  };

  StateSpace(Env* env, Options options);
  /// After all its blocks.
  ~StateSpace();
  StateSpace(const StateSpace&) = delete;
  StateSpace& operator=(const StateSpace&) = delete;

  /// While it lives, blocks that this thread grows for the first time belong to `space` (null: to none).
  class Scope {
   public:
    explicit Scope(StateSpace* space) : before_(current_) { current_ = space; }
    ~Scope() { current_ = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    StateSpace* before_;
  };
  static StateSpace* Current() { return current_; }
  /// The state of the node under way has lately been read from the disk again and again: who knows which
  /// slots it will touch says so before (WillNeed). Else it would only cost calls of the kernel.
  static bool Cold() { return current_ != nullptr && current_->assisted_ > 0; }
  /// Some of the state of the node under way is in the file: who reads many slots in order says so before.
  static bool Spilled() { return current_ != nullptr && current_->spilled_ > 0; }

  /// `state_bytes`: all state of the node, wherever it lies. Moves blocks to the file when memory does not
  /// hold it, and takes their pages out of memory when there are too many. kResourceExhausted when what
  /// cannot be moved is too much, or the disk is full: then the node has to end, its blocks have grown in
  /// memory.
  Status Fit(size_t state_bytes);

  /// Of the state, how much is in the file: whether its pages are in memory or not.
  size_t spilled_bytes() const { return spilled_; }
  /// Of that, the bytes whose pages are in memory now. Asks the kernel about every page.
  size_t Resident() const;

 private:
  friend class StateBlock;

  PlacedBlock* Add(StateBlock* block);
  void Remove(PlacedBlock& block);
  void Grow(PlacedBlock& block, size_t capacity);

  void SpillAll();
  Status Spill(PlacedBlock& block, size_t capacity);
  Status Extend(PlacedBlock& block, size_t capacity);
  Status Move(PlacedBlock& block, size_t reserve);
  void GrowTail(PlacedBlock& block, size_t capacity);
  void BackToMemory(PlacedBlock& block, size_t capacity);
  void Unmap(PlacedBlock& block);

  Result<PlacedBlock::Run> Take(size_t length);
  void GiveBack(PlacedBlock::Run run);

  void Trim(const ScratchFile::Faults& faults, size_t budget);
  void FindCold(const ScratchFile::Faults& faults);

  static thread_local StateSpace* current_;

  Env* env_;
  Options options_;
  size_t chunk_;  // the file is handed out in multiples of it
  size_t least_;  // blocks below this stay in memory
  std::unique_ptr<ScratchFile> file_;
  std::list<PlacedBlock> blocks_;
  bool spilling_ = false;
  Status failure_;  // of growing: said by the next Fit
  size_t spilled_ = 0;

  uint64_t end_ = 0;                   // of the file
  std::map<uint64_t, uint64_t> free_;  // offset -> length, never touching each other

  // How much of the file is in memory: counted now and then, and never more than that and what was touched
  // since.
  size_t resident_ = 0;
  uint64_t touched_ = 0;
  uint64_t reads_ = 0;
  int assisted_ = 0;  // so many more events are cold
  // The hand of the clock: pages behind it were in memory longest.
  std::list<PlacedBlock>::iterator hand_;
  size_t hand_at_ = 0;
};

}  // namespace streamrun
