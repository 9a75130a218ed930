#include "core/data/state_block.h"

#include <cstdlib>
#include <new>

#include "core/data/state_space.h"

namespace streamrun {

void StateBlock::Grow(size_t capacity) {
  if (placed_ == nullptr && StateSpace::Current() != nullptr) placed_ = StateSpace::Current()->Add(this);
  if (placed_ != nullptr) return placed_->space->Grow(*placed_, capacity);
  GrowInMemory(capacity);
}

// realloc moves the pages of large blocks instead of copying them.
void StateBlock::GrowInMemory(size_t capacity) {
  void* moved = std::realloc(data_, capacity);
  if (moved == nullptr) throw std::bad_alloc();
  data_ = static_cast<char*>(moved);
  capacity_ = capacity;
}

void StateBlock::Free() {
  if (placed_ != nullptr) return placed_->space->Remove(*placed_);
  std::free(data_);
}

void StateBlock::Swap(StateBlock& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(capacity_, other.capacity_);
  std::swap(placed_, other.placed_);
  if (placed_ != nullptr) placed_->owner = this;
  if (other.placed_ != nullptr) other.placed_->owner = &other;
}

}  // namespace streamrun
