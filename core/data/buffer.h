// Immutable, shared byte buffers: the memory under columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace streamrun {

class Buffer;
using BufferPtr = std::shared_ptr<const Buffer>;

/// Bytes that never change once shared. Memory comes from an owner (a heap block, a received message) that
/// lives as long as the buffer. Heap buffers are 64-byte aligned and have kPadding zeroed readable bytes
/// behind size(); wrapped ones promise neither.
class Buffer {
 public:
  static constexpr size_t kPadding = 64;

  /// Wraps memory that `owner` keeps alive.
  static BufferPtr Wrap(const void* data, size_t size, std::shared_ptr<const void> owner) {
    return BufferPtr(new Buffer(static_cast<const uint8_t*>(data), size, std::move(owner)));
  }
  static BufferPtr Copy(std::string_view bytes);

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  Buffer(const uint8_t* data, size_t size, std::shared_ptr<const void> owner)
      : data_(data), size_(size), owner_(std::move(owner)) {}

  const uint8_t* data_;
  size_t size_;
  std::shared_ptr<const void> owner_;
};

/// A growing heap buffer that becomes a Buffer without a copy. Not thread-safe.
class BufferBuilder {
 public:
  BufferBuilder() = default;
  BufferBuilder(BufferBuilder&& other) noexcept { *this = std::move(other); }
  BufferBuilder& operator=(BufferBuilder&& other) noexcept;
  ~BufferBuilder();
  BufferBuilder(const BufferBuilder&) = delete;
  BufferBuilder& operator=(const BufferBuilder&) = delete;

  /// Room for `capacity` bytes in all (plus padding), keeping the content.
  void Reserve(size_t capacity) {
    if (capacity > capacity_) Grow(capacity);
  }
  /// Sets the size; bytes beyond the old size are uninitialised.
  void Resize(size_t size) {
    Reserve(size);
    size_ = size;
  }
  /// Sets the size; new bytes are zero.
  void ResizeZeroed(size_t size) {
    Reserve(size);
    if (size > size_) std::memset(data_ + size_, 0, size - size_);
    size_ = size;
  }
  /// Pointer to `extra` writable bytes behind the content; call Advance for what was used.
  uint8_t* Ensure(size_t extra) {
    if (size_ + extra > capacity_) Grow(size_ + extra);
    return data_ + size_;
  }
  void Advance(size_t count) { size_ += count; }
  void Append(const void* bytes, size_t count) {
    if (count == 0) return;
    std::memcpy(Ensure(count), bytes, count);
    size_ += count;
  }
  template <typename T>
  void Push(T value) {
    std::memcpy(Ensure(sizeof(T)), &value, sizeof(T));
    size_ += sizeof(T);
  }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(data_);
  }
  size_t size() const { return size_; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }
  void Clear() { size_ = 0; }

  /// Hands the memory over and leaves this empty. Never null.
  BufferPtr Finish();

 private:
  void Grow(size_t at_least);

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;  // without padding
};

}  // namespace streamrun
