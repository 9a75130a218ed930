// A file without a name that is mapped into memory a piece at a time: where state goes that memory has no
// room for.
//
// The kernel writes cold pages of the mappings out and reads them back; nothing is asked to be durable. Every
// byte that is mapped has its block on the disk already, so a full disk is an error of Allocate and never a
// SIGBUS at some later store. (A disk that cannot be read any more is one: the process ends, as it must.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

/// Offsets, lengths and addresses are multiples of PageSize(). Not thread-safe.
class ScratchFile {
 public:
  static size_t PageSize();
  /// Makes `directory` and in it a file, whose name is gone at once: it ends with the process.
  static Result<std::unique_ptr<ScratchFile>> Create(Env* env, const std::string& directory);
  /// On no disk: for tests of what uses it.
  static Result<std::unique_ptr<ScratchFile>> CreateInMemory();
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::string& directory() const { return directory_; }
  /// It lies on a file system that is memory itself: nothing is saved by using it.
  bool in_memory() const { return in_memory_; }

  /// Gives a part of the file its blocks; their content is unspecified.
  Status Allocate(uint64_t offset, uint64_t length);
  /// Gives the blocks back; pages that were not written yet never are.
  void Free(uint64_t offset, uint64_t length);
  /// Of an allocated part.
  Status Write(uint64_t offset, const void* data, size_t length);
  /// Maps an allocated part at reserved addresses, for access at random.
  Status Map(void* at, uint64_t offset, size_t length);
  /// Has changed pages of a part written, without waiting.
  void StartWriting(uint64_t offset, uint64_t length);
  /// Takes the pages of a part that is mapped at `at` out of memory, after writing what was changed. They
  /// come back when they are touched.
  void Evict(void* at, uint64_t offset, size_t length);

  /// Addresses at which nothing lies; null when there are none left.
  static void* Reserve(size_t length);
  static void Release(void* at, size_t length);
  /// Starts to read pages of a mapping.
  static void WillNeed(void* at, size_t length);
  /// Plain memory at reserved addresses.
  static bool MapMemory(void* at, size_t length);
  /// Pages of a mapping that are in memory, as bytes.
  static size_t Resident(const void* at, size_t length);
  /// Of the calling thread, so far.
  struct Faults {
    uint64_t bytes = 0;  // of pages it has had mapped: no less than what came into memory by being touched
    uint64_t reads = 0;  // pages it waited for
  };
  static Faults FaultsOfThread();

 private:
  ScratchFile(int fd, std::string directory, bool in_memory)
      : fd_(fd), directory_(std::move(directory)), in_memory_(in_memory) {}

  int fd_;
  std::string directory_;
  bool in_memory_;
};

}  // namespace streamrun
