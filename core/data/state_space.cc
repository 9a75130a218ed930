#include "core/data/state_space.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "core/base/logging.h"
#include "core/base/out_of_memory.h"

namespace streamrun {

namespace {

// A mapping for less is not worth its page table and its share of vm.max_map_count (65530).
constexpr size_t kLeastSpilled = 64 * 1024;
// Of the limit, so that a limit of a few kilobytes can be tried.
constexpr size_t kLeastParts = 64;
// Pages leave memory in pieces of this size.
constexpr size_t kPiece = 1 << 20;

// Pages that were waited for in one event, above which the next ones ask for theirs before.
constexpr uint64_t kManyReads = 64;
constexpr int kAssisted = 100;

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

thread_local StateSpace* StateSpace::current_ = nullptr;

StateSpace::StateSpace(Env* env, Options options)
    : env_(env),
      options_(std::move(options)),
      least_(std::min(kLeastSpilled, std::bit_floor(options_.max_memory / kLeastParts))),
      spilling_(options_.max_memory == 0),
      hand_(blocks_.end()) {
  chunk_ = std::max(least_, ScratchFile::PageSize());
}

StateSpace::~StateSpace() { SR_CHECK(blocks_.empty()); }

PlacedBlock* StateSpace::Add(StateBlock* block) {
  PlacedBlock& placed = blocks_.emplace_back();
  placed.space = this;
  placed.owner = block;
  placed.self = std::prev(blocks_.end());
  return &placed;
}

void StateSpace::Remove(PlacedBlock& block) {
  block.base != nullptr ? Unmap(block) : std::free(block.owner->data_);
  if (hand_ == block.self) {
    ++hand_;
    hand_at_ = 0;
  }
  blocks_.erase(block.self);
}

// --- growing: never fails, but for what the next Fit says

void StateSpace::Grow(PlacedBlock& block, size_t capacity) {
  if (block.base == nullptr) {
    if (!spilling_ || capacity < least_ || !failure_.ok()) return block.owner->GrowInMemory(capacity);
    failure_ = Spill(block, capacity);
    if (!failure_.ok()) block.owner->GrowInMemory(capacity);
    return;
  }
  if (failure_.ok()) failure_ = Extend(block, capacity);
  if (!failure_.ok()) GrowTail(block, capacity);
}

void StateSpace::SpillAll() {
  spilling_ = true;
  for (PlacedBlock& block : blocks_) {
    if (block.base != nullptr || block.owner->capacity_ < least_) continue;
    failure_ = Spill(block, block.owner->capacity_);
    if (!failure_.ok()) return;
  }
}

// Nothing has changed when it fails.
Status StateSpace::Spill(PlacedBlock& block, size_t capacity) {
  if (file_ == nullptr) {
    const bool on_disk = !options_.directory.empty();
    if (!on_disk && options_.max_memory > 0) {
      return Status::InvalidArgument("its state cannot be spilled: there is no directory for it");
    }
    SR_ASSIGN_OR_RETURN(
        file_, on_disk ? ScratchFile::Create(env_, options_.directory) : ScratchFile::CreateInMemory());
    touched_ = ScratchFile::FaultsOfThread().bytes;
    if (file_->in_memory() && options_.max_memory > 0) {
      LogWarning("state is spilled to a file system that is memory itself: max_state does not bound memory",
                 {{"directory", options_.directory}});
    }
  }
  char* const old = block.owner->data_;
  const size_t used = block.owner->capacity_;
  Status grown = Extend(block, capacity);
  // Into the file, not through the mapping: a page fault for each page would cost three times as much.
  for (size_t r = 0, at = 0; grown.ok() && at < used; at += block.runs[r++].length) {
    grown = file_->Write(block.runs[r].offset, old + at, std::min(block.runs[r].length, used - at));
  }
  if (!grown.ok()) {
    if (block.base != nullptr) Unmap(block);
    block.owner->data_ = old;
    block.owner->capacity_ = used;
    return grown;
  }
  std::free(old);
  resident_ += used;
  return Status::Ok();
}

// Takes what the file gives, in as many runs as it gives it.
Status StateSpace::Extend(PlacedBlock& block, size_t capacity) {
  const size_t wanted = RoundUp(capacity, chunk_);
  if (wanted > block.reserved) SR_RETURN_IF_ERROR(Move(block, 2 * wanted));
  while (block.mapped < wanted) {
    SR_ASSIGN_OR_RETURN(const PlacedBlock::Run run, Take(wanted - block.mapped));
    if (Status s = file_->Map(block.base + block.mapped, run.offset, run.length); !s.ok()) {
      GiveBack(run);
      return s;
    }
    const bool joins =
        !block.runs.empty() && block.runs.back().offset + block.runs.back().length == run.offset;
    joins ? void(block.runs.back().length += run.length) : block.runs.push_back(run);
    block.mapped += run.length;
    spilled_ += run.length;
  }
  block.owner->data_ = block.base;
  block.owner->capacity_ = block.mapped;
  return Status::Ok();
}

// To another range of addresses; the pages stay where they are.
Status StateSpace::Move(PlacedBlock& block, size_t reserve) {
  const auto no_addresses = [&] {
    return Status::ResourceExhausted("no addresses are left for " + std::to_string(reserve) +
                                     " bytes of state");
  };
  auto* base = static_cast<char*>(ScratchFile::Reserve(reserve));
  if (base == nullptr) return no_addresses();
  size_t at = 0;
  for (const PlacedBlock::Run& run : block.runs) {
    if (Status s = file_->Map(base + at, run.offset, run.length); !s.ok()) {
      ScratchFile::Release(base, reserve);
      return s;
    }
    at += run.length;
  }
  if (block.base != nullptr) ScratchFile::Release(block.base, block.reserved);
  block.base = base;
  block.reserved = reserve;
  block.owner->data_ = base;
  return Status::Ok();
}

// After a failure, until the batch under way is over: memory behind what the file holds.
void StateSpace::GrowTail(PlacedBlock& block, size_t capacity) {
  const size_t tail = RoundUp(capacity - block.mapped, chunk_);
  const size_t end = block.mapped + tail;
  char* const from = block.base + block.mapped + block.tail;
  if (end > block.reserved || !ScratchFile::MapMemory(from, tail - block.tail)) {
    return BackToMemory(block, capacity);
  }
  block.tail = tail;
  block.owner->data_ = block.base;
  block.owner->capacity_ = end;
}

void StateSpace::BackToMemory(PlacedBlock& block, size_t capacity) {
  auto* memory = static_cast<char*>(std::malloc(capacity));
  if (memory == nullptr) ThrowOutOfMemory();
  std::memcpy(memory, block.owner->data_, block.owner->capacity_);
  Unmap(block);
  block.owner->data_ = memory;
  block.owner->capacity_ = capacity;
}

void StateSpace::Unmap(PlacedBlock& block) {
  ScratchFile::Release(block.base, block.reserved);
  for (const PlacedBlock::Run& run : block.runs) GiveBack(run);
  spilled_ -= block.mapped;
  block.base = nullptr;
  block.reserved = block.mapped = block.tail = 0;
  block.runs.clear();
}

// --- the file

// At most `length` bytes that have their blocks, in as few pieces as can be: of what is free the smallest
// part that is enough, or else the largest one, before the file grows.
Result<PlacedBlock::Run> StateSpace::Take(size_t length) {
  auto best = free_.end();
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    if (best == free_.end() || (best->second < length ? it->second > best->second
                                                      : it->second >= length && it->second < best->second)) {
      best = it;
    }
  }
  const uint64_t offset = best == free_.end() ? end_ : best->first;
  if (best != free_.end()) length = std::min<size_t>(length, best->second);
  if (Status s = file_->Allocate(offset, length); !s.ok()) {
    return Status::ResourceExhausted("its state does not fit on the disk: " + s.message() +
                                     "; free space there, raise max_state, or let state end sooner");
  }
  if (best == free_.end()) {
    end_ += length;
  } else {
    const uint64_t left = best->second - length;
    free_.erase(best);
    if (left > 0) free_.emplace(offset + length, left);
  }
  return PlacedBlock::Run{offset, length};
}

void StateSpace::GiveBack(PlacedBlock::Run run) {
  file_->Free(run.offset, run.length);
  auto next = free_.lower_bound(run.offset);
  uint64_t offset = run.offset;
  uint64_t length = run.length;
  if (next != free_.end() && offset + length == next->first) {
    length += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += length;
      return;
    }
  }
  free_.emplace(offset, length);
}

