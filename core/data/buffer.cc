#include "core/data/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace streamrun {

namespace {

constexpr size_t kAlignment = 64;

uint8_t* Allocate(size_t capacity) {
  const size_t bytes = (capacity + Buffer::kPadding + kAlignment - 1) / kAlignment * kAlignment;
  for (;;) {
    if (void* memory = std::aligned_alloc(kAlignment, bytes)) return static_cast<uint8_t*>(memory);
    // As operator new does.
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

}  // namespace

BufferPtr Buffer::Copy(std::string_view bytes) {
  BufferBuilder builder;
  builder.Append(bytes.data(), bytes.size());
  return builder.Finish();
}

BufferBuilder& BufferBuilder::operator=(BufferBuilder&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

BufferBuilder::~BufferBuilder() { std::free(data_); }

void BufferBuilder::Grow(size_t at_least) {
  const size_t capacity = std::max<size_t>({at_least, capacity_ * 2, 256});
  uint8_t* memory = Allocate(capacity);
  if (size_ > 0) std::memcpy(memory, data_, size_);
  std::free(data_);
  data_ = memory;
  capacity_ = capacity;
}

BufferPtr BufferBuilder::Finish() {
  if (data_ == nullptr) Grow(0);
  std::memset(data_ + size_, 0, Buffer::kPadding);
  uint8_t* memory = std::exchange(data_, nullptr);
  const size_t size = std::exchange(size_, 0);
  capacity_ = 0;
  return Buffer::Wrap(memory, size, std::shared_ptr<const void>(memory, [](const void* p) {
                        std::free(const_cast<void*>(p));
                      }));
}

}  // namespace streamrun
