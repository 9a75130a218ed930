// A block of bytes that grows: in memory, or in the file of a state space once that has to spill.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace streamrun {

struct PlacedBlock;
class StateSpace;

/// What a column of keyed state lies in. A block that first grows while a StateSpace is current belongs to
/// it, and must go before it; others are plain memory. Not thread-safe.
class StateBlock {
 public:
  StateBlock() = default;
  StateBlock(StateBlock&& other) noexcept { Swap(other); }
  StateBlock& operator=(StateBlock&& other) noexcept {
    Swap(other);
    return *this;
  }
  StateBlock(const StateBlock&) = delete;
  StateBlock& operator=(const StateBlock&) = delete;
  ~StateBlock() {
    if (data_ != nullptr || placed_ != nullptr) Free();
  }

  /// Moves when the block grows and whenever its space takes stock (StateSpace::Fit), which is between
  /// events.
  char* data() const { return data_; }
  size_t capacity() const { return capacity_; }
  /// At least so many bytes from now on, more than there are. Those that are there stay, new ones are not
  /// initialised.
  void Grow(size_t capacity);
  /// Has the file's pages read in which these places (numbers of elements of `width` bytes) lie, without
  /// waiting: the disk then works at many of them at once. Nothing for plain memory.
  void WillNeed(const uint32_t* places, int64_t count, size_t width) const;
  /// The same for some bytes.
  void WillNeed(size_t begin, size_t length) const;

 private:
  friend class StateSpace;
  void GrowInMemory(size_t capacity);
  void Free();
  void Swap(StateBlock& other) noexcept;

  char* data_ = nullptr;
  size_t capacity_ = 0;
  PlacedBlock* placed_ = nullptr;  // null: of no space
};

}  // namespace streamrun