// --- memory

Status StateSpace::Fit(size_t state_bytes) {
  const auto in_memory = [&] { return state_bytes - std::min(state_bytes, spilled_); };
  if (failure_.ok() && !spilling_ && in_memory() > options_.max_memory) SpillAll();
  SR_RETURN_IF_ERROR(failure_);
  if (options_.max_memory == 0) return Status::Ok();
  const size_t memory = in_memory();
  if (memory > options_.max_memory) {
    return Status::ResourceExhausted(
        "what cannot be spilled of its state (the index of its keys, lists and values without a fixed size) "
        "has "
        "grown to " +
        std::to_string(memory) + " bytes, above the max_state of " + std::to_string(options_.max_memory) +
        "; raise max_state");
  }
  if (spilled_ == 0) return Status::Ok();
  const ScratchFile::Faults faults = ScratchFile::FaultsOfThread();
  FindCold(faults);
  Trim(faults, std::max(options_.max_memory - memory, options_.max_memory / 8));
  return Status::Ok();
}

// Pages that were asked for before are not waited for, so that nothing is seen of them: now and then an event
// goes without, to see whether it is still needed.
void StateSpace::FindCold(const ScratchFile::Faults& faults) {
  const uint64_t reads = faults.reads - reads_;
  reads_ = faults.reads;
  assisted_ = assisted_ > 0 ? assisted_ - 1 : reads > kManyReads ? kAssisted : 0;
}

