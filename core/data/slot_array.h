// Plain values by slot number in one block of memory that grows without doubling.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace streamrun {

/// An array of trivially copyable values. It grows by a quarter and by realloc, which moves the pages of
/// large blocks instead of copying them: a group costs little more than its state, and growth stays cheap.
/// Not thread-safe.
template <typename T>
class SlotArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SlotArray() = default;
  SlotArray(SlotArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  SlotArray& operator=(SlotArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  SlotArray(const SlotArray&) = delete;
  SlotArray& operator=(const SlotArray&) = delete;
  ~SlotArray() { std::free(data_); }

  /// Room for so many elements in all.
  void Reserve(size_t size) {
    if (size > capacity_) Move(size);
  }
  /// New elements are `value`.
  void Resize(size_t size, const T& value = T{}) {
    if (size > capacity_) Grow(size);
    if (size > size_) std::uninitialized_fill(data_ + size_, data_ + size, value);
    size_ = size;
  }

  size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  size_t MemoryBytes() const { return capacity_ * sizeof(T); }

 private:
  void Grow(size_t at_least) {
    const size_t wanted = capacity_ + capacity_ / 4 + 16;
    Move(at_least > wanted ? at_least : wanted);
  }
  void Move(size_t capacity) {
    void* moved = std::realloc(static_cast<void*>(data_), capacity * sizeof(T));
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<T*>(moved);
    capacity_ = capacity;
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace streamrun
