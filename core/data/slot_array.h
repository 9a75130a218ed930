// Plain values by slot number in one block that grows without doubling.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "core/data/state_block.h"

namespace streamrun {

/// An array of trivially copyable values. It grows by a quarter, and large blocks move their pages instead of
/// copying them: a group costs little more than its state, and growth stays cheap. Not thread-safe.
template <typename T>
class SlotArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SlotArray() = default;
  SlotArray(SlotArray&& other) noexcept
      : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
  SlotArray& operator=(SlotArray&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
    return *this;
  }
  SlotArray(const SlotArray&) = delete;
  SlotArray& operator=(const SlotArray&) = delete;

  /// Room for so many elements in all.
  void Reserve(size_t size) {
    if (size > capacity()) block_.Grow(size * sizeof(T));
  }
  /// New elements are `value`.
  void Resize(size_t size, const T& value = T{}) {
    if (size > capacity()) Grow(size);
    if (size > size_) std::uninitialized_fill(data() + size_, data() + size, value);
    size_ = size;
  }
  /// `count` more elements behind the others.
  void Append(const T* values, size_t count) {
    if (size_ + count > capacity()) Grow(size_ + count);
    std::copy_n(values, count, data() + size_);
    size_ += count;
  }

  /// Starts to read `per` elements of each of these slots if they are not in memory (StateSpace::Cold).
  void WillNeed(const uint32_t* slots, int64_t count, size_t per = 1) const {
    block_.WillNeed(slots, count, sizeof(T) * per);
  }
  void WillNeed(size_t first, size_t count) const { block_.WillNeed(first * sizeof(T), count * sizeof(T)); }

  size_t size() const { return size_; }
  T* data() { return reinterpret_cast<T*>(block_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(block_.data()); }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  size_t MemoryBytes() const { return block_.capacity(); }

 private:
  size_t capacity() const { return block_.capacity() / sizeof(T); }
  void Grow(size_t at_least) {
    const size_t wanted = capacity() + capacity() / 4 + 16;
    block_.Grow(std::max(at_least, wanted) * sizeof(T));
  }

  StateBlock block_;
  size_t size_ = 0;
};

}  // namespace streamrun