size_t StateSpace::Resident() const {
  size_t bytes = 0;
  for (const PlacedBlock& block : blocks_) {
    if (block.mapped > 0) bytes += ScratchFile::Resident(block.base, block.mapped);
  }
  return bytes;
}

// In the order of the clock, which needs to know nothing of who touched what: an estimate by accessed bits
// would cost a walk over all page tables, and a hot page comes back by one read.
void StateSpace::Trim(const ScratchFile::Faults& faults, size_t budget) {
  const uint64_t touched = faults.bytes;
  const uint64_t since = touched >= touched_ ? touched - touched_ : budget + 1;  // another thread
  if (resident_ + since <= budget) return;
  resident_ = Resident();
  touched_ = touched;
  if (resident_ <= budget) return;

  struct Piece {
    char* at;
    uint64_t offset;
    size_t length;
  };
  std::vector<Piece> pieces;
  const size_t excess = resident_ - budget * 7 / 8;
  size_t found = 0;
  for (size_t passed = 0; found < excess && passed < spilled_;) {
    if (hand_ == blocks_.end()) hand_ = blocks_.begin();
    if (hand_at_ >= hand_->mapped) {
      ++hand_;
      hand_at_ = 0;
      continue;
    }
    size_t run_at = 0;
    auto run = hand_->runs.begin();
    while (hand_at_ >= run_at + run->length) run_at += run++->length;
    const size_t inside = hand_at_ - run_at;
    const Piece piece{hand_->base + hand_at_, run->offset + inside, std::min(kPiece, run->length - inside)};
    if (const size_t resident = ScratchFile::Resident(piece.at, piece.length); resident > 0) {
      found += resident;
      file_->StartWriting(piece.offset, piece.length);
      pieces.push_back(piece);
    }
    hand_at_ += piece.length;
    passed += piece.length;
  }
  // Some stay: folios that reach beyond a piece, pages that somebody else looks at.
  for (const Piece& piece : pieces) {
    file_->Evict(piece.at, piece.offset, piece.length);
    found -= ScratchFile::Resident(piece.at, piece.length);
  }
  resident_ -= found;
}

}  // namespace streamrun
