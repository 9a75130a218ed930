#include "core/data/state_block.h"

#include <algorithm>
#include <cstdlib>

#include "core/base/out_of_memory.h"
#include "core/data/state_space.h"

namespace streamrun {

void StateBlock::Grow(size_t capacity) {
  if (placed_ == nullptr && StateSpace::Current() != nullptr) placed_ = StateSpace::Current()->Add(this);
  if (placed_ != nullptr) return placed_->space->Grow(*placed_, capacity);
  GrowInMemory(capacity);
}

// Neighbours are asked for together: slots mostly come in ascending order where all are read.
void StateBlock::WillNeed(const uint32_t* places, int64_t count, size_t width) const {
  if (placed_ == nullptr || placed_->base == nullptr || count == 0) return;
  const size_t page = ScratchFile::PageSize();
  size_t begin = places[0] * width;
  size_t end = begin + width;
  for (int64_t i = 1; i < count; ++i) {
    const size_t at = places[i] * width;
    if (at < begin || at / page > end / page + 1) {
      WillNeed(begin, end - begin);
      begin = at;
      end = at + width;
    }
    end = std::max(end, at + width);
  }
  WillNeed(begin, end - begin);
}

void StateBlock::WillNeed(size_t begin, size_t length) const {
  if (placed_ == nullptr || placed_->base == nullptr || begin + length > placed_->mapped) return;
  const size_t page = ScratchFile::PageSize();
  const size_t from = begin / page * page;
  const size_t asked = (begin + length - from + page - 1) / page * page;
  ScratchFile::WillNeed(data_ + from, asked);
  placed_->space->resident_ += asked;  // at most: what came was not touched yet
}

// realloc moves the pages of large blocks instead of copying them.
void StateBlock::GrowInMemory(size_t capacity) {
  void* moved = std::realloc(data_, capacity);
  if (moved == nullptr) ThrowOutOfMemory();
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
